// A whole world for a scenario: L1 with the recorded contracts, optionally proxies before it, one gatehouse.
import fs from 'node:fs';
import path from 'node:path';
import { JsonRpcProvider, NonceManager, Wallet } from 'ethers';
import { CHAIN, L1, USER } from './l1.mjs';
import { GATEHOUSE, scratch } from './paths.mjs';
import { Child, freePorts, run } from './process.mjs';
import { Proxy } from './proxy.mjs';
import { Rpc, num } from './rpc.mjs';
import { giveUp, until } from './wait.mjs';
import { writeConfig } from './config.mjs';

export const richKey = USER.privateKey;

export class Node {
  constructor({ config, ports, dir }) {
    this.config = config;
    this.ports = ports;
    this.dir = dir;
    this.url = `http://127.0.0.1:${ports.rpc}`;
    this.statusUrl = `http://127.0.0.1:${ports.status}`;
    this.metricsUrl = `http://127.0.0.1:${ports.metrics}`;
    this.rpc = new Rpc(this.url);
  }

  start({ args = [], env = process.env } = {}) {
    this.process = new Child(GATEHOUSE, ['run', '--config', this.config, ...args], { log: path.join(this.dir, 'gatehouse.log'), env });
    return this;
  }

  async get(where, base = this.statusUrl) {
    const r = await fetch(base + where, { signal: AbortSignal.timeout(5_000) });
    return { status: r.status, text: await r.text() };
  }

  ready(timeout = 60_000) {
    return until('gatehouse is ready', async () => {
      if (!this.process.running) throw giveUp(`gatehouse ended (${JSON.stringify(this.process.ended)}):\n${this.process.output().slice(-3000)}`);
      return (await this.get('/status/ready')).status === 200;
    }, { timeout, every: 50 });
  }

  // Waits for the end of a start that must fail, and gives what it printed.
  async refusal(timeout = 60_000) {
    let timer;
    const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error('gatehouse kept running:\n' + this.process.output().slice(-2000))), timeout); });
    const ended = await Promise.race([this.process.exited, late]).finally(() => clearTimeout(timer));
    if (ended.code === 0) throw new Error('gatehouse ended as if all were well');
    if (ended.code === null) throw new Error(`gatehouse was killed by ${ended.signal}:\n${this.process.output().slice(-2000)}`);
    return this.process.output();
  }

  kill() { return this.process.kill('SIGKILL'); }

  async stop() {
    const r = await this.process.stop('SIGTERM');
    if (r.late) throw new Error('gatehouse did not stop within 15 s of SIGTERM');
    return r;
  }

  blockNumber() { return this.rpc.q('eth_blockNumber').then(num); }
  receipt(hash, timeout = 30_000) {
    return until(`L2 receipt of ${hash}`, () => this.rpc.q('eth_getTransactionReceipt', hash), { timeout, every: 50 });
  }
  cli(...args) { return run(GATEHOUSE, args); }
}

export class World {
  // Options: da, batchTimeout, blockTime, changes (dotted config keys), proxies (how many stand between node and L1),
  // setup (false leaves DA pair and roles to the test), skip (see L1.setupChain), mining, keep (folder to use).
  static async create(t, o = {}) {
    const w = new World();
    w.dir = o.dir ?? scratch('world');
    const [l1, rpc, status, metrics] = await freePorts(4);
    w.ports = { l1, rpc, status, metrics };
    w.options = o;
    t.cleanup(() => w.close());
    t.onFailure(() => w.dump());
    w.l1 = await L1.start({ port: l1, dir: w.dir, blockTime: o.blockTime ?? 1, ...(o.l1 ?? {}) });
    if (o.setup !== false) await w.l1.setupChain({ da: o.da, skip: o.skip });
    if (o.mining !== false) await w.l1.startMining();
    w.firstBlock = num(await w.l1.rpc.q('eth_blockNumber')) + 1;
    w.proxies = [];
    for (let i = 0; i < (o.proxies ?? 0); i++) w.proxies.push(await Proxy.start(w.l1.url));
    w.node = w.makeNode();
    return w;
  }

  // A node on the same L1; other data folders and other settings make other nodes.
  makeNode({ name = 'node', changes = {}, ports = this.ports, ...rest } = {}) {
    const data = path.join(this.dir, name);
    const config = writeConfig({
      data, ports, da: this.options.da, batchTimeout: this.options.batchTimeout,
      l1Urls: this.proxies.length ? this.proxies.map((p) => p.url) : [this.l1.url],
      changes: { ...(this.options.changes ?? {}), ...changes }, ...rest,
    });
    return new Node({ config, ports, dir: data });
  }

  async start() { this.node.start(); await this.node.ready(); return this; }

  provider() {
    const p = new JsonRpcProvider(this.node.url, Number(CHAIN), { staticNetwork: true, cacheTimeout: -1, pollingInterval: 100 });
    (this.providers ??= []).push(p);
    return p;
  }
  wallet(key = richKey) { return new Wallet(key, this.provider()); }
  managed(key = richKey) { return new NonceManager(this.wallet(key)); }

  // L1 funds arrive on L2 in the given wallet.
  async fund(address = USER.address, value = 10n ** 20n) {
    const d = await this.l1.request({ to: address, value });
    const receipt = await this.node.receipt(d.hash, 60_000);
    if (receipt.status !== '0x1') throw new Error('the deposit failed on L2');
    return { ...d, l2: receipt };
  }

  // The batch that carries this transaction is executed on L1.
  executed(hash, timeout = 60_000) {
    return until('its batch is executed on L1', async () => ['executed', 'finalized'].includes((await this.node.rpc.q('zks_getTransactionFinality', hash)).stage), { timeout, every: 200 });
  }

  async dump() {
    const log = path.join(this.node?.dir ?? this.dir, 'gatehouse.log');
    if (fs.existsSync(log)) console.log(`--- end of ${log}\n${fs.readFileSync(log, 'utf8').split('\n').slice(-40).join('\n')}\n---`);
    this.failed = true;
  }

  async close() {
    for (const p of this.providers ?? []) p.destroy();
    if (this.node?.process?.running) await this.node.process.stop('SIGTERM', 5_000);
    for (const p of this.proxies ?? []) await p.stop();
    await this.l1?.stop();
    if (!this.failed && !process.env.GH_KEEP) fs.rmSync(this.dir, { recursive: true, force: true });
    else console.log('# kept ' + this.dir);
  }
}

export { until, num };
