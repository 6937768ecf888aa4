#!/usr/bin/env python3
"""The example of EIP-3155 itself, line by line: check_eip3155.py STATETEST CASES

The EIP shows the trace of 604080536040604055604060006040600060025afa6040f3 under the prices of Istanbul. Since Berlin
(EIP-2929) SSTORE to a cold new slot costs 22100 instead of 20000, and a warm precompile 100 instead of 700; everything
else must be as the EIP prints it. memSize is the size before the opcode (the EIP says so; its example shows the size after
MSTORE8 in MSTORE8's own line).
"""
import json
import subprocess
import sys

# pc, op, gas, gasCost, memSize, stack, returnData, opName: as printed in the EIP
HASH = "0xf5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"
EXAMPLE = [
    (0, 96, 0x2540BE400, 0x3, 0, [], "0x", "PUSH1"),
    (2, 128, 0x2540BE3FD, 0x3, 0, ["0x40"], "0x", "DUP1"),
    (3, 83, 0x2540BE3FA, 0xC, 96, ["0x40", "0x40"], "0x", "MSTORE8"),
    (4, 96, 0x2540BE3EE, 0x3, 96, [], "0x", "PUSH1"),
    (6, 96, 0x2540BE3EB, 0x3, 96, ["0x40"], "0x", "PUSH1"),
    (8, 85, 0x2540BE3E8, 0x4E20, 96, ["0x40", "0x40"], "0x", "SSTORE"),
    (9, 96, 0x2540B95C8, 0x3, 96, [], "0x", "PUSH1"),
    (11, 96, 0x2540B95C5, 0x3, 96, ["0x40"], "0x", "PUSH1"),
    (13, 96, 0x2540B95C2, 0x3, 96, ["0x40", "0x0"], "0x", "PUSH1"),
    (15, 96, 0x2540B95BF, 0x3, 96, ["0x40", "0x0", "0x40"], "0x", "PUSH1"),
    (17, 96, 0x2540B95BC, 0x3, 96, ["0x40", "0x0", "0x40", "0x0"], "0x", "PUSH1"),
    (19, 90, 0x2540B95B9, 0x2, 96, ["0x40", "0x0", "0x40", "0x0", "0x2"], "0x", "GAS"),
    (20, 250, 0x2540B95B7, 0x24ABB676C, 96, ["0x40", "0x0", "0x40", "0x0", "0x2", "0x2540b95b7"], "0x", "STATICCALL"),
    (21, 96, 0x2540B92A7, 0x3, 96, ["0x1"], HASH, "PUSH1"),
    (23, 243, 0x2540B92A4, 0x0, 96, ["0x1", "0x40"], HASH, "RETURN"),
]
FIELDS = ["pc", "op", "gas", "gasCost", "memSize", "stack", "depth", "returnData", "refund", "opName"]  # in the EIP's order


def berlin(example):
    """The same lines at the prices since Berlin."""
    saved = 0  # gas that is less there, so far
    for pc, op, gas, cost, size, stack, returned, name in example:
        gas -= saved
        if name == "MSTORE8":
            size = 0
        if name == "SSTORE":
            saved += 22100 - cost
            cost = 22100
        if name == "STATICCALL":
            stack = stack[:-1] + [hex(gas)]  # what GAS said
            left = gas - 100
            cost = 100 + left - left // 64  # all but one 64th is lent
            saved -= 700 - 100
        yield {"pc": pc, "op": op, "gas": hex(gas), "gasCost": hex(cost), "memSize": size, "stack": stack, "depth": 1,
               "returnData": returned, "refund": "0x0", "opName": name}


def main():
    out = subprocess.run([sys.argv[1], "--trace", sys.argv[2] + "/eip3155.json"], stdout=subprocess.PIPE, check=True, text=True).stdout
    lines = out.splitlines()
    want = list(berlin(EXAMPLE))
    have = [json.loads(line) for line in lines[: len(want)]]
    for w, h in zip(want, have):
        assert list(h) == FIELDS, h
        assert h == w, f"\nwant {w}\nhave {h}"
    summary = json.loads(lines[len(want)])
    assert list(summary)[:4] == ["stateRoot", "output", "gasUsed", "pass"], summary
    assert summary["output"] == "0x40" and summary["pass"] is True, summary
    # what the trace says was used, and the 21000 of a transaction
    used = int(want[0]["gas"], 16) - int(want[-1]["gas"], 16)
    assert int(summary["gasUsed"], 16) == used + 21000, summary
    assert lines[-1] == "1 passed, 0 failed", lines[-1]
    print(f"{len(want)} lines of the EIP's example")


main()
