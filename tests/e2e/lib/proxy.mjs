// An HTTP proxy between the node and anvil. It enforces the pool rules geth has and anvil lacks, misbehaves when
// told to, and remembers every transaction that was sent through it.
//
// Rules: already known, nonce too low, same-nonce replacement needs 10 % more of both fees, a tip of at least 1 wei; a
// transaction that offers less than the base fee waits in the pool (anvil would refuse it) until the base fee falls.
// Blob transactions: the sidecar must have the form of the fork (`proxy.sidecar`: 'EIP-4844' or 'EIP-7594', undefined: either),
// and belong to the transaction (its proofs are for verifySidecar); a replacement doubles all three fees, and carries blobs too; a key has
// transactions of one kind in the pool. `proxy.blobBaseFee` is what blobs cost, `proxy.blobFloor` what
// they cost in truth while the node is told the former: what offers less waits in the pool.
// Faults: `proxy.fault(match, action, { times, chance })`. `match` is a method name, a list of them, a predicate
// over the request, or '*'. Actions:
//   { delay: ms }            answers late
//   { drop: true }           closes the connection without an answer
//   { status: 429|5xx, headers, body }
//   { half: true }           sends half of the body it promised
//   { garbage: text }        sends something that is not JSON
//   { error: { code, message } }
//   { swallow: true }        does what was asked, then drops the answer: the caller cannot know
//   { lose: true }           for sends: answers with the hash and forwards nothing
//   { lie: (request, answer) => answer }
import http from 'node:http';
import { Transaction } from 'ethers';
import { readSidecar, sidecarProblem } from './blobs.mjs';
import { settlementStep } from './l1.mjs';
import { Rpc, num } from './rpc.mjs';

const bump = (old, percent = 10n) => (old * (100n + percent)) / 100n + ((old * percent) % 100n ? 1n : 0n);

export class Proxy {
  static async start(target) {
    const p = new Proxy();
    p.target = new Rpc(target);
    p.faults = [];
    p.sent = []; // every eth_sendRawTransaction: { hash, from, nonce, tx, does, verdict }
    p.pool = new Map(); // from:nonce -> Transaction
    p.parked = new Map(); // hash -> { raw, tx }: below the base fee
    p.calls = new Map(); // method -> count
    p.rules = true;
    p.down = false;
    p.random = Math.random;
    p.sockets = new Set();
    p.server = http.createServer((req, res) => p.handle(req, res));
    p.server.on('connection', (s) => { p.sockets.add(s); s.on('close', () => p.sockets.delete(s)); });
    await new Promise((ok) => p.server.listen(0, '127.0.0.1', ok));
    p.url = `http://127.0.0.1:${p.server.address().port}`;
    return p;
  }

  fault(match, action, { times = Infinity, chance = 1 } = {}) {
    const f = { match: Array.isArray(match) ? (r) => match.includes(r.method) : typeof match === 'function' ? match : match === '*' ? () => true : (r) => r.method === match, action, times, chance, hits: 0 };
    this.faults.push(f);
    return f;
  }

  clear() { this.faults = []; this.down = false; }

  // As if the machine were unplugged: nothing is accepted, open connections break.
  unplug() { this.down = true; for (const s of this.sockets) s.destroy(); }
  plug() { this.down = false; }

  async handle(req, res) {
    if (this.down) { req.socket.destroy(); return; }
    const chunks = [];
    req.on('error', () => {});
    res.on('error', () => {});
    for await (const c of req) chunks.push(c);
    let body;
    try { body = JSON.parse(Buffer.concat(chunks).toString('utf8')); } catch { res.writeHead(400).end(); return; }
    const requests = Array.isArray(body) ? body : [body];
    for (const r of requests) this.calls.set(r.method, (this.calls.get(r.method) ?? 0) + 1);
    const faults = [];
    for (const f of this.faults) {
      if (f.hits < f.times && requests.some((r) => f.match(r)) && this.random() < f.chance) { f.hits++; faults.push(f); }
    }
    const actions = Object.assign({}, ...faults.map((f) => f.action));
    try {
      if (actions.delay) await new Promise((ok) => setTimeout(ok, actions.delay));
      if (actions.drop || this.down) { req.socket.destroy(); return; }
      if (actions.status) { res.writeHead(actions.status, { 'content-type': 'text/plain', ...(actions.headers ?? {}) }).end(actions.body ?? 'no'); return; }
      if (actions.garbage !== undefined) { res.writeHead(200, { 'content-type': 'application/json' }).end(actions.garbage); return; }
      const answers = [];
      for (const r of requests) {
        const mine = faults.filter((f) => f.match(r));
        const a = Object.assign({}, ...mine.map((f) => f.action));
        let answer;
        if (a.error) answer = { jsonrpc: '2.0', id: r.id, error: a.error };
        else if (a.lose && r.method === 'eth_sendRawTransaction') { const tx = Transaction.from(readSidecar(r.params[0])?.payload ?? r.params[0]); this.note(tx, 'lost'); answer = { jsonrpc: '2.0', id: r.id, result: tx.hash }; }
        else answer = r.method === 'eth_sendRawTransaction' ? await this.send(r) : await this.forward(r);
        for (const f of mine) if (f.action.lie) answer = { ...answer, ...f.action.lie(r, answer) };
        answers.push(answer);
      }
      if (actions.swallow || this.down) { req.socket.destroy(); return; }
      const text = JSON.stringify(Array.isArray(body) ? answers : answers[0]);
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      if (actions.half) { res.write(text.slice(0, Math.floor(text.length / 2)), () => req.socket.destroy()); return; }
      res.end(text);
    } catch (e) {
      res.writeHead(502).end(String(e.message));
    }
  }

  // Parked transactions go to anvil once it takes them, and are shown as pending until then.
  async unpark() {
    for (const [hash, { raw, tx }] of this.parked) {
      if (this.pool.get(`${tx.from}:${tx.nonce}`)?.hash !== hash) { this.parked.delete(hash); continue; }
      if (tx.type === 3 && tx.maxFeePerBlobGas < this.blobPrice()) continue;
      const { error } = await this.target.answer('eth_sendRawTransaction', raw);
      if (!error || !/base fee/.test(error.message)) this.parked.delete(hash);
    }
  }

  async forward(r) {
    if (this.parked.size && ['eth_blockNumber', 'eth_getTransactionReceipt', 'eth_getTransactionByHash'].includes(r.method)) await this.unpark();
    const waiting = r.method === 'eth_getTransactionByHash' && this.parked.get(r.params[0]);
    if (waiting) {
      const { tx } = waiting, h = (n) => '0x' + BigInt(n).toString(16);
      return { jsonrpc: '2.0', id: r.id, result: { hash: tx.hash, from: tx.from, to: tx.to, nonce: h(tx.nonce), gas: h(tx.gasLimit), value: h(tx.value), input: tx.data, type: h(tx.type), ...(tx.type === 3 ? { maxFeePerBlobGas: h(tx.maxFeePerBlobGas), blobVersionedHashes: tx.blobVersionedHashes } : {}), chainId: h(tx.chainId), maxFeePerGas: h(tx.maxFeePerGas), maxPriorityFeePerGas: h(tx.maxPriorityFeePerGas), gasPrice: h(tx.maxFeePerGas), accessList: [], blockHash: null, blockNumber: null, transactionIndex: null, v: h(tx.signature.yParity), r: tx.signature.r, s: tx.signature.s } };
    }
    const { json } = await this.target.post(JSON.stringify({ jsonrpc: '2.0', id: r.id ?? null, method: r.method, params: r.params ?? [] }));
    if (this.blobBaseFee && r.method === 'eth_blobBaseFee') json.result = '0x' + this.blobBaseFee.toString(16);
    if (this.blobBaseFee && r.method === 'eth_feeHistory') json.result.baseFeePerBlobGas = json.result.baseFeePerGas.map(() => '0x' + this.blobBaseFee.toString(16));
    return json;
  }

  blobPrice() { return this.blobFloor ?? this.blobBaseFee ?? 0n; }

  note(tx, verdict) {
    const entry = { hash: tx.hash, from: tx.from, nonce: tx.nonce, tx, does: settlementStep({ to: tx.to, data: tx.data }), verdict, at: Date.now() };
    this.sent.push(entry);
    return entry;
  }

  async send(r) {
    const no = (message) => ({ jsonrpc: '2.0', id: r.id, error: { code: -32000, message } });
    let tx, sidecar;
    try {
      sidecar = readSidecar(r.params[0]);
      tx = Transaction.from(sidecar?.payload ?? r.params[0]);
    } catch { return no('rlp: value size exceeds available input length'); }
    const entry = this.note(tx, 'sent');
    entry.sidecar = sidecar;
    const refuse = (message) => { entry.verdict = message; return no(message); };
    if (this.rules) {
      const next = num(await this.target.q('eth_getTransactionCount', tx.from, 'latest'));
      const key = `${tx.from}:${tx.nonce}`, old = this.pool.get(key);
      const tip = tx.maxPriorityFeePerGas ?? tx.gasPrice, cap = tx.maxFeePerGas ?? tx.gasPrice;
      if (tx.nonce < next) {
        this.pool.delete(key);
        return refuse(`nonce too low: next nonce ${next}, tx nonce ${tx.nonce}`);
      }
      if (tip < 1n) return refuse(`transaction underpriced: gas tip cap ${tip}, minimum needed 1`);
      if (old?.hash === tx.hash) return refuse('already known');
      if (sidecar && this.sidecar && sidecar.form !== this.sidecar) return refuse(`invalid sidecar version ${this.sidecar === 'EIP-7594' ? 'post-osaka: 0' : 'pre-osaka: 1'}`);
      const problem = sidecar && sidecarProblem(sidecar, tx);
      if (problem) return refuse(problem);
      const others = [...this.pool.values()].filter((o) => o.from === tx.from && o.nonce >= next && o.nonce !== tx.nonce);
      if ([...others, ...(old ? [old] : [])].some((o) => (o.type === 3) !== (tx.type === 3))) return refuse('address already reserved');
      if (old && tx.type === 3 && [[tip, old.maxPriorityFeePerGas], [cap, old.maxFeePerGas], [tx.maxFeePerBlobGas, old.maxFeePerBlobGas]].some(([now, was]) => now < bump(was, 100n))) return refuse('replacement transaction underpriced: 100% replacement penalty');
      if (old && (tip < bump(old.maxPriorityFeePerGas ?? old.gasPrice) || cap < bump(old.maxFeePerGas ?? old.gasPrice))) return refuse('replacement transaction underpriced');
      const cheap = tx.type === 3 && tx.maxFeePerBlobGas < this.blobPrice();
      let answer = cheap ? { error: { message: 'below the blob base fee' } } : await this.forward(r);
      if (answer.error && /base fee/.test(answer.error.message)) {
        this.parked.set(tx.hash, { raw: r.params[0], tx });
        answer = { jsonrpc: '2.0', id: r.id, result: tx.hash };
      }
      if (answer.error) entry.verdict = answer.error.message;
      else { entry.verdict = 'accepted'; this.pool.set(key, tx); }
      return answer;
    }
    const answer = await this.forward(r);
    entry.verdict = answer.error ? answer.error.message : 'accepted';
    return answer;
  }

  async stop() {
    for (const s of this.sockets) s.destroy();
    await new Promise((ok) => this.server.close(ok));
  }
}

// What must hold over everything several proxies saw: a batch's step is carried by one nonce of one key only, however
// often it was replaced. Gives the offences.
export function doubleSettlements(proxies) {
  const nonces = new Map(), bad = [];
  for (const s of proxies.flatMap((p) => p.sent)) {
    if (!s.does) continue;
    for (let n = s.does.from; n <= s.does.to; n++) {
      const what = `${s.does.step} of batch ${n}`, key = `${s.from}:${s.nonce}`;
      const seen = nonces.get(what);
      if (seen === undefined) nonces.set(what, key);
      else if (seen !== key) bad.push(`${what}: nonces ${seen} and ${key}`);
    }
  }
  return [...new Set(bad)];
}

// The same over what L1 mined: no step of a batch in two transactions, reverted ones counted.
export function doubleMined(transactions) {
  const seen = new Map(), bad = [];
  for (const { does, hash } of transactions) {
    if (!does) continue;
    for (let n = does.from; n <= does.to; n++) {
      const what = `${does.step} of batch ${n}`;
      if (seen.has(what)) bad.push(`${what}: ${seen.get(what)} and ${hash}`);
      seen.set(what, hash);
    }
  }
  return bad;
}
