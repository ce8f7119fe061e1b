#!/bin/sh
# Installs the Debian packages that a step needs and this machine lacks: packages.sh PACKAGE...
# Says what it does; uses sudo when it is not root; with LENS_OPTIONAL=1 it goes on without what it cannot install.
set -eu

missing=
for package in "$@"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

give_up() {
    echo "packages.sh: $1" >&2
    echo "packages.sh: please install:$missing" >&2
    [ "${LENS_OPTIONAL:-}" = 1 ] && exit 0
    exit 69
}

command -v apt-get >/dev/null || give_up "these Debian packages are needed, but there is no apt-get here"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || give_up "installing needs root, and there is no sudo here"
    as_root=sudo
fi
echo "Installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of words
{
    $as_root apt-get update -qq &&
        $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
} || give_up "apt-get could not install them"
