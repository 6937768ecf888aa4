#!/bin/sh
# tests/check/freestanding.sh
#
# The state transition function and what it stands on must run without an operating system. This
# compiles base_free (node/base/freestanding.txt) and node/stf for a bare 32-bit RISC-V, links them
# into one relocatable object, and compares what is left undefined with the list of things a
# freestanding build may expect from outside.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cc=${RISCV_CC:-riscv64-unknown-elf-gcc}
prefix=${cc%gcc}
if ! command -v "$cc" >/dev/null 2>&1; then
    echo "SKIP: freestanding build ($cc is not installed)"
    exit 77
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags="-march=rv32im -mabi=ilp32 -ffreestanding -std=gnu17 -O2 -Wall -Werror -I$root"

sources=$(sed "s|^|$root/node/base/|" "$root/node/base/freestanding.txt")
if ls "$root"/node/stf/*.c >/dev/null 2>&1; then
    sources="$sources $(ls "$root"/node/stf/*.c)"
fi

bad=0
count=0
objects=""
for src in $sources; do
    object=$out/$(echo "${src#"$root"/}" | tr / _).o
    # shellcheck disable=SC2086
    if ! "$cc" $flags -c "$src" -o "$object"; then
        echo "FAIL: ${src#"$root"/} does not compile freestanding"
        bad=1
        continue
    fi
    objects="$objects $object"
    count=$((count + 1))
    # Only constants and code: a written global would be shared by everything that runs the function.
    # (.data.rel.ro holds constant tables of pointers.)
    written=$("${prefix}objdump" -h "$object" |
        awk '$2 ~ /^\.(data|bss|sdata|sbss)(\.|$)/ && $2 !~ /^\.data\.rel\.ro/ && $3 != "00000000" { print $2 }')
    if [ -n "$written" ]; then
        # shellcheck disable=SC2086 # one line of words
        echo "FAIL: ${src#"$root"/} has writable globals in" $written
        bad=1
    fi
done
[ "$bad" -eq 0 ] || exit 1

# shellcheck disable=SC2086
"$cc" -march=rv32im -mabi=ilp32 -nostdlib -r $objects -o "$out/all.o"
undefined=$("${prefix}nm" -u "$out/all.o" | awk '{ print $NF }' | sort -u)
for name in $undefined; do
    case $name in
    memcpy | memmove | memset | memcmp | gh_check_failed) ;;
    __*) # helpers of the compiler's own library; each must really be there
        if ! "${prefix}nm" "$("$cc" -march=rv32im -mabi=ilp32 -print-libgcc-file-name)" 2>/dev/null |
            grep -q " T $name\$"; then
            echo "FAIL: $name is not in libgcc"
            bad=1
        fi
        ;;
    *)
        echo "FAIL: undefined symbol $name"
        bad=1
        ;;
    esac
done
[ "$bad" -eq 0 ] || exit 1
# shellcheck disable=SC2086 # one line of words
echo "freestanding: $count files, undefined:" $undefined
