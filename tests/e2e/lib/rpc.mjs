// A bare JSON-RPC client: one HTTP POST a call, errors with code and data. For what a wallet library hides.
export class RpcError extends Error {
  constructor(method, e) {
    super(`${method}: ${e.message} (${e.code})`);
    this.code = e.code;
    this.data = e.data;
    this.text = e.message;
  }
}

export class Rpc {
  constructor(url) { this.url = url; this.n = 0; }

  // The whole HTTP exchange, for tests of the transport.
  async post(body, headers = { 'content-type': 'application/json' }, timeout = 30_000) {
    const r = await fetch(this.url, { method: 'POST', headers, body, signal: AbortSignal.timeout(timeout) });
    const text = await r.text();
    let json;
    try { json = JSON.parse(text); } catch { json = undefined; }
    return { status: r.status, text, json };
  }

  async answer(method, ...params) {
    const r = await this.post(JSON.stringify({ jsonrpc: '2.0', id: ++this.n, method, params }));
    if (!r.json) throw new Error(`${method}: HTTP ${r.status}: ${r.text.slice(0, 200)}`);
    return r.json;
  }

  async q(method, ...params) {
    const j = await this.answer(method, ...params);
    if (j.error) throw new RpcError(method, j.error);
    return j.result;
  }

  // The error a call must give; a result is a failure.
  async refused(method, ...params) {
    const j = await this.answer(method, ...params);
    if (!j.error) throw new Error(`${method} was accepted: ${JSON.stringify(j.result)?.slice(0, 200)}`);
    return j.error;
  }

  async batch(calls) {
    const r = await this.post(JSON.stringify(calls.map(([method, ...params], i) => ({ jsonrpc: '2.0', id: i, method, params }))));
    if (!Array.isArray(r.json)) throw new Error(`batch: HTTP ${r.status}: ${r.text.slice(0, 200)}`);
    const by = new Map(r.json.map((j) => [j.id, j]));
    return calls.map((_, i) => by.get(i));
  }
}

export const hex = (n) => '0x' + BigInt(n).toString(16);
export const num = (h) => Number(BigInt(h));
