#!/usr/bin/env bash
# packages.sh PACKAGES [TEST...]: installs, uses and removes what make deb, wheel and tarball made, in clean systems.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=$(cd "$1" && pwd)
shift
export packages
[ "$(id -u)" = 0 ] || { echo "packages.sh: clean systems need root" >&2; exit 69; }
.ci/packages.sh debootstrap
for test in "${@:-units install deb tarball wheel boot}"; do
    for name in $test; do
        echo "$name"
        "Tests/Packaging/$name.sh"
    done
done
