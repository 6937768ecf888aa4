// L1 -> L2 requests: hash, mint, refund, failure, order.
import { Interface } from 'ethers';
import { DIAMOND, USER, account, diamond } from '../lib/l1.mjs';
import { contracts } from '../lib/contracts.mjs';
import { num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World } from '../lib/world.mjs';

const t = suite('02 deposit');
const w = await World.create(t);
const q = (...a) => w.node.rpc.q(...a);
const balance = async (a, tag = 'latest') => BigInt(await q('eth_getBalance', a, tag));
await t.need('the chain is up', () => w.start());

const to = account(8).address, refund = account(9).address;
let d;
await t.need('a deposit made on L1 arrives on L2 under the hash of L1\'s event', async () => {
  d = await w.l1.request({ to, refund, value: 10n ** 18n, extra: 5_000n });
  same(d.hash, d.recomputed);
  d.l2 = await w.node.receipt(d.hash);
  same(d.l2.transactionHash, d.hash);
  same(d.l2.status, '0x1');
  same(d.l2.type, '0x7f');
});

await t.test('the receiver has the value', async () => same(await balance(to), 10n ** 18n));

await t.test('the refund goes to the refund recipient: what was paid less what was used', async () => {
  const x = d.transaction, fee = x.maxFeePerGas * x.gasLimit, used = BigInt(d.l2.gasUsed) * x.maxFeePerGas;
  check(used > 0n && used <= fee, `gas used ${d.l2.gasUsed}`);
  same(await balance(refund), fee - used);
});

await t.test('what was deposited beyond the fee and not sent on stays with the sender', async () => {
  const x = d.transaction;
  same(await balance(USER.address), x.reserved[0] - x.maxFeePerGas * x.gasLimit - x.value);
});

await t.test('the coinbase has the fee', async () => {
  const b = await q('eth_getBlockByHash', d.l2.blockHash, false);
  const before = await balance(b.miner, '0x' + (num(b.number) - 1).toString(16));
  same((await balance(b.miner, b.number)) - before, BigInt(d.l2.gasUsed) * d.transaction.maxFeePerGas);
});

await t.test('its result log says success', async () => {
  const [log] = d.l2.l2ToL1Logs;
  same([BigInt(log.sender), log.key, BigInt(log.value)], [0x8001n, d.hash, 1n]);
});

await t.test('the transaction is shown with the fields of a priority transaction', async () => {
  const x = await q('eth_getTransactionByHash', d.hash);
  same(x.type, '0x7f');
  same(x.from.toLowerCase(), USER.address.toLowerCase());
  same(x.to.toLowerCase(), to.toLowerCase());
  same(BigInt(x.value), 10n ** 18n);
  same(BigInt(x.toMint), d.mint);
  same(x.refundRecipient.toLowerCase(), refund.toLowerCase());
  same(BigInt(x.gasPerPubdataByteLimit), 800n);
  same(BigInt(x.nonce), BigInt(d.id));
});

await t.test('a request that reverts is included as failed, and everything unspent goes to the refund recipient', async () => {
  const wallet = w.managed();
  await w.fund(USER.address);
  const { Work } = contracts();
  const { ContractFactory } = await import('ethers');
  const work = await new ContractFactory(Work.abi, Work.bytecode, wallet).deploy();
  await work.waitForDeployment();
  const at = await work.getAddress(), before = await balance(refund);
  const r = await w.l1.request({ to: at, refund, value: 7n * 10n ** 17n, data: new Interface(Work.abi).encodeFunctionData('failWithReason') });
  const receipt = await w.node.receipt(r.hash);
  same(receipt.status, '0x0');
  same(receipt.logs, []);
  same(await balance(at), 0n);
  same((await balance(refund)) - before, r.transaction.reserved[0] - BigInt(receipt.gasUsed) * r.transaction.maxFeePerGas);
  const [log] = receipt.l2ToL1Logs;
  same([BigInt(log.sender), log.key, BigInt(log.value)], [0x8001n, r.hash, 0n]);
});

await t.test('many requests are executed in the order of L1, none left out', async () => {
  const made = [];
  for (let i = 0; i < 12; i++) made.push(w.l1.request({ to, refund, value: BigInt(i + 1), from: account(6 + (i % 2)).address }));
  const all = (await Promise.all(made)).sort((a, b) => a.id - b.id);
  const at = [];
  for (const r of all) {
    const receipt = await w.node.receipt(r.hash);
    at.push([num(receipt.blockNumber), num(receipt.transactionIndex)]);
  }
  for (let i = 1; i < at.length; i++) check(at[i][0] > at[i - 1][0] || (at[i][0] === at[i - 1][0] && at[i][1] > at[i - 1][1]), JSON.stringify(at));
});

await t.test('once their batches are executed L1 has no request left', async () => {
  const { until } = await import('../lib/wait.mjs');
  await until('L1 has processed all requests', async () => {
    const [total, first] = await Promise.all([w.l1.call(diamond, DIAMOND, 'getTotalPriorityTxs'), w.l1.call(diamond, DIAMOND, 'getFirstUnprocessedPriorityTx')]);
    return total === first && total >= 15n;
  }, { timeout: 60_000 });
});

await t.end();
