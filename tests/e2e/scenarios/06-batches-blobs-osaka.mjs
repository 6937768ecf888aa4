// The same on an L1 with the Osaka fork: sidecars of EIP-7594, a proof a cell. Every batch is executed again from its witness before
// it is committed, blobs and all.
import path from 'node:path';
import { parseEther } from 'ethers';
import { mixedTraffic } from '../lib/batches.mjs';
import { verifySidecar } from '../lib/blobs.mjs';
import { USER } from '../lib/l1.mjs';
import { GATEHOUSE } from '../lib/paths.mjs';
import { must } from '../lib/process.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World } from '../lib/world.mjs';

const t = suite('06 blobs after Osaka');
const w = await World.create(t, { da: 'blobs', batchTimeout: '3s', proxies: 1, l1: { hardfork: 'osaka' }, changes: { 'verification.mode': 'local' } });
w.proxies[0].sidecar = 'EIP-7594';
await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(USER.address, parseEther('100')); });
await t.need('three batches are committed, proved and executed', async () => {
  await mixedTraffic(w, async () => (await w.l1.counters()).committed >= 3);
  await w.l1.executed(3, 60_000);
});
await t.need('a batch of more than one blob is executed as well', async () => {
  const wallet = w.managed(), before = (await w.l1.counters()).committed;
  // twenty messages of 15 kB to L1 (L1Messenger.sendToL1): each is in the pubdata
  const data = (i) => '0x62f84b24' + '20'.padStart(64, '0') + (15_008).toString(16).padStart(64, '0') + (i + 1).toString(16).padStart(2, '0').repeat(15_008);
  const sent = [];
  for (let i = 0; i < 20; i++) sent.push(await wallet.sendTransaction({ to: '0x0000000000000000000000000000000000008008', data: data(i), gasLimit: 20_000_000n }));
  for (const x of sent) same((await w.node.receipt(x.hash)).status, '0x1');
  const last = await w.node.receipt(sent.at(-1).hash);
  await w.executed(last.transactionHash);
  const most = Math.max(...(await w.l1.operatorTransactions(w.firstBlock)).filter((m) => m.does?.step === 'commit' && m.does.from > before).map((m) => m.tx.blobVersionedHashes.length));
  check(most >= 2, `at most ${most} blobs`);
  console.log(`# ${most} blobs in one batch`);
});
await t.test('every sidecar has proofs of cells that another library computes too', async () => {
  const sent = w.proxies[0].sent.filter((s) => s.tx.type === 3);
  check(sent.length >= 3, `${sent.length} blob transactions`);
  same(new Set(sent.map((s) => s.sidecar.form)), new Set(['EIP-7594']));
  same(sent.filter((s) => !/accepted|already known/.test(s.verdict)).map((s) => s.verdict), []);
  for (const s of sent) await verifySidecar(s.sidecar);
});
await t.test('/status names the form and what blobs cost', async () => {
  const { senders } = JSON.parse((await w.node.get('/status')).text), commit = senders.find((s) => s.lane === 'commit');
  same([commit.sidecar_form, commit.blob_fee_capped, commit.blob_fee_cap_wei], ['EIP-7594', false, '2000000000']);
  same(senders.filter((s) => s.sidecar_form).length, 1);
});
await t.test('every batch was verified from its witness before it was committed; the command says the same from the data folder', async () => {
  const { settlement } = JSON.parse((await w.node.get('/status')).text), { committed } = await w.l1.counters();
  check(settlement.verification.verified_to >= committed && settlement.verification.mismatches === 0, JSON.stringify(settlement.verification));
  const commits = (await w.l1.operatorTransactions(w.firstBlock)).filter((m) => m.does?.step === 'commit');
  const most = commits.reduce((a, b) => (b.tx.blobVersionedHashes.length > a.tx.blobVersionedHashes.length ? b : a));
  const file = path.join(w.dir, 'blobs.witness');
  await w.node.stop();
  await must(GATEHOUSE, ['make-witness', '--config', w.node.config, '--batch', String(most.does.from), file]);
  const said = await must(GATEHOUSE, ['verify-batch', file]);
  const [stored] = (await w.l1.logs('BlockCommit')).filter((l) => Number(l.args.batchNumber) === most.does.from);
  check(said.includes(stored.args.commitment), `commitment ${stored.args.commitment} of ${most.tx.blobVersionedHashes.length} blobs is not in: ${said}`);
  w.node.start();
  await w.node.ready();
});
await t.end();
