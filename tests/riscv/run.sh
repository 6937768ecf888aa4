#!/usr/bin/env bash
# tests/riscv/run.sh BUILD_FOLDER MACHINE: the recorded witnesses through the RISC-V program, on MACHINE (qemu, or our own strict
# rv32im, which counts instructions), against the verifier of this machine. Exit code 77: a tool is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1
machine=$2
for tool in "${RISCV_CC:-riscv64-unknown-elf-gcc}" $([ "$machine" = qemu ] && echo qemu-riscv32); do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "SKIP: the verifier on RISC-V ($tool is not installed)"
        exit 77
    fi
done
# two tests may come at once
exec 9>"$build/guest.lock"
flock 9
tests/riscv/build_guest.sh "$build/guest.elf"
flock -u 9

run() {
    if [ "$machine" = qemu ]; then
        qemu-riscv32 "$build/guest.elf"
    else
        "$build/rv32im" "$build/guest.elf"
    fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declare -A count
for name in transfer contracts transfers; do
    witness=tests/fuzz/corpora/witness/$name
    "$build/verify_host" <"$witness" >"$work/host"
    run <"$witness" >"$work/guest" 2>"$work/log"
    if ! cmp "$work/host" "$work/guest"; then
        cat "$work/host" "$work/guest" "$work/log"
        echo "FAIL: $name: the machines do not agree"
        exit 1
    fi
    grep -q '^public input 0x[0-9a-f]\{64\}$' "$work/guest"
    count[$name]=$(awk '{ print $1 }' "$work/log")
    echo "$name: $(stat -c %s "$witness") bytes, $(tail -n 1 "$work/guest"), ${count[$name]:-uncounted} instructions"
done
# half of one: refused there as here
size=$(stat -c %s tests/fuzz/corpora/witness/transfer)
head -c $((size / 2)) tests/fuzz/corpora/witness/transfer >"$work/cut"
if run <"$work/cut" >"$work/guest" 2>/dev/null; then
    echo "FAIL: half a witness is accepted"
    exit 1
fi
grep -q '^rejected: ' "$work/guest"
if [ -n "${count[transfers]}" ]; then
    echo "per transfer: $(((count[transfers] - count[transfer]) / 49)) instructions, senders recovered"
fi
