// L1 reorganizes under deposits that are not yet deep enough to be taken, one to ten blocks deep: what disappears never
// runs, what takes its place does, in the same process.
import { parseEther } from 'ethers';
import { account } from '../lib/l1.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World } from '../lib/world.mjs';

const DEEPEST = 10;
const t = suite('10 reorg under deposits');
const w = await World.create(t, { mining: false, changes: { 'l1_watcher.confirmations': DEEPEST + 2 } });
const { l1 } = w;
await l1.stopMining();
const q = (...a) => w.node.rpc.q(...a);
// A request mined at once, in the next block.
const request = (o) => l1.request({ ...o, sent: () => l1.mine() });

await t.need('the chain is up and takes a deposit once it is deep enough', async () => {
  await w.start();
  const d = await request({ value: parseEther('100') });
  same(await q('eth_getTransactionReceipt', d.hash), null);
  await l1.mine(DEEPEST + 3);
  await w.node.receipt(d.hash);
});
const { pid } = w.node.process;

for (let depth = 1; depth <= DEEPEST; depth++) {
  await t.test(`a deposit that a reorg of depth ${depth} removes never runs; the one that takes its place does (needs 17, 22, 23)`, async () => {
    const gone = await request({ value: 1000n + BigInt(depth), from: account(6).address });
    if (depth > 1) await l1.mine(depth - 1);
    await l1.reorg(depth);
    same(await l1.rpc.q('eth_getTransactionReceipt', gone.receipt.transactionHash), null);
    const kept = await request({ value: 2000n + BigInt(depth), from: account(7).address });
    same(kept.id, gone.id);
    check(kept.hash !== gone.hash, 'the same request again');
    await l1.mine(DEEPEST + 3);
    same((await w.node.receipt(kept.hash, 30_000)).status, '0x1');
    same(await q('eth_getTransactionReceipt', gone.hash), null);
    same([w.node.process.running, w.node.process.pid], [true, pid]);
  });
}

await t.end();
