#!/usr/bin/env bash
# make install and uninstall into an empty folder: twice is as once, the configuration is kept, nothing else is left.
set -euo pipefail
cd "$(dirname "$0")/../.."
. Tests/Packaging/clean_system.sh
DESTDIR=$(mktemp -d)
trap 'rm -rf "$DESTDIR" "$DESTDIR".*' EXIT
export DESTDIR PREFIX=/usr/local SERVICE=yes SYSCONFDIR=/etc
list() { (cd "$DESTDIR" && find . -type f -exec sha256sum {} + | sort -k 2); }

check "it installs" Sources/Packaging/install.sh install "$packages/system"
list >"$DESTDIR.once"
check "the unit has this installation's paths" grep -q '^ExecStart=/usr/local/bin/lensd --config /etc/lensd' \
    "$DESTDIR/usr/local/lib/systemd/system/lensd.service"
check "the programs need no toolchain" bash -c "! ldd $DESTDIR/usr/local/bin/lensd | grep -iE 'swift|not found'"
check "the embedded model is found" env LENSD_STATE=/nonexistent LENSD_SOCKET=/nonexistent \
    "$DESTDIR/usr/local/bin/lensd" --check-config
echo '# mine' >>"$DESTDIR/etc/lensd/lensd.toml"
list >"$DESTDIR.mine"
check "it installs again" Sources/Packaging/install.sh install "$packages/system"
list >"$DESTDIR.twice"
check "twice is as once, and a changed configuration stays" diff "$DESTDIR.mine" "$DESTDIR.twice"
check "it uninstalls" Sources/Packaging/install.sh uninstall "$packages/system"
check "the configuration is what stays" test "$(cd "$DESTDIR" && find . -type f)" = ./etc/lensd/lensd.toml
