#!/usr/bin/env bash
# Every header compiles alone: it includes what it uses.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sources.inc"
gen=build/release/gen
one() {
    printf '#include "%s"\nint gh_header_alone;\n' "$1" |
        gcc -std=gnu17 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -D_GNU_SOURCE -I. -I"$2" -x c - ||
        {
            echo "does not compile alone: $1"
            return 1
        }
}
export -f one
mapfile -t headers < <(sources '*.h')
[ ${#headers[@]} -gt 0 ] || {
    echo "no headers"
    exit 1
}
# shellcheck disable=SC2016 # the inner shell expands them
printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'one "$1" "$2"' _ {} "$gen"
