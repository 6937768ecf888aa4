// Makes traces.json: what anvil (revm) answers to debug_traceTransaction and trace_transaction for small programs, to be compared with
// ours by test_trace.c; and the steps of each as @ethereumjs/evm takes them. Run again only when programs are added:
//   cd tests/e2e && node ../unit/rpc/record_traces.mjs > ../unit/rpc/traces.json
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import EthereumJs from '../../e2e/differential/engine-ethereumjs.mjs';

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..'), port = 18997;
const anvil = spawn(path.join(top, 'tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil'), ['--port', String(port), '--silent', '--hardfork', 'cancun', '--steps-tracing', '--gas-limit', '100000000', '--base-fee', '0', '--disable-min-priority-fee'], { stdio: 'ignore' });
async function q(method, ...params) {
  const r = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) }), j = await r.json();
  if (j.error) throw new Error(`${method}: ${j.error.message}`);
  return j.result;
}
for (;;) { try { await q('eth_chainId'); break; } catch { await new Promise((ok) => { setTimeout(ok, 50); }); } }

const A = '0x00000000000000000000000000000000c0de0001', B = '0x00000000000000000000000000000000c0de0002', C = '0x00000000000000000000000000000000c0de0003', from = '0x00000000000000000000000000000000000f4e54';
const to = (a) => '73' + a.slice(2), word = (h) => '7f' + h.padEnd(64, '0');
const error = (text) => word('08c379a0') + '5f52' + '6020600452' + '60' + (text.length / 2).toString(16).padStart(2, '0') + '602452' + word(text) + '604452' + '60645ffd';
const log = (topic) => '7f' + topic.repeat(32) + '60205fa1', call = (a, gas = '5a', value = '5f') => `5f5f60205f${value}${to(a)}${gas}f1`;
// mem[0..] = init (at most 32 bytes, left-aligned), then CREATE or CREATE2 with salt 0; the address is dropped
const deploy = (init, two, value = '5f') => `${word(init)}5f52${two ? '5f' : ''}60${(init.length / 2).toString(16).padStart(2, '0')}5f${value}${two ? 'f5' : 'f0'}50`;
const programs = {
  'everything': { a: `6001600055${'5f545f52'}${log('11')}${call(B)}50${`60205f60205f60045afa50`}${`5f5f60045f${to(B)}5af450`}${call(C, '5a', '6007')}50${deploy('6001600c60003960016000f3')}60205ff3`, b: error('616263') },
  'logs of failed frames are not there': { a: `${log('11')}${call(B)}50${log('22')}${call(C)}50${log('33')}00`, b: `${log('44')}${call(C)}505f5ffd`, c: `${log('55')}00` },
  'out of gas below': { a: `${call(B, '613000')}5f52${call(B, '61ffff')}505900`, b: '5b5f56' },
  'stack underflow': { a: '600101' }, 'stack overflow': { a: '5b5f6000' + '56', b: '' },
  'invalid': { a: `${call(B)}50fe`, b: '0c' }, 'bad jump': { a: '600456' },
  'static violation': { a: `5f5f5f5f${to(B)}5afa00`, b: '5f5f55' },
  'return data out of bounds': { a: `60015f5f3e00` },
  'callcode and delegatecall': { a: `5f5f5f5f6003${to(B)}5af2505f5f5f5f${to(C)}5af400`, b: `335f5234602052${call(C)}00`, c: '33ff', balances: [100, 0, 5] },
  'self destruction': { a: `${call(B)}5000`, b: `${to(C)}ff`, balances: [0, 77, 1] },
  'creations': { a: `${deploy('60015ffd')}${deploy('60025ff3', true)}${deploy('5f5f5f5f5f305af1505f5ff3', false, '6001')}${deploy('5f5ffd', false, '6063')}00`, balances: [9, 0, 0] },
  'creation of 0xef': { a: `${deploy('60ef5f5360015ff3')}00` }, 'creation too large': { a: `${deploy('6160015ff3')}00` },
  'creation in a place that is taken': { a: `${deploy('60025ff3', true)}${deploy('60025ff3', true)}00` }, 'creation that cannot pay for its code': { a: `${deploy('6160005ff3')}00` },
  'deep': { a: `${call(A)}00` },
  'panic': { a: `${word('4e487b71')}5f52601160045260245ffd` },
  'storage read and written': { a: `6001545f556002600155600354506001545f5260205ff3`, storage: { '0x1': '0x7', '0x3': '0x9' }, b: '' },
  'balance, code and hash of others': { a: `${to(B)}31${to(C)}3b${to(B)}3f00`, b: '00', balances: [1, 2, 3] },
  'paid from a poor account': { a: `${call(B, '5a', '6002')}00`, balances: [1, 0, 0] },
};
programs['stack overflow'].a = '5b' + '5f'.repeat(8) + '5f56'; // pushes eight words a round, jumps to 0
const pad = (v) => '0x' + BigInt(v).toString(16).padStart(64, '0'), q16 = (n) => '0x' + BigInt(n).toString(16);

// [pc, opcode, gas, depth, stack, price]; the price of calls and creations is left out, their lent gas is counted in different ways
const engine = await EthereumJs.start();
async function stepsOf(p, request, state) {
  const key = '0x' + '11'.repeat(32), sender = '0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a', pre = { [sender]: { nonce: '0x0', balance: '0xffffffffffffff', code: '0x', storage: {} } };
  for (const [a, s] of Object.entries(state)) pre[a] = { nonce: s.nonce, balance: s.balance, code: s.code, storage: s.stateDiff ?? {} };
  const r = await engine.run(p, { env: { currentCoinbase: '0xc01bba5ec01bba5ec01bba5ec01bba5ec01bba5e', currentGasLimit: '0x5f5e100', currentNumber: '0x1', currentTimestamp: '0x3e8', currentBaseFee: '0x7', currentRandom: pad(1), currentExcessBlobGas: '0x0' }, pre,
    transaction: { nonce: '0x0', gasLimit: [request.gas], to: request.to, value: ['0x0'], data: [request.data], gasPrice: '0x7', secretKey: key }, post: { Cancun: [] } });
  return r.steps.map((s) => [s.pc, s.op, Number(s.gas), s.depth, s.stack.map((x) => x === sender ? q16(from) : x), [0xf0, 0xf1, 0xf2, 0xf4, 0xf5, 0xfa].includes(s.op) ? null : Number(s.cost)]);
}

const out = [];
for (const [name, p] of Object.entries(programs)) {
  const gas = name === 'deep' ? 90_000_000 : 500_000, balances = p.balances ?? [0, 0, 0], codes = [p.a, p.b ?? '', p.c ?? ''], state = {};
  const snapshot = await q('evm_snapshot');
  for (const [i, a] of [A, B, C].entries()) {
    await q('anvil_setCode', a, '0x' + codes[i]);
    await q('anvil_setNonce', a, '0x1');
    await q('anvil_setBalance', a, q16(balances[i]));
    state[a] = { code: '0x' + codes[i], nonce: '0x1', balance: q16(balances[i]) };
    if (i === 0 && p.storage) {
      for (const [k, v] of Object.entries(p.storage)) await q('anvil_setStorageAt', a, k, pad(v));
      state[a].stateDiff = p.storage;
    }
  }
  await q('anvil_setBalance', from, q16(10n ** 18n));
  const request = { from, to: A, data: '0xdeadbeef00', gas: q16(gas) };
  await q('anvil_impersonateAccount', from);
  const hash = await q('eth_sendTransaction', { ...request, gasPrice: '0x0' });
  let receipt;
  while (!(receipt = await q('eth_getTransactionReceipt', hash))) await new Promise((ok) => { setTimeout(ok, 20); });
  const trace = (tracer, tracerConfig) => q('debug_traceTransaction', hash, { tracer, tracerConfig });
  const item = { name, request, state, gasUsed: Number(receipt.gasUsed), onlyTopCall: await trace('callTracer', { onlyTopCall: true }), fourByte: await trace('4byteTracer') };
  if (name !== 'deep') {
    Object.assign(item, { callTracer: await trace('callTracer', { withLog: true }), prestate: await trace('prestateTracer', {}), diff: await trace('prestateTracer', { diffMode: true }) });
    item.parity = (await q('trace_transaction', hash)).map(({ action, error: e, result, subtraces, traceAddress, type }) => ({ action, error: e, result, subtraces, traceAddress, type }));
  } else { item.depth = 0; for (let f = await trace('callTracer', {}); f; f = f.calls?.[0]) { item.depth++; item.deepest = { error: f.error, gas: f.gas }; } }
  const steps = name === 'deep' ? [] : await stepsOf(p, request, state);
  if (steps.length && steps.length < 100) item.steps = steps;
  await q('evm_revert', snapshot);
  out.push(item);
}
anvil.kill();
console.log(`[\n${out.map((x) => JSON.stringify(x)).join(',\n')}\n]`);
