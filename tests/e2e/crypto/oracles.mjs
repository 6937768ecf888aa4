// Curves and commitments of ours against independent ones on random input: @noble/curves for BN254 and BLS12-381, kzg-wasm
// (c-kzg-4844) for blobs, BigInt for modexp.   node tests/e2e/crypto/oracles.mjs [--seconds 20] [--seed 1] [--blobs 1]
// Both the table of the host and the portable one answer; one difference fails the run and prints the input.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { bls12_381 as bls } from '@noble/curves/bls12-381.js';
import { bn254 } from '@noble/curves/bn254.js';
import { loadKZG } from 'kzg-wasm';
import { TOP } from '../lib/paths.mjs';
import { Random } from '../differential/random.mjs';

const option = (name, or) => { const i = process.argv.indexOf('--' + name); return i < 0 ? or : Number(process.argv[i + 1]); };
const hex = (n, len) => n.toString(16).padStart(2 * len, '0');
const R = bls.fields.Fr.ORDER, P = bls.fields.Fp.ORDER, N = bn254.fields.Fr.ORDER, Q = bn254.fields.Fp.ORDER;

// ---- our program ----
class Driver {
  constructor(args) {
    this.child = spawn(path.join(TOP, 'build/release/crypto_driver'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async ask(operation, input) {
    this.child.stdin.write(`${operation} ${input}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`crypto_driver ended at ${operation} ${input.slice(0, 200)}`);
    return value;
  }
  end() { this.child.stdin.end(); }
}

// ---- points and their wire forms; null is infinity ----
const bn1 = (p) => { if (p.is0()) return '0'.repeat(128); const { x, y } = p.toAffine(); return hex(x, 32) + hex(y, 32); };
const bn2 = (p) => { if (p.is0()) return '0'.repeat(256); const { x, y } = p.toAffine(); return [x.c1, x.c0, y.c1, y.c0].map((v) => hex(v, 32)).join(''); };
const g1 = (p) => { if (p.is0()) return '0'.repeat(256); const { x, y } = p.toAffine(); return hex(x, 64) + hex(y, 64); };
const g2 = (p) => { if (p.is0()) return '0'.repeat(512); const { x, y } = p.toAffine(); return [x.c0, x.c1, y.c0, y.c1].map((v) => hex(v, 64)).join(''); };
const times = (p, k) => (k === 0n ? p.constructor.ZERO : p.multiplyUnsafe(k));
const scalar = (r, order) => r.weighted([[1, 0n], [1, 1n], [1, order - 1n], [2, r.big(4)], [8, r.big(40) % order]]);
const point = (r, curve, order) => times(curve.Point.BASE, scalar(r, order));
const field = (r, p) => r.weighted([[1, 0n], [1, 1n], [1, p - 1n], [8, r.big(60) % p]]);
// The pair sums of a pairing check: a product that is one, or one factor off
function balanced(r, curve, order) {
  const a = r.big(40) % order, b = r.big(40) % order, off = r.chance(40) ? 1n : 0n;
  const [one, two] = [curve.G1.Point.BASE, curve.G2.Point.BASE];
  return { pairs: [[times(one, a), times(two, b)], [times(one, (order - (a * b) % order + off) % order), two]], holds: off === 0n };
}
function power(b, e, m) {
  let r = 1n % m;
  for (b %= m; e; e >>= 1n) { if (e & 1n) r = r * b % m; b = b * b % m; }
  return r;
}

// ---- cases: [operation, input, what it must give] ----
const quick = [
  (r) => { const a = point(r, bn254.G1, N), b = r.chance(20) ? (r.chance(50) ? a : a.negate()) : point(r, bn254.G1, N); return ['bn_add', bn1(a) + bn1(b), bn1(a.add(b))]; },
  (r) => { const a = point(r, bn254.G1, N), k = r.chance(20) ? r.big(32) : scalar(r, N); return ['bn_mul', bn1(a) + hex(k, 32), bn1(times(a, k % N))]; },
  (r) => { const { pairs, holds } = balanced(r, bn254, N); return ['bn_pairing', pairs.map(([a, b]) => bn1(a) + bn2(b)).join(''), String(holds)]; },
  (r) => { const a = point(r, bls.G1, R), b = r.chance(20) ? (r.chance(50) ? a : a.negate()) : point(r, bls.G1, R); return ['g1_add', g1(a) + g1(b), g1(a.add(b))]; },
  (r) => { const a = point(r, bls.G2, R), b = r.chance(20) ? (r.chance(50) ? a : a.negate()) : point(r, bls.G2, R); return ['g2_add', g2(a) + g2(b), g2(a.add(b))]; },
  (r) => msm(r, 'g1_msm', bls.G1, g1, r.weighted([[6, r.between(1, 4)], [1, r.between(24, 40)], [1, r.between(128, 140)]])),
  (r) => msm(r, 'g2_msm', bls.G2, g2, r.weighted([[6, r.between(1, 4)], [1, r.between(24, 40)]])),
  (r) => { const { pairs, holds } = balanced(r, bls, R); return ['bls_pairing', pairs.map(([a, b]) => g1(a) + g2(b)).join(''), String(holds)]; },
  (r) => { const u = field(r, P); return ['map_g1', hex(u, 64), g1(bls.G1.mapToCurve(u))]; },
  (r) => { const u = [field(r, P), field(r, P)]; return ['map_g2', u.map((v) => hex(v, 64)).join(''), g2(bls.G2.mapToCurve(u))]; },
  (r) => { const n = r.between(1, 80), [b, e, m] = [r.big(n), r.big(n), r.big(n)]; return ['modexp', hex(b, n) + hex(e, n) + hex(m, n), hex(m ? power(b, e, m) : 0n, n)]; },
  // a coordinate that is not reduced, a point beside the curve, one outside the subgroup
  (r) => ['bn_add', hex(r.pick([Q, Q + 1n, 2n ** 256n - 1n]), 32) + hex(2n, 32) + '0'.repeat(128), 'refused'],
  (r) => ['g1_add', hex(r.pick([P, 2n ** 382n, 2n ** 400n]), 64) + hex(2n, 64) + '0'.repeat(256), 'refused'],
  (r) => { const a = point(r, bls.G1, R); return a.is0() ? ['g1_add', '0'.repeat(512), '0'.repeat(256)] : ['g1_add', g1(a).slice(0, 128) + hex((a.toAffine().y + 1n) % P, 64) + '0'.repeat(256), 'refused']; },
  (r) => ['g1_msm', g1(outside(r)) + hex(1n, 32), 'refused'],
  (r) => { const a = outside(r), b = point(r, bls.G1, R); return ['g1_add', g1(a) + g1(b), g1(a.add(b))]; },
];
function msm(r, name, curve, wire, n) {
  const terms = Array.from({ length: n }, () => [times(curve.Point.BASE, r.big(8)), r.chance(10) ? 2n ** 256n - 1n : scalar(r, R)]);
  return [name, terms.map(([p, k]) => wire(p) + hex(k, 32)).join(''), wire(terms.reduce((sum, [p, k]) => sum.add(times(p, k % R)), curve.Point.ZERO))];
}
// a point of the curve that is not of order r (the cofactor is large)
function outside(r) {
  for (;;) {
    const x = r.big(60) % P, y2 = (x * x * x + 4n) % P, y = power(y2, (P + 1n) / 4n, P);
    if (y * y % P === y2) return bls.G1.Point.fromAffine({ x, y });
  }
}

const bare = (s) => s.toLowerCase().replace(/^0x/, '');
function blobCases(r, kzg) {
  const kind = r.below(3), few = r.below(40);
  // full; mostly zero; one scalar everywhere
  const blob = Array.from({ length: 4096 }, (_, i) => (kind === 1 && i > few ? 0n : kind === 2 && i ? null : scalar(r, R)));
  const text = blob.map((v) => hex(v ?? blob[0], 32)).join('');
  const commitment = bare(kzg.blobToKZGCommitment('0x' + text)), proof = bare(kzg.computeBlobKZGProof('0x' + text, '0x' + commitment));
  const { cells, proofs } = kzg.computeCellsAndKZGProofs('0x' + text);
  const at = r.below(4096), spoilt = text.slice(0, 64 * at) + hex((BigInt('0x' + text.slice(64 * at, 64 * at + 64)) + 1n) % R, 32) + text.slice(64 * at + 64);
  return [
    ['blob_commitment', text, commitment], ['blob_proof', text + commitment, proof], ['verify_blob', text + commitment + proof, 'true'],
    ['verify_blob', spoilt + commitment + proof, 'false'], ['cells', text, [...cells, ...proofs].map(bare).join('')],
    ['blob_commitment', text.slice(0, 64 * at) + hex(R, 32) + text.slice(64 * at + 64), 'refused'],
  ];
}

const seed = option('seed', 1), r = new Random(seed);
const drivers = { host: new Driver([]), portable: new Driver(['--portable']) }, counts = {};
async function check([operation, input, want]) {
  for (const [name, driver] of Object.entries(drivers)) {
    const got = await driver.ask(operation, input);
    if (got === want) continue;
    console.log(`seed ${seed}: ${operation} (${name} table) of ${input.slice(0, 2000)}\n gives ${got.slice(0, 600)}\n  want ${want.slice(0, 600)}`);
    process.exit(1);
  }
  counts[operation] = (counts[operation] ?? 0) + 1;
}
const kzg = await loadKZG();
for (let i = 0; i < option('blobs', 1); i++) for (const c of blobCases(r, kzg)) await check(c);
const until = Date.now() + 1000 * option('seconds', 20);
for (let round = 0; round < 2 || Date.now() < until; round++) for (const make of quick) await check(make(r));
for (const d of Object.values(drivers)) d.end();
const total = Object.values(counts).reduce((a, b) => a + b);
console.log(Object.entries(counts).map(([k, v]) => `${k} ${v}`).join(', ') + `: ${total} cases agree, on both tables`);
