#!/usr/bin/env bash
# Prints the version, which is said once in Swift and once in Python; they must agree.
set -euo pipefail
cd "$(dirname "$0")/../.."
swift=$(sed -nE 's/^public let lensdVersion = "(.*)"$/\1/p' Sources/LensCore/Requests/DaemonStatus.swift)
python=$(sed -nE 's/^__version__ = "(.*)"$/\1/p' Clients/python/src/lensd/_version.py)
if [ -z "$swift" ] || [ "$swift" != "$python" ]; then
    echo "version.sh: lensdVersion is '$swift', Python's __version__ is '$python'; they must agree" >&2
    exit 1
fi
echo "$swift"
