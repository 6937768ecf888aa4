// Twenty batches with calldata, counters and hashes equal on both sides; then two checkers that share no code with the
// node: one rebuilds the state from L1 alone, the other repeats every L2 transaction on anvil.
import { GENESIS, SHARED, TOP } from '../lib/paths.mjs';
import { must, run } from '../lib/process.mjs';
import { check, suite } from '../lib/suite.mjs';
import { twentyBatches } from '../lib/batches.mjs';
import fs from 'node:fs';
import path from 'node:path';

const t = suite('06 twenty batches, calldata');
const w = await twentyBatches(t, 'calldata');
const checker = path.join(TOP, 'tests/e2e/checker/check_state.py');
const args = ['--genesis', GENESIS, '--model', path.join(SHARED, 'vectors/state'), '--batches', '20'];

await t.test('a checker that knows L1 alone rebuilds the state of every batch', async () => {
  const out = await must('python3', [checker, '--l1', w.l1.url, ...args], { timeout: 120_000 });
  check(/\d+ batches, \d+ blocks, \d+ leaves: ok/.test(out), out.slice(-500));
  console.log('# ' + out.trim().split('\n').at(-1));
});

await t.test('the same checker refuses a genesis that differs in one slot', async () => {
  const g = JSON.parse(fs.readFileSync(GENESIS, 'utf8'));
  const [address] = Object.entries(g.alloc).find(([, a]) => Object.keys(a.storage).length > 0);
  g.alloc[address].storage['0x' + '77'.repeat(32)] = '0x' + '01'.padStart(64, '0');
  const file = path.join(w.dir, 'other-genesis.json');
  fs.writeFileSync(file, JSON.stringify(g));
  const r = await run('python3', [checker, '--l1', w.l1.url, '--genesis', file, '--model', path.join(SHARED, 'vectors/state')], { timeout: 60_000 });
  check(r.code !== 0 && /genesis commitment/.test(r.all), r.all.slice(-300));
});

await t.test('every L2 transaction repeated on anvil has the same status, logs, code, storage and EVM gas', async () => {
  const out = await must(process.execPath, [path.join(TOP, 'tests/e2e/checker/replay_txs.mjs'), '--l2', w.node.url, '--at-least', '60'], { timeout: 240_000 });
  console.log('# ' + out.trim().split('\n').at(-1));
});

await t.end();
