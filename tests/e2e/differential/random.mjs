// Repeatable randomness: the same seed makes the same case on every machine.
export class Random {
  constructor(seed) {
    this.s = [0x9e3779b9 ^ seed, 0x243f6a88, 0xb7e15162, (seed * 2654435761) >>> 0];
    for (let i = 0; i < 16; i++) this.u32();
  }
  // xoshiro128**
  u32() {
    const s = this.s, rotl = (x, k) => (x << k) | (x >>> (32 - k));
    const result = Math.imul(rotl(Math.imul(s[1], 5), 7), 9) >>> 0, t = s[1] << 9;
    s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= t; s[3] = rotl(s[3], 11);
    return result;
  }
  below(n) { return this.u32() % n; }
  between(a, b) { return a + this.below(b - a + 1); }
  chance(percent) { return this.below(100) < percent; }
  pick(list) { return list[this.below(list.length)]; }
  // [[weight, value], ...]
  weighted(list) {
    let n = this.below(list.reduce((sum, [w]) => sum + w, 0));
    for (const [w, value] of list) if ((n -= w) < 0) return value;
    throw new Error('weights');
  }
  bytes(n) { return Array.from({ length: n }, () => this.u32() & 0xff); }
  big(bytes) { return bytes ? BigInt('0x' + Buffer.from(this.bytes(bytes)).toString('hex')) : 0n; }
  shuffle(list) {
    for (let i = list.length - 1; i > 0; i--) { const j = this.below(i + 1); [list[i], list[j]] = [list[j], list[i]]; }
    return list;
  }
}
