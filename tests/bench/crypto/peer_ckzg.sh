#!/usr/bin/env bash
# tests/bench/crypto/peer_ckzg.sh FOLDER: builds and runs peer_ckzg.c with FOLDER, an unpacked npm package c-kzg (4.1.0). Nothing of it
# is kept outside build/.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
from=$(cd "$1" && pwd)
work=$top/build/bench/ckzg
mkdir -p "$work"
if [ ! -e "$work/libblst.a" ]; then
    (cd "$work" && CC=gcc "$from/deps/blst/build.sh" >/dev/null)
fi
gcc -O2 -I"$from/deps/c-kzg" -I"$from/deps/blst/bindings" -o "$work/peer_ckzg" "$top/tests/bench/crypto/peer_ckzg.c" \
    "$from/deps/c-kzg/ckzg.c" "$work/libblst.a"
exec "$work/peer_ckzg" "$from/deps/c-kzg/trusted_setup.txt"
