// Repeats every L2 transaction of a chain on anvil and compares. For each block, anvil is forked from our node's state
// before that block, given the block's environment, and runs the same signed bytes in the same order. L1 transactions
// in the block are played as what they do to the plain EVM state (mint, call, refund).
//
//   node replay_txs.mjs --l2 URL [--from N] [--to N] [--at-least COUNT]
//
// For each L2 transaction: status, logs, return data, created contract, every changed account's code, nonce and storage
// equal; gas = max(EVM gas of anvil, nativeUsed / nativePerGas); balances equal but for that difference in gas.
// Return data comes from our debug_traceTransaction where it is served, otherwise from eth_call on the state before the
// block for the block's first transaction; where it is served, the tree of calls with its logs, the functions called, and the
// accounts before and after are compared as well. The last line is `N transactions in M blocks repeated: ok`.
import fs from 'node:fs';
import path from 'node:path';
import { AbiCoder } from 'ethers';
import { gasUsed, ratios } from '../lib/gas.mjs';
import { ANVIL, scratch } from '../lib/paths.mjs';
import { Child, freePorts } from '../lib/process.mjs';
import { Rpc, hex, num } from '../lib/rpc.mjs';
import { until } from '../lib/wait.mjs';

const arg = (name, otherwise) => { const i = process.argv.indexOf('--' + name); return i < 0 ? otherwise : process.argv[i + 1]; };
const ours = new Rpc(arg('l2'));
const L1_TYPE = '0x7f', FREE = ['0x7e', '0x7d'];
const BASE_TOKEN = '0x000000000000000000000000000000000000800a', TRACKER = '0x000000000000000000000000000000000001000f', TREASURY = '0x0000000000000000000000000000000000010011';

// An own mnemonic: anvil gives its own accounts a balance also on a fork, and the usual ones are the wallets of the tests.
const dir = scratch('replay');
const [port] = await freePorts(1);
const url = `http://127.0.0.1:${port}`, evm = new Rpc(url);
const child = new Child(ANVIL, ['--host', '127.0.0.1', '--port', String(port), '--silent', '--no-mining', '--order', 'fifo', '--hardfork', 'cancun', '--auto-impersonate', '--accounts', '1', '--mnemonic', 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about', '--fork-url', ours.url, '--fork-block-number', '0', '--no-storage-caching', '--disable-min-priority-fee'], { log: path.join(dir, 'anvil.log') });
await until('anvil has forked', () => { if (!child.running) throw new Error(child.output()); return evm.q('eth_chainId'); }, { timeout: 20_000, every: 50 });

const problems = [];
let repeated = 0, blocks = 0, outputs = 0, traces = 0;
const differs = (where, what, mine, theirs) => problems.push(`${where}: ${what}: ours ${JSON.stringify(mine)}, anvil ${JSON.stringify(theirs)}`);
const equal = (where, what, mine, theirs) => { if (JSON.stringify(mine) !== JSON.stringify(theirs)) differs(where, what, mine, theirs); };

let ourTracer = true;
async function ourOutput(tx, at) {
  if (ourTracer) {
    const a = await ours.answer('debug_traceTransaction', tx.hash, { tracer: 'callTracer' });
    if (a.result) return a.result.output ?? '0x';
    if (a.error.code !== -32601) throw new Error(`debug_traceTransaction ${tx.hash}: ${a.error.message}`);
    ourTracer = false;
  }
  if (num(tx.transactionIndex) !== 0) return undefined;
  const a = await ours.answer('eth_call', { from: tx.from, to: tx.to, data: tx.input, value: tx.value, gas: tx.gas, gasPrice: tx.gasPrice }, at);
  return a.error ? a.error.data : a.result;
}

// A tree of calls as both tell it: the first frame's gas is the transaction's here and the body's there, logs that were undone are
// numbered there, and some errors have names of revm's own there.
const WORDS = [[/^invalid opcode.*/, 'invalid opcode'], [/^stack (underflow|limit reached).*/, 'stack'], [/^(StackUnderflow|Out of stack).*/i, 'stack'], [/^StateChangeDuringStaticCall$/, 'write protection'], [/^OutOfOffset$/, 'return data out of bounds']];
function frame(f, top = true) {
  const { gas, gasUsed, calls, logs, error, ...rest } = f;
  return { ...rest, ...(top ? {} : { gas, gasUsed }), error: WORDS.reduce((e, [from, to]) => e?.replace(from, to), error), logs: (logs ?? []).map(({ index, ...l }) => l), calls: (calls ?? []).map((c) => frame(c, false)) };
}
const sorted = (x) => x === null || typeof x !== 'object' ? x : Array.isArray(x) ? x.map(sorted) : Object.fromEntries(Object.keys(x).sort().filter((k) => x[k] !== undefined).map((k) => [k, sorted(x[k])]));
// The sender pays, and the coinbase is paid, by other rules here; go-ethereum leaves out what was empty and tells codes' hashes.
const isEmpty = (a) => Object.keys(a).length === 1 && a.balance === '0x0';
const changed = ({ pre, post }, without) => sorted([pre, post].map((side) => Object.fromEntries(Object.entries(side).filter(([a, v]) => !without.includes(a) && !(side === pre && isEmpty(v))).map(([a, { codeHash, ...v }]) => [a, v]))));

async function compareTraces(tx, block, where) {
  const both = (tracer, tracerConfig) => Promise.all([ours, evm].map((n) => n.q('debug_traceTransaction', tx.hash, { tracer, tracerConfig })));
  const [mine, theirs] = await both('callTracer', { withLog: true });
  equal(where, 'tree of calls', sorted(frame(mine)), sorted(frame(theirs)));
  const [a, b] = await both('prestateTracer', { diffMode: true }), payers = [tx.from.toLowerCase(), block.miner.toLowerCase()];
  equal(where, 'accounts before and after', changed(a, payers), changed(b, payers));
  traces++;
}

async function balanceBy(address, delta) {
  const was = BigInt(await evm.q('eth_getBalance', address, 'latest'));
  await evm.q('anvil_setBalance', address, hex(was + delta));
}

// The base token an L1 transaction brings: the asset tracker is told, then the treasury pays.
async function mint(to, amount) {
  if (amount === 0n) return;
  await impersonate(BASE_TOKEN, TRACKER, '0x03117c8c' + AbiCoder.defaultAbiCoder().encode(['uint256', 'uint256'], [31337, amount]).slice(2), 0n, 50_000_000n);
  await balanceBy(TREASURY, -amount);
  await balanceBy(to, amount);
}

// One call mined in a block of its own, costing nothing; gives its receipt.
async function impersonate(from, to, data, value, gas) {
  const nonce = await evm.q('eth_getTransactionCount', from, 'latest');
  await evm.q('anvil_setNextBlockBaseFeePerGas', '0x0');
  const h = await evm.q('eth_sendTransaction', { from, to, data, value: hex(value), gas: hex(gas), gasPrice: '0x0' });
  await evm.q('evm_mine');
  const r = await evm.q('eth_getTransactionReceipt', h);
  await evm.q('anvil_setNonce', from, nonce);
  return r;
}

// An L1 transaction by spec 10 §5; our receipt says how much gas it took and whether it succeeded.
async function playL1(tx, receipt) {
  const price = BigInt(tx.maxFeePerGas), fee = price * BigInt(tx.gas), spent = price * BigInt(receipt.gasUsed), minted = BigInt(tx.toMint), value = BigInt(tx.value);
  const block = await ours.q('eth_getBlockByHash', receipt.blockHash, false);
  if (receipt.status === '0x1') {
    await mint(tx.from, minted - fee);
    const r = await impersonate(tx.from, tx.to, tx.input, value, BigInt(tx.gas));
    equal(tx.hash, 'status of an L1 transaction', receipt.status, r.status);
  }
  await mint(block.miner, spent);
  await mint(tx.refundRecipient, receipt.status === '0x1' ? fee - spent : minted - spent);
}

const plainLogs = (logs) => logs.map((l) => ({ address: l.address.toLowerCase(), topics: l.topics, data: l.data }));

async function playRun(block, run, receipts, after) {
  await evm.q('anvil_setCoinbase', block.miner);
  // Several of our blocks may share a second, which anvil refuses; it then takes the next one.
  await evm.answer('evm_setNextBlockTimestamp', block.timestamp);
  await evm.q('anvil_setNextBlockBaseFeePerGas', block.baseFeePerGas);
  for (const tx of run) {
    const raw = await ours.q('eth_getRawTransactionByHash', tx.hash);
    // anvil takes a transaction only when the sender could pay for it now; within a block earlier receipts may pay first.
    const a = await evm.answer('eth_sendRawTransaction', raw);
    if (a.error) { differs(tx.hash, 'anvil refuses it', 'included', a.error.message); return; }
  }
  await evm.q('evm_mine');
  const gasGap = new Map();
  for (const tx of run) {
    const mine = receipts.get(tx.hash), r = await evm.q('eth_getTransactionReceipt', tx.hash), where = `block ${num(block.number)} ${tx.hash}`;
    if (!r) { differs(where, 'included by anvil', true, false); continue; }
    repeated++;
    equal(where, 'status', mine.status, r.status);
    equal(where, 'logs', plainLogs(mine.logs), plainLogs(r.logs));
    equal(where, 'created contract', mine.contractAddress?.toLowerCase() ?? null, r.contractAddress?.toLowerCase() ?? null);
    const { nativePerGas } = await ratios(ours, mine);
    const expected = gasUsed({ evmGas: BigInt(r.gasUsed), nativeUsed: BigInt(mine.nativeUsed ?? 0), nativePerGas });
    equal(where, `gas by the formula (EVM ${num(r.gasUsed)}, native ${mine.nativeUsed})`, num(mine.gasUsed), Number(expected));
    const gap = (BigInt(mine.gasUsed) - BigInt(r.gasUsed)) * BigInt(mine.effectiveGasPrice);
    gasGap.set(tx.from, (gasGap.get(tx.from) ?? 0n) + gap);
    const out = await ourOutput(tx, hex(num(block.number) - 1));
    const trace = await evm.q('debug_traceTransaction', tx.hash, { tracer: 'callTracer' });
    if (out !== undefined) { equal(where, 'return data', out, trace.output ?? '0x'); outputs++; }
    if (ourTracer) await compareTraces(tx, block, where);
    const { post, pre } = await evm.q('debug_traceTransaction', tx.hash, { tracer: 'prestateTracer', tracerConfig: { diffMode: true } });
    for (const [address, change] of [...Object.entries(pre), ...Object.entries(post)]) {
      const seen = after.get(address) ?? new Set();
      after.set(address, seen);
      for (const slot of Object.keys(change.storage ?? {})) seen.add(slot);
    }
  }
  // What a sender pays here differs from anvil by the native share of gas; the coinbase gets the whole price here.
  for (const [from, gap] of gasGap) after.gaps.set(from.toLowerCase(), (after.gaps.get(from.toLowerCase()) ?? 0n) + gap);
}

async function compareState(block, after) {
  const at = block.number, where = `block ${num(at)}`;
  for (const [address, slots] of after) {
    const calls = (rpc, tag) => rpc.batch([['eth_getCode', address, tag], ['eth_getTransactionCount', address, tag], ['eth_getBalance', address, tag], ...[...slots].map((s) => ['eth_getStorageAt', address, s, tag])]);
    const [mine, theirs] = await Promise.all([calls(ours, at), calls(evm, 'latest')]);
    const value = (a) => { if (a.error) throw new Error(a.error.message); return a.result; };
    equal(where, `code of ${address}`, value(mine[0]), value(theirs[0]));
    equal(where, `nonce of ${address}`, num(value(mine[1])), num(value(theirs[1])));
    [...slots].forEach((s, i) => equal(where, `storage of ${address} at ${s}`, BigInt(value(mine[3 + i])).toString(16), BigInt(value(theirs[3 + i])).toString(16)));
    if (address !== block.miner.toLowerCase()) equal(where, `balance of ${address}`, String(BigInt(value(mine[2])) + (after.gaps.get(address) ?? 0n)), String(BigInt(value(theirs[2]))));
  }
}

const last = Number(arg('to', await ours.q('eth_blockNumber').then(num)));
for (let n = Number(arg('from', 1)); n <= last; n++) {
  const block = await ours.q('eth_getBlockByNumber', hex(n), true);
  const l2 = block.transactions.filter((x) => x.type !== L1_TYPE && !FREE.includes(x.type));
  if (!l2.length) continue;
  blocks++;
  const receipts = new Map((await ours.q('eth_getBlockReceipts', hex(n))).map((r) => [r.transactionHash, r]));
  await evm.q('anvil_reset', { forking: { jsonRpcUrl: ours.url, blockNumber: n - 1 } });
  await evm.q('evm_setBlockGasLimit', hex(2n ** 40n));
  const after = new Map();
  after.gaps = new Map();
  let run = [];
  for (const tx of block.transactions) {
    if (tx.type === L1_TYPE) {
      if (run.length) await playRun(block, run, receipts, after);
      run = [];
      await playL1(tx, receipts.get(tx.hash));
    } else if (!FREE.includes(tx.type)) run.push(tx);
  }
  if (run.length) await playRun(block, run, receipts, after);
  await compareState(block, after);
  if (problems.length > 20) break;
}
await child.kill();
fs.rmSync(dir, { recursive: true, force: true });
for (const p of problems.slice(0, 20)) console.log(p);
const least = Number(arg('at-least', 1));
if (repeated < least) console.log(`only ${repeated} transactions to repeat, ${least} wanted`);
console.log(`${repeated} transactions in ${blocks} blocks repeated, ${outputs} with their return data, ${traces} with their traces${problems.length ? `, ${problems.length} differences` : repeated < least ? '' : ': ok'}`);
process.exit(problems.length || repeated < least ? 1 : 0);
