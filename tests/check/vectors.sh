#!/usr/bin/env bash
# The coverage table of tests/vectors/README.md names every recorded vector file, and only tests that exist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
shared=${GH_SHARED:-../shared}
table=tests/vectors/README.md
bad=0
if [ ! -d "$shared/vectors" ]; then
    echo "SKIP: coverage of vectors (recorded data folder absent)"
    exit 0
fi
while IFS= read -r file; do
    name=${file##*/}
    grep -qE "(/| )$(printf '%s' "$name" | sed 's/\./\\./g')[ ,]" "$table" || {
        echo "$file is not in $table"
        bad=1
    }
done < <(cd "$shared/vectors" && find . -type f ! -name 'README.md' | sort)
while IFS= read -r test; do
    [ -f "$test" ] || {
        echo "$table names $test, which does not exist"
        bad=1
    }
done < <(grep -oE 'tests/[A-Za-z0-9_/-]+\.(c|py|mjs)' "$table" | sort -u)
exit $bad
