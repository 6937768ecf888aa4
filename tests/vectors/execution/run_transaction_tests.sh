#!/bin/sh
# run_transaction_tests.sh PROGRAM WORKDIR PASSED: unpacks the recorded public suites once and runs the TransactionTests. Exactly PASSED cases
# must pass: a suite that shrinks is as wrong as a case that breaks.
set -eu
archive="$GH_SHARED/statetests/statetests-dev.tar.zst"
if [ ! -f "$archive" ]; then
    echo "SKIP: public transaction tests (recorded data folder absent)"
    exit 77
fi
if [ ! -f "$2/unpacked" ] || [ "$archive" -nt "$2/unpacked" ]; then
    rm -rf "$2"
    mkdir -p "$2"
    zstd -dc --long=27 "$archive" | tar x -C "$2"
    touch "$2/unpacked"
fi
"$1" "$2/TransactionTests" | tee "$2/output.txt"
[ "$(tail -n 1 "$2/output.txt")" = "$3 passed, 0 failed" ]
