#!/usr/bin/env python3
"""Makes what a monitoring system reads out of the table of metrics that the program itself is built from.

usage: generate.py METRICS.def ALERTS.yml.in OUTPUT_FOLDER

Writes gatehouse.rules.yml (Prometheus alert rules) and gatehouse-dashboard.json (Grafana, one panel a metric). A rule that
names a metric the table does not have is an error.
"""
import json
import pathlib
import re
import sys

METRIC = re.compile(r'^METRIC\((\w+), "(\w+)", "(gauge|counter|histogram)", "((?:[^"\\]|\\.)*)"\)$')
# Rows of the dashboard: the first prefix that fits a name decides.
ROWS = [
    ("Finality", ("finality_", "batcher_", "settlement_", "execute_delay", "upgrade_", "prover_", "verification_")),
    ("Operator keys", ("l1_sender_",)),
    ("Settlement layer", ("l1_", "most_recently", "events_")),
    ("Blocks", ("execution_", "pipeline_", "tree_")),
    ("Mempool", ("mempool_",)),
    ("RPC", ("rpc_", "response_", "request", "get_logs")),
    ("Memory and disk", ("state_", "store_")),
    ("Process", ("",)),
]
UNITS = {"seconds": "s", "bytes": "bytes", "wei": "none"}


def read_metrics(path):
    metrics = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.startswith("METRIC("):
            continue
        match = METRIC.match(line)
        if not match:
            sys.exit(f"{path}:{number}: not a metric: {line}")
        metrics[match[1]] = {"name": match[2], "type": match[3], "help": match[4]}
    if not metrics:
        sys.exit(f"{path}: no metrics")
    return metrics


def rules(metrics, path):
    def name(match):
        if match[1] not in metrics:
            sys.exit(f"{path}: no metric {match[1]} in the table")
        return metrics[match[1]]["name"]

    return re.sub(r"\$\{(\w+)\}", name, path.read_text())


def expression(metric):
    selector = metric["name"] + '{instance=~"$instance"}'
    if metric["type"] == "counter":
        return f"rate({selector}[$__rate_interval])"
    if metric["type"] == "histogram":
        bucket = metric["name"] + '_bucket{instance=~"$instance"}'
        return f"histogram_quantile(0.99, sum by (le) (rate({bucket}[$__rate_interval])))"
    return selector


def panel(metric, number, x, y):
    suffix = metric["name"].rsplit("_", 1)[-1]
    unit = "cps" if metric["type"] == "counter" else UNITS.get(suffix, "short")
    kind = {"counter": " (a second)", "histogram": " (p99)"}.get(metric["type"], "")
    return {
        "id": number,
        "type": "timeseries",
        "title": metric["name"] + kind,
        "description": metric["help"],
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "gridPos": {"h": 7, "w": 8, "x": x, "y": y},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [{"refId": "A", "expr": expression(metric)}],
    }


def dashboard(metrics):
    rows = {title: [] for title, _ in ROWS}
    for metric in metrics.values():
        title = next(t for t, prefixes in ROWS if metric["name"].startswith(prefixes))
        rows[title].append(metric)
    panels, y = [], 0
    for title, members in rows.items():
        if not members:
            continue
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
        y += 1
        for i, metric in enumerate(members):
            panels.append(panel(metric, len(panels) + 1, 8 * (i % 3), y + 7 * (i // 3)))
        y += 7 * ((len(members) + 2) // 3)
    variables = [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        {"name": "instance", "type": "query", "multi": True, "includeAll": True,
         "datasource": {"type": "prometheus", "uid": "${datasource}"},
         "query": f'label_values({metrics["CHAIN_ID"]["name"]}, instance)', "refresh": 2},
    ]
    return {"title": "Gatehouse", "uid": "gatehouse", "schemaVersion": 38, "editable": True, "refresh": "10s",
            "time": {"from": "now-3h", "to": "now"}, "templating": {"list": variables}, "panels": panels}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    table, alerts, out = map(pathlib.Path, sys.argv[1:])
    metrics = read_metrics(table)
    out.mkdir(parents=True, exist_ok=True)
    (out / "gatehouse.rules.yml").write_text(rules(metrics, alerts))
    (out / "gatehouse-dashboard.json").write_text(json.dumps(dashboard(metrics), indent=1) + "\n")


main()
