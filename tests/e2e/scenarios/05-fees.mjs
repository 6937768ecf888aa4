// The double accounting at prices that matter: pubdata so dear that a transfer is bound by it, native so dear that a
// loop is. Estimates hold, receipts follow the formula, and what runs out is included as failed with all gas burned.
import { ContractFactory, parseEther } from 'ethers';
import { contracts } from '../lib/contracts.mjs';
import { boundBy, intrinsic, ratios } from '../lib/gas.mjs';
import { USER, account } from '../lib/l1.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World } from '../lib/world.mjs';

const prices = (base, native, pubdata) => ({ 'sequencer.base_fee_override': String(base), 'sequencer.native_price_override': String(native), 'sequencer.pubdata_price_override': String(pubdata) });
const t = suite('05 fees');
const w = await World.create(t, { changes: prices(100_000_000, 1_000_000, 30_000_000_000) });
await t.need('the chain is up with dear pubdata and the wallet has funds', async () => { await w.start(); await w.fund(USER.address, parseEther('1000')); });
const q = (...a) => w.node.rpc.q(...a);
const { Work } = contracts();
const other = account(8).address;
let wallet = w.managed(), work;

async function holds(request, bound) {
  const estimate = num(await q('eth_estimateGas', { from: USER.address, ...request, ...(request.value ? { value: hex(request.value) } : {}) }));
  const tx = await wallet.sendTransaction({ ...request, gasLimit: estimate });
  const r = await w.node.receipt(tx.hash);
  same(r.status, '0x1', `the estimate ${estimate} was not enough`);
  same(await boundBy(w.node.rpc, r), bound);
  const { nativePerGas } = await ratios(w.node.rpc, r);
  if (bound === 'native') same(num(r.gasUsed), Number(BigInt(r.nativeUsed) / nativePerGas), 'gas by the formula');
  const limit = bound === 'evm' ? 1.3 : 2.1, ratio = estimate / num(r.gasUsed);
  check(ratio <= limit, `estimate ${estimate}, used ${num(r.gasUsed)}`);
  return r;
}

await t.test('prices reach the block as configured', async () => {
  const m = await q('zks_getBlockMetadataByNumber', await w.node.blockNumber());
  same([BigInt(m.native_price), BigInt(m.pubdata_price_per_byte)], [1_000_000n, 30_000_000_000n]);
  same(BigInt((await q('eth_getBlockByNumber', 'latest', false)).baseFeePerGas), 100_000_000n);
});

let transfer;
await t.test('with dear pubdata a plain transfer is bound by pubdata, costs more than 21000, and its estimate holds', async () => {
  transfer = await holds({ to: other, value: 1n }, 'native');
  check(num(transfer.gasUsed) > 21_000, `used ${num(transfer.gasUsed)}`);
  check(BigInt(transfer.pubdataUsed) > 134n, `pubdata ${transfer.pubdataUsed}`);
});

await t.test('the price of a transfer is nearly all pubdata', async () => {
  const { nativePerPubdata } = await ratios(w.node.rpc, transfer);
  const pubdataPart = BigInt(transfer.nativeUsed) - BigInt(transfer.computationalNativeUsed), charged = pubdataPart / nativePerPubdata;
  same(pubdataPart % nativePerPubdata, 0n);
  // The body's bytes and the intrinsic 134, which stand for what validation writes.
  same(charged, BigInt(transfer.pubdataUsed));
  check(charged > 134n && charged < 300n, `charged ${charged} bytes`);
  check(pubdataPart > BigInt(transfer.nativeUsed) / 2n, 'pubdata is more than half');
});

await t.test('a limit that does not pay for the intrinsic pubdata is refused by the pool', async () => {
  const e = await w.node.rpc.refused('eth_sendRawTransaction', await w.wallet().signTransaction({ chainId: 10, to: other, value: 1n, nonce: await w.provider().getTransactionCount(USER.address), gasLimit: 30_000, type: 2, maxFeePerGas: 100_000_000, maxPriorityFeePerGas: 0 }));
  check(/intrinsic gas too low/.test(e.message), JSON.stringify(e));
});

await t.test('enough for the start but not for the pubdata of the body: included, failed, all gas burned, value not moved', async () => {
  const { nativePerGas, nativePerPubdata } = await ratios(w.node.rpc, transfer);
  // The least limit that pays for the start, and a little for the body, but not for its pubdata.
  const start = intrinsic({ gasLimit: 0n, nativePerGas, nativePerPubdata });
  const gasLimit = Number(((start.native + 134n * nativePerPubdata) + nativePerGas - 1n) / nativePerGas) + 2_000;
  check(gasLimit < num(transfer.gasUsed), `${gasLimit} would be enough`);
  const before = BigInt(await q('eth_getBalance', other, 'latest')), mine = BigInt(await q('eth_getBalance', USER.address, 'latest'));
  const tx = await wallet.sendTransaction({ to: other, value: 1n, gasLimit });
  const r = await w.node.receipt(tx.hash);
  same([r.status, num(r.gasUsed)], ['0x0', gasLimit]);
  same(BigInt(await q('eth_getBalance', other, 'latest')), before);
  same(BigInt(await q('eth_getBalance', USER.address, 'latest')), mine - BigInt(gasLimit) * BigInt(r.effectiveGasPrice));
});

await t.test('storage writes are bound by pubdata and their estimate holds', async () => {
  work = await new ContractFactory(Work.abi, Work.bytecode, wallet).deploy();
  await work.waitForDeployment();
  await holds({ to: work.target, data: work.interface.encodeFunctionData('fill', [1, 10]) }, 'native');
});

await t.need('the node restarts with dear native, as its operator may at any time', async () => {
  await w.node.stop();
  w.node = w.makeNode({ changes: prices(100_000_000, 10_000_000, 1_000_000) });
  await w.start();
  wallet = w.managed();
  work = work.connect(wallet);
});

let loop;
await t.test('with dear native a loop of hashes is bound by native, and its estimate holds', async () => {
  loop = await holds({ to: work.target, data: work.interface.encodeFunctionData('loop', [300]) }, 'native');
  const { nativePerPubdata } = await ratios(w.node.rpc, loop);
  check(BigInt(loop.pubdataUsed) * nativePerPubdata < BigInt(loop.nativeUsed) / 10n, 'hardly any of it is pubdata');
});

await t.test('a loop that runs out of native is included as failed with all gas burned, writes undone, and cannot be caught', async () => {
  const gasLimit = Math.floor(num(loop.gasUsed) * 0.7), last = await work.last();
  const tx = await wallet.sendTransaction({ to: work.target, data: work.interface.encodeFunctionData('loop', [300]), gasLimit });
  const r = await w.node.receipt(tx.hash);
  same([r.status, num(r.gasUsed), r.logs], ['0x0', gasLimit, []]);
  same(await work.last(), last);
});

await t.test('a higher gas price buys more native, so the same loop needs less gas', async () => {
  const fee = BigInt(loop.effectiveGasPrice) * 4n;
  const request = { from: USER.address, to: work.target, data: work.interface.encodeFunctionData('loop', [300]) };
  const [low, high] = [num(await q('eth_estimateGas', request)), num(await q('eth_estimateGas', { ...request, gasPrice: hex(fee) }))];
  check(high < low, `${high} at four times the price, ${low} at the base fee`);
  const tx = await wallet.sendTransaction({ to: work.target, data: request.data, gasLimit: high, type: 0, gasPrice: fee });
  same((await w.node.receipt(tx.hash)).status, '0x1');
});

await t.test('a price below the base fee is not included, a zero price is refused', async () => {
  const nonce = await w.provider().getTransactionCount(USER.address);
  const e = await w.node.rpc.refused('eth_sendRawTransaction', await w.wallet().signTransaction({ chainId: 10, to: other, nonce, gasLimit: 1_000_000, type: 2, maxFeePerGas: 0, maxPriorityFeePerGas: 0 }));
  check(/less than block base fee/.test(e.message), JSON.stringify(e));
});

await t.test('batches made under both prices are executed on L1', async () => {
  const b = await q('zks_getBlockFinality', 'latest');
  check(b.blockNumber > 3, JSON.stringify(b));
  const f = await q('zks_getFinalityStatus');
  await w.l1.executed(Math.max(3, f.lastCommittedBatch), 90_000);
});

await t.end();
