// The settlement layer is dead for minutes: RPC and sequencing do not notice, settlement catches up.
import { parseEther } from 'ethers';
import { USER } from '../lib/l1.mjs';
import { doubleMined, doubleSettlements } from '../lib/proxy.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

// Ten minutes in the long run; the short one is long enough for every backoff to have grown.
const SECONDS = process.env.GH_LONG ? 600 : 75;
const t = suite(`09 dead L1 (${SECONDS} s)`);
const w = await World.create(t, { proxies: 2, batchTimeout: '2s' });
await t.need('the chain is up and settles', async () => { await w.start(); await w.fund(USER.address, parseEther('100')); await w.l1.executed(2, 60_000); });
const wallet = w.managed(), to = '0x00000000000000000000000000000000000000f1';
const timings = [], hashes = [];

async function transfer() {
  const began = Date.now();
  const tx = await wallet.sendTransaction({ to, value: 1n, gasLimit: 100_000n });
  await w.node.receipt(tx.hash, 10_000);
  timings.push(Date.now() - began);
  hashes.push(tx.hash);
}

for (let i = 0; i < 10; i++) await transfer();
const normal = Math.max(...timings);

await t.test('while it is dead every transaction is included as fast as before, and nothing restarts', async () => {
  const pid = w.node.process.pid, before = await w.node.blockNumber();
  for (const p of w.proxies) p.unplug();
  timings.length = 0;
  const end = Date.now() + SECONDS * 1000;
  while (Date.now() < end) {
    await transfer();
    if (timings.length % 20 === 0) {
      same(await w.node.rpc.q('eth_chainId'), '0xa');
      same((await w.node.get('/status/live')).status, 200);
      same((await w.node.get('/status/ready')).status, 200);
    }
    await until('the next one is due', (() => { const at = Date.now() + 200; return () => Date.now() >= at; })(), { every: 20 });
  }
  same([w.node.process.running, w.node.process.pid], [true, pid]);
  const worst = Math.max(...timings);
  check(worst <= Math.max(4 * normal, 3000), `slowest transfer ${worst} ms, before ${normal} ms`);
  check((await w.node.blockNumber()) > before + timings.length / 4, 'blocks kept coming');
});

await t.test('the status page shows which endpoints do not answer, and why', async () => {
  const { l1 } = JSON.parse((await w.node.get('/status')).text);
  same(l1.endpoints.length, 2);
  for (const e of l1.endpoints) check(e.state !== 'healthy' && e.state !== 'up' && e.last_error.length > 0, JSON.stringify(e));
});

await t.test('what the next batch waits for is named: a settlement layer that does not answer', async () => {
  const f = await w.node.rpc.q('zks_getFinalityStatus');
  check(f.lastSealedBlock > f.lastCommittedBlock, JSON.stringify(f));
  check(/answer|reach|endpoint/i.test(f.next?.waitsFor ?? ''), JSON.stringify(f));
});

await t.test('when it is back, settlement catches up with everything', async () => {
  for (const p of w.proxies) p.plug();
  await w.executed(hashes.at(-1), 180_000);
  same(doubleSettlements(w.proxies), []);
  same(doubleMined(await w.l1.operatorTransactions(w.firstBlock)), []);
});

await t.test('a deposit made afterwards arrives', () => w.fund(USER.address, 1n));

await t.end();
