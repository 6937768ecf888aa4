#!/usr/bin/env bash
# No include and no library link points up or sideways in the floor plan.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sources.inc"
exec python3 tests/check/layers.py
