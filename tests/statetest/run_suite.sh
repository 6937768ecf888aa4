#!/bin/sh
# run_suite.sh STATETEST WORKDIR PASSED FAILED FOLDER...
# Unpacks the recorded public suites into WORKDIR (once) and runs the folders named. The numbers
# of passing and failing cases must be exactly the ones given: a suite that shrinks is as wrong as a
# case that breaks.
set -eu
statetest=$1
workdir=$2
passed=$3
failed=$4
shift 4
archive="$GH_SHARED/statetests/statetests-dev.tar.zst"
if [ ! -f "$archive" ]; then
    echo "SKIP: public state tests (recorded data folder absent)"
    exit 77
fi
if [ ! -f "$workdir/unpacked" ] || [ "$archive" -nt "$workdir/unpacked" ]; then
    rm -rf "$workdir"
    mkdir -p "$workdir"
    zstd -dc --long=27 "$archive" | tar x -C "$workdir"
    touch "$workdir/unpacked"
fi
status=0
# every folder must be there: `for` over names keeps spaces in WORKDIR whole
for folder; do
    shift
    set -- "$@" "$workdir/$folder"
done
"$statetest" "$@" > "$workdir/output.txt" || status=$?
cat "$workdir/output.txt"
last=$(tail -n 1 "$workdir/output.txt")
want="$passed passed, $failed failed"
if [ "$last" != "$want" ]; then
    echo "expected: $want"
    exit 1
fi
# a run with failures must say so through its exit status
if [ "$failed" = 0 ]; then
    [ "$status" = 0 ]
else
    [ "$status" = 1 ]
fi
