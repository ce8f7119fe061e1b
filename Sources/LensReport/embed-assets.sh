#!/bin/sh
# embed-assets.sh [--check]
# Writes Assets+Generated.swift: the attention page's body, style and script as Swift string literals, with the hashes
# that its content security policy names. Run it after editing anything in Assets. With --check it writes nothing and
# fails where the generated file is not what it would write.
set -eu
cd "$(dirname "$0")"
. ./join-assets.sh

modules="format.js colours.js patterns.js selection.js raster.js keyboard.js
    heads.js effects.js matrix.js text.js reading.js foot.js main.js"

join_assets AttentionAssets "What every attention page carries." \
    Assets/page.html "Assets/base.css Assets/style.css" "$(for name in $modules; do echo "Assets/$name"; done)" \
    Assets+Generated.swift "$@"
