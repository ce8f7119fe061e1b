#!/usr/bin/env bash
# The units as systemd reads them: no warnings, and an exposure of at most 2.0.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v systemd-analyze >/dev/null || { echo "  no systemd-analyze here: not checked"; exit 0; }
units=$(mktemp -d)
trap 'rm -r "$units"' EXIT
# That programs are there is none of the units' business here.
sed 's|/usr/bin/lensd|/bin/true|' Sources/Packaging/systemd/lensd.service >"$units/lensd.service"
cp Sources/Packaging/systemd/lensd.socket "$units/"
answer=$(systemd-analyze verify --man=no "$units/lensd.service" "$units/lensd.socket" 2>&1) || true
[ -z "$answer" ] || { printf 'FAILED: systemd-analyze verify\n%s\n' "$answer" >&2; exit 1; }
systemd-analyze security --offline=true --threshold=20 "$units/lensd.service" >"$units/security" ||
    { cat "$units/security" >&2; exit 1; }
echo "  ok: $(tail -1 "$units/security" | sed 's/[^A-Za-z]*\(.*[A-Z]\).*/\1/')"
