#!/usr/bin/env bash
# tarball.sh PACKAGES: PACKAGES/lensd-VERSION-linux-ARCH.tar.xz, one folder that runs from anywhere.
# Unpacked over /usr/local it is what make install would have put there, units included.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=$1
name=lensd-$(Sources/Packaging/version.sh)-linux-$(uname -m)
stage=$(mktemp -d)
trap 'rm -r "$stage"' EXIT

DESTDIR=$stage/root PREFIX=/usr/local SERVICE=yes SYSCONFDIR=/usr/local/etc \
    Sources/Packaging/install.sh install "$packages/portable"
mv "$stage/root/usr/local" "$stage/$name"
install -D -m 0644 -t "$stage/$name/share/doc/lensd" CHANGELOG.md Sources/Packaging/debian/copyright
# The same bytes for the same commit.
tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -cf - "$name" |
    xz -T0 -2 >"$packages/$name.tar.xz"
echo "$packages/$name.tar.xz"
