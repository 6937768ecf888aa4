// Storage proofs of zks_getProof, verified from the specification alone: leaf -> tree root -> state commitment ->
// storedBatchHash.
import { createHash } from 'node:crypto';
import { storedHash } from './l1.mjs';

const blake = (...parts) => { const h = createHash('blake2s256'); for (const p of parts) h.update(p); return h.digest(); };
const un = (h) => Buffer.from(h.slice(2), 'hex');
const le8 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };
const be8 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };
const ZERO = Buffer.alloc(32);

export const flatKey = (address, slot) => blake(Buffer.alloc(12), un(address), un(slot));

function walk(key, leaf) {
  let node = blake(key, un(leaf.value), le8(leaf.nextIndex)), index = BigInt(leaf.index), empty = blake(ZERO, ZERO, le8(0));
  if (leaf.siblings.length >= 64) throw new Error('too many siblings');
  for (let d = 0; d < 64; d++) {
    const sibling = d < leaf.siblings.length ? un(leaf.siblings[d]) : empty;
    node = index & 1n ? blake(sibling, node) : blake(node, sibling);
    index >>= 1n;
    empty = blake(empty, empty);
  }
  if (index !== 0n) throw new Error('index beyond the tree');
  return node;
}

// Tree root a single storage proof leads to; a missing slot needs two linked neighbours around it.
export function rootOf(address, { key, proof }) {
  const flat = flatKey(address, key);
  if (proof.type === 'existing') return walk(flat, proof);
  const l = proof.leftNeighbor, r = proof.rightNeighbor;
  if (Buffer.compare(un(l.leafKey), flat) >= 0 || Buffer.compare(flat, un(r.leafKey)) >= 0) throw new Error('the slot is not between its neighbours');
  if (BigInt(l.nextIndex) !== BigInt(r.index)) throw new Error('the neighbours are not linked');
  const [a, b] = [walk(un(l.leafKey), l), walk(un(r.leafKey), r)];
  if (!a.equals(b)) throw new Error('the neighbours are of different trees');
  return a;
}

// The storedBatchHash a whole answer leads to; throws when its proofs disagree.
export function verifyBatchProof(p) {
  const roots = p.storageProofs.map((s) => rootOf(p.address, s));
  for (const r of roots) if (!r.equals(roots[0])) throw new Error('proofs of different trees');
  const c = p.stateCommitmentPreimage, v = p.l1VerificationData;
  const state = '0x' + blake(roots[0], be8(c.nextFreeSlot), be8(c.blockNumber), un(c.last256BlockHashesBlake), be8(c.lastBlockTimestamp)).toString('hex');
  return storedHash([v.batchNumber, state, 0, v.numberOfLayer1Txs, v.priorityOperationsHash, v.dependencyRootsRollingHash, v.l2ToL1LogsRootHash, 0, v.commitment]);
}
