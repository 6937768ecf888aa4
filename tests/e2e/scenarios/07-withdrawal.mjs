// A base-token withdrawal: sent on L2, proved against the real MessageRoot code on L1, altered proofs rejected, and
// finalized through the Nullifier.
import { Interface, concat, keccak256, parseEther, toBeHex, zeroPadValue } from 'ethers';
import path from 'node:path';
import { NULLIFIER, USER, account, diamond, DIAMOND, nullifier } from '../lib/l1.mjs';
import { SHARED } from '../lib/paths.mjs';
import { num } from '../lib/rpc.mjs';
import { assert, check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const { l1ProofCheck } = await import(path.join(SHARED, 'l1/tools/l1-proof-check.mjs'));
const { Rpc: LabRpc } = await import(path.join(SHARED, 'l1/tools/l1kit.mjs'));

const t = suite('07 withdrawal');
const w = await World.create(t, { batchTimeout: '2s' });
await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(USER.address, parseEther('50')); });
const q = (...a) => w.node.rpc.q(...a);
const TOKEN = '0x000000000000000000000000000000000000800A', receiver = account(9).address, amount = parseEther('3');
const token = new Interface(['function withdraw(address) payable', 'event Withdrawal(address indexed l2Sender, address indexed l1Receiver, uint256 amount)']);
const wallet = w.managed();

let r, at, message;
await t.need('the withdrawal is included with its event and its L2->L1 log', async () => {
  // two other transactions first, so that the index in the block and in the batch is not zero
  const before = await Promise.all([0, 1].map(() => wallet.sendTransaction({ to: receiver, value: 1n })));
  const tx = await wallet.sendTransaction({ to: TOKEN, value: amount, data: token.encodeFunctionData('withdraw', [receiver]) });
  for (const b of before) await b.wait();
  r = await w.node.receipt(tx.hash);
  same(r.status, '0x1');
  const event = r.logs.map((l) => { try { return token.parseLog(l); } catch { return null; } }).find(Boolean);
  same([event.args.l2Sender, event.args.l1Receiver, event.args.amount], [USER.address, receiver, amount]);
  message = concat(['0x6c0960f9', receiver, zeroPadValue(toBeHex(amount), 32)]);
  at = r.l2ToL1Logs.findIndex((l) => BigInt(l.sender) === 0x8008n);
  const log = r.l2ToL1Logs[at];
  same([BigInt(log.key), log.value], [0x800an, keccak256(message)]);
});

await t.test('before the batch is executed the proof is not there yet: null, not an error', async () => {
  const p = await q('zks_getL2ToL1LogProof', r.transactionHash, at);
  if (p !== null) same((await q('zks_getTransactionFinality', r.transactionHash)).stage === 'pending', false);
  same(await q('zks_getL2ToL1LogProof', '0x' + '12'.repeat(32), 0), null);
});

let p;
await t.need('after execution the proof is served', async () => {
  p = await until('zks_getL2ToL1LogProof answers', () => q('zks_getL2ToL1LogProof', r.transactionHash, at), { timeout: 90_000 });
  same(p.proof[0].slice(0, 10), '0x010f0001');
  same(p.proof.length, 16);
  same(p.root, await w.l1.call(diamond, DIAMOND, 'l2LogsRootHash', [p.batchNumber]));
});

await t.test('an index the transaction does not have is an error', async () => {
  const e = await w.node.rpc.refused('zks_getL2ToL1LogProof', r.transactionHash, 99);
  check(/does not exist/.test(e.message), JSON.stringify(e));
});

const lab = new LabRpc(w.l1.url);
const claim = (change = {}) => ({ chainId: 10, batch: p.batchNumber, index: p.id, message: [num(r.transactionIndex), TOKEN, message], proof: p.proof, ...change });
const refused = async (c) => { try { return (await l1ProofCheck(lab, c)) === false; } catch { return true; } };

await t.test('production verification code on L1 accepts the proof', async () => same(await l1ProofCheck(lab, claim()), true));

await t.test('altered proofs are rejected: sibling, index, batch, message, sender, order, length', async () => {
  const flip = (h) => h.slice(0, -1) + (h.at(-1) === '0' ? '1' : '0');
  for (const i of [1, 7, 14, 15]) check(await refused(claim({ proof: p.proof.map((x, k) => (k === i ? flip(x) : x)) })), `sibling ${i}`);
  check(await refused(claim({ index: p.id + 1 })), 'index');
  check(await refused(claim({ batch: p.batchNumber - 1 })), 'batch');
  check(await refused(claim({ message: [num(r.transactionIndex), TOKEN, concat([message, '0x00'])] })), 'message');
  check(await refused(claim({ message: [num(r.transactionIndex), receiver, message] })), 'sender');
  check(await refused(claim({ message: [num(r.transactionIndex) + 1, TOKEN, message] })), 'transaction number');
  check(await refused(claim({ proof: [p.proof[0], ...p.proof.slice(1).reverse()] })), 'order');
  check(await refused(claim({ proof: p.proof.slice(0, -1) })), 'length');
});

await t.test('the withdrawal is finalized through the Nullifier: the receiver has the money on L1', async () => {
  const before = BigInt(await w.l1.rpc.q('eth_getBalance', receiver, 'latest'));
  const data = nullifier.encodeFunctionData('finalizeDeposit', [[10, p.batchNumber, p.id, TOKEN, num(r.transactionIndex), message, p.proof]]);
  await w.l1.send(USER.address, NULLIFIER, data);
  same(BigInt(await w.l1.rpc.q('eth_getBalance', receiver, 'latest')) - before, amount);
  same(await w.l1.call(nullifier, NULLIFIER, 'isWithdrawalFinalized', [10, p.batchNumber, p.id]), true);
  await assert.rejects(w.l1.rpc.q('eth_call', { from: USER.address, to: NULLIFIER, data }, 'latest'));
});

await t.test('a message in a later batch is proved as well, for the message root target too', async () => {
  const tx = await wallet.sendTransaction({ to: TOKEN, value: 77n, data: token.encodeFunctionData('withdraw', [receiver]) });
  const r2 = await w.node.receipt(tx.hash), i2 = r2.l2ToL1Logs.findIndex((l) => BigInt(l.sender) === 0x8008n);
  const p2 = await until('its proof', () => q('zks_getL2ToL1LogProof', tx.hash, i2), { timeout: 90_000 });
  const m2 = concat(['0x6c0960f9', receiver, zeroPadValue('0x4d', 32)]);
  same(await l1ProofCheck(lab, { chainId: 10, batch: p2.batchNumber, index: p2.id, message: [num(r2.transactionIndex), TOKEN, m2], proof: p2.proof }), true);
  check(p2.batchNumber > p.batchNumber, 'a later batch');
});

await t.end();
