#!/usr/bin/env bash
# Every metric of the table is gathered somewhere: a name that operators alert on must not stay silent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ids=$(grep -oE '^METRIC\([A-Z0-9_]+' node/rpc/metrics.def | cut -d'(' -f2)
[ -n "$ids" ] || exit 1
bad=0
for id in $ids; do
    grep -rqE "\bMETRIC_$id\b" node --include='*.c' || {
        echo "$id is in the table and nothing puts a value"
        bad=1
    }
done
exit $bad
