#!/usr/bin/env bash
# link.sh system|portable OUT: links lensd and lensctl into OUT, once more, from the objects that the release build made.
#   system     Swift's libraries inside, so that no toolchain is needed; Debian's (OpenBLAS, SQLite, protobuf-c) outside
#   portable   these inside too: glibc 2.35 and libstdc++ are enough (its archive would want glibc 2.36)
# A second build with --static-swift-stdlib would compile everything again to make what the tests did not run.
set -euo pipefail
cd "$(dirname "$0")/../.."
kind=$1 out=$2
build=$(cd .build/release && pwd -P)

# The objects say themselves that they want -lopenblas and the others: the first folder that has one decides.
archives=$(mktemp -d)
trap 'rm -r "$archives"' EXIT
if [ "$kind" = portable ]; then
    for name in libopenblas libgfortran libquadmath libprotobuf-c libsqlite3; do
        archive=$(gcc -print-file-name=$name.a)
        [ -e "$archive" ] || { echo "link.sh: no $name.a; its Debian -dev package has it" >&2; exit 69; }
        ln -s "$(realpath "$archive")" "$archives/$name.a"
    done
fi
# What the objects name by themselves fits Swift's shared libraries; the static ones lean on more.
libraries=(-lFoundation -lFoundationInternationalization -lFoundationEssentials -lCoreFoundation -l_FoundationICU
    -l_FoundationCShims -l_FoundationCollections -lprotobuf-c -lsqlite3 -lopenblas -lstdc++ -lm)
# OpenBLAS's LAPACK is written in Fortran.
[ "$kind" = system ] || libraries+=(-lgfortran -lquadmath)

mkdir -p "$out"
for program in lensd lensctl; do
    if [ "$out/$program" -nt "$build/$program" ] && [ "$out/$program" -nt "$0" ]; then continue; fi
    swiftc -static-stdlib -emit-executable -module-name "$program" -o "$out/$program.new" -L "$archives" \
        "@$build/$program.product/Objects.LinkFileList" \
        -Xlinker --as-needed -Xlinker --start-group "${libraries[@]}" -Xlinker --end-group -Xclang-linker -static-libgcc \
        -Xlinker --gc-sections -Xlinker --no-export-dynamic -Xlinker --strip-all \
        -Xlinker --defsym -Xlinker "main=${program}_main" 2> >(grep -v "mktemp' is dangerous" >&2)
    mv "$out/$program.new" "$out/$program"
done
