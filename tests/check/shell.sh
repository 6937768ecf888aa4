#!/usr/bin/env bash
# Shell scripts pass shellcheck, Python compiles, JavaScript parses.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sources.inc"
sources 'ops/*' '.ci/*' 'tests/*' | while read -r f; do
    if head -n 1 "$f" | grep -aqE '^#!.*\b(ba)?sh\b|^# shellcheck shell='; then printf '%s\n' "$f"; fi
done | xargs -r shellcheck -x -e SC1091,SC3013
sources '*.py' | while read -r f; do
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$f"
done
node=tests/e2e/node_modules/.bin/node
if [ -x "$node" ]; then
    sources '*.mjs' | while read -r f; do "$node" --check "$f"; done
fi
