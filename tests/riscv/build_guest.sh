#!/usr/bin/env bash
# tests/riscv/build_guest.sh OUT: the verifier for a bare rv32im, from the sources of the transition function, the portable
# primitives and the freestanding base. Does nothing when OUT is newer than everything it is made of.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$1
cc=${RISCV_CC:-riscv64-unknown-elf-gcc}

mapfile -t base < <(sed "s|^|$root/node/base/|" "$root/node/base/freestanding.txt")
mapfile -t crypto < <(sed "s|^|$root/node/crypto/|" "$root/node/crypto/freestanding.txt")
sources=("$root"/tests/riscv/guest/*.c "$root"/node/stf/*.c "${base[@]}" "${crypto[@]}")
if [ -e "$out" ] && [ -z "$(find "$root"/tests/riscv "$root"/node/{stf,base,crypto} -newer "$out" -type f -print -quit)" ]; then
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-march=rv32im -mabi=ilp32 -ffreestanding -std=gnu17 -O2 -fno-tree-loop-distribute-patterns
    -ffunction-sections -fdata-sections "-I$root")
objects=()
for src in "${sources[@]}"; do
    object=$work/$(echo "${src#"$root"/}" | tr / _).o
    "$cc" "${flags[@]}" -c "$src" -o "$object"
    objects+=("$object")
done
"$cc" -march=rv32im -mabi=ilp32 -nostdlib -static -Wl,--no-relax -Wl,--gc-sections "-Wl,-T,$root/tests/riscv/guest/link.ld" \
    "${objects[@]}" -lgcc -o "$work/guest.elf"
mv "$work/guest.elf" "$out"
