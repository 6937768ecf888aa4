#!/usr/bin/env bash
# The alert rules and the dashboard made from the table of metrics: Prometheus accepts the rules, every alert fires when it
# must and is silent when it must be (tests/check/alerts_test.yml), and the page of each exists.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
ops/monitoring/generate.py node/rpc/metrics.def ops/monitoring/alerts.yml.in "$out"
promtool check rules "$out/gatehouse.rules.yml"
cp tests/check/alerts_test.yml "$out/"
promtool test rules "$out/alerts_test.yml"
python3 -m json.tool "$out/gatehouse-dashboard.json" >/dev/null
bad=0
while read -r alert; do
    for expected in '\[\]' '$'; do
        grep -A1 -E "alertname: $alert\$" tests/check/alerts_test.yml | grep -qE "exp_alerts:( )?$expected" || {
            echo "tests/check/alerts_test.yml: no case where $alert $([ "$expected" = '$' ] && echo fires || echo is silent)"
            bad=1
        }
    done
done < <(grep -oP '^ +- alert: \K\w+' "$out/gatehouse.rules.yml")
while read -r page; do
    [ -f "ops/runbooks/$page" ] || {
        echo "ops/runbooks/$page is missing"
        bad=1
    }
done < <(grep -oP '^ +runbook: \K\S+' ops/monitoring/alerts.yml.in | sort -u)
exit $bad
