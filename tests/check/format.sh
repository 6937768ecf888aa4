#!/usr/bin/env bash
# Every C file is as clang-format leaves it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sources.inc"
sources '*.c' '*.h' | xargs -r -P "$(nproc)" -n 20 clang-format --dry-run --Werror
