// Inputs of the precompiles: mostly well-formed, made with @noble/curves, sometimes spoilt.
import { bls12_381 as bls } from '@noble/curves/bls12-381.js';
import { bn254 } from '@noble/curves/bn254.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';

const be = (n, len) => [...Buffer.from(n.toString(16).padStart(2 * len, '0'), 'hex')];
const word = (n) => be(n, 32), fp = (n) => be(n, 64);
const scalar = (r) => r.weighted([[2, 0n], [2, 1n], [1, 2n], [1, bls.fields.Fr.ORDER], [1, 2n ** 256n - 1n], [8, r.big(32)], [3, r.big(16)]]);
const multiple = (r, base, order) => { const k = r.weighted([[1, 0n], [1, 1n], [1, order - 1n], [8, r.big(8) % order]]); return k === 0n ? null : base.multiply(k); };

const g1 = (p) => { if (!p) return Array(128).fill(0); const { x, y } = p.toAffine(); return [...fp(x), ...fp(y)]; };
const g2 = (p) => { if (!p) return Array(256).fill(0); const { x, y } = p.toAffine(); return [...fp(x.c0), ...fp(x.c1), ...fp(y.c0), ...fp(y.c1)]; };
const G1 = (r) => g1(multiple(r, bls.G1.Point.BASE, bls.fields.Fr.ORDER)), G2 = (r) => g2(multiple(r, bls.G2.Point.BASE, bls.fields.Fr.ORDER));
const bn1 = (r) => { const p = multiple(r, bn254.G1.Point.BASE, bn254.fields.Fr.ORDER); if (!p) return Array(64).fill(0); const { x, y } = p.toAffine(); return [...word(x), ...word(y)]; };
const bn2 = (r) => { const p = multiple(r, bn254.G2.Point.BASE, bn254.fields.Fr.ORDER); if (!p) return Array(128).fill(0); const { x, y } = p.toAffine(); return [x.c1, x.c0, y.c1, y.c0].flatMap(word); };
const field = (r) => fp(r.weighted([[1, 0n], [1, bls.fields.Fp.ORDER - 1n], [1, bls.fields.Fp.ORDER], [8, r.big(47)]]));

function pairs(r, one, two, negate) {
  // e(aG, H) e(-G, aH) = 1
  if (r.chance(40)) return negate(BigInt(r.between(1, 1000)));
  return Array.from({ length: r.below(3) }, () => [...one(r), ...two(r)]).flat();
}
const blsPairs = (k) => [...g1(bls.G1.Point.BASE.multiply(k)), ...g2(bls.G2.Point.BASE), ...g1(bls.G1.Point.BASE.negate()), ...g2(bls.G2.Point.BASE.multiply(k))];
function bnPairs(k) {
  const a = (p) => { const { x, y } = p.toAffine(); return [...word(x), ...word(y)]; }, b = (p) => { const { x, y } = p.toAffine(); return [x.c1, x.c0, y.c1, y.c0].flatMap(word); };
  return [...a(bn254.G1.Point.BASE.multiply(k)), ...b(bn254.G2.Point.BASE), ...a(bn254.G1.Point.BASE.negate()), ...b(bn254.G2.Point.BASE.multiply(k))];
}
function ecrecover(r) {
  const hash = Uint8Array.from(r.bytes(32)), s = secp256k1.sign(hash, Uint8Array.from(be(r.big(31) + 1n, 32)), { prehash: false, format: 'recovered' });
  return [...hash, ...word(BigInt(r.weighted([[8, 27 + s[0]], [1, 27], [1, 28], [1, s[0]]]))), ...s.slice(1)];
}
function p256verify(r) {
  const key = Uint8Array.from(be(r.big(31) + 1n, 32)), hash = Uint8Array.from(r.bytes(32));
  return [...hash, ...p256.sign(hash, key, { prehash: false }), ...p256.getPublicKey(key, false).slice(1)];
}
function modexp(r) {
  const len = () => r.weighted([[2, 0], [4, 1], [6, 32], [2, 33], [2, 64], [2, r.below(100)], [1, r.between(200, 1030)]]), b = len(), e = Math.min(len(), 128), m = len();
  const head = [b, e, m].flatMap((n) => word(BigInt(n)));
  if (r.chance(4)) head.splice(r.pick([0, 32, 64]), 32, ...word(r.weighted([[1, 2n ** 64n], [1, 2n ** 256n - 1n], [1, 1025n], [1, 1024n]])));
  return [...head, ...r.bytes(b), ...(r.chance(30) ? Array(e).fill(0) : r.bytes(e)), ...r.bytes(m)].slice(0, r.chance(90) ? undefined : r.below(200));
}
const blake2f = (r) => [...be(BigInt(r.weighted([[2, 0], [4, 12], [2, r.below(300)]])), 4), ...r.bytes(208), r.weighted([[5, 0], [5, 1], [1, 2]])];

// [address, input] and the least fork
export const precompiles = [
  [1, ecrecover], [2, (r) => r.bytes(r.below(200))], [3, (r) => r.bytes(r.below(200))], [4, (r) => r.bytes(r.below(300))], [5, modexp],
  [6, (r) => [...bn1(r), ...bn1(r)]], [7, (r) => [...bn1(r), ...word(scalar(r))]], [8, (r) => pairs(r, bn1, bn2, bnPairs)], [9, blake2f],
  [11, (r) => [...G1(r), ...G1(r)], 'prague'], [12, (r) => Array.from({ length: r.between(1, 3) }, () => [...G1(r), ...word(scalar(r))]).flat(), 'prague'],
  [13, (r) => [...G2(r), ...G2(r)], 'prague'], [14, (r) => Array.from({ length: r.between(1, 2) }, () => [...G2(r), ...word(scalar(r))]).flat(), 'prague'],
  [15, (r) => pairs(r, G1, G2, blsPairs), 'prague'], [16, field, 'prague'], [17, (r) => [...field(r), ...field(r)], 'prague'], [256, p256verify, 'osaka'],
];
// What a call costs by the EIPs, where that hangs on the length alone: the exact price and one less are tried.
function price(address, len) {
  const words = Math.ceil(len / 32);
  return { 1: 3000, 2: 60 + 12 * words, 3: 600 + 120 * words, 4: 15 + 3 * words, 6: 150, 7: 6000, 8: 45000 + 34000 * Math.floor(len / 192), 11: 375, 12: len === 160 ? 12000 : 22000, 13: 600, 14: 22500, 15: 32600 + 37700 * Math.floor(len / 384), 16: 5500, 17: 23800, 256: 6900 }[address] ?? 500;
}
const rank = { cancun: 0, prague: 1, osaka: 2 };
export function precompileCall(r, fork) {
  const [address, make, since] = r.pick(precompiles);
  let input = make(r);
  if (since && rank[fork] < rank[since] && r.chance(80)) return precompileCall(r, fork);
  if (r.chance(12) && input.length) input[r.below(input.length)] ^= 1 << r.below(8);
  if (r.chance(6)) input = input.slice(0, r.below(input.length + 1));
  if (r.chance(4)) input = [...input, ...r.bytes(r.between(1, 40))];
  return { address, input, price: price(address, input.length) };
}
