# shellcheck shell=bash
# Shared by the scripts in ops/: source it after `set -euo pipefail`.
# Leaves the current folder at the top of the source tree.

GH_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
GH_SHARED=${GH_SHARED:-$GH_TOP/../shared}
GH_JOBS=${GH_JOBS:-$(nproc)}
export GH_TOP GH_SHARED
cd "$GH_TOP" || exit 1

say() { printf '%s\n' "$*"; }
die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Packages of ops/packages.txt that are not there, one a line.
missing_packages() {
    local name command
    while read -r name command _; do
        case $name in '' | '#'*) continue ;; esac
        if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
        dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || say "$name"
    done <ops/packages.txt
}

# Functions below report failure by their exit code even where `set -e` is off (inside `if`).
install_packages() {
    local missing
    command -v dpkg-query >/dev/null || {
        say "not a Debian system: the packages of ops/packages.txt must be there already" >&2
        return 0
    }
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || {
        say "missing packages, run as root: apt-get install $(say "$missing" | tr '\n' ' ')" >&2
        return 1
    }
    say "installing: $(say "$missing" | tr '\n' ' ')"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update || return 1
    # shellcheck disable=SC2086 # one word per package
    apt-get -qq install --no-install-recommends -y $missing >/dev/null
}

# build_preset PRESET [TARGET...]: all targets when none is named, as many as compile.
build_preset() {
    local preset=$1
    shift
    mkdir -p build
    cmake --preset "$preset" >"build/$preset.configure.log" 2>&1 || {
        cat "build/$preset.configure.log"
        return 1
    }
    if [ $# -gt 0 ]; then
        cmake --build "build/$preset" -j "$GH_JOBS" --target "$@"
    else
        cmake --build "build/$preset" -j "$GH_JOBS" -- -k 0
    fi
}

# has_target PRESET NAME: after configuring.
has_target() {
    ninja -C "build/$1" -t query "$2" >/dev/null 2>&1
}

# Installs the pinned node, anvil, cast and clients of the end to end tests. The lock file pins
# every package by its hash; the registry is whatever npm is configured to use, and the system's
# certificates are trusted as every other program here trusts them.
install_node_modules() {
    mkdir -p build
    # shellcheck disable=SC2016 # the inner shell expands them
    flock build/.npm.lock bash -c '
        cd tests/e2e || exit 1
        cmp -s node_modules/.installed package-lock.json && exit 0
        export npm_config_cache=$GH_TOP/build/npm-cache
        system=/etc/ssl/certs/ca-certificates.crt
        if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -f "$system" ]; then
            export NODE_EXTRA_CA_CERTS=$system
        fi
        # npm 9 links no programs of optional packages, hence the ln.
        npm ci --ignore-scripts --no-audit --no-fund --loglevel=error &&
            (cd node_modules/.bin && ln -sf ../node-linux-*/bin/node node) &&
            node_modules/.bin/node --version >/dev/null &&
            cp package-lock.json node_modules/.installed'
}

# The pinned node, for scripts of tests/e2e and of the shared folder.
pinned_node() {
    "$GH_TOP/tests/e2e/node_modules/.bin/node" "$@"
}

# The pinned anvil itself, for tests in C.
pinned_anvil() {
    local cpu=amd64
    [ "$(uname -m)" != aarch64 ] || cpu=arm64
    say "$GH_TOP/tests/e2e/node_modules/@foundry-rs/anvil-linux-$cpu/bin/anvil"
}

# Seconds as minutes with one decimal.
minutes() {
    printf '%d.%d' $(($1 / 60)) $(($1 % 60 / 6))
}
