#!/usr/bin/env bash
# Functions that overflow, hide state, block the event loop, or read the clock behind its back.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/sources.inc"
failed=0

# search REASON PATTERN FILES_PATTERN... : comments are not code, so they are cut off first.
search() {
    local reason=$1 pattern=$2 hits
    shift 2
    hits=$(python3 tests/check/code_grep.py "$pattern" "$@")
    if [ -n "$hits" ]; then
        printf '%s:\n%s\n' "$reason" "$hits"
        failed=1
    fi
}

mapfile -t all < <(sources '*.c' '*.h')
[ ${#all[@]} -gt 0 ] || {
    echo "no sources"
    exit 1
}
search "unbounded, stateful or error-blind" \
    '\b(strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|rand|srand|alloca|tmpnam|mktemp|scanf|sscanf)\s*\(' "${all[@]}"
mapfile -t production < <(printf '%s\n' "${all[@]}" | grep -v '^tests/')
[ ${#production[@]} -eq 0 ] ||
    search "blocks the loop or starts a shell" \
        '\b(system|popen|sleep|usleep|nanosleep|curl_easy_perform|getaddrinfo|gethostbyname)\s*\(' "${production[@]}"
# time itself is what the clock's test looks at
mapfile -t tests < <(printf '%s\n' "${all[@]}" | grep '^tests/' | grep -v '^tests/unit/base/test_clock\.c$' || true)
[ ${#tests[@]} -eq 0 ] ||
    search "sleeps where an event is meant (tests/unit/loop.h)" '\b(sleep|usleep|nanosleep)\s*\(' "${tests[@]}"
mapfile -t clockless < <(printf '%s\n' "${production[@]}" | grep -v '^node/base/clock\.c$' || true)
[ ${#clockless[@]} -eq 0 ] ||
    search "reads the time outside node/base/clock.c" \
        '\b(time|gettimeofday|clock_gettime)\s*\(' "${clockless[@]}"
search "assert is compiled out of releases; CHECK is not" '(^|[^_A-Za-z0-9])assert\s*\(' "${production[@]}"
mapfile -t stf < <(printf '%s\n' "${all[@]}" | grep '^node/stf/' || true)
[ ${#stf[@]} -eq 0 ] ||
    search "the state transition function allocates nothing and knows no files" \
        '\b(malloc|calloc|realloc|free|fopen|printf|fprintf|getenv)\s*\(' "${stf[@]}"
exit "$failed"
