// L1 reorganizes under an unconfirmed commit and under the watcher that has read it, one to ten blocks deep: the commit
// is sent again under its nonce, every batch is executed once, in the same process.
import { parseEther } from 'ethers';
import { USER } from '../lib/l1.mjs';
import { doubleSettlements } from '../lib/proxy.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const DEEPEST = 10;
const t = suite('10 reorg under commits');
const w = await World.create(t, { proxies: 1, batchTimeout: '500ms', changes: { 'l1_watcher.confirmations': 0, 'l1_sender.required_confirmations': DEEPEST + 2, 'l1_sender.poll_interval': '100ms', 'l1_watcher.poll_interval': '100ms' } });
const { l1 } = w, [proxy] = w.proxies, q = (...a) => w.node.rpc.q(...a);
// Blocks keep coming quickly until the probe is satisfied.
const whileMining = (what, probe, timeout = 60_000) => until(what, async () => { await l1.mine(); return probe(); }, { timeout, every: 60 });
const reorgs = async () => Number(/^l1_reorgs(?:\{[^}]*\})? (\d+)/m.exec((await w.node.get('/metrics', w.node.metricsUrl)).text)?.[1] ?? -1);
const atRest = async () => {
  const c = await l1.counters(), f = await q('zks_getFinalityStatus');
  return c.committed === c.executed && f.lastExecutedBatch === c.executed && f.lastExecutedBlock === f.lastSealedBlock;
};

await t.need('the chain is up and settles', async () => {
  await w.start();
  await w.fund(USER.address, parseEther('100'));
  await l1.stopMining();
  await whileMining('settlement is at rest', atRest);
});
const { pid } = w.node.process;
const wallet = w.managed();

for (let depth = 1; depth <= DEEPEST; depth++) {
  await t.test(`a commit that a reorg of depth ${depth} removes is sent again under its nonce, and its batch is executed (need 16)`, async () => {
    // So deep below the head that the reorganisation touches nothing but the commit.
    await l1.mine(DEEPEST + 3);
    await whileMining('settlement is at rest', atRest);
    const before = (await l1.counters()).committed, seen = await reorgs();
    await (await wallet.sendTransaction({ to: USER.address, value: 1n, gasLimit: 100_000n })).wait();
    const first = await until('the commit is sent', () => proxy.sent.find((s) => s.does?.step === 'commit' && s.does.from === before + 1 && s.verdict === 'accepted'), { timeout: 20_000, every: 20 });
    await l1.mine();
    same((await l1.counters()).committed, before + 1);
    if (depth > 1) await l1.mine(depth - 1);
    await until('the node has seen the commit', async () => (await q('zks_getFinalityStatus')).lastCommittedBatch >= before + 1, { timeout: 15_000, every: 50 });
    await l1.reorg(depth);
    same((await l1.counters()).committed, before);
    await whileMining('the batch is executed', async () => (await l1.counters()).executed >= before + 1);
    for (const s of proxy.sent) if (s.does?.step === 'commit' && s.does.from === before + 1) same([s.from, s.nonce], [first.from, first.nonce]);
    same([w.node.process.running, w.node.process.pid], [true, pid]);
    check((await reorgs()) > seen, 'the watcher did not notice the reorganisation');
  });
}

await t.test('no batch step was ever sent under two nonces', async () => same(doubleSettlements(w.proxies), []));

await t.test('a deposit made afterwards arrives', async () => {
  await l1.startMining();
  await w.fund(USER.address, 1n);
});

await t.end();
