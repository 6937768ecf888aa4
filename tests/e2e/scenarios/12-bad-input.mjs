// Bad input by RPC and by configuration: each a clear error, nothing lost.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Transaction, Wallet, encodeRlp, keccak256, parseEther } from 'ethers';
import { ADMIN, DIAMOND, OPERATORS, TIMELOCK, USER, account, timelock } from '../lib/l1.mjs';
import { GATEHOUSE, GENESIS } from '../lib/paths.mjs';
import { freePorts, run } from '../lib/process.mjs';
import { num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const t = suite('12 bad input');
const w = await World.create(t, { mining: true });
await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(USER.address, parseEther('10')); });
const rpc = w.node.rpc, q = (...a) => rpc.q(...a);
const wallet = new Wallet(USER.privateKey), other = account(8).address;
const gasPrice = BigInt(await q('eth_gasPrice'));
const nonce = () => q('eth_getTransactionCount', USER.address, 'latest').then(num);
const base = async (o = {}) => ({ chainId: 10, type: 2, nonce: await nonce(), maxFeePerGas: gasPrice, maxPriorityFeePerGas: 0n, gasLimit: 100_000n, to: other, value: 1n, ...o });
const sign = async (o) => wallet.signTransaction(await base(o));

// The bytes of a dynamic fee transaction by hand, for what ethers would refuse to write.
const minimal = (v) => (BigInt(v) === 0n ? '0x' : '0x' + BigInt(v).toString(16).padStart(2 * Math.ceil(BigInt(v).toString(16).length / 2), '0'));
const fields = (x) => [minimal(10), minimal(x.nonce), minimal(x.maxPriorityFeePerGas), minimal(x.maxFeePerGas), minimal(x.gasLimit), x.to, minimal(x.value), '0x', []];
const typed = (list) => '0x02' + encodeRlp(list).slice(2);

async function rejects(name, raw, pattern, code = -32000) {
  await t.test(`eth_sendRawTransaction refuses ${name}`, async () => {
    const e = await rpc.refused('eth_sendRawTransaction', typeof raw === 'function' ? await raw() : raw);
    check(pattern.test(e.message), JSON.stringify(e));
    same(e.code, code, e.message);
  });
}
const UNDECODABLE = /failed to decode signed transaction/, UNSUPPORTED = /transaction type not supported|transaction type not valid/;
await rejects('an empty string', '0x', UNDECODABLE, -32602);
await rejects('bytes that are no transaction', '0xdeadbeef', /failed to decode|type not supported/, -32602);
await rejects('RLP with a length beyond the end', '0xf8ffff', UNDECODABLE, -32602);
await rejects('RLP with trailing bytes', async () => (await sign({})) + '00', UNDECODABLE, -32602);
await rejects('an integer with a leading zero', async () => {
  const x = Transaction.from(await sign({})), f = fields(x);
  f[1] = '0x00' + minimal(x.nonce + 1).slice(2);
  return typed([...f, minimal(x.signature.yParity), x.signature.r, x.signature.s]);
}, UNDECODABLE, -32602);
await rejects('a nested list where bytes belong', () => '0x02' + encodeRlp([[['0x01']], '0x01']).slice(2), UNDECODABLE, -32602);
await rejects('another chain\'s id', () => sign({ chainId: 11 }), /invalid chain id/i);
await rejects('a legacy transaction without a chain id', async () => wallet.signTransaction({ type: 0, nonce: await nonce(), gasPrice, gasLimit: 100_000n, to: other, value: 1n }), /replay-protected/);
await rejects('a nonce that is used', () => sign({ nonce: 0 }).then(async (raw) => { await q('eth_sendRawTransaction', await sign({})); await until('it is included', async () => (await nonce()) > 0); return raw; }), /nonce too low/);
await rejects('a sender without funds', async () => Wallet.createRandom().signTransaction(await base({ nonce: 0 })), /insufficient funds/);
await rejects('a value beyond the balance', () => sign({ value: 10n ** 30n }), /insufficient funds/);
await rejects('a gas limit below the intrinsic gas', () => sign({ gasLimit: 20_000n }), /intrinsic gas too low/);
await rejects('a gas limit above the block\'s', () => sign({ gasLimit: 200_000_000n }), /exceeds block gas limit/);
await rejects('a tip above the fee cap', async () => {
  const f = fields(await base({ maxPriorityFeePerGas: gasPrice + 1n })), sig = wallet.signingKey.sign(keccak256(typed(f)));
  return typed([...f, minimal(sig.yParity), minimal(sig.r), minimal(sig.s)]);
}, /max priority fee per gas higher than max fee per gas/);
await rejects('init code above the limit', () => sign({ to: null, data: '0x' + '00'.repeat(49_153), gasLimit: 30_000_000n }), /max initcode size exceeded/);
await rejects('a transaction above 128 KiB', () => sign({ data: '0x' + '01'.repeat(140_000), gasLimit: 50_000_000n }), /oversized data/);
await rejects('a blob transaction (0x03)', () => '0x03' + encodeRlp(['0x0a', '0x', '0x', '0x01', '0x5208', other, '0x', '0x', [], '0x01', ['0x01' + '00'.repeat(31)], '0x', '0x01', '0x01']).slice(2), UNSUPPORTED);
for (const type of ['71', '7d', '7e', '7f']) await rejects(`a transaction of type 0x${type}`, () => '0x' + type + encodeRlp(['0x0a', '0x', '0x01', '0x02']).slice(2), /transaction type not supported/);
await rejects('a high s signature', async () => {
  const x = Transaction.from(await sign({})), order = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141');
  return typed([...fields(x), minimal(1 - x.signature.yParity), x.signature.r, minimal(order - BigInt(x.signature.s))]);
}, /invalid transaction signature|invalid sender|failed to decode/, -32000);

await t.test('a nonce far ahead waits within the limits of the pool, and is refused beyond them', async () => {
  const at = await nonce();
  let refused = 0;
  for (let i = 1; i <= 200; i++) {
    const a = await rpc.answer('eth_sendRawTransaction', await sign({ nonce: at + 1000 + i }));
    if (a.error) { refused++; check(/txpool|limit|full|slots|too (far|many)/i.test(a.error.message), a.error.message); }
  }
  check(refused >= 100, `only ${refused} of 200 refused`);
});

await t.test('the same transaction twice is already known; a cheap replacement is refused, a dear one taken', async () => {
  const second = account(7);
  await w.fund(second.address, parseEther('1'));
  const mine = async (o) => new Wallet(second.privateKey).signTransaction(await base(o));
  const raw = await mine({ nonce: 1 });
  const h = await q('eth_sendRawTransaction', raw);
  check(/already known/.test((await rpc.refused('eth_sendRawTransaction', raw)).message), 'already known');
  check(/replacement transaction underpriced/.test((await rpc.refused('eth_sendRawTransaction', await mine({ nonce: 1, value: 2n, maxFeePerGas: gasPrice + 1n }))).message), 'underpriced');
  const h2 = await q('eth_sendRawTransaction', await mine({ nonce: 1, value: 3n, maxFeePerGas: gasPrice * 2n, maxPriorityFeePerGas: 10n }));
  same(await q('eth_getTransactionByHash', h), null);
  await q('eth_sendRawTransaction', await mine({ nonce: 0 }));
  same((await w.node.receipt(h2)).status, '0x1');
});

const post = (body, headers) => rpc.post(body, headers);
await t.test('bodies that are not JSON, not JSON-RPC, or empty batches get their codes', async () => {
  for (const [body, code] of [['{', -32700], ['', -32700], ['nonsense', -32700], ['{"jsonrpc":"2.0","id":1,"method":"eth_chainId"', -32700], ['[]', -32600], ['1', -32600], ['{"jsonrpc":"2.0","id":1}', -32600], ['{"id":1,"method":5}', -32600], ['{"jsonrpc":"2.0","id":1,"method":"no_such"}', -32601], ['{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x12"]}', -32602], ['{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"a":1}}', -32602]]) {
    const r = await post(body);
    same(r.json?.error?.code, code, `${body}: ${r.text.slice(0, 200)}`);
  }
});

await t.test('JSON nested ten thousand deep is refused, quickly', async () => {
  for (const body of ['['.repeat(10_000), '['.repeat(10_000) + ']'.repeat(10_000), '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000), `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":${'['.repeat(10_000)}${']'.repeat(10_000)}}`]) {
    const r = await post(body);
    check(r.status >= 400 || r.json?.error?.code <= -32600, r.text.slice(0, 200));
  }
  same(await q('eth_chainId'), '0xa');
});

await t.test('a body above the limit is refused without being read to its end', async () => {
  const { hostname, port } = new URL(rpc.url);
  const answer = await new Promise((ok) => {
    const r = http.request({ hostname, port, method: 'POST', path: '/', headers: { 'content-type': 'application/json', 'content-length': 40_000_000 } }, (res) => { res.resume(); ok(res.statusCode); });
    r.on('error', () => ok('closed'));
    const chunk = Buffer.alloc(1 << 20, 0x20);
    let sent = 0;
    const more = () => { while (sent < 38 && !r.destroyed) { sent++; if (!r.write(chunk)) { r.once('drain', more); return; } } };
    more();
  });
  check(answer === 'closed' || answer === 413 || answer === 400, String(answer));
  same(await q('eth_chainId'), '0xa');
});

await t.test('a batch beyond the limit is refused whole; one below it is answered', async () => {
  const call = (i) => ({ jsonrpc: '2.0', id: i, method: 'eth_chainId', params: [] });
  const big = await post(JSON.stringify(Array.from({ length: 1001 }, (_, i) => call(i))));
  same((big.json.error ?? big.json[0]?.error)?.code, -32010);
  same((await post(JSON.stringify(Array.from({ length: 900 }, (_, i) => call(i))))).json.length, 900);
});

await t.test('GET is refused, OPTIONS answers CORS', async () => {
  same((await fetch(rpc.url)).status, 405);
  const o = await fetch(rpc.url, { method: 'OPTIONS', headers: { origin: 'http://example.org', 'access-control-request-method': 'POST' } });
  check(o.status < 300 && o.headers.get('access-control-allow-origin') === '*', String(o.status));
});

await t.test('a huge log range, a reversed one and an odd block are errors in words', async () => {
  check(/query exceeds max block range 10000/.test((await rpc.refused('eth_getLogs', { fromBlock: '0x0', toBlock: '0xffffffff' })).message), 'range');
  check(/invalid block range/.test((await rpc.refused('eth_getLogs', { fromBlock: '0x2', toBlock: '0x1' })).message), 'reversed');
  check(/block not found/.test((await rpc.refused('eth_getBalance', other, '0xfffffff')).message), 'unknown block');
  same((await rpc.refused('eth_getBalance', other, '0xzz')).code, -32602);
  same(await q('eth_getBlockByNumber', '0xfffffff', false), null);
});

await t.test('hundreds of idle and half-sent connections do not keep others out', async () => {
  const { hostname, port } = new URL(rpc.url);
  const net = await import('node:net');
  const sockets = await Promise.all(Array.from({ length: 300 }, () => new Promise((ok) => { const s = net.connect(Number(port), hostname, () => { s.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{'); ok(s); }); s.on('error', () => ok(s)); })));
  same(await q('eth_chainId'), '0xa');
  for (const s of sockets) s.destroy();
});

await t.test('after all that the chain still takes a transaction and the process is the same', async () => {
  const h = await q('eth_sendRawTransaction', await sign({}));
  same((await w.node.receipt(h)).status, '0x1');
  check(w.node.process.running, 'running');
});

// ---- configuration ----
async function startRefused(name, make, pattern) {
  await t.test(`gatehouse refuses ${name}`, async () => {
    const [p1, p2, p3] = await freePorts(3);
    const node = await make({ rpc: p1, status: p2, metrics: p3, l1: w.ports.l1 });
    t.cleanup(() => node.process?.kill());
    const text = node.process ? await node.refusal(40_000) : await node.start().refusal(40_000);
    check(pattern.test(text), `expected ${pattern}, got:\n${text.slice(-1500)}`);
    for (const k of Object.values(OPERATORS)) check(!text.includes(k.privateKey.slice(2)), 'a secret was printed');
  });
}
let serial = 0;
const nodeWith = (o) => (ports) => w.makeNode({ name: `bad-${++serial}`, ports, ...o });
await startRefused('an unknown key, naming it and its line', nodeWith({ changes: { 'rpc.no_such_key': 1 } }), /no_such_key/);
await startRefused('a value of the wrong kind', nodeWith({ changes: { 'rpc.max_connections': 'many' } }), /rpc\.max_connections/);
await startRefused('two equal operator keys', nodeWith({ keys: { prove: OPERATORS.commit.privateKey } }), /equal/);
await startRefused('an address that is not the Bridgehub', nodeWith({ changes: { 'genesis.bridgehub_address': '0x000000000000000000000000000000000000dEaD' } }), /bridgehub/i);
await startRefused('a chain the Bridgehub does not know', nodeWith({ changes: { 'genesis.chain_id': 4242 } }), /4242|not registered/i);
await startRefused('a genesis that does not match L1', (ports) => {
  const g = JSON.parse(fs.readFileSync(GENESIS, 'utf8'));
  const [address] = Object.entries(g.alloc).find(([, a]) => Object.keys(a.storage).length > 0);
  g.alloc[address].storage['0x' + '77'.repeat(32)] = '0x' + '01'.padStart(64, '0');
  delete g.genesisRoot;
  const file = path.join(w.dir, 'other-genesis.json');
  fs.writeFileSync(file, JSON.stringify(g));
  return nodeWith({ genesis: file })(ports);
}, /genesis/i);
await startRefused('a genesis file that is not there', nodeWith({ genesis: '/nonexistent/genesis.json' }), /genesis\.json/);
await t.test('a chain that settles on a Gateway is told so, with the remedy, and nothing is sent', async () => {
  const [p1, p2, p3] = await freePorts(3);
  const node = nodeWith({ changes: { 'genesis.chain_id': 12 } })({ rpc: p1, status: p2, metrics: p3 }).start();
  t.cleanup(() => node.process.kill());
  await until('the reason is told', () => /a Gateway: general\.gateway_rpc_url must name its RPC/.test(node.process.output()), { timeout: 30_000 });
  await node.process.stop();
  const diamond12 = '202671072de626f845fae0ef1a9c2f18cf783c04';
  const sent = (await w.l1.operatorTransactions(w.firstBlock)).filter((m) => m.tx.input.toLowerCase().includes(diamond12));
  same(sent, []);
});

// A node that must keep running, but say why it does not settle.
async function holds(name, o, pattern) {
  await t.test(name, async () => {
    const [p1, p2, p3] = await freePorts(3);
    const node = nodeWith(o)({ rpc: p1, status: p2, metrics: p3 }).start();
    t.cleanup(() => node.process.kill());
    await until('the reason is on the status page', async () => pattern.test((await node.get('/status')).text), { timeout: 30_000 });
    check(pattern.test(node.process.output()), 'it is not in the log');
    same((await node.get('/status/live')).status, 200);
    same(await node.rpc.q('eth_chainId'), '0x' + (o.changes['genesis.chain_id'] ?? 10).toString(16));
    await node.stop();
  });
}
await holds('an L1 that does not answer is named, with its address', { changes: { 'general.l1_rpc_url': 'http://127.0.0.1:9' } }, /127\.0\.0\.1.{0,6}9/);

await t.test('an unknown key passes with --allow-unknown-config, with a warning', async () => {
  const file = w.makeNode({ name: 'allowed', changes: { 'sequencer.of_another_node': 1 } }).config;
  const strict = await run(GATEHOUSE, ['check-config', '--config', file]);
  check(strict.code !== 0 && /of_another_node/.test(strict.all), strict.all);
  const lax = await run(GATEHOUSE, ['check-config', '--config', file, '--allow-unknown-config']);
  check(lax.code === 0 && /of_another_node/.test(lax.all), lax.all);
  for (const k of Object.values(OPERATORS)) check(!lax.all.includes(k.privateKey.slice(2)), 'a secret was printed');
});

await t.test('a database of another chain is refused', async () => {
  await w.node.stop();
  const data = w.node.dir;
  const [p1, p2, p3] = await freePorts(3);
  const node = w.makeNode({ name: 'other-chain', ports: { rpc: p1, status: p2, metrics: p3 }, changes: { 'genesis.chain_id': 11, 'general.rocks_db_path': path.join(data, 'db') } });
  const text = await node.start().refusal(40_000);
  check(/chain/i.test(text) && /\b1[01]\b/.test(text), text.slice(-800));
  await w.start();
});

await t.test('a lost chain file is not begun anew under a journal that knows its batches', async () => {
  await until('a batch is executed', async () => (await w.l1.counters()).executed > 0, { timeout: 60_000 });
  await w.node.stop();
  const db = path.join(w.node.dir, 'db'), kept = path.join(w.node.dir, 'kept');
  fs.cpSync(db, kept, { recursive: true });
  for (const f of fs.readdirSync(db)) if (f.startsWith('chain.db') || f.startsWith('checkpoints')) fs.rmSync(path.join(db, f), { recursive: true });
  const text = await w.node.start().refusal(40_000);
  check(/batch \d+ ends with block \d+.*restore the data folder/.test(text), text.slice(-800));
  fs.rmSync(db, { recursive: true });
  fs.renameSync(kept, db);
  await w.start();
});

await t.test('index and checkpoints that are gone are made again', async () => {
  const head = await w.node.blockNumber(), first = await q('eth_getBlockByNumber', '0x1', false);
  await w.node.stop();
  const db = path.join(w.node.dir, 'db');
  for (const f of fs.readdirSync(db)) if (f.startsWith('index.db') || f.startsWith('checkpoints')) fs.rmSync(path.join(db, f), { recursive: true });
  await w.start();
  check(await w.node.blockNumber() >= head, 'blocks are missing');
  same(await q('eth_getBlockByNumber', '0x1', false), first);
  same((await q('eth_getTransactionReceipt', first.transactions[0])).blockNumber, '0x1');
});

await t.test('a second process on the same data folder is refused', async () => {
  const [p1, p2, p3] = await freePorts(3);
  const node = w.makeNode({ name: 'second', ports: { rpc: p1, status: p2, metrics: p3 }, changes: { 'general.rocks_db_path': path.join(w.node.dir, 'db') } });
  const text = await node.start().refusal(40_000);
  check(/lock|in use|another process/i.test(text), text.slice(-800));
  same(await q('eth_chainId'), '0xa');
});

// ---- a chain that is not ready to settle: the node says what is missing, and goes on when it is there ----
await t.test('a missing role is named with its remedy; sequencing goes on; settlement starts once it is granted', async () => {
  await w.l1.send(ADMIN.address, TIMELOCK, timelock.encodeFunctionData('removeValidatorRoles', [DIAMOND, OPERATORS.prove.address, [false, false, false, true, false, false]]));
  await w.node.stop();
  w.node.start();
  await w.fund(USER.address, 5n);
  const text = await until('the missing role is reported', async () => {
    const s = (await w.node.get('/status')).text + w.node.process.output();
    return /PROVER|prove/i.test(s) && /role/i.test(s) ? s : false;
  }, { timeout: 40_000 });
  check(text.includes(OPERATORS.prove.address) || text.toLowerCase().includes(OPERATORS.prove.address.toLowerCase().slice(2)), 'the key without the role is not named');
  if (!w.node.process.running) { same(w.node.process.ended.code === 0, false); w.node.start(); }
  const before = (await w.l1.counters()).executed;
  await w.l1.grantRole('prove');
  if (!w.node.process.running) w.node.start();
  await w.node.ready();
  await w.fund(USER.address, 6n);
  await w.l1.executed(before + 1, 90_000);
});

await t.end();
