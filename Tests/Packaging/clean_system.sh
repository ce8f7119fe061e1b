# Sourced: Debian systems without anything of ours, each in a folder that is thrown away. Needs root and Debian's mirror.

# clean_system NAME PACKAGE... prints the folder of a new minimal system with these packages; it is kept for next time.
clean_system() {
    local name=$1 archive=$packages/systems/$1.tar folder
    shift
    mkdir -p "$packages/systems"
    if [ ! -e "$archive" ]; then
        if [ $# = 0 ]; then
            folder=$(mktemp -d "$packages/systems/$name.XXXXXX")
            debootstrap --variant=minbase bookworm "$folder" >"$archive.log" 2>&1 ||
                { tail -5 "$archive.log" >&2; return 1; }
            # Nothing is started when a package is installed; a booted system has its own ideas.
            printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
            chmod 0755 "$folder" "$folder/usr/sbin/policy-rc.d"
        else
            folder=$(clean_system debian)
            inside "$folder" sh -c 'apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@"' sh "$@" \
                >"$archive.log" 2>&1 || { tail -5 "$archive.log" >&2; return 1; }
        fi
        tar -C "$folder" -cf "$archive" .
        rm -rf "$folder"
    fi
    folder=$(mktemp -d "$packages/systems/$name.XXXXXX")
    tar -C "$folder" -xf "$archive"
    cp /etc/resolv.conf "$folder/etc/resolv.conf"
    echo "$folder"
}

# inside FOLDER COMMAND...: in processes of their own, which end with the command.
inside() {
    local folder=$1
    shift
    unshare --mount --pid --fork --kill-child bash -c '
        mount -t proc proc "$0/proc"; mount -t tmpfs tmpfs "$0/dev/shm" 2>/dev/null || true
        for device in null zero urandom random tty; do
            [ -e "$0/dev/$device" ] || { touch "$0/dev/$device"; mount --bind "/dev/$device" "$0/dev/$device"; }
        done
        exec chroot "$0" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"' "$folder" "$@"
}

# check WHAT COMMAND...: one line, and the end where it is not so.
check() {
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "  ok: $what"
    else
        printf 'FAILED: %s\n%s\n' "$what" "$output" >&2
        exit 1
    fi
}
