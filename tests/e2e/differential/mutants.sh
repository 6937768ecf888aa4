#!/usr/bin/env bash
# Shows that the differential fuzzer sees a wrong interpreter: builds the state test runner from a copy of the tree with one
# thing altered at a time, and wants a difference each time. The last line is `N passed, M failed`.
set -euo pipefail
# shellcheck source=ops/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../ops/lib.sh"

# file ~ what is there ~ what is put in its place
mutants=(
    'node/stf/opcodes.def~OP(0x20, KECCAK256,      KECCAK256,      30,~OP(0x20, KECCAK256,      KECCAK256,      31,'
    'node/stf/evm_ops.c~GAS_CALL_STIPEND 2300u~GAS_CALL_STIPEND 2299u'
    'node/stf/evm_ops.c~f->res.gas - f->res.gas / 64~f->res.gas - f->res.gas / 63'
    'node/stf/bootloader_checks.c~25000 - 12500~25000 - 12000'
    'node/stf/evm.c~code.p[0] == 0xef~code.p[0] == 0xee'
    'node/stf/frame.c~hop > 0 || !is_delegated~hop > 1 || !is_delegated'
    'node/stf/journal_account.c~bool dies = e->created_tx == b->tx_id || in_creation;~bool dies = true;'
    'node/stf/journal_storage.c~20000 : 2900~20000 : 2901'
    'node/stf/precompiles.c~600 + 120~600 + 119'
    'node/stf/evm_memory.c~words / 512~words / 511'
    'node/stf/evm_fused.def~TOP.w[0] > IMM || !u256_fits_u64(&TOP)~TOP.w[0] > IMM'
)
for m in "${mutants[@]}"; do
    IFS='~' read -r file was is <<<"$m"
    grep -qF -- "$was" "$file" || die "$file has no \`$was\`: this mutant is out of date"
done
copy=build/mutants
rm -rf "$copy"
mkdir -p "$copy"
tar c --exclude=./build --exclude=./.git --exclude=node_modules . | tar x -C "$copy"
cmake -S "$copy" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null

passed=0
failed=0
for m in "${mutants[@]}"; do
    IFS='~' read -r file was is <<<"$m"
    python3 - "$file" "$copy/$file" "$was" "$is" <<'PY'
import sys
source, target, was, becomes = sys.argv[1:]
open(target, "w").write(open(source).read().replace(was, becomes, 1))
PY
    ninja -C "$copy/build" statetest >"$copy/log" 2>&1 || { tail -n 20 "$copy/log"; exit 1; }
    GH_STATETEST=$copy/build/statetest pinned_node tests/e2e/differential/fuzz.mjs --cases 5000 \
        --keep "$copy/found" --first >"$copy/log" 2>&1 || true
    if grep -q '^seed ' "$copy/log"; then
        say "found: $file: $was -> $is ($(grep -o '^seed [0-9]*' "$copy/log"))"
        passed=$((passed + 1))
    else
        say "NOT FOUND: $file: $was -> $is: $(tail -n 1 "$copy/log")"
        failed=$((failed + 1))
    fi
    cp "$file" "$copy/$file"
done
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
