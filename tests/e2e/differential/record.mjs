// Writes cases with what the independent engine makes of them, as state tests that `statetest` runs without node:
//   node record.mjs FILE SEED...      or      node record.mjs FILE --pick N --kind delegation|bls
// They are small, included, and exercise what the public suites at hand have no cases for (EIP-7702, EIP-2537).
import fs from 'node:fs';
import EthereumJs from './engine-ethereumjs.mjs';
import { generate } from './generate.mjs';
import { FORK_NAME, toStateTest } from './statetest.mjs';

const [file, ...rest] = process.argv.slice(2);
const option = (name) => { const i = rest.indexOf('--' + name); return i < 0 ? undefined : rest.splice(i, 2)[1]; };
const pick = Number(option('pick') ?? 0), kind = option('kind');
const engine = await EthereumJs.start(), out = {}, CALLS = new Set([0xf1, 0xf2, 0xf4, 0xfa]);
const SMALL = 9000, kinds = {
  delegation: (c, r) => c.tx.type === 4 && r.steps.length > 5,
  bls: (c, r) => r.steps.some((s) => CALLS.has(s.op) && BigInt(s.stack.at(-2)) >= 11n && BigInt(s.stack.at(-2)) <= 17n),
};
async function add(seed, wanted) {
  const c = generate(seed), plain = toStateTest(c);
  if (wanted && (c.fork === 'cancun' || JSON.stringify(plain).length > SMALL)) return;
  const r = await engine.run('', plain);
  if (wanted && (r.rejected || !kinds[kind](c, r))) return;
  out[`differential-${seed}-${FORK_NAME[c.fork]}`] = toStateTest(c, { root: r.root, logs: r.logs, rejected: r.rejected });
}
for (const seed of rest) await add(Number(seed), false);
for (let seed = 100_000; Object.keys(out).length < pick; seed++) await add(seed, true);
fs.writeFileSync(file, JSON.stringify(out, null, 1) + '\n');
console.log(`${Object.keys(out).length} cases in ${file}`);
