#!/usr/bin/env bash
# install.sh install|uninstall PROGRAMS: lensd under $DESTDIR$PREFIX, by one list of files.
#   PROGRAMS     the folder that link.sh made
#   SERVICE      not empty: also what systemd needs
#   SYSCONFDIR   where the configuration is; one that is there already is kept
set -euo pipefail
cd "$(dirname "$0")/../.."
action=$1 programs=$2
: "${PREFIX:?}" "${DESTDIR=}" "${SERVICE=}" "${SYSCONFDIR:=/etc}"
model=share/lensd/models/tinytales-1l
zsh=site-functions
[ "$PREFIX" = /usr ] && zsh=vendor-completions  # what Debian keeps for packages
built=$(mktemp -d)
trap 'rm -r "$built"' EXIT

# Prints one file a line: its mode, where it is, where it goes.
files() {
    echo "0755 $programs/lensd $PREFIX/bin/lensd"
    echo "0755 $programs/lensctl $PREFIX/bin/lensctl"
    for file in Models/tinytales-1l/*; do echo "0644 $file $PREFIX/$model/${file##*/}"; done
    for program in lensd lensctl; do
        echo "0644 $built/$program.bash $PREFIX/share/bash-completion/completions/$program"
        echo "0644 $built/$program.zsh $PREFIX/share/zsh/$zsh/_$program"
        echo "0644 $built/$program.fish $PREFIX/share/fish/vendor_completions.d/$program.fish"
        echo "0644 $built/$program.1 $PREFIX/share/man/man1/$program.1"
    done
    # What is linked into the programs, with its licences.
    for text in "$built"/licences/*; do echo "0644 $text $PREFIX/share/doc/lensd/licences/${text##*/}"; done
    [ -n "$SERVICE" ] || return 0
    echo "0644 $built/lensd.service $PREFIX/lib/systemd/system/lensd.service"
    echo "0644 Sources/Packaging/systemd/lensd.socket $PREFIX/lib/systemd/system/lensd.socket"
    echo "0644 Sources/Packaging/systemd/lensd.sysusers $PREFIX/lib/sysusers.d/lensd.conf"
    echo "0644 Sources/Packaging/systemd/lensd.tmpfiles $PREFIX/lib/tmpfiles.d/lensd.conf"
    echo "0644 Sources/Packaging/lensd.toml $SYSCONFDIR/lensd/lensd.toml"
}

# Makes what is derived: completions, manual pages, the unit with this installation's paths.
build() {
    for program in lensd lensctl; do
        for shell in bash zsh fish; do
            "$programs/$program" --generate-completion-script $shell | sed '1{/^#!/d}' >"$built/$program.$shell"
        done
        "$programs/$program" --experimental-dump-help |
            Sources/Packaging/manual.py "$(Sources/Packaging/version.sh)" >"$built/$program.1"
    done
    mkdir "$built/licences"
    for text in .build/checkouts/*/{LICENSE,NOTICE}*; do
        name=${text#.build/checkouts/}
        [ ! -e "$text" ] || cp "$text" "$built/licences/${name/\//-}"
    done
    cp LICENSE "$built/licences/lensd"
    cp "$(dirname "$(command -v swiftc)")/../share/swift/LICENSE.txt" "$built/licences/swift-LICENSE.txt"
    for library in libopenblas-dev libprotobuf-c-dev libsqlite3-dev libgcc-12-dev libgfortran-12-dev; do
        [ ! -e "/usr/share/doc/$library/copyright" ] || cp "/usr/share/doc/$library/copyright" "$built/licences/$library"
    done
    sed "s|/usr/bin/lensd|$PREFIX/bin/lensd|g; s|/etc/lensd|$SYSCONFDIR/lensd|g" \
        Sources/Packaging/systemd/lensd.service >"$built/lensd.service"
}

case $action in
install)
    build
    files | while read -r mode from to; do
        [ "$to" = "$SYSCONFDIR/lensd/lensd.toml" ] && [ -e "$DESTDIR$to" ] && continue
        install -D -m "$mode" "$from" "$DESTDIR$to"
    done
    ;;
uninstall)
    files | while read -r _ _ to; do
        case $to in "$SYSCONFDIR"/*) continue ;; esac
        rm -f "$DESTDIR$to"
    done
    rm -rf "$DESTDIR$PREFIX/share/doc/lensd/licences"
    for folder in "$model" share/doc/lensd; do
        (cd "$DESTDIR$PREFIX" && rmdir -p --ignore-fail-on-non-empty "$folder" 2>/dev/null) || true
    done
    ;;
esac
