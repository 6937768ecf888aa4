// kill -9 at random moments during traffic: after every start the same blocks, no gap, every receipt that was ever seen,
// and no settlement step in a second transaction.
import { Wallet, keccak256, parseEther } from 'ethers';
import { USER, account } from '../lib/l1.mjs';
import { doubleMined, doubleSettlements } from '../lib/proxy.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, seeded, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const KILLS = process.env.GH_LONG ? 50 : 10;
const t = suite(`11 kill -9, ${KILLS} times`);
const random = seeded('11 kill9');
const w = await World.create(t, { proxies: 1, batchTimeout: '1s', changes: { 'general.checkpoint_every_blocks': 5 } });
await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(USER.address, parseEther('100')); });
const q = (...a) => w.node.rpc.q(...a);

const blocks = new Map(); // number -> hash, as ever seen
const receipts = new Map(); // hash -> receipt, as ever seen
const raws = []; // transactions in nonce order
const signer = new Wallet(USER.privateKey);
let stop = false, nextNonce = num(await q('eth_getTransactionCount', USER.address, 'latest'));
const gasPrice = BigInt(await q('eth_gasPrice'));
let deposits = 0;

// Sends on, also over restarts: what has no receipt is sent again, as a wallet would.
async function client() {
  let confirmed = 0;
  while (!stop) {
    try {
      while (raws.length < confirmed + 25) raws.push(await signer.signTransaction({ chainId: 10, type: 0, nonce: nextNonce++, gasPrice, gasLimit: 100_000, to: account(20 + (raws.length % 30)).address, value: 1n + BigInt(raws.length) }));
      const open = raws.slice(confirmed);
      for (const a of await w.node.rpc.batch(open.map((r) => ['eth_sendRawTransaction', r]))) {
        if (a.error && !/already known|nonce too low/.test(a.error.message)) throw new Error(a.error.message);
      }
      const seen = await w.node.rpc.batch(open.map((r) => ['eth_getTransactionReceipt', keccak256(r)]));
      for (const { result } of seen) if (result) note(result);
      while (confirmed < raws.length && receipts.has(keccak256(raws[confirmed]))) confirmed++;
      const head = await q('eth_getBlockByNumber', 'latest', false);
      noteBlock(head);
    } catch (e) {
      if (e.wrong) throw e;
    }
    await until('the next round', (() => { const at = Date.now() + 40; return () => Date.now() >= at; })(), { every: 10 });
  }
  return confirmed;
}
const wrong = (message) => Object.assign(new Error(message), { wrong: true });
function noteBlock(b) {
  const was = blocks.get(num(b.number));
  if (was && was !== b.hash) throw wrong(`block ${num(b.number)} was ${was}, is ${b.hash}`);
  blocks.set(num(b.number), b.hash);
}
function note(r) {
  const was = receipts.get(r.transactionHash);
  const short = JSON.stringify([r.blockHash, r.transactionIndex, r.status, r.gasUsed]);
  if (was && was !== short) throw wrong(`receipt of ${r.transactionHash} was ${was}, is ${short}`);
  receipts.set(r.transactionHash, short);
  noteBlock({ number: r.blockNumber, hash: r.blockHash });
}

const traffic = client();
traffic.catch(() => { stop = true; });
for (let i = 1; i <= KILLS; i++) {
  await t.need(`kill ${i}: starts again with every block and receipt it had shown`, async () => {
    if (i % 3 === 0) { await w.l1.request({ from: account(6).address, value: BigInt(i) }); deposits++; }
    const at = Date.now() + Math.floor(random() * 2500);
    await until('the random moment', () => Date.now() >= at, { every: 5 });
    await w.node.kill();
    // A second kill while it recovers, every fourth time.
    if (i % 4 === 0) {
      w.node.start();
      const again = Date.now() + Math.floor(random() * 400);
      await until('the second moment', () => Date.now() >= again, { every: 5 });
      await w.node.kill();
    }
    await w.start();
    for (const [n, hash] of [...blocks].slice(-200)) same((await q('eth_getBlockByNumber', hex(n), false))?.hash, hash, `block ${n}`);
    for (const [h, short] of [...receipts].slice(-200)) {
      const r = await q('eth_getTransactionReceipt', h);
      check(r, `receipt of ${h} is gone`);
      same(JSON.stringify([r.blockHash, r.transactionIndex, r.status, r.gasUsed]), short);
    }
  });
}
stop = true;
await t.need('the client saw no contradiction', () => traffic);

await t.test('every transaction is included exactly once, in nonce order', async () => {
  for (const r of raws) {
    await w.node.rpc.answer('eth_sendRawTransaction', r);
  }
  let last = -1;
  for (const r of raws) {
    const x = await w.node.receipt(keccak256(r), 30_000);
    const place = num(x.blockNumber) * 100_000 + num(x.transactionIndex);
    check(place > last, 'order');
    last = place;
  }
  check(raws.length >= KILLS * 5, `only ${raws.length} transactions`);
});

await t.test('the chain of blocks has no gap and links to genesis', async () => {
  const head = await w.node.blockNumber();
  let parent = (await q('eth_getBlockByNumber', '0x0', false)).hash;
  for (let n = 1; n <= head; n++) {
    const b = await q('eth_getBlockByNumber', hex(n), false);
    same(b.parentHash, parent, `parent of block ${n}`);
    check(b.transactions.length > 0, `block ${n} is empty`);
    parent = b.hash;
  }
});

await t.test('settlement catches up, each step of each batch in one transaction, replaced and reverted ones counted', async () => {
  const target = await w.node.blockNumber();
  await until('everything is executed', async () => (await q('zks_getFinalityStatus')).lastExecutedBlock >= target, { timeout: 120_000 });
  same(doubleSettlements(w.proxies), []);
  const mined = await w.l1.operatorTransactions(w.firstBlock);
  same(doubleMined(mined), []);
  for (const m of mined) check(m.does, `a transaction that settles nothing: ${m.hash}`);
  const c = await w.l1.counters();
  same([c.committed, c.proved, c.executed], [c.committed, c.committed, c.committed]);
});

await t.test('every deposit arrived once', async () => {
  const requests = (await w.l1.logs('NewPriorityRequest')).map((l) => l.args.txHash);
  check(requests.length >= deposits, 'deposits');
  const seen = new Map();
  const head = await w.node.blockNumber();
  for (let n = 1; n <= head; n++) for (const x of (await q('eth_getBlockByNumber', hex(n), true)).transactions) if (x.type === '0x7f') seen.set(x.hash, (seen.get(x.hash) ?? 0) + 1);
  for (const h of requests) same(seen.get(h), 1, h);
  same(seen.size, requests.length);
});

await t.end();
