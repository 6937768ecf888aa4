#!/usr/bin/env bash
# The recorded L1 proves itself: the lab's own self test, with the pinned anvil and node.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
lab=$(mktemp -d)
trap 'rm -rf "$lab"' EXIT
cpu=amd64
[ "$(uname -m)" != aarch64 ] || cpu=arm64
export LAB_DIR=$lab ANVIL=$top/tests/e2e/node_modules/@foundry-rs/anvil-linux-$cpu/bin/anvil
export PATH=$top/tests/e2e/node_modules/.bin:$PATH
mapfile -t ports < <(python3 - <<'PY'
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print("\n".join(str(s.getsockname()[1]) for s in held))
PY
)
export L1_PORT=${ports[0]} GW_PORT=${ports[1]} C13_PORT=${ports[2]}
bash "$GH_SHARED/l1/tools/selftest.sh"
