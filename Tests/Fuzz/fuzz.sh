#!/usr/bin/env bash
# Fuzzes the readers of checkpoint files and the wire's decoder: libFuzzer, AddressSanitizer, for generated C also
# UndefinedBehaviorSanitizer, and Swift's own checks.
#   fuzz.sh build                 builds the fuzzers
#   fuzz.sh slice                 the same short run every time, for CI
#   fuzz.sh long [SECONDS [FLAG...]]
#                                 new inputs for so long per target (default 300); the corpora are kept
#   fuzz.sh planted               finds a trap that was planted, and fails
#   fuzz.sh coverage              how much of the wire's decoder the kept corpus runs through
# PROTOBUF_C=FILE instruments that libprotobuf-c source, too. FUZZ_TARGETS chooses targets of long.
set -euo pipefail
cd "$(dirname "$0")/../.."
OUT=.build/fuzz
SHM=/dev/shm/lens-fuzz-$$
trap 'rm -rf "$SHM"' EXIT
mkdir -p "$SHM"
# With libprotobuf-c built in, the wire's fuzzer is another program.
WIRE=$OUT${PROTOBUF_C:+/protobuf-c}
TARGETS="safetensors index pickle pytorch wire"
SANITIZE=(-O -sanitize=fuzzer,address)
SANITIZE_C=(-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)

is_old() {  # PROGRAM FOLDER...: it is older than what it is made from
    [ ! -e "$1" ] || [ -n "$(find "${@:2}" -name '*.[sch]*' -newer "$1" -print -quit)" ]
}

module() {  # FOLDER NAME SOURCE...
    swiftc "${SANITIZE[@]}" "${IMPORTS[@]}" -parse-as-library -wmo -emit-module -emit-module-path "$1/$2.swiftmodule" \
        -module-name "$2" -c -o "$1/$2.o" "${@:3}"
}

program() {  # FOLDER NAME SOURCE-OR-OBJECT...
    swiftc "${SANITIZE[@]}" "${IMPORTS[@]}" -parse-as-library -o "$1/$2" "${@:3}" \
        2> >(grep -v "Cannot export local symbol" >&2)
}

build_core() {  # FOLDER
    ! is_old "$1/LensCore.o" Sources/LensCore || module "$1" LensCore $(find Sources/LensCore -name '*.swift')
}

build_checkpoint_fuzzer() {
    is_old "$OUT/checkpoint-fuzzer" Sources/LensCore Sources/LensCheckpoint Tests/Fuzz || return 0
    echo "fuzz: building for checkpoints" >&2
    local system=Sources/CLensSystem
    mkdir -p "$OUT/system"
    echo "module CLensSystem { header \"$PWD/$system/include/CLensSystem.h\" export * }" >"$OUT/system/module.modulemap"
    clang -O -I "$system/include" -c -o "$OUT/CLensSystem.o" "$system/CLensSystem.c"
    IMPORTS=(-swift-version 6 -package-name lensd -I "$OUT" -I "$OUT/system" -module-cache-path "$OUT/cache")
    module "$OUT" Crypto Tests/Fuzz/Crypto.swift
    build_core "$OUT"
    module "$OUT" LensCheckpoint $(find Sources/LensCheckpoint -name '*.swift')
    program "$OUT" checkpoint-fuzzer Tests/Fuzz/CheckpointFuzzer.swift \
        "$OUT"/{CLensSystem,Crypto,LensCore,LensCheckpoint}.o
}

build_wire_fuzzer() {  # FOLDER
    is_old "$1/wire-fuzzer" Sources/LensCore Sources/LensWire Sources/CLensMessages Tests/Fuzz || return 0
    echo "fuzz: building for the wire" >&2
    mkdir -p "$1"
    local messages=Sources/CLensMessages/include protobuf=-lprotobuf-c source
    IMPORTS=(-swift-version 6 -package-name lensd -I "$1" -module-cache-path "$1/cache"
        -I "$messages" -Xcc "-I$messages" -I Sources/CProtobufC)
    rm -f "$1"/*.c.o
    for source in Sources/CLensMessages/*.c ${PROTOBUF_C:-}; do
        clang "${SANITIZE_C[@]}" -I "$messages" -c -o "$1/${source##*/}.o" "$source"
    done
    [ -z "${PROTOBUF_C:-}" ] || protobuf=
    module "$1" NIOCore Tests/Fuzz/NIOCore.swift
    build_core "$1"
    module "$1" LensWire Sources/LensWire/{Coding,Methods}/*.swift \
        Sources/LensWire/Framing/{Coding+Frames,Frame,FrameDecoder,WireProtocol}.swift
    python3 Tests/Fuzz/wire_targets.py swift "$1/WireTargets.swift"
    program "$1" wire-fuzzer Tests/Fuzz/WireFuzzer.swift "$1/WireTargets.swift" \
        "$1"/{NIOCore,LensCore,LensWire}.o "$1"/*.c.o $protobuf
}

build() {
    mkdir -p "$OUT"
    build_checkpoint_fuzzer
    build_wire_fuzzer "$WIRE"
}

fuzz() {
    local target=$1 corpus="$OUT/corpus/$1" fuzzer=checkpoint-fuzzer words=pickle.dict malloc=512
    shift
    mkdir -p "$corpus" "$OUT/finds"
    case $target in
    # What one frame may cost: 24 bytes for each of its own as C structs, and the values made of them.
    wire) fuzzer=.${WIRE#"$OUT"}/wire-fuzzer words=wire.dict malloc=16 ;;
    safetensors | index) words=json.dict ;;
    esac
    case $target in
    wire) python3 Tests/Fuzz/wire_targets.py seeds "$OUT/seeds/$target" ;;
    *) python3 Tests/Fuzz/seeds.py "$target" "$OUT/seeds/$target" ;;
    esac
    # Swift's runtime keeps what it makes once; leaks are not what is looked for. Its backtraces wait for one another.
    SWIFT_BACKTRACE=enable=no LENS_FUZZ=$target LENS_FUZZ_FOLDER=$SHM ASAN_OPTIONS=detect_leaks=0 \
        "$OUT/$fuzzer" -max_len=16384 -timeout=5 -rss_limit_mb=2048 -malloc_limit_mb=$malloc -dict="Tests/Fuzz/$words" \
        -artifact_prefix="$OUT/finds/$target-" "$@" "$corpus" "$OUT/seeds/$target" 2>&1 |
        grep -E "DONE|ERROR|SUMMARY|Fatal|Test unit written|#[0-9]+ 0x" | sed "s/^/$target: /"
}

plant() {  # TARGET: fails as it should
    local status=0
    LENS_FUZZ_PLANTED=1 fuzz "$1" -runs=1000 || status=$?
    rm -f "$OUT/finds/$1"-*
    return $status
}

case ${1:-} in
build) build ;;
slice)
    build
    for target in safetensors wire; do
        if plant "$target"; then
            echo "fuzz: a planted trap was not found" >&2
            exit 1
        fi
    done
    for target in $TARGETS; do
        rm -rf "$OUT/corpus/$target"
        fuzz "$target" -seed=7 -runs=20000
    done
    ;;
planted)
    build
    plant "${FUZZ_TARGETS:-wire}"
    ;;
long)
    build
    for target in ${FUZZ_TARGETS:-$TARGETS}; do
        fuzz "$target" -max_total_time="${2:-300}" "${@:3}"
    done
    ;;
coverage)
    SANITIZE=(-Onone -sanitize=fuzzer -profile-generate -profile-coverage-mapping)
    SANITIZE_C=(-O1 -g)
    build_wire_fuzzer "$OUT/coverage"
    python3 Tests/Fuzz/wire_targets.py seeds "$OUT/seeds/wire"
    mkdir -p "$OUT/corpus/wire"
    LLVM_PROFILE_FILE="$OUT/coverage/profile" \
        "$OUT/coverage/wire-fuzzer" -runs=0 "$OUT/corpus/wire" "$OUT/seeds/wire" 2>&1 | grep -E "ERROR|DONE" >&2
    # The toolchain's own: others do not read its profiles.
    tools=$(dirname "$(readlink -f "$(command -v swiftc)")")
    "$tools/llvm-profdata" merge -o "$OUT/coverage/merged" "$OUT/coverage/profile"
    "$tools/llvm-cov" report "$OUT/coverage/wire-fuzzer" -instr-profile="$OUT/coverage/merged" "${@:2}" \
        Sources/LensWire
    ;;
*)
    sed -n '2,11s/^# //p' "$0" >&2
    exit 64
    ;;
esac
