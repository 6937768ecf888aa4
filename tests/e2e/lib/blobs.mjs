// Blobs by other means than ours: network forms of type-3 transactions taken apart, commitments and proofs made again with
// eth-kzg (Rust, consensus clients use it) or, where it is not built for the machine, c-kzg as WebAssembly, pubdata read back.
import { createRequire } from 'node:module';
import { concat, decodeRlp, encodeRlp, getBytes, hexlify, sha256 } from 'ethers';
import { DIAMOND, diamond } from './l1.mjs';

async function load() {
  let native;
  try { native = createRequire(import.meta.url)('@crate-crypto/node-eth-kzg-linux-x64-gnu'); } catch { /* another machine */ }
  if (native) {
    const c = native.DasContextJs.create({ usePrecomp: false });
    return {
      commitment: (blob) => hexlify(c.blobToKzgCommitment(getBytes(blob))),
      proof: (blob, commitment) => hexlify(c.computeBlobKzgProof(getBytes(blob), getBytes(commitment))),
      cellProofs: (blob) => c.computeCellsAndKzgProofs(getBytes(blob)).proofs.map((p) => hexlify(p)),
    };
  }
  const { loadKZG } = await import('kzg-wasm'), c = await loadKZG();
  return {
    commitment: (blob) => c.blobToKZGCommitment(blob).toLowerCase(),
    proof: (blob, commitment) => c.computeBlobKZGProof(blob, commitment).toLowerCase(),
    cellProofs: (blob) => c.computeCellsAndProofs(blob)[1].map((p) => p.toLowerCase()),
  };
}
// The setup takes seconds to load, so that is done once, when it is needed.
let kzg;
const library = () => (kzg ??= load());

export const versionedHash = (commitment) => '0x01' + sha256(commitment).slice(4);

// The sidecar around a raw transaction; undefined when it is not one of type 3.
export function readSidecar(raw) {
  if (!/^0x03/i.test(raw)) return undefined;
  const list = decodeRlp('0x' + raw.slice(4));
  if (list.length !== 4 && list.length !== 5) throw new Error('no sidecar');
  const cells = list.length === 5;
  if (cells && list[1] !== '0x01') throw new Error('wrapper version ' + list[1]);
  const [blobs, commitments, proofs] = list.slice(-3);
  return { form: cells ? 'EIP-7594' : 'EIP-4844', payload: concat(['0x03', encodeRlp(list[0])]), blobs, commitments, proofs };
}

// What a pool sees at once, in words; undefined when nothing is wrong.
export function sidecarProblem(s, tx) {
  if (s.blobs.length !== tx.blobVersionedHashes.length || s.commitments.length !== s.blobs.length) return 'invalid number of blobs';
  if (s.proofs.length !== s.blobs.length * (s.form === 'EIP-7594' ? 128 : 1)) return 'invalid number of proofs';
  const wrong = s.commitments.findIndex((c, i) => versionedHash(c) !== tx.blobVersionedHashes[i]);
  return wrong < 0 ? undefined : `blob ${wrong}: computed hash mismatches transaction one`;
}

// Commitments and proofs, computed again.
export async function verifySidecar(s) {
  const k = await library();
  s.blobs.forEach((blob, i) => {
    const commitment = k.commitment(blob);
    if (commitment !== s.commitments[i]) throw new Error(`blob ${i}: the commitment is ${commitment}`);
    const proofs = s.form === 'EIP-7594' ? k.cellProofs(blob) : [k.proof(blob, commitment)];
    if (proofs.join() !== s.proofs.slice(proofs.length * i, proofs.length * (i + 1)).join()) throw new Error(`blob ${i}: its proofs are others`);
  });
}

// The blobs of every commit, as L1 serves them (anvil does): { versioned hash: blob }, each compared with its hash.
export async function blobsOnL1(l1) {
  const k = await library();
  const logs = await l1.rpc.q('eth_getLogs', { address: DIAMOND, fromBlock: '0x0', toBlock: 'latest', topics: [diamond.getEvent('BlockCommit').topicHash] });
  const found = {};
  for (const { transactionHash } of logs) {
    const { blobVersionedHashes: hashes } = await l1.rpc.q('eth_getTransactionByHash', transactionHash);
    const blobs = await l1.rpc.q('anvil_getBlobsByTransactionHash', transactionHash);
    if (!hashes?.length || blobs?.length !== hashes.length) throw new Error(`${transactionHash}: ${blobs?.length} blobs for ${hashes?.length} hashes`);
    hashes.forEach((h, i) => {
      const have = versionedHash(k.commitment(blobs[i]));
      if (have !== h) throw new Error(`${transactionHash}, blob ${i}: its commitment gives ${have}, the transaction names ${h}`);
      found[h] = blobs[i];
    });
  }
  return found;
}
