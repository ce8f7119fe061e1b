#!/bin/sh
# Makes the virtual environment that tests and lint run in: python.sh FOLDER
set -eu

folder=$1
root=$(cd "$(dirname "$0")/.." && pwd)
stamp=$folder/lensd-requirements
wanted=$(cat "$root/.ci/requirements.txt" "$root/Clients/python/pyproject.toml" | cksum)
[ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && exit 0

echo "Making the Python environment $folder"
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$root/.ci/requirements.txt" -e "$root/Clients/python[test]"
echo "$wanted" >"$stamp"
