#!/usr/bin/env bash
# clang-tidy with the set of .clang-tidy over the program's sources (with GH_FULL=1 the tests' too),
# all cores, longest files first so that none is waited for at the end.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sources.inc"
db=build/clang/compile_commands.json
[ -f "$db" ] || {
    echo "$db is missing: configure the clang preset first"
    exit 1
}
mapfile -t files < <(python3 - "$db" "$PWD" "${GH_FULL:-0}" <<'PY'
import json, os, sys
db, top, full = sys.argv[1:]
names = {os.path.relpath(os.path.join(e["directory"], e["file"]), top) for e in json.load(open(db))}
names = [n for n in names if not n.startswith(("build/", "..")) and (full == "1" or not n.startswith("tests/"))]
print("\n".join(sorted(names, key=lambda n: -os.path.getsize(n))))
PY
)
if [ -z "${files[0]:-}" ]; then
    echo "no sources in $db"
    exit 1
fi
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/clang 2>/dev/null
