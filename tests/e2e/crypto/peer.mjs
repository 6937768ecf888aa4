// What @noble/curves needs for the curve operations that bench_crypto measures, in microseconds: { name: us }.
import { bls12_381 as bls } from '@noble/curves/bls12-381.js';
import { bn254 } from '@noble/curves/bn254.js';

function time(run, rounds) {
  let best = Infinity;
  for (let k = 0; k < 5; k++) {
    const start = process.cpuUsage();
    for (let i = 0; i < rounds; i++) run();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / rounds);
  }
  return best;
}

export function noble() {
  // Different points in each pair, and a product that is not one: nothing cancels early.
  const pairs = (c) => [[3n, 5n], [7n, 11n]].map(([a, b]) => ({ g1: c.G1.Point.BASE.multiply(a), g2: c.G2.Point.BASE.multiply(b) }));
  const bn = pairs(bn254), bl = pairs(bls), k = 0x2b9f5c1d7a3e8844c0ffee00112233445566778899aabbccddeeff0102030405n;
  return {
    bn254_add: time(() => bn[0].g1.add(bn[1].g1).toAffine(), 100),
    bn254_mul: time(() => bn[0].g1.multiplyUnsafe(k).toAffine(), 10),
    bn254_pairing_2_pairs: time(() => bn254.pairingBatch(bn), 3),
    bls_pairing_2_pairs: time(() => bls.pairingBatch(bl), 3),
    bls_map_g1: time(() => bls.G1.mapToCurve(5n).toAffine(), 5),
    bls_map_g2: time(() => bls.G2.mapToCurve([5n, 6n]).toAffine(), 3),
  };
}
