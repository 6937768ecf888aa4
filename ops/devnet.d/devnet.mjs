// The devnet behind ops/devnet: see there for the options.
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { formatEther, JsonRpcProvider, Wallet } from '../../tests/e2e/lib/ethers.mjs';
import { GATEWAY, GW, chainNode, prepareGateway } from '../../tests/e2e/lib/gateway.mjs';
import { BRIDGEHUB, DIAMONDS, L1, USER } from '../../tests/e2e/lib/l1.mjs';
import { GATEHOUSE, TOP } from '../../tests/e2e/lib/paths.mjs';
import { writeConfig } from '../../tests/e2e/lib/config.mjs';
import { Node } from '../../tests/e2e/lib/world.mjs';
import { until } from '../../tests/e2e/lib/wait.mjs';

const FLAGS = { batches: 0, da: 'calldata', data: path.join(TOP, 'devnet-data'), 'l1-block-time': 1, offset: 0, 'l1-port': 8545, 'rpc-port': 3050, 'status-port': 3071, 'metrics-port': 3312 };
const SWITCHES = ['fresh', 'no-traffic', 'gateway'];
// Chains of --gateway: the Gateway, then those that settle on it.
const CHAINS = [GATEWAY, 12, 13];

function options(argv) {
  const o = { ...FLAGS };
  for (let i = 0; i < argv.length; i++) {
    const name = argv[i].replace(/^--/, '');
    if (SWITCHES.includes(name)) o[name] = true;
    else if (name in FLAGS && argv[i].startsWith('--') && i + 1 < argv.length) {
      const v = argv[++i];
      if (typeof FLAGS[name] === 'number' && !(Number(v) >= 0)) fail(`--${name} wants a number, not ${v}`);
      o[name] = typeof FLAGS[name] === 'number' ? Number(v) : v;
    } else fail(`unknown option ${argv[i]}; ops/devnet --help lists them`);
  }
  if (!['calldata', 'validium', 'blobs'].includes(o.da)) fail('--da is calldata, validium or blobs');
  if (o.gateway && o.da === 'blobs') fail('a Gateway takes no blobs');
  o.data = path.resolve(process.env.GH_DEVNET_FROM ?? '.', o.data);
  return o;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

const o = options(process.argv.slice(2));
const ports = Object.fromEntries(['l1', 'rpc', 'status', 'metrics'].map((p) => [p, o[p + '-port'] + o.offset]));
const parts = { l1: null, nodes: [], view: null, providers: [] };
let stopping;

// Everything down in the order in which it came up, backwards; anvil writes its state when it ends.
function stop(code) {
  stopping ??= (async () => {
    parts.view?.kill('SIGTERM');
    for (const p of parts.providers) p.destroy();
    for (const n of [...parts.nodes].reverse()) {
      if (n.process?.running && (await n.process.stop('SIGTERM')).late) code ||= 1;
    }
    if (parts.l1) await parts.l1.process.stop('SIGTERM', 20_000);
    process.exit(code);
  })();
  return stopping;
}
for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(s, () => stop(s === 'SIGINT' && !o.batches ? 0 : 1));
process.on('unhandledRejection', (e) => { if (!stopping) { console.error(e.message ?? e); stop(1); } });

async function startL1() {
  const state = path.join(o.data, 'l1-state.json');
  const again = fs.existsSync(state);
  if (!again && ['db', 'chain11'].some((d) => fs.existsSync(path.join(o.data, d)))) fail(`${o.data} has a chain but no L1 to go with it (the last run was cut off): start with --fresh`);
  console.log(again ? 'L1: going on from the last run' : 'L1: replaying the recorded deployment of the v31 ecosystem');
  const l1 = await L1.start({ port: ports.l1, dir: o.data, blockTime: o['l1-block-time'], state });
  parts.l1 = l1;
  if (!again && o.gateway) await prepareGateway(l1, CHAINS.slice(1), o.da);
  else if (!again) await l1.setupChain({ da: o.da });
  await l1.startMining();
  console.log(`L1: ${l1.url}, chain 31337, Bridgehub ${BRIDGEHUB}`);
  return { l1, again };
}

// One small transfer after the other, each awaited, so that blocks and batches keep coming.
async function traffic(node, chainId) {
  const provider = new JsonRpcProvider(node.url, chainId, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 250 });
  parts.providers.push(provider);
  const wallet = new Wallet(USER.privateKey, provider);
  await until('the deposit is spendable', async () => (await provider.getBalance(wallet.address)) > 0n);
  while (!stopping) {
    const tx = await wallet.sendTransaction({ to: '0x000000000000000000000000000000000000beef', value: 1n });
    await tx.wait();
    await until('a second has passed', () => Date.now() % 1000 < 150, { every: 100 });
  }
}

function startNode(node, id) {
  parts.nodes.push(node);
  node.start();
  node.process.exited.then((e) => { if (!stopping) { console.error(`gatehouse of chain ${id} ended (${e.code ?? e.signal}):\n${node.process.output().slice(-2000)}`); stop(1); } });
}

async function deposit(l1, node, id) {
  const d = await l1.request({ chain: id, value: 10n ** 19n });
  const receipt = await node.receipt(d.hash, 60_000);
  console.log(`chain ${id}: deposit of ${formatEther(10n ** 19n)} ETH for ${USER.address}, L1 tx ${d.receipt.transactionHash}, L2 block ${Number(receipt.blockNumber)}`);
}

const describe = (node, id) => console.log(`chain ${id}: ${node.url}; status ${node.statusUrl}/status; metrics ${node.metricsUrl}/metrics; log ${path.join(node.dir, 'gatehouse.log')}`);

// Chain 10 alone. Gives what a line of progress says and how far its slowest counter is.
async function oneChain(l1, again) {
  const config = writeConfig({ data: o.data, l1Urls: [l1.url], ports, da: o.da, batchTimeout: '3s' });
  const node = new Node({ config, ports, dir: o.data });
  startNode(node, 10);
  await node.ready();
  describe(node, 10);
  if (!again) await deposit(l1, node, 10);
  return {
    view: ['--config', config],
    traffic: () => traffic(node, 10),
    progress: async () => {
      const c = await l1.counters();
      return { executed: c.executed, line: `batches: ${c.committed} committed, ${c.proved} proved, ${c.executed} executed; block ${await node.blockNumber()}` };
    },
  };
}

// Chain 11 as Gateway on L1; chains 12 and 13 on chain 11.
async function gatewayChains(l1, again) {
  const nodes = {};
  for (const [i, id] of CHAINS.entries()) {
    const own = { rpc: ports.rpc + i, status: ports.status + i, metrics: ports.metrics + i };
    nodes[id] = chainNode({ dir: o.data, id, ports: own, l1Url: l1.url, gatewayUrl: i ? nodes[GATEWAY].url : undefined, da: o.da, batchTimeout: '3s' });
    startNode(nodes[id], id);
  }
  for (const id of CHAINS) { await nodes[id].ready(); describe(nodes[id], id); }
  if (!again) for (const id of CHAINS.slice(1)) await deposit(l1, nodes[id], id);
  const layer = Object.assign(Object.create(L1.prototype), { rpc: nodes[GATEWAY].rpc });
  return {
    view: CHAINS.map((id) => nodes[id].config),
    traffic: () => Promise.all(CHAINS.slice(1).map((id) => traffic(nodes[id], id))),
    progress: async () => {
      const all = [];
      for (const id of CHAINS) all.push([id, await (id === GATEWAY ? l1.counters('latest', DIAMONDS[id]) : layer.counters('latest', GW.diamonds[id])), await nodes[id].blockNumber()]);
      return { executed: Math.min(...all.map(([, c]) => c.executed)), line: all.map(([id, c, block]) => `chain ${id}: ${c.committed}/${c.proved}/${c.executed} at block ${block}`).join('; ') + ' (batches committed/proved/executed)' };
    },
  };
}

async function main() {
  if (o.fresh) fs.rmSync(o.data, { recursive: true, force: true });
  fs.mkdirSync(o.data, { recursive: true });
  const { l1, again } = await startL1();
  const world = await (o.gateway ? gatewayChains : oneChain)(l1, again);
  const busy = o['no-traffic'] ? Promise.resolve() : world.traffic();
  if (!o.batches && process.stdout.isTTY) {
    parts.view = spawn(GATEHOUSE, ['status', '--watch', ...world.view], { stdio: 'inherit' });
    parts.view.once('exit', () => stop(0));
    await busy;
    return;
  }
  busy.catch((e) => { if (!stopping) { console.error(e.message); stop(1); } });
  let last = '';
  for (;;) {
    const { executed, line } = await world.progress();
    if (line !== last) console.log(last = line);
    if (o.batches && executed >= o.batches) { console.log(`${executed} batches executed${o.gateway ? ' on every chain' : ' on L1'}`); await stop(0); return; }
    await until('the next look', (() => { let n = 0; return () => n++ > 0; })(), { every: 500 });
  }
}
main().catch((e) => { if (!stopping) { console.error(e.message); stop(1); } });
