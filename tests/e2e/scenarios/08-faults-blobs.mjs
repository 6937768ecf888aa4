// Blob transactions when things go wrong: kill -9 between signing and sending and while one is pending, blob fees that jump or pass
// the ceiling, a node that wants the other form of sidecar. Nothing is sent twice, nothing changes, and it goes on by itself.
import { parseEther } from 'ethers';
import { verifySidecar } from '../lib/blobs.mjs';
import { USER } from '../lib/l1.mjs';
import { doubleMined, doubleSettlements } from '../lib/proxy.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const t = suite('08 faults of blob transactions');
const w = await World.create(t, { da: 'blobs', proxies: 1, batchTimeout: '1s', changes: { 'l1_sender.max_fee_per_blob_gas': '1 gwei' } });
const [p] = w.proxies;
p.sidecar = 'EIP-4844';
await t.need('the chain is up', async () => { await w.start(); await w.fund(USER.address, parseEther('100')); await w.l1.executed(1); });

const wallet = w.managed();
const blobsSent = () => p.sent.filter((s) => s.tx.type === 3);
const accepted = (s) => s.verdict === 'accepted';
const transfer = async () => (await wallet.sendTransaction({ to: '0x00000000000000000000000000000000000000f0', value: 1n })).wait();
const executed = (r) => w.executed(r.hash);
const rest = () => until('settlement has come to rest', async () => {
  const f = await w.node.rpc.q('zks_getFinalityStatus');
  return f.lastExecutedBlock === (await w.node.blockNumber());
}, { timeout: 60_000 });
const commitSender = async () => JSON.parse((await w.node.get('/status')).text).senders.find((s) => s.lane === 'commit');

await t.test('killed between signing and sending: the very same blob transaction goes out after the start', async () => {
  await rest();
  const before = blobsSent().length;
  p.fault('eth_sendRawTransaction', { drop: true });
  const r = await transfer();
  await until('a send was tried', () => p.faults[0].hits > 0);
  const nonce = (await commitSender()).nonce_latest;
  await w.node.kill();
  p.clear();
  same(blobsSent().length, before, 'nothing arrived');
  await w.start();
  await executed(r);
  const mine = blobsSent().slice(before).filter((s) => s.nonce === nonce);
  same(new Set(mine.map((s) => s.hash)).size, 1);
  await verifySidecar(mine[0].sidecar); // blobs and proofs came out of the journal
});

await t.test('killed while it is pending: no second one, the same bytes again when the pool lost it', async () => {
  await rest();
  await w.l1.stopMining();
  const before = blobsSent().length;
  const r = await transfer();
  const first = await until('it is in the pool', () => blobsSent().slice(before).find(accepted));
  await w.node.kill();
  await w.l1.rpc.q('anvil_dropTransaction', first.hash);
  p.pool.clear();
  await w.start();
  await until('it is sent again', () => blobsSent().slice(before).filter(accepted).length >= 2, { timeout: 30_000 });
  await w.l1.startMining();
  await executed(r);
  const again = blobsSent().slice(before).filter((s) => s.nonce === first.nonce);
  same(again.map((s) => s.hash), again.map(() => first.hash));
  same(again.at(-1).sidecar, first.sidecar, 'the sidecar');
});

await t.test('the blob fee jumps while one is pending: it is replaced by one that pays twice of everything, and only that is mined', async () => {
  await rest();
  const before = blobsSent().length;
  p.blobBaseFee = 1000n;
  p.blobFloor = 5000n; // it jumps behind the node's back
  const r = await transfer();
  const first = await until('it waits in the pool', () => blobsSent().slice(before).find(accepted));
  check(first.tx.maxFeePerBlobGas < 5000n, 'it offers enough already');
  p.blobBaseFee = 5000n;
  await executed(r);
  const versions = blobsSent().slice(before).filter((s) => accepted(s) && s.nonce === first.nonce);
  const last = versions.at(-1);
  check(last.hash !== first.hash, 'it was not replaced');
  for (let i = 1; i < versions.length; i++) {
    const [old, now] = [versions[i - 1], versions[i]];
    if (old.hash === now.hash) continue;
    for (const f of ['maxFeePerGas', 'maxPriorityFeePerGas', 'maxFeePerBlobGas']) check(now.tx[f] >= 2n * old.tx[f], `${f}: ${old.tx[f]}, then ${now.tx[f]}`);
    same([now.sidecar.blobs, now.sidecar.commitments, now.sidecar.proofs], [old.sidecar.blobs, old.sidecar.commitments, old.sidecar.proofs], 'the sidecar');
  }
  check(last.tx.maxFeePerBlobGas >= 5000n, String(last.tx.maxFeePerBlobGas));
  same((await w.l1.rpc.q('eth_getTransactionReceipt', last.hash)).status, '0x1');
});
p.blobFloor = undefined;

await t.test('the blob fee is above the ceiling: it waits, says so in words, and goes on when it falls', async () => {
  await rest();
  p.blobBaseFee = 1_000_000_001n;
  await until('the node sees the price', async () => (await commitSender()).blob_base_fee_wei === '1000000001' || (await transfer(), false), { timeout: 30_000, every: 500 });
  const before = blobsSent().length;
  const r = await transfer();
  const words = /waiting for blob fee: 1000000001 wei asked, above cap 1000000000 wei \(l1_sender\.max_fee_per_blob_gas\)/;
  await until('the status says what it waits for', async () => {
    const status = JSON.parse((await w.node.get('/status')).text), s = status.senders.find((x) => x.lane === 'commit');
    return s.blob_fee_capped && words.test(s.last_error) && words.test(status.settlement.lanes.commit.waits_for);
  }, { timeout: 30_000 });
  const metrics = (await w.node.get('/metrics', w.node.metricsUrl)).text;
  check(/settlement_blob_base_fee_wei 1000000001/.test(metrics), 'blob base fee metric');
  check(/settlement_fee_cap_waits\{command="commit"\} [1-9]/.test(metrics), 'fee cap metric');
  same(blobsSent().length, before, 'nothing was sent meanwhile');
  p.blobBaseFee = 1000n;
  await executed(r);
  same((await commitSender()).blob_fee_capped, false);
});

await t.test('a node that wants the other form gets it, with the same signature', async () => {
  await rest();
  p.blobBaseFee = undefined;
  p.sidecar = 'EIP-7594';
  const before = blobsSent().length;
  await executed(await transfer());
  const now = blobsSent().slice(before), refused = now.filter((s) => /invalid sidecar version post-osaka/.test(s.verdict));
  check(refused.length >= 1, 'nothing was refused');
  const after = now.find((s) => s.hash === refused[0].hash && accepted(s));
  same(after.sidecar.form, 'EIP-7594');
  same((await commitSender()).sidecar_form, 'EIP-7594');
  check(/the node wants the other form of blob sidecars/.test(w.node.process.output()), 'the log says it');
});

await t.test('over all of it: no step of a batch in two transactions, nothing reverted', async () => {
  await rest();
  same(doubleSettlements(w.proxies), []);
  const mined = await w.l1.operatorTransactions(w.firstBlock);
  same(doubleMined(mined), []);
  for (const m of mined) same((await w.l1.rpc.q('eth_getTransactionReceipt', m.hash)).status, '0x1', m.hash);
});

await t.end();
