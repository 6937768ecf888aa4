#!/usr/bin/env python3
"""Checks the arrows of the floor plan over includes and over what CMake libraries link.

ALLOWED names, for each folder, the folders it may look into. A folder may always use itself."""
import os
import re
import sys

BASE = {"node/base"}
CRYPTO = BASE | {"node/crypto"}
IO = CRYPTO | {"node/store", "node/net", "contracts-abi"}
SENDER = IO | {"node/sender"}
ROOMS = {"l1-watcher", "settlement", "interop"}
STATE = {"node/stf", "node/state"}
UPPER = SENDER | ROOMS | STATE

ALLOWED = {
    "node/base": set(),
    "node/crypto": BASE | {"node/stf"},  # fills struct stf_crypto
    "node/stf": BASE,
    "node/state": CRYPTO | {"node/stf"},
    "contracts-abi": BASE,
    "contracts-abi/abigen": BASE | {"contracts-abi"},
    "node/store": BASE,
    "node/net": BASE,
    "node/sender": IO,
    "l1-watcher": SENDER,
    "settlement": SENDER,
    "interop": SENDER,
    "node/chain": UPPER,
    "node/rpc": UPPER | {"node/chain"},
    "node/cli": UPPER | {"node/chain", "node/rpc", "node"},
    "node": UPPER | {"node/chain", "node/rpc", "node/cli"},
}
# Single headers that may be used beyond the table: pure functions and shared values.
EXTRA = {
    "l1-watcher": {"node/stf/batch.h", "node/stf/tx.h"},
    "settlement": {"node/stf/batch.h", "node/stf/tx.h"},
    "interop": {"node/stf/batch.h"},
    # what the command line asks of the executable's own parts
    "node/rpc": {"node/config.h"},
}
# Libraries a room may link for the headers of EXTRA.
EXTRA_LINKS = {r: {"node/stf"} for r in ROOMS}


def folder_of(path):
    best = ""
    for folder in ALLOWED:
        if path.startswith(folder + "/") and len(folder) > len(best):
            best = folder
    return best


def sources():
    for top in ("node", "contracts-abi", "l1-watcher", "settlement", "interop"):
        for where, _, names in os.walk(top):
            for name in names:
                yield os.path.join(where, name)


def check_includes(problems):
    for path in sources():
        if not path.endswith((".c", ".h", ".def", ".inc")):
            continue
        own = folder_of(path)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for number, line in enumerate(text.split("\n"), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m:
                continue
            target = m.group(1)
            if target.startswith("contracts-abi/gen/"):
                other = "contracts-abi"
            elif os.path.exists(target):
                other = folder_of(target)
            elif os.path.exists(os.path.join(os.path.dirname(path), target)):
                problems.append(f"{path}:{number}: include \"{target}\" is not spelled from the root")
                continue
            else:
                continue  # generated, or absent: the compiler says so
            if other == own or other in ALLOWED.get(own, set()) or target in EXTRA.get(own, set()):
                continue
            if own == "contracts-abi" and other == "contracts-abi/abigen":
                problems.append(f"{path}:{number}: the run time does not use the generator")
                continue
            problems.append(f"{path}:{number}: {own or path} may not include {target}")


def check_links(problems):
    owner, links = {}, {}
    for path in sources():
        if os.path.basename(path) != "CMakeLists.txt":
            continue
        folder = os.path.dirname(path)
        folder = folder if folder in ALLOWED else folder_of(path)
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"#[^\n]*", "", f.read())
        for name, body in re.findall(r"\bgh_library\s*\(\s*(\w+)([^)]*)\)", text):
            owner[name] = folder
            m = re.search(r"\bLINK\b(.*)", body, re.S)
            links.setdefault(name, []).extend(m.group(1).split() if m else [])
        for name, body in re.findall(r"\btarget_link_libraries\s*\(\s*(\w+)([^)]*)\)", text):
            links.setdefault(name, []).extend(body.split())
    for name, used in links.items():
        own = owner.get(name)
        if own is None:
            continue
        for lib in used:
            other = owner.get(lib)
            if other is None or other == own:
                continue
            if other not in ALLOWED[own] | EXTRA_LINKS.get(own, set()):
                problems.append(f"library {name} of {own} may not link {lib} of {other}")
    return len(owner)


def main():
    problems = []
    libraries = check_links(problems)
    check_includes(problems)
    for p in problems:
        print(p)
    print(f"{libraries} libraries, {len(problems)} arrows against the floor plan")
    return 1 if problems or libraries == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
