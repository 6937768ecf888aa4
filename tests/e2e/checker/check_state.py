#!/usr/bin/env python3
"""Rebuilds the state of a chain from what L1 alone knows, and compares every batch.

    check_state.py --l1 URL --genesis ALLOC.json --model FOLDER [--diamond 0x..] [--batches N]
                   [--layer URL --layer-diamond 0x..] [--blobs FILE.json]

Reads the genesis file, the commit transactions of the diamond (pubdata in their calldata, or in blobs: FILE has what
lib/blobs.mjs got from L1 and compared with the commitments, by versioned hash) and the factory
dependencies of the genesis upgrade (of a chain on a Gateway: the commits there, with --layer); decodes the pubdata of every block, applies it to a tree of its own, and must
reach, for every batch:

  newStateCommitment        tree root, leaf count, block number, last 256 block hashes, timestamp
  l2LogsTreeRoot            tree over the logs of all blocks, joined with the message root read from the state
  priorityOperationsHash    and numberOfLayer1Txs, from the result logs of the L1 transactions
  daCommitment              from the pubdata
  commitment                the batch output hash, as the BlockCommit event says
  storedBatchHash           as the diamond answers

It shares no code with the node: FOLDER holds the reference model tree_model.py (hash primitives and record layout);
the decoder, the tree and the ABI reader are written here. The last line is `N batches, M blocks, K leaves: ok`."""
import argparse
import bisect
import json
import struct
import sys
import urllib.request

ZERO = bytes(32)
RECORDS = bytes(18) + b"\x80\x03"  # the pseudo account whose slots are the account records
ACCOUNT_KIND = 4


def big(b):
    return int.from_bytes(b, "big")


def word(n):
    return n.to_bytes(32, "big")


def un(s):
    return bytes.fromhex(s[2:] if s.startswith("0x") else s)


class Mismatch(Exception):
    pass


def expect(what, got, want):
    if got != want:
        show = lambda v: "0x" + v.hex() if isinstance(v, bytes) else v
        raise Mismatch(f"{what}: rebuilt {show(got)}, L1 has {show(want)}")


# --------------------------------------------------------------------------- JSON-RPC and ABI
class Rpc:
    def __init__(self, url):
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __call__(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        with self.opener.open(request, timeout=60) as answer:
            reply = json.load(answer)
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]


class Words:
    """A view of ABI data by 32-byte words; offsets are relative to `base`."""

    def __init__(self, data, base=0):
        self.data, self.base = data, base

    def at(self, i):
        start = self.base + 32 * i
        w = self.data[start:start + 32]
        if len(w) != 32:
            raise Mismatch("ABI data ends early")
        return w

    def number(self, i):
        return big(self.at(i))

    def follow(self, i):
        return Words(self.data, self.base + self.number(i))

    def bytes_here(self):
        n = self.number(0)
        b = self.data[self.base + 32:self.base + 32 + n]
        if len(b) != n:
            raise Mismatch("ABI bytes end early")
        return b


# --------------------------------------------------------------------------- tree
class Tree:
    """Leaves by index of insertion, linked in key order; inner nodes kept level by level."""

    def __init__(self, m):
        self.m = m
        self.empty = [m.blake2s(ZERO, ZERO, bytes(8))]
        for _ in range(64):
            self.empty.append(m.blake2s(self.empty[-1], self.empty[-1]))
        self.key, self.value, self.next = [], [], []
        self.index, self.order = {}, []
        self.levels = [[] for _ in range(65)]
        self.dirty = set()
        self._append(ZERO, ZERO, 1)
        self._append(b"\xff" * 32, ZERO, 1)

    def _append(self, key, value, nxt):
        i = len(self.key)
        self.key.append(key)
        self.value.append(value)
        self.next.append(nxt)
        self.index[key] = i
        bisect.insort(self.order, key)
        self.dirty.add(i)
        return i

    def get(self, key):
        i = self.index.get(key)
        return None if i is None else self.value[i]

    def put(self, key, value):
        i = self.index.get(key)
        if i is not None:
            self.value[i] = value
            self.dirty.add(i)
            return
        before = self.index[self.order[bisect.bisect_left(self.order, key) - 1]]
        new = self._append(key, value, self.next[before])
        self.next[before] = new
        self.dirty.add(before)

    def root(self):
        b2 = self.m.blake2s
        level = self.levels[0]
        level.extend([None] * (len(self.key) - len(level)))
        for i in self.dirty:
            level[i] = b2(self.key[i], self.value[i], struct.pack("<Q", self.next[i]))
        dirty = self.dirty
        for d in range(64):
            below, above = self.levels[d], self.levels[d + 1]
            above.extend([None] * ((len(below) + 1) // 2 - len(above)))
            dirty = {i // 2 for i in dirty}
            for i in dirty:
                right = below[2 * i + 1] if 2 * i + 1 < len(below) else self.empty[d]
                above[i] = b2(below[2 * i], right)
        self.dirty = set()
        return self.levels[64][0]


# --------------------------------------------------------------------------- accounts
class Account:
    __slots__ = ("versioning", "nonce", "balance", "code_hash", "code_len", "artifacts_len", "keccak", "len")

    def __init__(self):
        self.versioning = self.nonce = self.balance = self.code_len = self.artifacts_len = self.len = 0
        self.code_hash = self.keccak = ZERO

    def encode(self):
        return (struct.pack(">QQ", self.versioning, self.nonce) + word(self.balance) + self.code_hash
                + struct.pack(">II", self.code_len, self.artifacts_len) + self.keccak + struct.pack(">I", self.len))


def jump_bitmap(code):
    bits, i = bytearray(8 * ((len(code) + 63) // 64)), 0
    while i < len(code):
        if code[i] == 0x5B:
            bits[i >> 3] |= 1 << (i & 7)
        i += code[i] - 0x5E if 0x60 <= code[i] <= 0x7F else 1
    return bytes(bits)


def is_delegation(code):
    return len(code) == 23 and code[:3] == b"\xef\x01\x00"


# --------------------------------------------------------------------------- the chain
class Chain:
    def __init__(self, model, genesis):
        self.m = model
        self.tree = Tree(model)
        self.accounts = {}  # flat key of the record -> Account
        self.codes = {}  # hash of the stored form -> (code, artifacts)
        self.number = 0
        self.hashes = [model.genesis_header_hash()]
        self.timestamp = 0
        entries = {}
        for address, a in genesis["alloc"].items():
            account = Account()
            account.nonce, account.balance = int(str(a["nonce"]), 0), int(str(a["balance"]), 0)
            self.set_code(account, un(a["code"]))
            key = self.record_key(un(address))
            self.accounts[key] = account
            entries[key] = model.blake2s(account.encode())
            for slot, value in a.get("storage", {}).items():
                entries[self.slot_key(un(address), un(slot))] = un(value)
        for key in sorted(entries):
            self.tree.put(key, entries[key])

    def slot_key(self, address, slot):
        return self.m.blake2s(bytes(12), address, slot)

    def record_key(self, address):
        return self.slot_key(RECORDS, bytes(12) + address)

    def learn(self, code):
        artifacts = b"" if is_delegation(code) else jump_bitmap(code)
        h = self.m.blake2s(code, bytes(-len(code) % 8), artifacts)
        self.codes[h] = (code, artifacts)
        return h, artifacts

    def set_code(self, account, code):
        account.code_hash, artifacts = self.learn(code)
        account.versioning = 0x0201010000000000 if is_delegation(code) else 0x0101010000000000
        account.code_len = account.len = len(code)
        account.artifacts_len, account.keccak = len(artifacts), self.m.keccak256(code)

    def commitment(self):
        last = self.hashes[-256:]
        return self.m.blake2s(self.tree.root(), struct.pack(">Q", len(self.tree.key)), struct.pack(">Q", self.number),
                              self.m.blake2s(*([ZERO] * (256 - len(last)) + last)), struct.pack(">Q", self.timestamp))

    def message_root(self):
        at = bytes(17) + b"\x01\x00\x05"
        height = big(self.tree.get(self.slot_key(at, word(4))) or ZERO)
        base = big(self.m.keccak256(word(6))) + height
        return self.tree.get(self.slot_key(at, self.m.keccak256(word(base)))) or ZERO


class Reader:
    def __init__(self, data):
        self.data, self.pos = data, 0

    def take(self, n):
        b = self.data[self.pos:self.pos + n]
        if len(b) != n:
            raise Mismatch(f"pubdata ends inside a field at byte {self.pos}")
        self.pos += n
        return b

    def u32(self):
        return big(self.take(4))

    def more(self):
        return self.pos < len(self.data)


def read_value(r, old, bits=256):
    meta = r.take(1)[0]
    kind, n = meta & 7, meta >> 3
    if meta == 0:
        value = big(r.take(32))
    elif kind in (1, 2, 3):
        v = big(r.take(n))
        value = (old + v, old - v, v)[kind - 1]
    else:
        raise Mismatch(f"value diff of kind {kind} before byte {r.pos}")
    if not 0 <= value < 1 << bits:
        raise Mismatch(f"value diff out of range before byte {r.pos}")
    return value


def read_account(chain, r, meta, key):
    a = chain.accounts.setdefault(key, Account())
    form = meta >> 3
    if form in (1, 2, 3):
        if form & 1:
            a.nonce = read_value(r, a.nonce, 64)
        if form & 2:
            a.balance = read_value(r, a.balance)
        return a
    if form not in (0, 4):
        raise Mismatch(f"account diff of format {form} before byte {r.pos}")
    a.versioning = big(r.take(8))
    a.nonce, a.balance = read_value(r, a.nonce, 64), read_value(r, a.balance)
    if form == 0:
        a.code_len, a.artifacts_len = r.u32(), r.u32()
        blob = r.take((a.code_len + 7) // 8 * 8 + a.artifacts_len)
        code = blob[:a.code_len]
        a.code_hash = chain.m.blake2s(blob) if a.code_len or a.versioning else ZERO
        if a.code_len:
            h, artifacts = chain.learn(code)
            expect("stored form of published code", h, a.code_hash)
            expect("length of its jump table", a.artifacts_len, len(artifacts))
        a.keccak = chain.m.keccak256(code) if a.versioning else ZERO
    else:
        a.code_hash = r.take(32)
        if a.code_hash not in chain.codes:
            raise Mismatch(f"code 0x{a.code_hash.hex()} was not published on L1")
        code, artifacts = chain.codes[a.code_hash]
        a.code_len, a.artifacts_len, a.keccak = len(code), len(artifacts), chain.m.keccak256(code)
    a.len = r.u32()
    expect("observable length", a.len, a.code_len)
    return a


def apply_block(chain, r):
    """One block of pubdata. Returns its logs."""
    expect("pubdata version", r.take(1)[0], 1)
    block_hash, timestamp = r.take(32), big(r.take(8))
    seen = set()
    for _ in range(r.u32()):
        key = r.take(32)
        if key in seen:
            raise Mismatch(f"slot 0x{key.hex()} twice in block {chain.number + 1}")
        seen.add(key)
        meta = r.data[r.pos] if r.more() else None
        if meta is not None and meta & 7 == ACCOUNT_KIND:
            r.take(1)
            value = chain.m.blake2s(read_account(chain, r, meta, key).encode())
        else:
            if key in chain.accounts:
                raise Mismatch(f"slot diff for the account record 0x{key.hex()}")
            value = word(read_value(r, big(chain.tree.get(key) or ZERO)))
        chain.tree.put(key, value)
    logs = [r.take(88) for _ in range(r.u32())]
    messages = [r.take(r.u32()) for _ in range(r.u32())]
    senders = [log for log in logs if big(log[4:24]) == 0x8008]
    expect("number of messages", len(messages), len(senders))
    for log, message in zip(senders, messages):
        expect("hash of a message", chain.m.keccak256(message), log[56:88])
    if timestamp < chain.timestamp:
        raise Mismatch(f"the clock went back in block {chain.number + 1}")
    chain.number += 1
    chain.timestamp = timestamp
    chain.hashes.append(block_hash)
    return timestamp, logs


def logs_root(m, logs):
    level, empty = [m.keccak256(log) for log in logs], m.keccak256(bytes(88))
    for _ in range(14):
        if len(level) % 2:
            level.append(empty)
        level = [m.keccak256(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
        empty = m.keccak256(empty + empty)
    return level[0] if level else empty


def read_commit(data):
    """Calldata of commitBatchesSharedBridge -> fields of its single batch."""
    outer = Words(data[4:]).follow(3).bytes_here()
    expect("encoding version", outer[0], 4)
    w = Words(outer[1:])
    array = w.follow(9)  # nine words of the previous batch come first
    expect("batches in the commit", array.number(0), 1)
    b = Words(array.data, array.base + 32).follow(0)
    names = ("number", "state", "l1_txs", "l2_txs", "priority", "dependencies", "logs_root", "scheme", "da",
             "first_time", "first_block", "last_time", "last_block", "chain_id")
    fields = {n: b.at(i) for i, n in enumerate(names)}
    for n in ("number", "l1_txs", "l2_txs", "scheme", "first_time", "first_block", "last_time", "last_block", "chain_id"):
        fields[n] = big(fields[n])
    fields["input"], fields["sl_chain_id"] = b.follow(14).bytes_here(), b.number(15)
    return fields


def pubdata_of_blobs(m, b, blobs):
    """Scalars of 32 bytes whose first is zero; 31 bytes each; the first piece is the length."""
    hashes = [un(h) for h in b["tx"]["blobVersionedHashes"]]
    expect("DA input, a zero word a blob", b["input"], ZERO * len(hashes))
    expect("DA commitment", m.keccak256(b"".join(hashes)), b["da"])
    stream = bytearray()
    for h in hashes:
        blob = un(blobs["0x" + h.hex()])
        expect("length of a blob", len(blob), 131072)
        if any(blob[0::32]):
            raise Mismatch("a scalar of a blob has a high byte")
        for at in range(0, len(blob), 32):
            stream += blob[at + 1:at + 32]
    size = big(stream[:8])
    expect("number of blobs", len(hashes), (31 + size + 126975) // 126976)
    if any(stream[8:31]) or any(stream[31 + size:]):
        raise Mismatch("bytes in a blob where zeros belong")
    return bytes(stream[31:31 + size])


def pubdata_of(m, b, blobs):
    if b["scheme"] == 4:
        return pubdata_of_blobs(m, b, blobs)
    expect("DA scheme", b["scheme"], 3)
    head, rest = b["input"][:97], b["input"][97:]
    expect("DA source", rest[:1], b"\0")
    pubdata = rest[1:-32]
    expect("hash of the pubdata", head[32:64], m.keccak256(pubdata))
    expect("DA commitment", m.keccak256(head), b["da"])
    return pubdata


def check_batch(chain, b, upgrade_hash, blobs):
    m, r = chain.m, Reader(pubdata_of(chain.m, b, blobs))
    b["pubdata_len"] = len(r.data)
    expect("first block", b["first_block"], chain.number + 1)
    logs, times = [], []
    while r.more():
        t, block_logs = apply_block(chain, r)
        times.append(t)
        logs += block_logs
    expect("last block", chain.number, b["last_block"])
    expect("first timestamp", times[0], b["first_time"])
    expect("last timestamp", times[-1], b["last_time"])
    results = [log for log in logs if big(log[4:24]) == 0x8001 and log[24:56] != upgrade_hash]
    rolling = m.keccak256(b"")
    for log in results:
        rolling = m.keccak256(rolling + log[24:56])
    expect("priority operations", rolling, b["priority"])
    expect("number of L1 transactions", len(results), b["l1_txs"])
    expect("logs root", m.keccak256(logs_root(m, logs) + chain.message_root()), b["logs_root"])
    expect("state commitment", chain.commitment(), b["state"])
    return m.keccak256(word(b["chain_id"]) + struct.pack(">QQ", b["first_time"], b["last_time"]) + word(b["scheme"])
                       + b["da"] + word(b["l1_txs"]) + word(b["l2_txs"]) + b["priority"] + b["logs_root"]
                       + upgrade_hash + b["dependencies"] + word(b["sl_chain_id"]))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--l1", required=True)
    p.add_argument("--genesis", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--diamond", default="0x2e20611736Af7A38d3e38840fa66A482984087aC")
    p.add_argument("--layer", help="RPC of the Gateway the chain settles on")
    p.add_argument("--layer-diamond")
    p.add_argument("--blobs", help="JSON: versioned hash -> blob")
    p.add_argument("--batches", type=int, default=0, help="fewer batches than this is a failure")
    a = p.parse_args()
    sys.path.insert(0, a.model)
    import tree_model as m

    blobs = {}
    if a.blobs:
        with open(a.blobs, encoding="utf-8") as f:
            blobs = json.load(f)
    rpc = Rpc(a.l1)
    with open(a.genesis, encoding="utf-8") as f:
        genesis = json.load(f)
    chain = Chain(m, genesis)
    expect("genesis commitment", chain.commitment(), un(genesis["genesisRoot"]))

    def topic(signature):
        return "0x" + m.keccak256(signature.encode()).hex()

    layer, layer_diamond = (Rpc(a.layer), a.layer_diamond) if a.layer else (rpc, a.diamond)

    def logs_of(first_topic, rpc=rpc, diamond=a.diamond):
        return rpc("eth_getLogs", {"address": diamond, "topics": [first_topic], "fromBlock": "0x0", "toBlock": "latest"})

    canonical = "(uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256[4],bytes,bytes,uint256[],bytes,bytes)"
    upgrades = logs_of(topic(f"GenesisUpgrade(address,{canonical},uint256,bytes[])"))
    expect("genesis upgrades", len(upgrades), 1)
    w = Words(un(upgrades[0]["data"]))
    tx = w.follow(0)
    # The canonical hash is over the tuple encoded alone. The tuple lies first in the event's data, the list of
    # dependencies behind it, so its bytes are those between the two offsets.
    start, end = w.number(0), w.number(1)
    assert start < end
    upgrade_hash = m.keccak256(word(32) + w.data[start:end])
    assert tx.number(0) == 126
    dependencies = w.follow(1)
    inner = Words(dependencies.data, dependencies.base + 32)
    for i in range(dependencies.number(0)):
        chain.learn(inner.follow(i).bytes_here())

    commits = logs_of(topic("BlockCommit(uint256,bytes32,bytes32)"), layer, layer_diamond)
    done = {}
    for log in commits:  # a batch that was reverted and committed again counts with its last commit
        done[big(un(log["topics"][1]))] = log
    for number in sorted(done):
        log = done[number]
        expect("batch after the one before", number, len([n for n in done if n < number]) + 1)
        tx_of_commit = layer("eth_getTransactionByHash", log["transactionHash"])
        b = read_commit(un(tx_of_commit["input"]))
        b["tx"] = tx_of_commit
        try:
            expect("number", b["number"], number)
            output = check_batch(chain, b, upgrade_hash if number == 1 else ZERO, blobs)
            expect("batch output hash", output, un(log["topics"][3]))
            stored = m.stored_batch_hash(number, b["state"], b["l1_txs"], b["priority"], b["dependencies"], b["logs_root"], output)
            answer = layer("eth_call", {"to": layer_diamond, "data": "0xb22dd78e" + word(number).hex()}, "latest")
            expect("storedBatchHash", stored, un(answer))
        except Mismatch as e:
            print(f"batch {number}, block {chain.number}: {e}")
            return 1
        print(f"batch {number}: blocks {b['first_block']}..{b['last_block']}, {b['pubdata_len']} bytes of pubdata, state 0x{b['state'].hex()}")
    if len(done) < max(1, a.batches):
        print(f"only {len(done)} batches on L1")
        return 1
    print(f"{len(done)} batches, {chain.number} blocks, {len(chain.tree.key)} leaves: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
