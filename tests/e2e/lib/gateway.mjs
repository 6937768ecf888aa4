// Chain 11 as the Gateway, run by our node on the recorded L1, and chains that settle on it, each with a node of its own.
import fs from 'node:fs';
import path from 'node:path';
import { Interface } from 'ethers';
import { ADMIN, BRIDGEHUB, DIAMONDS, L1, OPERATORS, ROLE_FLAGS, USER, account, diamond, operatorTransactions, timelock } from './l1.mjs';
import { scratch } from './paths.mjs';
import { freePorts } from './process.mjs';
import { Proxy } from './proxy.mjs';
import { Node } from './world.mjs';
import { until } from './wait.mjs';
import { writeConfig } from './config.mjs';

const builtIn = (n) => '0x' + n.toString(16).padStart(40, '0');
export const GATEWAY = 11;
export const GW = {
  bridgehub: builtIn(0x10002), messageRoot: builtIn(0x10005), tracker: builtIn(0x10010),
  timelock: '0x89dE2a28256e6718E91b767465d7f64796cAbFa2',
  da: { calldata: ['0xa30da12e91A923e8afB060E4422248ad7FE8c356', 3], validium: ['0x1a0e8A7E6E435D70280847a38379956e8c9e62fA', 1] },
  diamonds: { 12: '0xB9984c2981a2c74d068C866cd7c882C1d16E8168', 13: '0xc848e49573522f09E2c2d8c95CDdEA726ebd89F5' },
};
// Keys of the chains on the Gateway; the Gateway itself uses OPERATORS.
export const MEMBER_OPERATORS = {
  12: { commit: account(7), prove: account(8), execute: account(9) },
  13: { commit: account(10), prove: account(11), execute: account(12) },
};
export const messageRoot = new Interface([
  'function chainBatchRoots(uint256,uint256) view returns (bytes32)',
  'function currentChainBatchNumber(uint256) view returns (uint256)',
  'function getAggregatedRoot() view returns (bytes32)',
  'function historicalRoot(uint256) view returns (bytes32)',
  'function getEmptyMultichainBatchRoot(uint256) view returns (bytes32)',
  'event AppendedChainBatchRoot(uint256 indexed chainId, uint256 indexed batchNumber, bytes32 chainBatchRoot)',
  'event NewInteropRoot(uint256 indexed chainId, uint256 indexed blockNumber, uint256 indexed logId, bytes32[] sides)',
]);
const L1_MESSAGE_ROOT = '0x6cC59Cd318339a8dBBc414a2971006fAe3452020';

// What L1 requests of the Gateway so that the chains' operators may settle there: funds, DA pairs, roles.
export async function prepareGateway(l1, chains, da = 'calldata') {
  await l1.setupChain({ da, address: DIAMONDS[GATEWAY] });
  for (const id of chains) {
    for (const w of Object.values(MEMBER_OPERATORS[id])) await l1.request({ chain: GATEWAY, to: w.address, value: 10n ** 18n });
  }
  await l1.asAlias(ADMIN.address, async () => {
    const ask = (to, data) => l1.request({ chain: GATEWAY, to, data, gasLimit: 2_000_000n, via: ADMIN.address });
    for (const id of chains) {
      await ask(GW.diamonds[id], diamond.encodeFunctionData('setDAValidatorPair', GW.da[da]));
      for (const [step, w] of Object.entries(MEMBER_OPERATORS[id])) await ask(GW.timelock, timelock.encodeFunctionData('addValidatorRoles', [GW.diamonds[id], w.address, ROLE_FLAGS[step]]));
    }
  });
}

// Configuration and data folder of one of these chains. `gatewayUrl` for those that settle there.
export function chainNode({ dir, id, ports, l1Url, gatewayUrl, da, batchTimeout = '1s', changes = {} }) {
  const data = path.join(dir, 'chain' + id), wallets = MEMBER_OPERATORS[id] ?? OPERATORS;
  const config = writeConfig({
    data, ports, da, batchTimeout, l1Urls: [l1Url], name: `chain${id}.yaml`,
    keys: Object.fromEntries(Object.entries(wallets).map(([k, w]) => [k, w.privateKey])),
    // a Gateway's pool takes executions with all the logs of a full block
    changes: { 'genesis.chain_id': id, ...(id === GATEWAY ? { 'mempool.max_tx_size': '1MB' } : {}), ...(gatewayUrl ? { 'general.gateway_rpc_url': gatewayUrl } : {}), ...changes },
  });
  const node = new Node({ config, ports, dir: data });
  node.id = id;
  return node;
}

export class GatewayWorld {
  // Options: chains (which ones settle on the Gateway), da, batchTimeout, changes (for all nodes), changesOf (by chain),
  // proxies (one before the Gateway's RPC, for its chains).
  static async create(t, { chains = [12], da, batchTimeout, changes = {}, changesOf = {}, proxies = false, setup = true } = {}) {
    const w = new GatewayWorld();
    w.dir = scratch('gateway');
    w.options = (id) => ({ da, batchTimeout, changes: { ...changes, ...changesOf[id] } });
    t.cleanup(() => w.close());
    t.onFailure(() => w.dump());
    const ports = await freePorts(1 + 3 * (1 + chains.length));
    const take = () => ({ rpc: ports.shift(), status: ports.shift(), metrics: ports.shift() });
    w.l1 = await L1.start({ port: ports.shift(), dir: w.dir });
    if (setup) await prepareGateway(w.l1, chains, da);
    await w.l1.startMining();
    w.gateway = chainNode({ dir: w.dir, id: GATEWAY, ports: take(), l1Url: w.l1.url, ...w.options(GATEWAY) });
    // The Gateway asked as a layer, with what tests ask L1.
    w.layer = Object.assign(Object.create(L1.prototype), { rpc: w.gateway.rpc, url: w.gateway.url });
    w.proxies = proxies ? [await Proxy.start(w.gateway.url)] : [];
    w.chains = {};
    for (const id of chains) {
      const gatewayUrl = w.proxies[0]?.url ?? w.gateway.url;
      w.chains[id] = chainNode({ dir: w.dir, id, ports: take(), l1Url: w.l1.url, gatewayUrl, ...w.options(id) });
    }
    w.nodes = [w.gateway, ...Object.values(w.chains)];
    return w;
  }

  async start() {
    for (const n of this.nodes) n.start();
    await Promise.all(this.nodes.map((n) => n.ready()));
    return this;
  }

  // Counters of a chain on the layer it settles on.
  counters(id, tag = 'latest') {
    return id === GATEWAY ? this.l1.counters(tag, DIAMONDS[GATEWAY]) : this.layer.counters(tag, GW.diamonds[id]);
  }

  executed(id, n, timeout = 60_000) {
    return until(`batch ${n} of chain ${id} is executed`, async () => {
      const c = await this.counters(id);
      return c.executed >= n ? c : false;
    }, { timeout, every: 200 });
  }

  // Everything that is in blocks now is sealed, settled, and known to the node as settled.
  async rest(id, timeout = 90_000) {
    const node = this.nodes.find((n) => n.id === id);
    return until(`chain ${id} is at rest`, async () => {
      const [c, f, head] = [await this.counters(id), await node.rpc.q('zks_getFinalityStatus'), await node.blockNumber()];
      return c.committed === c.executed && f.lastExecutedBatch === c.executed && f.lastExecutedBlock === head ? c : false;
    }, { timeout, every: 200 });
  }

  // The root of a batch in the message root of the layer the chain settles on.
  chainBatchRoot(id, n) {
    const [layer, at] = id === GATEWAY ? [this.l1, L1_MESSAGE_ROOT] : [this.layer, GW.messageRoot];
    return layer.call(messageRoot, at, 'chainBatchRoots', [id, n]);
  }

  // A deposit from L1; for chains on the Gateway it is relayed there.
  async deposit(id, { to = USER.address, value = 10n ** 18n, ...rest } = {}) {
    const d = await this.l1.request({ chain: id, to, value, ...rest });
    const l2 = await this.nodes.find((n) => n.id === id).receipt(d.hash, 60_000);
    if (l2.status !== '0x1') throw new Error(`the deposit failed on chain ${id}`);
    return { ...d, l2 };
  }

  // Every mined transaction of a chain's operators on the layer it settles on.
  operatorTransactions(id) {
    return id === GATEWAY ? this.l1.operatorTransactions() : operatorTransactions(this.gateway.rpc, MEMBER_OPERATORS[id], GW.timelock);
  }

  async dump() {
    for (const n of this.nodes ?? []) {
      const log = path.join(n.dir, 'gatehouse.log');
      if (fs.existsSync(log)) console.log(`--- end of ${log}\n${fs.readFileSync(log, 'utf8').split('\n').slice(-25).join('\n')}\n---`);
    }
    this.failed = true;
  }

  async close() {
    for (const n of [...(this.nodes ?? [])].reverse()) if (n.process?.running) await n.process.stop('SIGTERM', 5_000);
    for (const p of this.proxies ?? []) await p.stop();
    await this.l1?.stop();
    if (!this.failed && !process.env.GH_KEEP) fs.rmSync(this.dir, { recursive: true, force: true });
    else console.log('# kept ' + this.dir);
  }
}

export { BRIDGEHUB, until };
