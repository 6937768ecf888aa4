// debug_trace* on a live chain: every L2 transaction's trace is anvil's, L1, upgrade and failed transactions have theirs, and
// what a trace says is what receipts and state say.
import { ContractFactory, Interface } from 'ethers';
import path from 'node:path';
import { createPublicClient, http } from 'viem';
import { contracts } from '../lib/contracts.mjs';
import { USER, account } from '../lib/l1.mjs';
import { TOP } from '../lib/paths.mjs';
import { must } from '../lib/process.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World } from '../lib/world.mjs';

const t = suite('15 traces');
const w = await World.create(t, { changes: { 'rpc.debug_namespace': true } });
await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(); });
const q = (...a) => w.node.rpc.q(...a), wallet = w.managed(), { Token, Work } = contracts(), other = account(8).address.toLowerCase();
const trace = (hash, tracer, tracerConfig) => q('debug_traceTransaction', hash, { tracer, tracerConfig });
const sent = [];
const send = async (call, gasLimit = 500_000n) => { const tx = await wallet.sendTransaction({ ...call, gasLimit }); sent.push(tx.hash); return { hash: tx.hash, ...(await w.node.receipt(tx.hash)) }; };

let token, work;
await t.need('transactions of many kinds are included', async () => {
  token = await new ContractFactory(Token.abi, Token.bytecode, wallet).deploy('Token', 'TOK', 10n ** 24n);
  await token.waitForDeployment();
  work = await new ContractFactory(Work.abi, Work.bytecode, wallet).deploy();
  await work.waitForDeployment();
  const to = (c, name, ...args) => ({ to: c.target, data: c.interface.encodeFunctionData(name, args) });
  for (const call of [to(token, 'transfer', other, 5n), to(token, 'transfer', other, 10n ** 30n), to(work, 'outer'), to(work, 'failWithReason'), to(work, 'failWithPanic', 0n), to(work, 'failWithError'), to(work, 'failEmpty'), to(work, 'createChild', '0x' + '77'.repeat(32)), to(work, 'shout', 7n, '0x1234'), to(work, 'loop', 20n), to(work, 'transientOnly'), { to: other, value: 3n }]) await send(call);
  await send(to(work, 'failInvalid'), 100_000n);
  await send(to(work, 'fill', 0n, 3n));
  await send(to(work, 'clear', 0n, 3n));
});

await t.test('every L2 transaction has the tree of calls, the logs and the changes that anvil gives it', async () => {
  const out = await must(process.execPath, [path.join(TOP, 'tests/e2e/checker/replay_txs.mjs'), '--l2', w.node.url, '--at-least', '15'], { timeout: 240_000 });
  const line = out.trim().split('\n').at(-1);
  console.log('# ' + line);
  check(/, (\d+) with their traces: ok/.exec(line)?.[1] >= 15, line);
});

await t.test('a failed transaction says why, in the words of its contract', async () => {
  const all = await Promise.all(sent.map((h) => trace(h, 'callTracer')));
  const reasons = all.map((f) => f.revertReason).filter(Boolean);
  check(reasons.includes('no, thank you') && reasons.some((r) => /division/.test(r)), JSON.stringify(reasons));
  check(all.some((f) => f.error === 'invalid opcode: INVALID' && f.gasUsed === hex(100_000)), 'the invalid opcode burns its gas');
  for (const [i, f] of all.entries()) {
    const r = await q('eth_getTransactionReceipt', sent[i]);
    same([f.gasUsed, !f.error, f.from], [r.gasUsed, r.status === '0x1', r.from.toLowerCase()]);
  }
});

await t.test('a block\'s traces are those of its transactions, by number and by hash', async () => {
  const r = await q('eth_getTransactionReceipt', sent[2]), options = { tracer: 'callTracer' };
  const [a, b] = await Promise.all([q('debug_traceBlockByNumber', r.blockNumber, options), q('debug_traceBlockByHash', r.blockHash, options)]);
  same(a, b);
  const block = await q('eth_getBlockByNumber', r.blockNumber, false);
  same(a.map((x) => x.txHash), block.transactions);
  same(a.find((x) => x.txHash === sent[2]).result, await trace(sent[2], 'callTracer'));
});

await t.test('the steps of a transaction add up to its gas', async () => {
  const r = await q('eth_getTransactionReceipt', sent[0]), s = await q('debug_traceTransaction', sent[0], {});
  same([s.failed, s.gas], [false, num(r.gasUsed)]);
  check(s.structLogs.length > 50 && s.structLogs.every((x) => x.depth === 1 && x.gasCost >= 0), 'steps');
  for (let i = 1; i < s.structLogs.length; i++) same(s.structLogs[i].gas, s.structLogs[i - 1].gas - s.structLogs[i - 1].gasCost);
});

await t.test('the upgrade transaction and the block of genesis', async () => {
  const [first] = await q('debug_traceBlockByNumber', '0x1', { tracer: 'callTracer' });
  const tx = await q('eth_getTransactionByHash', first.txHash);
  same([tx.type, first.result.from, first.result.error], ['0x7e', tx.from.toLowerCase(), undefined]);
  check(first.result.calls.length > 0, 'an upgrade calls');
  same(await q('debug_traceBlockByNumber', '0x0', {}), []);
});

await t.test('a deposit is traced as the call it makes; its mint shows in the state', async () => {
  const d = await w.l1.request({ to: other, value: 10n ** 15n, refund: account(9).address });
  await w.node.receipt(d.hash);
  const f = await trace(d.hash, 'callTracer');
  same([f.type, f.from, f.to, BigInt(f.value), f.error, f.calls], ['CALL', USER.address.toLowerCase(), other, 10n ** 15n, undefined, undefined]);
  const { pre, post } = await trace(d.hash, 'prestateTracer', { diffMode: true });
  same(BigInt(post[other].balance) - BigInt(pre[other].balance), 10n ** 15n);
  const treasury = '0x0000000000000000000000000000000000010011';
  const minted = Object.keys(post).filter((a) => a !== treasury).reduce((sum, a) => sum + (post[a].balance === undefined ? 0n : BigInt(post[a].balance) - BigInt(pre[a]?.balance ?? 0)), 0n);
  same(BigInt(pre[treasury].balance) - BigInt(post[treasury].balance), minted);
});

await t.test('a deposit whose call fails is a frame with an error', async () => {
  const data = new Interface(Work.abi).encodeFunctionData('failWithReason');
  const d = await w.l1.request({ to: work.target, data, value: 0n, refund: account(9).address });
  const r = await w.node.receipt(d.hash), f = await trace(d.hash, 'callTracer');
  same([r.status, f.error, f.revertReason, f.gasUsed], ['0x0', 'execution reverted', 'no, thank you', r.gasUsed]);
});

await t.test('viem reads traces; a call is traced with overrides', async () => {
  const client = createPublicClient({ transport: http(w.node.url) });
  const f = await client.request({ method: 'debug_traceCall', params: [{ from: USER.address, to: work.target, data: work.interface.encodeFunctionData('outer') }, 'latest', { tracer: 'callTracer', stateOverrides: { [work.target]: { stateDiff: { ['0x' + '00'.repeat(32)]: '0x' + '11'.repeat(32) } } } }] });
  same([f.type, f.calls.length, f.calls[0].error, f.calls[0].revertReason], ['CALL', 1, 'execution reverted', 'inner']);
});

await t.end();
