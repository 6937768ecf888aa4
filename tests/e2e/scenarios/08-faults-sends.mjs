// Between node and L1 stand proxies that lose sends, lose answers and lie: nothing wrong is sent, nothing is sent twice,
// nothing is believed that one endpoint alone invents, and work goes on.
import { behindTwoProxies } from '../lib/faults.mjs';
import { OPERATORS } from '../lib/l1.mjs';
import { doubleMined, doubleSettlements } from '../lib/proxy.mjs';
import { check, same, suite } from '../lib/suite.mjs';

const t = suite('08 faults of sends, and lies');
const { w, a, b, both, settles } = await behindTwoProxies(t, '08 faults of sends');
await t.test('a send whose answer is lost is not sent a second time under another nonce (need 6)', async () => {
  both((p) => p.clear());
  const faults = [a, b].map((p) => p.fault('eth_sendRawTransaction', { swallow: true }, { times: 3 }));
  await settles();
  check(faults.some((f) => f.hits > 0), 'no send was swallowed');
  same(doubleSettlements(w.proxies), []);
});

await t.test('a send that was answered but lost is brought on its way again under the same nonce (needs 1 and 6)', async () => {
  both((p) => p.clear());
  const faults = [a, b].map((p) => p.fault('eth_sendRawTransaction', { lose: true }, { times: 1 }));
  await settles(120_000);
  check(faults.some((f) => f.hits > 0), 'no send was lost');
  same(doubleSettlements(w.proxies), []);
});

await t.test('a replacement obeys the pool: no send was refused as underpriced twice with the same fees (need 2)', async () => {
  const seen = new Set();
  for (const s of w.proxies.flatMap((p) => p.sent).filter((s) => s.verdict === 'replacement transaction underpriced')) {
    const key = `${s.from}:${s.nonce}:${s.tx.maxFeePerGas}:${s.tx.maxPriorityFeePerGas}`;
    check(!seen.has(key), `sent again unchanged: ${key}`);
    seen.add(key);
  }
});

await t.test('an endpoint that is far behind does not take settlement back', async () => {
  both((p) => p.clear());
  a.fault('eth_blockNumber', { lie: (_, x) => ({ result: '0x' + (Number(x.result) - 40).toString(16) }) });
  const before = await w.l1.counters();
  await settles();
  const after = await w.l1.counters();
  check(after.executed > before.executed, 'no batch was executed');
  const f = await w.node.rpc.q('zks_getFinalityStatus');
  check(f.lastExecutedBatch >= before.executed, JSON.stringify(f));
  a.clear();
});

await t.test('an endpoint that invents a receipt does not make a batch final', async () => {
  both((p) => p.clear());
  // Both endpoints lose the next sends and claim they were mined.
  const seen = new Set();
  both((p) => {
    p.fault('eth_sendRawTransaction', { lose: true }, { times: 2 });
    p.fault('eth_getTransactionReceipt', { lie: (r, x) => {
      if (x.result || !w.proxies.some((q) => q.sent.some((s) => s.hash === r.params[0] && s.verdict === 'lost'))) return {};
      seen.add(r.params[0]);
      return { result: { transactionHash: r.params[0], status: '0x1', blockNumber: '0x1', blockHash: '0x' + '11'.repeat(32), transactionIndex: '0x0', gasUsed: '0x5208', cumulativeGasUsed: '0x5208', effectiveGasPrice: '0x1', from: OPERATORS.commit.address, to: null, contractAddress: null, logs: [], logsBloom: '0x' + '00'.repeat(256), type: '0x2' } };
    } }, { times: 6 });
  });
  await settles(120_000);
  const c = await w.l1.counters(), f = await w.node.rpc.q('zks_getFinalityStatus');
  check(f.lastExecutedBatch <= c.executed && f.lastCommittedBatch <= c.committed, `${JSON.stringify(f)} against ${JSON.stringify(c)}`);
  both((p) => p.clear());
});

await t.test('an endpoint of another chain gets nothing, from the start on', async () => {
  both((p) => p.clear());
  await w.node.stop();
  a.fault('eth_chainId', { lie: () => ({ result: '0x1' }) });
  a.fault('net_version', { lie: () => ({ result: '1' }) });
  const sent = a.sent.length;
  await w.start();
  await settles();
  same(a.sent.length, sent, 'transactions that went to the other chain');
  a.clear();
});

await t.test('over the whole run no batch step had two transactions, and none reverted', async () => {
  same(doubleSettlements(w.proxies), []);
  const mined = await w.l1.operatorTransactions(w.firstBlock);
  same(doubleMined(mined), []);
  for (const m of mined) same((await w.l1.rpc.q('eth_getTransactionReceipt', m.hash)).status, '0x1', m.hash);
});

await t.end();
