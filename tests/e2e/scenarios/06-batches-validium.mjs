// Twenty batches whose data stays with the operator: counters and hashes equal on both sides.
import { decodeCommit, settlementStep } from '../lib/l1.mjs';
import { same, suite } from '../lib/suite.mjs';
import { twentyBatches } from '../lib/batches.mjs';

const t = suite('06 twenty batches, validium');
const w = await twentyBatches(t, 'validium');

await t.test('no commit carries pubdata', async () => {
  for (const m of (await w.l1.operatorTransactions(w.firstBlock)).filter((m) => m.does?.step === 'commit')) {
    const { batch } = decodeCommit(settlementStep(m.tx).data);
    same([batch.daCommitmentScheme, batch.daCommitment, batch.operatorDAInput], [1n, '0x' + '0'.repeat(64), '0x' + '0'.repeat(64)]);
  }
});

await t.end();
