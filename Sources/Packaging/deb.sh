#!/usr/bin/env bash
# deb.sh PACKAGES: PACKAGES/lensd_VERSION_ARCH.deb, of the programs in PACKAGES/system.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=$(cd "$1" && pwd)
version=$(Sources/Packaging/version.sh)
stage=$packages/deb/lensd-$version
rm -rf "$packages/deb"
mkdir -p "$stage"
cp -r Sources/Packaging/debian "$stage/debian"
# Whoever builds it may say who he is, as Debian's tools take it.
maintainer="${DEBFULLNAME:-The lensd developers} <${DEBEMAIL:-lensd@localhost.localdomain}>"
sed -i "s/^Maintainer: .*/Maintainer: $maintainer/" "$stage/debian/control"
date=$(git log -1 --format=%cD)
printf 'lensd (%s) unstable; urgency=medium\n\n  * CHANGELOG.md says what changed.\n\n -- %s  %s\n' "$version" \
    "$maintainer" "$date" >"$stage/debian/changelog"
export LENSD_SOURCE=$PWD LENSD_PROGRAMS=$packages/system
(cd "$stage" && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >"$packages/deb/build.log" 2>&1) || {
    tail -30 "$packages/deb/build.log" >&2
    exit 1
}
mv "$packages"/deb/lensd_*.deb "$packages"
(cd "$packages" && echo "$1/$(echo lensd_"$version"_*.deb)")
