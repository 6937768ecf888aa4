#!/usr/bin/env python3
"""The checker against data it did not make: published blocks of a production build, the recorded genesis, and the
model's own pubdata; and it must refuse each altered copy.

    00-checker.py SHARED_FOLDER"""
import json
import os
import struct
import sys

shared = sys.argv[1]
sys.path.insert(0, os.path.join(shared, "vectors/state"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../checker"))
import check_state as c  # noqa: E402
import tree_model as m  # noqa: E402

passed = failed = 0


def case(name, good):
    global passed, failed
    if good:
        passed += 1
        print("ok -", name)
    else:
        failed += 1
        print("not ok -", name)


def from_reference(d):
    chain = c.Chain(m, {"alloc": {}})
    t = chain.tree
    t.key, t.value, t.next, t.index, t.order, t.dirty = [], [], [], {}, [], set()
    images = {c.un(p["hash"]): c.un(p["bytes"]) for p in d["pre"]["preimages"]}
    for leaf in d["pre"]["leaves"]:
        t._append(c.un(leaf["key"]), c.un(leaf["value"]), leaf["next"])
        record = images.get(c.un(leaf["value"]))
        if record is not None and len(record) == 124:
            a = c.Account()
            a.versioning, a.nonce = struct.unpack(">QQ", record[:16])
            a.balance, a.code_hash = c.big(record[16:48]), record[48:80]
            a.code_len, a.artifacts_len = struct.unpack(">II", record[80:88])
            a.keccak, a.len = record[88:120], c.big(record[120:])
            chain.accounts[c.un(leaf["key"])] = a
    chain.hashes = [c.un(d["previous_block_hashes_last"])]
    chain.number = d["block"]["number"] - 1
    return chain


def reaches(d, pubdata):
    chain = from_reference(d)
    try:
        r = c.Reader(pubdata)
        c.apply_block(chain, r)
        return (not r.more() and chain.tree.root() == c.un(d["tree_root_after"])
                and chain.commitment() == c.un(d["native_state_after"]))
    except c.Mismatch:
        return False


with open(os.path.join(shared, "vectors/state/reference_blocks_v31.json"), encoding="utf-8") as f:
    blocks = json.load(f)["blocks"]
for d in blocks:
    pubdata = c.un(d["pubdata"])
    case(f"reference block {d['name']} reaches its commitment", reaches(d, pubdata))
    wrong = [i for i in range(1, len(pubdata)) if i % 7 == 1]
    case(f"reference block {d['name']} altered in {len(wrong)} places never does",
         not any(reaches(d, pubdata[:i] + bytes([pubdata[i] ^ 1]) + pubdata[i + 1:]) for i in wrong))

with open(os.path.join(shared, "l1/l2-genesis-v31.json"), encoding="utf-8") as f:
    genesis = json.load(f)
chain = c.Chain(m, genesis)
case("genesis commitment of the recorded alloc file", chain.commitment() == c.un(genesis["genesisRoot"]))

# A block made with the model: slot changes of every kind, an account of every format, a log with its message.
target = m.Tree()
target.apply(sorted((k, chain.tree.get(k)) for k in chain.tree.order[1:-1]))
case("both trees agree on genesis", target.root() == chain.tree.root())
code = next(iter(genesis["alloc"].values()))["code"]
forced = m.Account(nonce=1, balance=5, code=c.un(code))
fresh = m.Account(nonce=1, balance=9, code=b"\x60\x01\x5b\x00")
money = m.Account(nonce=0, balance=10 ** 18)
diffs, entries = [], []
for address, account, publish in ((b"\x11" * 20, forced, False), (b"\x22" * 20, fresh, True), (b"\x33" * 20, money, True)):
    key = m.account_flat_key(address)
    diffs.append((key, m.account_diff(m.Account(), account, publish)))
    entries.append((key, account.hash()))
for i, v in enumerate((1, 2 ** 256 - 1, 2 ** 200)):
    key = m.flat_key(b"\x22" * 20, c.word(i))
    diffs.append((key, m.value_diff(0, v)))
    entries.append((key, c.word(v)))
message = b"hello"
log = m.l2_log(1, bytes(18) + b"\x80\x08", c.word(7), m.keccak256(message))
pubdata = m.block_pubdata(b"\xab" * 32, 1700000000, diffs, [log], [message], 1)
target.apply(entries)
r = c.Reader(pubdata)
_, logs = c.apply_block(chain, r)
case("a block of the model reaches the model's root", chain.tree.root() == target.root() and not r.more())
case("its log comes out", logs == [log])
changes = [(m.account_flat_key(b"\x33" * 20), m.account_diff(money, m.Account(nonce=3, balance=1))),
           (m.flat_key(b"\x22" * 20, c.word(0)), m.value_diff(1, 0))]
target.apply([(changes[0][0], m.Account(nonce=3, balance=1).hash()), (changes[1][0], m.ZERO32)])
c.apply_block(chain, c.Reader(m.block_pubdata(b"\xcd" * 32, 1700000001, changes, [], [], 1)))
case("changes of existing leaves too", chain.tree.root() == target.root())
for name, data in (("a message that is not the log's", m.block_pubdata(ab := b"\xab" * 32, 1700000002, [], [log], [b"other"], 1)),
                   ("a missing message", m.block_pubdata(ab, 1700000002, [], [log], [], 1)),
                   ("an older timestamp", m.block_pubdata(ab, 5, [], [], [], 1)),
                   ("another version", m.block_pubdata(ab, 1700000002, [], [], [], 2))):
    try:
        c.apply_block(chain, c.Reader(data))
        case("refuses " + name, False)
    except c.Mismatch:
        case("refuses " + name, True)

print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
