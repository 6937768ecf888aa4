#!/usr/bin/env bash
# Every P0 row of parts 1, 2 and 5 of the operators' needs has a test named after it: "rowNN" in a C test, "need NN" or "needs NN, MM"
# in an end to end scenario.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
p0="1 2 3 4 5 6 8 9 10 16 17 20 22 23 24 43"
bad=0
named=$(grep -rhoE "row0*[0-9]+|needs? [0-9]+((, | and )[0-9]+)*" tests --include='*.c' --include='*.mjs' --exclude-dir=node_modules |
    grep -oE '[0-9]+' | sed 's/^0*//' | sort -un)
for row in $p0; do
    grep -qx "$row" <<<"$named" || {
        echo "no test is named after P0 row $row"
        bad=1
    }
done
exit $bad
