#!/usr/bin/env bash
# The wheel: pip install and nothing else, in a system without OpenBLAS, SQLite's headers or a toolchain.
set -euo pipefail
cd "$(dirname "$0")"
. ./clean_system.sh
wheel=$(ls "$packages"/lensd-*-manylinux*.whl)
system=$(clean_system python python3 python3-venv)
trap 'rm -rf "$system"' EXIT
mkdir "$system/root/wheels"
cp "$wheel" "$system/root/wheels/"
"$packages/wheel-tools/bin/pip" download --quiet --disable-pip-version-check --dest "$system/root/wheels" \
    --only-binary :all: --implementation cp --python-version 3.11 --platform "manylinux_2_28_$(uname -m)" \
    --platform "manylinux_2_17_$(uname -m)" --platform "manylinux2014_$(uname -m)" 'numpy>=1.24' 'protobuf>=4.21'
inside "$system" sh -c 'useradd -m alice; python3 -m venv /opt/lens'
check "it installs, and lensctl and Python answer" inside "$system" bash -ec '
    now() { date +%s%N; }
    start=$(now)
    /opt/lens/bin/pip install --quiet --no-index --find-links /root/wheels lensd
    installed=$(now)
    as() { setpriv --reuid alice --regid alice --init-groups env HOME=/home/alice XDG_RUNTIME_DIR=/home/alice "$@"; }
    as /opt/lens/bin/lensctl up
    as /opt/lens/bin/lensctl run "Once upon a time" --json | grep -q "\"loss\""
    answered=$(now)
    as /opt/lens/bin/python -c "
import lensd
from lensd.binaries import find
assert str(find(\"lensd\")) == \"/opt/lens/bin/lensd\", find(\"lensd\")
model = lensd.connect().model()
assert model(\"Once upon a time\", return_type=\"loss\") < 1"
    as /opt/lens/bin/python -m lensd down
    echo "pip install with numpy and protobuf: $(((installed - start) / 1000000)) ms, from there to the first answer: $(((answered - installed) / 1000000)) ms" >/root/times'
echo "  $(cat "$system/root/times")"
check "it uninstalls" inside "$system" sh -ec '
    /opt/lens/bin/pip uninstall --quiet --yes lensd
    [ ! -e /opt/lens/bin/lensd ] && [ ! -e /opt/lens/share/lensd/models/tinytales-1l/config.json ]'
