// Between node and L1 stand proxies with geth's pool rules that delay, drop, refuse and cut. Work goes on, a second
// endpoint takes over, and nothing is sent twice.
import { behindTwoProxies } from '../lib/faults.mjs';
import { doubleMined, doubleSettlements } from '../lib/proxy.mjs';
import { check, same, suite } from '../lib/suite.mjs';

const t = suite('08 faults of the transport');
const { w, a, b, both, settles } = await behindTwoProxies(t, '08 faults of the transport');
const alive = () => check(w.node.process.running, 'gatehouse ended:\n' + w.node.process.output().slice(-1500));

const faults = {
  'answers that come late': (p) => p.fault('*', { delay: 400 }, { chance: 0.25 }),
  'connections that close without an answer': (p) => p.fault('*', { drop: true }, { chance: 0.25 }),
  'HTTP 429 with Retry-After': (p) => p.fault('*', { status: 429, headers: { 'retry-after': '1' } }, { chance: 0.25 }),
  'HTTP 503': (p) => p.fault('*', { status: 503 }, { chance: 0.25 }),
  'bodies cut in half': (p) => p.fault('*', { half: true }, { chance: 0.25 }),
  'bodies that are not JSON': (p) => p.fault('*', { garbage: '<html>busy</html>' }, { chance: 0.25 }),
  'internal errors from the endpoint': (p) => p.fault('*', { error: { code: -32603, message: 'internal error' } }, { chance: 0.25 }),
  'getLogs that refuse the range': (p) => p.fault((r) => r.method === 'eth_getLogs' && Number(r.params[0].toBlock ?? 0) - Number(r.params[0].fromBlock ?? 0) > 3, { error: { code: -32005, message: 'query returned more than 10000 results' } }),
  'no txpool methods and no finalized tag': (p) => p.fault((r) => r.method.startsWith('txpool_') || r.params?.includes?.('finalized') || r.params?.includes?.('safe'), { error: { code: -32601, message: 'the method does not exist' } }),
};
for (const [what, make] of Object.entries(faults)) {
  await t.test(`work goes on with ${what}`, async () => {
    both((p) => { p.clear(); make(p); });
    await settles();
    alive();
    both((p) => p.clear());
  });
}

await t.test('the first endpoint dies, the second takes over', async () => {
  both((p) => p.clear());
  a.unplug();
  await settles();
  a.plug();
  b.unplug();
  await settles();
  b.plug();
});

await t.test('over the whole run no batch step had two transactions, and none reverted', async () => {
  same(doubleSettlements(w.proxies), []);
  const mined = await w.l1.operatorTransactions(w.firstBlock);
  same(doubleMined(mined), []);
  for (const m of mined) same((await w.l1.rpc.q('eth_getTransactionReceipt', m.hash)).status, '0x1', m.hash);
});

await t.test('the node reports the health of each endpoint', async () => {
  const m = (await w.node.get('/metrics', w.node.metricsUrl)).text;
  check(/l1_rpc_healthy\{[^}]*\} [01]/.test(m), 'l1_rpc_healthy');
});

await t.end();
