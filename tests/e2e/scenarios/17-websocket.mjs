// WebSockets on the RPC port: ethers, viem and the ws package as clients, raw sockets that break every rule of RFC 6455.
import net from 'node:net';
import { createHash, randomBytes } from 'node:crypto';
import { Contract, ContractFactory, WebSocketProvider, Wallet, id, parseEther } from 'ethers';
import { createPublicClient, defineChain, webSocket } from 'viem';
import WebSocket from 'ws';
import { contracts } from '../lib/contracts.mjs';
import { USER, account } from '../lib/l1.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const t = suite('17 WebSockets');
const w = await World.create(t, { changes: { 'rpc.max_request_size': '1MB', 'rpc.websocket_ping': '700ms', 'rpc.max_websocket_connections': 24 } });
await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(); });
const q = (...a) => w.node.rpc.q(...a);
const url = w.node.url.replace('http', 'ws');
const { Work } = contracts();
const wallet = w.managed();
const other = account(8).address;

// A client that keeps every message.
class Client {
  static open(options = {}) {
    const c = new Client();
    c.ws = new WebSocket(url, { perMessageDeflate: false, ...options });
    c.n = 0; c.answers = new Map(); c.notices = []; c.closed = new Promise((ok) => c.ws.on('close', (code, reason) => ok({ code, reason: String(reason) })));
    c.ws.on('message', (d) => { const m = JSON.parse(d); if (m.method) c.notices.push(m.params); else (c.answers.get(m.id) ?? (() => {}))(m); });
    c.ws.on('error', () => {});
    t.cleanup(() => c.ws.terminate());
    return new Promise((ok, no) => { c.ws.on('open', () => ok(c)); c.ws.on('error', no); });
  }

  call(method, ...params) {
    const n = ++this.n;
    return new Promise((ok) => { this.answers.set(n, ok); this.ws.send(JSON.stringify({ jsonrpc: '2.0', id: n, method, params })); });
  }

  async q(...a) { const m = await this.call(...a); if (m.error) throw new Error(m.error.message); return m.result; }
  of(sub) { return this.notices.filter((n) => n.subscription === sub).map((n) => n.result); }
}

const c = await Client.open();
await t.test('ordinary calls and batches, answers by id', async () => {
  same(await c.q('eth_chainId'), '0xa');
  const all = await Promise.all(Array.from({ length: 200 }, () => c.q('eth_blockNumber')));
  check(all.every((x) => num(x) >= 1), all.join());
  same((await c.call('no_such_method')).error.code, -32601);
  const batch = await new Promise((ok) => { c.ws.once('message', (d) => ok(JSON.parse(d))); c.ws.send(JSON.stringify([{ jsonrpc: '2.0', id: 'a', method: 'eth_chainId' }, { jsonrpc: '2.0', id: 'b', method: 'net_version' }])); });
  same(batch.map((x) => [x.id, x.result]), [['a', '0xa'], ['b', '10']]);
});

await t.test('over HTTP there is nothing to subscribe to', async () => {
  same([(await w.node.rpc.refused('eth_subscribe', 'newHeads')).code, (await w.node.rpc.refused('eth_unsubscribe', '0x1')).code], [-32601, -32601]);
});

let work;
await t.test('new heads: every block once, in order, the block already there', async () => {
  const sub = await c.q('eth_subscribe', 'newHeads');
  check(/^0x[0-9a-f]{32}$/.test(sub), sub);
  const from = num(await q('eth_blockNumber'));
  work = await new ContractFactory(Work.abi, Work.bytecode, wallet).deploy();
  await work.waitForDeployment();
  for (let i = 0; i < 5; i++) await (await wallet.sendTransaction({ to: other, value: 1n })).wait();
  const head = num(await q('eth_blockNumber'));
  await until('all heads', () => c.of(sub).length >= head - from);
  const heads = c.of(sub);
  same(heads.map((h) => num(h.number)), Array.from({ length: head - from }, (_, i) => from + 1 + i));
  for (const h of heads) {
    const b = await q('eth_getBlockByNumber', h.number, false);
    for (const k of ['hash', 'parentHash', 'timestamp', 'stateRoot', 'receiptsRoot', 'gasUsed', 'gasLimit', 'baseFeePerGas', 'miner', 'logsBloom']) same(h[k], b[k], k);
  }
  same(await c.q('eth_unsubscribe', sub), true);
  check(/not found/.test((await c.call('eth_unsubscribe', sub)).error.message));
  const seen = c.of(sub).length;
  await (await wallet.sendTransaction({ to: other, value: 1n })).wait();
  same(await c.q('eth_chainId'), '0xa');
  same(c.of(sub).length, seen);
});

await t.test('logs by address and topics, as eth_getLogs has them', async () => {
  const at = work.target;
  const subs = {
    all: await c.q('eth_subscribe', 'logs', {}), none: await c.q('eth_subscribe', 'logs', { address: other }),
    own: await c.q('eth_subscribe', 'logs', { address: at, topics: [[id('Did(uint256,address,bytes)'), id('x()')], hex(7).replace('0x', '0x' + '0'.repeat(63))] }),
    bare: await c.q('eth_subscribe', 'logs'),
  };
  const from = hex(num(await q('eth_blockNumber')) + 1);
  for (const what of [6, 7, 8, 7]) await (await work.shout(what, '0x' + 'ee'.repeat(what))).wait();
  await until('the logs', () => c.of(subs.own).length >= 2 && c.of(subs.all).length >= 4);
  const expect = (filter) => q('eth_getLogs', { fromBlock: from, toBlock: 'latest', ...filter });
  const bare = (l) => ({ ...l, l1BatchNumber: null });
  same(c.of(subs.own).map(bare), (await expect({ address: at, topics: [id('Did(uint256,address,bytes)'), hex(7).replace('0x', '0x' + '0'.repeat(63))] })).map(bare));
  same(c.of(subs.all).map(bare), (await expect({})).map(bare));
  same(c.of(subs.bare).length, c.of(subs.all).length);
  same(c.of(subs.none), []);
  for (const s of Object.values(subs)) await c.q('eth_unsubscribe', s);
});

await t.test('pending transactions: hashes, and whole ones', async () => {
  const [hashes, whole] = [await c.q('eth_subscribe', 'newPendingTransactions'), await c.q('eth_subscribe', 'newPendingTransactions', true)];
  const sent = [];
  for (let i = 0; i < 5; i++) sent.push((await wallet.sendTransaction({ to: other, value: BigInt(i) })).hash);
  await until('they are told', () => c.of(hashes).length >= 5 && c.of(whole).length >= 5);
  same(c.of(hashes), sent);
  same(c.of(whole).map((x) => x.hash), sent);
  for (const x of c.of(whole)) same([x.from, x.to, x.blockNumber], [USER.address.toLowerCase(), other.toLowerCase(), null]);
  for (const s of [hashes, whole]) await c.q('eth_unsubscribe', s);
  const syncing = await c.q('eth_subscribe', 'syncing');
  await until('its state', () => c.of(syncing).length > 0);
  same(c.of(syncing), [false]);
});

await t.test('bad subscriptions are refused in words', async () => {
  for (const [params, pattern] of [[[], /missing|required|invalid/], [['nonsense'], /no "nonsense" subscription/], [[7], /no "" subscription/], [['logs', 5], /expected an object/], [['logs', { topics: [1, 2, 3, 4, 5] }], /topics/], [['newPendingTransactions', 'yes'], /expected true/]]) {
    const m = await c.call('eth_subscribe', ...params);
    check(m.error && pattern.test(m.error.message), JSON.stringify(m));
  }
  check(/not found/.test((await c.call('eth_unsubscribe', '0x12')).error.message));
  const many = [];
  for (let i = 0; i < 140; i++) many.push(await c.call('eth_subscribe', 'newHeads'));
  check(many.some((m) => m.error && /more than 128/.test(m.error.message)), 'no limit');
  for (const m of many) if (m.result) await c.q('eth_unsubscribe', m.result);
});

await t.test('ethers WebSocketProvider: blocks, logs, receipts', async () => {
  const p = new WebSocketProvider(url, 10, { staticNetwork: true });
  const blocks = [], logs = [], pending = [];
  p.on('block', (n) => blocks.push(n));
  p.on({ address: work.target }, (l) => logs.push(l));
  p.on('pending', (h) => pending.push(h));
  const signer = new Wallet(account(12).privateKey, p);
  await (await wallet.sendTransaction({ to: signer.address, value: parseEther('1') })).wait();
  same(await p.getBalance(signer.address), parseEther('1'));
  // not .wait(): it begins to listen for blocks after it has looked, and no further block comes here
  const sent = await new Contract(work.target, Work.abi, signer).shout(3, '0x33');
  const r = await until('its receipt', () => p.getTransactionReceipt(sent.hash));
  same(r.status, 1);
  await until('events', () => logs.length === 1 && blocks.includes(r.blockNumber) && pending.includes(r.hash));
  same(logs[0].transactionHash, r.hash);
  await p.destroy();
});

await t.test('viem webSocket transport: watchBlocks and watchEvent', async () => {
  const chain = defineChain({ id: 10, name: 'x', nativeCurrency: { name: 'e', symbol: 'e', decimals: 18 }, rpcUrls: { default: { http: [w.node.url], webSocket: [url] } } });
  const client = createPublicClient({ chain, transport: webSocket(url, { reconnect: false }) });
  same(await client.getChainId(), 10);
  const blocks = [], logs = [];
  const stop = [client.watchBlockNumber({ onBlockNumber: (n) => blocks.push(n), emitMissed: false }), client.watchEvent({ address: work.target, onLogs: (l) => logs.push(...l) })];
  await until('it has subscribed', async () => { await (await work.shout(9, '0x')).wait(); return logs.length > 0 && blocks.length > 0; });
  for (const s of stop) s();
  (await client.transport.getRpcClient()).close();
});

// ---- raw ----

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
class Raw {
  static connect() {
    const r = new Raw();
    r.got = Buffer.alloc(0);
    r.s = net.connect(w.node.ports.rpc, '127.0.0.1');
    r.s.on('data', (d) => { r.got = Buffer.concat([r.got, d]); });
    r.s.on('error', () => {});
    r.ended = new Promise((ok) => r.s.on('close', ok));
    t.cleanup(() => r.s.destroy());
    return new Promise((ok) => r.s.on('connect', () => ok(r)));
  }

  async shake(extra = {}) {
    const h = { Host: 'x', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13', ...extra };
    this.s.write('GET / HTTP/1.1\r\n' + Object.entries(h).filter(([, v]) => v !== null).map(([k, v]) => `${k}: ${v}\r\n`).join('') + '\r\n');
    await until('a reply', () => this.got.includes('\r\n\r\n'), { every: 2 });
    const end = this.got.indexOf('\r\n\r\n');
    this.head = this.got.subarray(0, end).toString();
    this.got = this.got.subarray(end + 4);
    return Number(this.head.split(' ')[1]);
  }

  frame(first, payload = '', { mask = true, length } = {}) {
    const p = Buffer.from(payload), m = randomBytes(4), n = length ?? p.length;
    const head = n < 126 ? Buffer.from([first, n]) : n < 65536 ? Buffer.from([first, 126, n >> 8, n & 255]) : Buffer.concat([Buffer.from([first, 127]), (() => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; })()]);
    if (!mask) return Buffer.concat([head, p]);
    head[1] |= 128;
    return Buffer.concat([head, m, p.map((b, i) => b ^ m[i & 3])]);
  }

  // Frames of the server that have come whole.
  frames() {
    const out = [];
    for (let b = this.got; b.length >= 2;) {
      let n = b[1], at = 2;
      if (n === 126) { n = b.readUInt16BE(2); at = 4; } else if (n === 127) { n = Number(b.readBigUInt64BE(2)); at = 10; }
      if (b.length < at + n) break;
      out.push({ opcode: b[0] & 15, payload: b.subarray(at, at + n) });
      b = b.subarray(at + n);
    }
    return out;
  }

  closeCode() { return until('a close frame', () => this.frames().find((f) => f.opcode === 8)).then((f) => f.payload.readUInt16BE(0)); }
}

await t.test('the handshake of the RFC, and those that are refused', async () => {
  const r = await Raw.connect();
  same(await r.shake(), 101);
  check(r.head.includes('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='), r.head);
  same(createHash('sha1').update(KEY + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  r.s.destroy();
  for (const [extra, status] of [[{ 'Sec-WebSocket-Version': '8' }, 426], [{ 'Sec-WebSocket-Version': null }, 426], [{ 'Sec-WebSocket-Key': null }, 400], [{ 'Sec-WebSocket-Key': 'short' }, 400], [{ 'Sec-WebSocket-Key': 'x'.repeat(24) }, 400], [{ Connection: 'keep-alive' }, 400], [{ Upgrade: 'h2c' }, 405], [{ Upgrade: 'h2c, WebSocket', Connection: 'keep-alive, UPGRADE' }, 101]]) {
    const x = await Raw.connect();
    same(await x.shake(extra), status, JSON.stringify(extra));
    x.s.destroy();
  }
});

const text = (s) => Buffer.from(s);
const call = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';
await t.test('a call in fragments with a ping between them, byte by byte', async () => {
  const r = await Raw.connect();
  await r.shake();
  const all = Buffer.concat([r.frame(0x01, call.slice(0, 10)), r.frame(0x89, 'hi'), r.frame(0x00, call.slice(10, 20)), r.frame(0x80, call.slice(20))]);
  for (const b of all) { r.s.write(Buffer.from([b])); if (b % 16 === 0) await new Promise((ok) => setImmediate(ok)); }
  await until('both answers', () => r.frames().some((f) => f.opcode === 10) && r.frames().some((f) => f.opcode === 1));
  same(r.frames().find((f) => f.opcode === 10).payload.toString(), 'hi');
  same(JSON.parse(r.frames().find((f) => f.opcode === 1).payload).result, '0xa');
  r.s.write(r.frame(0x88, Buffer.from([3, 232])));
  same(await r.closeCode(), 1000);
  await r.ended;
});

await t.test('a client that talks before it hears 101 is heard', async () => {
  const r = await Raw.connect();
  const early = r.frame(0x81, call);
  const write = r.s.write.bind(r.s);
  r.s.write = (d) => write(Buffer.concat([Buffer.from(d), early]));
  same(await r.shake(), 101);
  await until('the answer', () => r.frames().some((f) => f.opcode === 1));
  r.s.destroy();
});

await t.test('what breaks a rule is closed with the code for it', async () => {
  const cases = [
    ['not masked', (r) => r.frame(0x81, call, { mask: false }), 1002], ['reserved bit', (r) => r.frame(0xc1, call), 1002],
    ['unknown opcode', (r) => r.frame(0x83, call), 1002], ['continuation of nothing', (r) => r.frame(0x80, call), 1002],
    ['message in a message', (r) => Buffer.concat([r.frame(0x01, 'a'), r.frame(0x81, 'b')]), 1002], ['long ping', (r) => r.frame(0x89, 'x'.repeat(126)), 1002],
    ['ping in fragments', (r) => r.frame(0x09, 'x'), 1002], ['binary', (r) => r.frame(0x82, call), 1003],
    ['not UTF-8', (r) => r.frame(0x81, Buffer.from([0x22, 0xc0, 0x80, 0x22])), 1007], ['cut UTF-8', (r) => r.frame(0x81, Buffer.from([0xe2, 0x82])), 1007],
    ['too long', (r) => r.frame(0x81, '', { length: 1_100_000 }), 1009], ['too long in fragments', (r) => Buffer.concat([r.frame(0x01, 'x'.repeat(900_000)), r.frame(0x00, 'x'.repeat(200_000))]), 1009],
    ['a length beyond all', (r) => Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]), 1002],
    ['bad close code', (r) => r.frame(0x88, Buffer.from([3, 237])), 1002], ['close code of one byte', (r) => r.frame(0x88, Buffer.from([3])), 1002],
  ];
  for (const [what, bytes, code] of cases) {
    const r = await Raw.connect();
    same(await r.shake(), 101, what);
    r.s.write(bytes(r));
    same(await r.closeCode(), code, what);
    await r.ended;
  }
});

await t.test('JSON that is none is an answer, not the end', async () => {
  const r = await Raw.connect();
  await r.shake();
  for (const s of ['', 'x', '{"', '[]', '1', '"a"', '{}']) r.s.write(r.frame(0x81, text(s)));
  r.s.write(r.frame(0x81, call));
  await until('the good one is answered', () => r.frames().some((f) => f.opcode === 1 && f.payload.includes('0xa')));
  check(r.frames().filter((f) => f.opcode === 1).every((f) => JSON.parse(f.payload)), 'not JSON');
  r.s.destroy();
});

await t.test('who answers no ping is closed, who does stays', async () => {
  const silent = await Raw.connect();
  await silent.shake();
  await until('it is closed', () => Promise.race([silent.ended.then(() => true), new Promise((ok) => setTimeout(() => ok(false), 50))]), { timeout: 10_000 });
  check(silent.frames().some((f) => f.opcode === 9), 'no ping came');
  same(await c.q('eth_chainId'), '0xa'); // the ws package answers pings
});

const metric = async (name) => { const m = await w.node.get('/metrics', w.node.metricsUrl); return Number(m.text.split('\n').find((l) => l.startsWith(name + ' ') || l.startsWith(name))?.split(' ').at(-1)); };
await t.test('who does not read is cut off, and others notice nothing', async () => {
  const r = await Raw.connect();
  await r.shake();
  r.s.pause();
  const before = await metric('rpc_websocket_events{event="slow_closed"}');
  const ask = r.frame(0x81, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'zks_getGenesis' }));
  let closed = false;
  r.ended.then(() => { closed = true; });
  await until('it is cut off', async () => {
    if (!closed) for (let i = 0; i < 20; i++) r.s.write(ask);
    return (await metric('rpc_websocket_events{event="slow_closed"}')) > before;
  }, { timeout: 60_000, every: 20 });
  r.s.destroy();
  same(await c.q('eth_chainId'), '0xa');
});

await t.test('who pings and does not read is cut off', async () => {
  const r = await Raw.connect();
  await r.shake();
  r.s.pause();
  const before = await metric('rpc_websocket_events{event="slow_closed"}');
  const pings = Buffer.concat(Array.from({ length: 4096 }, () => r.frame(0x89, 'p'.repeat(125))));
  let writable = true;
  r.s.on('drain', () => { writable = true; });
  await until('it is cut off', async () => {
    if (writable && !r.s.destroyed) for (let i = 0; i < 16; i++) writable = r.s.write(pings);
    return (await metric('rpc_websocket_events{event="slow_closed"}')) > before;
  }, { timeout: 60_000, every: 5 });
  r.s.destroy();
  await until('its memory has come back', async () => (await metric('rpc_memory_bytes')) < 1 << 20);
  same(await c.q('eth_chainId'), '0xa');
});

await t.test('more connections than allowed are refused, and there is room again afterwards', async () => {
  const open = [];
  let status = 101;
  while (status === 101 && open.length < 40) { const r = await Raw.connect(); status = await r.shake(); open.push(r); }
  same(status, 503);
  check(open.length <= 24, `${open.length} connections`);
  for (const r of open) r.s.destroy();
  await until('room again', async () => { const r = await Raw.connect(); const ok = (await r.shake()) === 101; r.s.destroy(); return ok; });
});

await t.test('a hundred subscribers that come and go while blocks are made leave nothing behind', async () => {
  const go = async (i) => {
    const x = await Client.open();
    await x.q('eth_subscribe', 'newHeads'); await x.q('eth_subscribe', 'logs', {}); await x.q('eth_subscribe', 'newPendingTransactions', true);
    if (i % 3 === 0) x.ws.terminate(); else x.ws.close();
    await x.closed;
  };
  for (let k = 0; k < 10; k++) await Promise.all([...Array.from({ length: 10 }, (_, i) => go(i)), wallet.sendTransaction({ to: other, value: 1n })]);
  await until('one connection is left', async () => (await metric('rpc_websocket_connections')) === 1 && (await metric('rpc_subscriptions')) <= 1);
});

await t.test('SIGTERM says goodbye with 1001', async () => {
  const x = await Client.open();
  const stopped = w.node.stop();
  same((await x.closed).code, 1001);
  await stopped;
});

await t.end();
