// The figures of ops/bench: see there for the options. Numbers are printed, never judged; a measurement that cannot be made is a failure.
import fs from 'node:fs';
import path from 'node:path';
import { ContractFactory, JsonRpcProvider, Wallet, parseEther } from '../../e2e/lib/ethers.mjs';
import { contracts } from '../../e2e/lib/contracts.mjs';
import { CHAIN, USER } from '../../e2e/lib/l1.mjs';
import { TOP, haveSharedL1, NEED_SHARED } from '../../e2e/lib/paths.mjs';
import { until } from '../../e2e/lib/wait.mjs';
import { World } from '../../e2e/lib/world.mjs';
import { Figures } from './figures.mjs';
import { cpuSeconds, lines as runProgram, load, memory, sampler } from './measure.mjs';
import { BASE_FEE, MODES, withAnvil } from './peer.mjs';
import { programs } from './programs.mjs';

const SENDERS = 1000;
const COMMON = { chainId: CHAIN, senders: SENDERS, maxFeeWei: 10 * BASE_FEE };
const ERC20 = 'ERC-20 transfers';

const argv = process.argv.slice(2);
const full = argv.includes('--full');
const count = full ? 200_000 : Number(process.env.GH_BENCH_TXS ?? 20_000);
const seconds = full ? 60 : 15;
const figures = new Figures();

// What a scenario gives its world, without a scenario.
function stage() {
  const cleanups = [];
  return {
    cleanup: (f) => cleanups.push(f), onFailure: () => {},
    end: async () => { for (const f of cleanups.reverse()) await f(); },
  };
}

async function withWorld(options, use) {
  const t = stage();
  try {
    const w = await World.create(t, options);
    await w.start();
    await w.fund(USER.address, parseEther('2000'));
    return await use(w);
  } finally {
    await t.end();
  }
}

const key = USER.privateKey.slice(2);

async function deployToken(url) {
  const provider = new JsonRpcProvider(url, Number(CHAIN), { staticNetwork: true, cacheTimeout: -1, pollingInterval: 50 });
  try {
    const { Token } = contracts();
    const token = await new ContractFactory(Token.abi, Token.bytecode, new Wallet(USER.privateKey, provider)).deploy('Bench', 'BEN', 10n ** 24n, { gasLimit: 5_000_000n, nonce: 0, maxFeePerGas: 10 * BASE_FEE, maxPriorityFeePerGas: 0 });
    const sent = token.deploymentTransaction().hash;
    await until('the token is deployed', async () => {
      const r = await provider.send('eth_getTransactionReceipt', [sent]);
      if (!r) await provider.send('evm_mine', []).catch(() => {});
      return r;
    });
    return token.getAddress();
  } finally {
    provider.destroy();
  }
}

// Token first, so that its address is the same everywhere; then coins and tokens for every sender.
async function prepare(url, mine = {}) {
  const token = await deployToken(url), more = mine.mineMs ? { mineMs: 20 } : {};
  await load('fund', { ...COMMON, url, key, amount: 10n ** 17n, ...more });
  await load('fund', { ...COMMON, url, key, token, amount: 10n ** 12n, ...more });
  return token;
}

function whole(r, what) {
  if (r.included !== r.accepted || r.refused) console.log(`  note: ${what}: ${JSON.stringify(r)}`);
  if (r.receipts_good !== r.receipts_asked) throw new Error(`${what}: ${r.receipts_good} of ${r.receipts_asked} receipts say success`);
  if (r.included === 0) throw new Error(`${what}: nothing was included: ${r.first_refusal}`);
  return r;
}

// Both kinds against every way of anvil; the fastest of them is the peer.
async function peers() {
  const best = {};
  for (const [name, mode] of Object.entries(MODES)) {
    for (const kind of ['transfers', ERC20]) {
      try {
        await withAnvil(mode.args, async (a) => {
          const token = await prepare(a.url, mode.load);
          const r = whole(await load('rate', { ...COMMON, url: a.url, txs: count, seconds, ...mode.load, token: kind === ERC20 ? token : undefined }), name);
          console.log(`  ${name}: ${kind}: ${r.tps} a second, ${a.memory().most.toFixed(0)} MB at most`);
          if (!(best[kind]?.tps >= r.tps)) best[kind] = { ...r, name, memory: a.memory().most };
        });
      } catch (e) {
        console.log(`  ${name}: ${kind}: ${e.message}`);
      }
    }
  }
  return best;
}

async function rate() {
  const best = await peers();
  await withWorld({ da: 'calldata', batchTimeout: '2s' }, async (w) => {
    const broadcast = new Set(), pid = w.node.process.pid;
    const stop = sampler(50, async () => {
      const ms = JSON.parse((await w.node.get('/status')).text).settlement?.sealed_to_broadcast_ms;
      if (ms > 0) broadcast.add(ms);
    });
    const token = await prepare(w.node.url);
    for (const kind of ['transfers', ERC20]) {
      const before = cpuSeconds(pid);
      const r = whole(await load('rate', { ...COMMON, url: w.node.url, txs: count, seconds, token: kind === ERC20 ? token : undefined }), 'gatehouse');
      const cpu = cpuSeconds(pid) - before;
      figures.add(`${kind} a second`, r.tps, 'tx/s', { peer: best[kind]?.tps ?? 0, peerName: best[kind]?.name ?? 'no anvil finished', note: `${r.included} in ${r.blocks} blocks, settlement on`, detail: r });
      figures.add(`${kind}: processor time each`, cpu * 1e6 / r.included, 'us');
    }
    const m = memory(pid);
    figures.add(`resident memory after ${2 * count} transactions`, m.now, 'MB', { peer: best.transfers?.memory, peerName: best.transfers && `the peer after ${count}`, higher: false, note: `${m.most.toFixed(0)} MB at most` });
    await until('a batch of this load is executed on L1', async () => (await w.l1.counters()).executed > 0, { timeout: 60_000 });
    await stop();
    const sorted = [...broadcast].sort((a, b) => a - b);
    if (!sorted.length) throw new Error('/status never said sealed_to_broadcast_ms');
    figures.add('batch sealed to commit broadcast, median', sorted[sorted.length >> 1], 'ms', { note: `worst ${sorted.at(-1)} ms, ${(await w.l1.counters()).committed} batches committed` });
  });
}

async function latency() {
  const txs = full ? 30_000 : 5_000;
  const run = (url) => load('latency', { ...COMMON, url, txs, rate: 500, graceMs: 10_000 });
  let peer;
  try {
    peer = await withAnvil(['--block-time', '0.25'], async (a) => { await prepare(a.url); return run(a.url); });
  } catch (e) { console.log('  anvil: ' + e.message); }
  await withWorld({ da: 'calldata', batchTimeout: '2s' }, async (w) => {
    await prepare(w.node.url);
    const r = await run(w.node.url);
    if (r.included < txs) throw new Error(`only ${r.included} of ${txs} were included: ${r.first_refusal}`);
    const beside = (k) => ({ peer: peer?.[k] ?? 0, peerName: 'anvil --block-time 0.25', higher: false });
    figures.add('inclusion latency at 500 tx/s, p50', r.p50_ms, 'ms', { ...beside('p50_ms'), detail: r });
    figures.add('inclusion latency at 500 tx/s, p99', r.p99_ms, 'ms', beside('p99_ms'));
  });
}

// A batch of transfers executed again from its witness, beside what making it took: the node's own processor time for each transaction, from
// the RPC to the sealed batch. Verification is one thread, so its time is its processor time.
async function verify() {
  await withWorld({ da: 'validium', batchTimeout: '10s' }, async (w) => {
    const pid = w.node.process.pid;
    await load('fund', { ...COMMON, url: w.node.url, key, amount: 10n ** 17n });
    const before = cpuSeconds(pid);
    const r = whole(await load('rate', { ...COMMON, url: w.node.url, txs: 5000, seconds: 15 }), 'gatehouse');
    const batches = async () => JSON.parse((await w.node.get('/status')).text).summary.batches.filter((b) => b.stage !== 'open');
    await until('the load is in sealed batches', async () => { const b = await batches(); return b.length > 0 && b[0].last_block >= await w.node.blockNumber(); }, { timeout: 60_000 });
    const making = (cpuSeconds(pid) - before) * 1e6 / r.included;
    const most = (await batches()).reduce((a, b) => (b.l2_txs > a.l2_txs ? b : a)), file = path.join(w.dir, 'batch.witness');
    await runProgram('gatehouse', ['make-witness', '--config', w.node.config, '--batch', String(most.number), file]);
    let best = Infinity;
    for (let i = 0; i < 5; i++) {
      const began = performance.now();
      await runProgram('gatehouse', ['verify-batch', file]);
      best = Math.min(best, performance.now() - began);
    }
    figures.add(`verification of a transfer, in a batch of ${most.l2_txs}`, best * 1000 / most.l2_txs, 'us', { peer: making, peerName: 'making it, RPC to sealed batch', higher: false });
    figures.add('witness of a transfer', fs.statSync(file).size / most.l2_txs, 'bytes');
  });
}

// By RPC, in batches of a hundred calls on four connections; what counts is the node's own processor time.
async function proofs() {
  await withWorld({ da: 'validium', batchTimeout: '1s' }, async (w) => {
    const provider = new JsonRpcProvider(w.node.url, Number(CHAIN), { staticNetwork: true, cacheTimeout: -1, pollingInterval: 50 });
    const wallet = new Wallet(USER.privateKey, provider), messages = 200;
    const nonce = await provider.getTransactionCount(wallet.address), hashes = [];
    for (let i = 0; i < messages; i++) {
      const data = '0x62f84b24' + '20'.padStart(64, '0') + '20'.padStart(64, '0') + i.toString(16).padStart(64, '0');
      hashes.push((await wallet.sendTransaction({ to: '0x0000000000000000000000000000000000008008', data, nonce: nonce + i, gasLimit: 500_000n })).hash);
    }
    provider.destroy();
    const proof = (h) => w.node.rpc.q('zks_getL2ToL1LogProof', h, 0);
    await until('all can be proved', async () => (await Promise.all(hashes.map(proof))).every(Boolean), { timeout: 60_000, every: 500 });
    const body = JSON.stringify(hashes.slice(0, 100).map((h, id) => ({ jsonrpc: '2.0', id, method: 'zks_getL2ToL1LogProof', params: [h, 0] })));
    const pid = w.node.process.pid, end = Date.now() + (full ? 20_000 : 5_000);
    let asked = 0;
    const cpu = cpuSeconds(pid), began = performance.now();
    await Promise.all(Array.from({ length: 4 }, async () => {
      while (Date.now() < end) { const r = await w.node.rpc.post(body); if (!r.json?.every((x) => x.result)) throw new Error('a proof failed'); asked += 100; }
    }));
    figures.add('proofs by RPC, for a second of processor time', asked / (cpuSeconds(pid) - cpu), '1/s', { note: `${(asked / (performance.now() - began) * 1000).toFixed(0)} a second of this client's time` });
  });
}

async function timeToReady(node) {
  const began = performance.now();
  node.start();
  await until('gatehouse is ready again', async () => {
    if (!node.process.running) throw new Error('it ended: ' + node.process.output().slice(-500));
    return (await node.get('/status/ready')).status === 200;
  }, { timeout: 300_000, every: 5 });
  return performance.now() - began;
}

async function restart() {
  const blocks = full ? 100_000 : 5_000;
  const changes = { 'sequencer.block_time': '1ms', 'sequencer.max_transactions_in_block': 1 };
  await withWorld({ da: 'validium', batchTimeout: '5s', changes }, async (w) => {
    await load('fund', { ...COMMON, url: w.node.url, key, amount: 10n ** 17n });
    const r = whole(await load('rate', { ...COMMON, url: w.node.url, txs: blocks, seconds: full ? 600 : 60, graceMs: 120_000, window: 5000 }), 'gatehouse');
    figures.add('blocks of one transaction a second', r.blocks / r.seconds, 'blocks/s', { note: `${r.blocks} blocks` });
    const head = await w.node.blockNumber();
    await w.node.stop();
    figures.add(`time to ready with ${head} blocks, after SIGTERM`, await timeToReady(w.node), 'ms');
    figures.add(`resident memory with ${head} blocks`, memory(w.node.process.pid).now, 'MB');
    await w.node.kill();
    figures.add(`time to ready with ${head} blocks, after SIGKILL`, await timeToReady(w.node), 'ms');
    if (await w.node.blockNumber() < head) throw new Error('blocks were lost');
    const folder = path.join(w.node.dir, 'db');
    const bytes = fs.readdirSync(folder, { recursive: true }).reduce((n, f) => n + fs.statSync(path.join(folder, f)).size, 0);
    figures.add('data folder, for each block of one transaction', bytes / head, 'bytes');
  });
}

// Parts without a node: each is a program of tests/bench (programs.mjs). Parts with one need the recorded L1.
const parts = { ...programs(figures), verify, proofs, rate, latency, restart };
const withNode = new Set([verify, proofs, rate, latency, restart]);

const names = argv.filter((a) => !a.startsWith('--'));
for (const name of names) {
  if (!parts[name]) { console.error(`no part named ${name}: ${Object.keys(parts).join(' ')}`); process.exit(2); }
}
const last = [];
for (const [name, part] of Object.entries(parts)) {
  if (names.length && !names.includes(name)) continue;
  console.log(`== ${name}`);
  if (withNode.has(part) && !haveSharedL1()) { console.log(`SKIP: ${name} ${NEED_SHARED}`); continue; }
  try { last.push(await part()); } catch (e) { figures.fail(name, e); }
}
console.log('');
figures.print();
const file = path.join(TOP, 'build/bench/results.json');
figures.write(file);
console.log(`written to ${path.relative(TOP, file)}`);
for (const line of last.filter(Boolean)) console.log(line);
process.exit(figures.failures.length ? 1 : 0);
