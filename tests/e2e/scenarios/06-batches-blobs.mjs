// Ten batches in blobs, in sidecars of EIP-4844 as an L1 before Osaka wants them: committed, proved and executed on the blob
// validator, then rebuilt from what L1 has of them.
import fs from 'node:fs';
import path from 'node:path';
import { batches } from '../lib/batches.mjs';
import { blobsOnL1, verifySidecar } from '../lib/blobs.mjs';
import { decodeCommit } from '../lib/l1.mjs';
import { GENESIS, SHARED, TOP } from '../lib/paths.mjs';
import { must, run } from '../lib/process.mjs';
import { check, same, suite } from '../lib/suite.mjs';

const t = suite('06 ten batches, blobs');
const w = await batches(t, 10, { da: 'blobs', proxies: 1, before: (w) => { w.proxies[0].sidecar = 'EIP-4844'; } });
const sent = w.proxies[0].sent.filter((s) => s.tx.type === 3);

await t.test('every commit is a blob transaction, says its blobs are with it, and no other transaction has any', async () => {
  for (const { tx, does } of await w.l1.operatorTransactions(w.firstBlock)) {
    same(tx.type, does.step === 'commit' ? '0x3' : '0x2', does.step);
    if (does.step !== 'commit') continue;
    const { batch } = decodeCommit(does.data);
    same(batch.daCommitmentScheme, 4n);
    same(batch.operatorDAInput, '0x' + '00'.repeat(32 * tx.blobVersionedHashes.length));
  }
});

await t.test('the form of the fork was right from the first send on, and the proofs hold for another library', async () => {
  same(new Set(sent.map((s) => s.sidecar.form)), new Set(['EIP-4844']));
  same(sent.filter((s) => !/accepted|already known/.test(s.verdict)).map((s) => s.verdict), []);
  for (const s of sent) await verifySidecar(s.sidecar);
});

const checker = path.join(TOP, 'tests/e2e/checker/check_state.py'), file = path.join(w.dir, 'blobs.json');
const args = [checker, '--l1', w.l1.url, '--genesis', GENESIS, '--model', path.join(SHARED, 'vectors/state'), '--batches', '10', '--blobs', file];
await t.need('the blobs on L1 are what the commitments say', async () => {
  const blobs = await blobsOnL1(w.l1);
  check(Object.keys(blobs).length >= 10, 'blobs');
  fs.writeFileSync(file, JSON.stringify(blobs));
});
await t.test('a checker that knows L1 alone rebuilds the state of every batch from its blobs', async () => {
  const out = await must('python3', args, { timeout: 120_000 });
  check(/\d+ batches, \d+ blocks, \d+ leaves: ok/.test(out), out.slice(-500));
  console.log('# ' + out.trim().split('\n').at(-1));
});
await t.test('the same checker refuses a blob with one byte changed', async () => {
  const blobs = JSON.parse(fs.readFileSync(file, 'utf8')), [first] = Object.keys(blobs);
  blobs[first] = blobs[first].slice(0, 400) + (blobs[first][400] === '0' ? '1' : '0') + blobs[first].slice(401);
  fs.writeFileSync(file, JSON.stringify(blobs));
  const r = await run('python3', args, { timeout: 60_000 });
  check(r.code !== 0, r.all.slice(-300));
});

await t.end();
