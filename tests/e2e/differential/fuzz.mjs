// Random programs and transactions through our engine and through an independent one; everything that both can tell is
// compared: validity, each step (program counter, opcode, gas, price, stack, refund), gas used, output, logs, state root.
//
//   node fuzz.mjs [--seed N] [--cases N | --seconds N] [--fork cancun|prague|osaka|zksync-os] [--engine ethereumjs|anvil]
//                 [--wrong NAME] [--first] [--keep DIR]
//
// Under the fork zksync-os ours runs by the chain's own rules, without a limit of native resource, and the other by Cancun's;
// programs leave alone what differs, and the state root is not compared.
//
// Case n of seed s is made from s + n alone. Every case runs twice: with its own gas limit, and with one near what it used.
// A difference is made smaller and kept in DIR as a state test that `statetest` runs. --wrong makes our engine wrong
// on purpose (`statetest --lines --rules NAME`): the run must find a difference then, and fails if it does not. --first ends with
// the first difference, as it is.
import fs from 'node:fs';
import path from 'node:path';
import { TOP } from '../lib/paths.mjs';
import { difference } from './compare.mjs';
import { Ours } from './engine-ours.mjs';
import { generate } from './generate.mjs';
import { minimize } from './minimize.mjs';
import { OP } from './program.mjs';
import { toStateTest } from './statetest.mjs';

const arg = (name, otherwise) => { const i = process.argv.indexOf('--' + name); return i < 0 ? otherwise : process.argv[i + 1]; };
const first = Number(arg('seed', 1)), seconds = arg('seconds') && Number(arg('seconds')), wrong = arg('wrong'), quick = wrong || process.argv.includes('--first'), keep = arg('keep', path.join(TOP, 'build/differential'));
const own = arg('fork') === 'zksync-os';
const count = Number(arg('cases', seconds ? Number.MAX_SAFE_INTEGER : 1000)), most = 5;
const { default: Engine } = await import(`./engine-${arg('engine', 'ethereumjs')}.mjs`);
const ours = new Ours(process.env.GH_STATETEST ?? path.join(TOP, 'build/release/statetest'), wrong ?? (own ? 'zksync-os' : undefined)), theirs = await Engine.start();

// What anvil does its own way: hashes of blocks; blobs, which it wants to see; and every account is there for it, so that an authority that nobody has heard of
// (a spoilt signature) is refunded like one that exists.
const plain = (c) => ({
  ...c, accounts: c.accounts.map((a) => ({ ...a, program: a.program.without(OP.BLOCKHASH, OP.NUMBER) })),
  tx: { ...c.tx, type: c.tx.type === 3 ? 2 : c.tx.type, data: c.tx.data.map((b) => b === OP.BLOCKHASH ? OP.NUMBER : b), auths: c.tx.auths?.map((a) => a.spoil === 1 ? a : { ...a, spoil: -1 }) },
});
const name = (c) => `differential-${c.seed}-${c.fork}`;
let steps = 0, ran = 0, included = 0, unable = 0;
const found = [], why = new Map();
async function compare(c) {
  const test = toStateTest(Engine.own ? plain(c) : c);
  let b;
  try { b = await theirs.run(name(c), test); } catch (e) { unable++; why.set(e.message, (why.get(e.message) ?? 0) + 1); return {}; }
  const a = await ours.run(name(c), b.env ? { ...test, env: b.env } : test);
  ran++;
  included += !a.rejected;
  steps += a.steps.length;
  if (own) delete b.root;
  return { a, b, difference: difference(a, b) };
}

async function report(c, what) {
  const small = quick ? c : await minimize(c, async (x) => (await compare(x)).difference !== undefined);
  const { a, b } = await compare(small);
  fs.mkdirSync(keep, { recursive: true });
  const file = path.join(keep, `${name(c)}${wrong ? '-' + wrong : ''}.json`);
  fs.writeFileSync(file, JSON.stringify({ [name(c)]: toStateTest(small, { root: b.root, logs: b.logs, rejected: b.rejected }) }, null, 1) + '\n');
  found.push(c.seed);
  console.log(`seed ${c.seed} ${c.fork}: ${what}\n  made smaller: ${difference(a, b)}\n  kept: ${path.relative(TOP, file)}`);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, async () => { ours.stop(); await theirs.stop(); process.exit(1); });
const began = Date.now();
for (let n = 0; n < count && found.length < (quick ? 1 : most) && !(seconds && Date.now() - began > seconds * 1000); n++) {
  const c = generate(first + n, arg('fork'));
  const { a, difference: what } = await compare(c);
  if (what) { await report(c, what); continue; }
  if (!a || a.rejected) continue;
  const near = { ...c, tx: { ...c.tx, gas: BigInt(a.gasUsed) + [0n, -1n, 1n, -100n, 2300n, -5000n, 4800n][n % 7] } };
  const again = await compare(near);
  if (again.difference) await report(near, again.difference);
}
ours.stop();
await theirs.stop();
for (const [message, times] of why) console.log(`the other engine cannot: ${message} (${times} times)`);
const enough = wrong || unable <= 0.01 * ran + 2;
if (!enough) console.log('the other engine gave up on too many cases');
console.log(`${ran} runs (${included} included) from seed ${first}, ${steps} steps compared in ${((Date.now() - began) / 1000).toFixed(0)} s, ${found.length} differences${wrong ? ` (wanted: one, our rules are wrong in "${wrong}")` : ''}`);
process.exit(wrong ? (found.length ? 0 : 1) : found.length || !enough || !ran ? 1 : 0);
