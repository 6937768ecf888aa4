#!/bin/sh
# run_tries.sh TRIE_TESTS WORKDIR PASSED
# The runner's trie against the recorded public trie tests, all of them.
set -eu
archive="$GH_SHARED/statetests/statetests-dev.tar.zst"
if [ ! -f "$archive" ]; then
    echo "SKIP: public trie tests (recorded data folder absent)"
    exit 77
fi
rm -rf "$2"
mkdir -p "$2"
zstd -dc --long=27 "$archive" | tar x -C "$2" ./TrieTests
last=$("$1" "$2"/TrieTests/*.json | tee "$2/output.txt" | tail -n 1)
cat "$2/output.txt"
[ "$last" = "$3 passed, 0 failed" ]
