#!/usr/bin/env bash
# The lock file of the end to end tests pins by hash, names no registry, and installs with npm 9.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sources.inc"
exec python3 - tests/e2e/package-lock.json <<'PY'
import json, re, sys

lock = json.load(open(sys.argv[1]))
bad = []
for name, p in lock["packages"].items():
    if name == "":
        continue
    if "resolved" in p:
        bad.append(f"{name} names a registry")
    if not p.get("integrity", "").startswith("sha512-"):
        bad.append(f"{name} is not pinned by hash")
    if re.search(r"-linux-(x64|amd64|arm64)$", name) and "engines" in p:
        bad.append(f"{name} has engines: run tests/e2e/lock.mjs")
print("\n".join(bad) or f"{len(lock['packages']) - 1} packages")
sys.exit(1 if bad else 0)
PY
