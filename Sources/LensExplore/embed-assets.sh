#!/bin/sh
# embed-assets.sh [--check | --to FOLDER]
# Writes ExploreAssets+Generated.swift: the live page's body, style and script as Swift string literals, with the hashes
# that its content security policy names. Run it after editing anything in Assets or in LensReport's Assets. With --check
# it writes nothing and fails where the generated file is not what it would write; with --to it writes the three as files.
set -eu
cd "$(dirname "$0")"
. ../LensReport/join-assets.sh

shared="format.js colours.js patterns.js selection.js raster.js keyboard.js matrix.js text.js reading.js"
own="api.js question.js arrays.js visible.js view.js cells.js measures.js theme.js notices.js looking.js prompt.js
    attribution.js edits.js multiples.js lines.js next.js tint.js stage.js sweep.js panel.js why.js lens.js parts.js
    neurons.js compare.js shortcuts.js main.js"

join_assets ExploreAssets "What the live page carries." \
    Assets/page.html "../LensReport/Assets/base.css Assets/style.css Assets/panels.css" \
    "$(for name in $shared; do echo "../LensReport/Assets/$name"; done; for name in $own; do echo "Assets/$name"; done)" \
    ExploreAssets+Generated.swift "$@"
