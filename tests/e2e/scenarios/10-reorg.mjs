// L1 reorganizes under the watcher and under an unconfirmed commit, one to ten blocks deep: the node recovers in the
// same process, takes the deposits of the new history, and settles every batch once.
import { parseEther } from 'ethers';
import { USER, account } from '../lib/l1.mjs';
import { num, hex } from '../lib/rpc.mjs';
import { doubleSettlements } from '../lib/proxy.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const DEEPEST = 10;
const t = suite('10 reorg');
const w = await World.create(t, { proxies: 1, batchTimeout: '1s', changes: { 'l1_watcher.confirmations': DEEPEST + 2, 'l1_sender.required_confirmations': DEEPEST + 2 } });
const l1 = w.l1, q = (...a) => w.node.rpc.q(...a);
const settled = async () => (await q('zks_getFinalityStatus')).lastExecutedBatch;
// Enough blocks for everything waiting for depth to be taken.
const deepen = () => l1.rpc.q('anvil_mine', hex(DEEPEST + 3));
// Blocks keep coming quickly until the probe is satisfied.
const whileMining = (what, probe, timeout = 90_000) => until(what, async () => { await l1.rpc.q('anvil_mine', '0x1'); return probe(); }, { timeout, every: 100 });

// Replaces the last `depth` blocks by empty ones, and holds that the L1 really is another one now.
async function reorg(depth) {
  const head = num(await l1.rpc.q('eth_blockNumber')), lowest = head - depth + 1;
  const before = (await l1.rpc.q('eth_getBlockByNumber', hex(lowest), false)).hash;
  const kept = (await l1.rpc.q('eth_getBlockByNumber', hex(lowest - 1), false)).hash;
  await l1.rpc.q('anvil_reorg', depth, []);
  check((await l1.rpc.q('eth_getBlockByNumber', hex(lowest), false)).hash !== before, 'the block hash did not change');
  same((await l1.rpc.q('eth_getBlockByNumber', hex(lowest - 1), false)).hash, kept);
}

await t.need('the chain is up and settles', async () => {
  await w.start();
  await l1.stopMining();
  const d = await l1rq({ value: parseEther('100') });
  await deepen();
  await w.node.receipt(d.hash);
  await whileMining('batch 2 is executed', async () => (await settled()) >= 2);
});
const pid = w.node.process.pid;

// A request mined at once, in the next block.
async function l1rq(o) {
  const done = l1.request(o);
  await until('the request is in the pool', async () => num(await l1.rpc.q('eth_getBlockTransactionCountByNumber', 'pending')) > 0, { every: 20 });
  await l1.rpc.q('anvil_mine', '0x1');
  return done;
}

for (let depth = 1; depth <= DEEPEST; depth++) {
  await t.test(`a deposit that a reorg of depth ${depth} removes never runs; the one that takes its place does (needs 17, 22, 23)`, async () => {
    const gone = await l1rq({ value: 1000n + BigInt(depth), from: account(6).address });
    if (depth > 1) await l1.rpc.q('anvil_mine', hex(depth - 1));
    await until('the watcher has seen the head', async () => true);
    await reorg(depth);
    same(await l1.rpc.q('eth_getTransactionReceipt', gone.receipt.transactionHash), null);
    const kept = await l1rq({ value: 2000n + BigInt(depth), from: account(7).address });
    same(kept.id, gone.id);
    check(kept.hash !== gone.hash, 'the same request again');
    await deepen();
    same((await w.node.receipt(kept.hash, 60_000)).status, '0x1');
    same(await q('eth_getTransactionReceipt', gone.hash), null);
    same([w.node.process.running, w.node.process.pid], [true, pid]);
  });
}

const wallet = w.managed();
for (let depth = 1; depth <= DEEPEST; depth++) {
  await t.test(`a commit that a reorg of depth ${depth} removes is sent again under its nonce, and its batch is executed (need 16)`, async () => {
    await whileMining('settlement is at rest', async () => { const c = await l1.counters(); const f = await q('zks_getFinalityStatus'); return c.committed === c.executed && f.lastExecutedBlock === f.lastSealedBlock; });
    const before = (await l1.counters()).committed;
    await (await wallet.sendTransaction({ to: USER.address, value: 1n, gasLimit: 100_000n })).wait();
    await until('the commit is in the pool', async () => num(await l1.rpc.q('eth_getBlockTransactionCountByNumber', 'pending')) > 0, { timeout: 30_000 });
    await l1.rpc.q('anvil_mine', '0x1');
    same((await l1.counters()).committed, before + 1);
    if (depth > 1) await l1.rpc.q('anvil_mine', hex(depth - 1));
    await reorg(depth);
    same((await l1.counters()).committed, before);
    await whileMining('the batch is executed', async () => (await l1.counters()).executed >= before + 1);
    same([w.node.process.running, w.node.process.pid], [true, pid]);
  });
}

await t.test('no batch step was ever sent under two nonces', async () => same(doubleSettlements(w.proxies), []));

await t.test('the node counts its reorgs and their depth', async () => {
  const m = (await w.node.get('/metrics', w.node.metricsUrl)).text;
  const count = /^l1_reorgs(?:\{[^}]*\})? (\d+)/m.exec(m);
  check(count && Number(count[1]) >= DEEPEST, `l1_reorgs: ${count?.[0]}`);
});

await t.end();
