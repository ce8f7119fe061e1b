#!/usr/bin/env bash
# The tarball: run from a folder, by a user who is not root, in a system with nothing but glibc and libstdc++.
set -euo pipefail
cd "$(dirname "$0")"
. ./clean_system.sh
tarball=$(ls "$packages"/lensd-*-linux-*.tar.xz)
system=$(clean_system debian)
trap 'rm -rf "$system"' EXIT
tar -C "$system/usr/local" --strip-components=1 -xJf "$tarball"
check "over /usr/local, the unit names what is there" inside "$system" bash -ec '
    groupadd lensd
    $(sed -n "s/^ExecStart=//p" /usr/local/lib/systemd/system/lensd.service) --check-config
    rm -r /usr/local/bin /usr/local/share'
mkdir -p "$system/home/alice"
tar -C "$system/home/alice" -xJf "$tarball"
check "it runs from a folder" inside "$system" bash -c '
    set -e
    useradd alice; chown -R alice: /home/alice
    mv /home/alice/lensd-*/ "/home/alice/an other place"
    setpriv --reuid alice --regid alice --init-groups env HOME=/home/alice XDG_RUNTIME_DIR=/home/alice bash -ec "
        cd \"/home/alice/an other place\"
        bin/lensctl up
        bin/lensctl run \"Once upon a time\"
        bin/lensctl down"'
