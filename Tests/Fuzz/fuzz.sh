#!/usr/bin/env bash
# Fuzzes the readers of checkpoint files: libFuzzer, AddressSanitizer, and Swift's own checks.
#   fuzz.sh build                 builds the fuzzer
#   fuzz.sh slice                 the same short run every time, for CI
#   fuzz.sh long [SECONDS]        new inputs for so long per target (default 300); the corpora are kept
set -euo pipefail
cd "$(dirname "$0")/../.."
OUT=.build/fuzz
FUZZER=$OUT/checkpoint-fuzzer
SHM=/dev/shm/lens-fuzz-$$
trap 'rm -rf "$SHM"' EXIT
mkdir -p "$SHM"
TARGETS="safetensors index pickle pytorch"
FLAGS=(-O -swift-version 6 -package-name lensd -sanitize=fuzzer,address -I "$OUT" -module-cache-path "$OUT/cache")

build() {
    mkdir -p "$OUT"
    local newer
    newer=$(find Sources/LensCore Sources/LensCheckpoint Tests/Fuzz -name '*.s[wh]*' -newer "$FUZZER" 2>/dev/null || echo all)
    [ -n "$newer" ] || return 0
    echo "fuzz: building" >&2
    library() {
        swiftc "${FLAGS[@]}" -parse-as-library -wmo -emit-module -emit-module-path "$OUT/$1.swiftmodule" \
            -module-name "$1" -c -o "$OUT/$1.o" "${@:2}"
    }
    library Crypto Tests/Fuzz/Crypto.swift
    library LensCore $(find Sources/LensCore -name '*.swift')
    library LensCheckpoint $(find Sources/LensCheckpoint -name '*.swift')
    swiftc "${FLAGS[@]}" -parse-as-library -o "$FUZZER" Tests/Fuzz/CheckpointFuzzer.swift \
        "$OUT"/{Crypto,LensCore,LensCheckpoint}.o 2> >(grep -v "Cannot export local symbol" >&2)
}

fuzz() {
    local target=$1 corpus="$OUT/corpus/$1" words=pickle.dict
    shift
    mkdir -p "$corpus" "$OUT/finds"
    python3 Tests/Fuzz/seeds.py "$target" "$OUT/seeds/$target"
    case $target in safetensors | index) words=json.dict ;; esac
    # Swift's runtime keeps what it makes once; leaks are not what is looked for.
    LENS_FUZZ=$target LENS_FUZZ_FOLDER=$SHM ASAN_OPTIONS=detect_leaks=0 \
        "$FUZZER" -max_len=16384 -timeout=5 -rss_limit_mb=2048 -malloc_limit_mb=512 -dict="Tests/Fuzz/$words" \
        -artifact_prefix="$OUT/finds/$target-" "$@" "$corpus" "$OUT/seeds/$target" 2>&1 |
        grep -E "DONE|ERROR|SUMMARY|Fatal|Test unit written|#[0-9]+ 0x" | sed "s/^/$target: /"
}

case ${1:-} in
build) build ;;
slice)
    build
    if LENS_FUZZ_PLANTED=1 fuzz safetensors -runs=1000 >/dev/null; then
        echo "fuzz: a planted trap was not found" >&2
        exit 1
    fi
    rm -f "$OUT"/finds/safetensors-*
    for target in $TARGETS; do
        rm -rf "$OUT/corpus/$target"
        fuzz "$target" -seed=7 -runs=20000
    done
    ;;
long)
    build
    for target in ${FUZZ_TARGETS:-$TARGETS}; do fuzz "$target" -max_total_time="${2:-300}"; done
    ;;
*)
    sed -n '2,5s/^# //p' "$0" >&2
    exit 64
    ;;
esac
