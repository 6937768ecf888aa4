// The prover API on the real contracts: a client of its own takes jobs by HTTP, proofs survive kill -9, batches are proved and executed with what it
// handed in. What is expected of a proof is worked out here from the events of L1, not asked of the node.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Interface, keccak256, concat, parseEther, zeroPadValue, toBeHex } from 'ethers';
import { DIAMOND, USER, account, decodeCommit } from '../lib/l1.mjs';
import { GATEHOUSE } from '../lib/paths.mjs';
import { freePorts, must } from '../lib/process.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const t = suite('16 prover API');
const TOKEN = crypto.randomBytes(32).toString('hex');
const [port] = await freePorts(1);
const changes = {
  'prover_api.enabled': true, 'prover_api.address': `127.0.0.1:${port}`, 'prover_api.token': TOKEN,
  'prover_api.fri_job_timeout': '3s', 'prover_api.snark_job_timeout': '3s',
  'prover_api.fake_fri_provers.enabled': false, 'prover_api.fake_snark_provers.enabled': true,
  'prover_api.fake_snark_provers.max_batch_age': '1h',
};
const w = await World.create(t, { batchTimeout: '1s', changes });
const base = () => `http://127.0.0.1:${port}/prover-jobs/v1`;

// The peer's client puts the secret of its URL into Basic; ours may send Bearer.
async function http(method, where, { body, auth = 'Basic ' + Buffer.from('prover:' + TOKEN).toString('base64'), type = 'application/json' } = {}) {
  const r = await fetch(base() + where, {
    method, headers: { ...(auth ? { authorization: auth } : {}), ...(body !== undefined ? { 'content-type': type } : {}) },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body), signal: AbortSignal.timeout(20_000),
  });
  const text = await r.text();
  return { status: r.status, text, json: () => JSON.parse(text) };
}
const pick = (kind, id = 'p1', more = '') => http('POST', `/${kind}/pick?id=${id}${more}`);
const submit = (kind, body, id = 'p1', o = {}) => http('POST', `/${kind}/submit?id=${id}`, { body, ...o });
const job = (kind, id, more) => until(`a ${kind} job`, async () => { const r = await pick(kind, id, more); return r.status === 200 && r.json(); }, { timeout: 40_000 });
const friProof = (n) => Buffer.concat([Buffer.from(`FRI proof of batch ${n} `), Buffer.alloc(1000, n)]).toString('base64');
const settlement = async () => JSON.parse((await w.node.get('/status')).text).summary.settlement;
const api = async () => (await settlement()).prover_api;

// Public inputs from L1: state commitments and output hashes are in the events, the genesis commitment in the first commit (spec 30 3.1).
async function inputs() {
  const logs = await w.l1.logs('BlockCommit');
  const first = await w.l1.rpc.q('eth_getTransactionByHash', logs[0].transactionHash);
  const { previous } = decodeCommit(new Interface(['function commitBatchesSharedBridge(address,uint256,uint256,bytes)']).decodeFunctionData('commitBatchesSharedBridge', first.input)[3]);
  let before = previous[1];
  const out = [];
  for (const l of logs) {
    out[Number(l.args.batchNumber)] = keccak256(concat([before, l.args.batchHash, l.args.commitment]));
    before = l.args.batchHash;
  }
  return out;
}
const shift = (h) => zeroPadValue(toBeHex(BigInt(h) >> 32n), 32);
function fold(all, from, to) {
  let r = shift(all[from]);
  for (let n = from + 1; n <= to; n++) r = shift(keccak256(concat([r, shift(all[n])])));
  return r;
}
const verifierAbi = new Interface(['function getVerifier() view returns (address)', 'function verificationKeyHash(uint256) view returns (bytes32)']);
const registeredKey = async () => w.l1.call(verifierAbi, await w.l1.call(verifierAbi, DIAMOND, 'getVerifier'), 'verificationKeyHash', [2]);
const word = (n) => zeroPadValue(toBeHex(n), 32);
const mock = (r) => Buffer.from(concat([word(3), word(0), word(13), r]).slice(2), 'hex').toString('base64');

await t.need('the chain is up and provers are served', async () => { await w.start(); await w.fund(USER.address, parseEther('10')); await until('the listener', async () => (await http('GET', '/status/')).status === 200); });

await t.test('without a token, or with another one, nothing is told', async () => {
  for (const auth of [undefined, 'Bearer ' + crypto.randomBytes(32).toString('hex'), 'Bearer ' + TOKEN.slice(2), 'Basic ' + Buffer.from('prover:x').toString('base64'), 'Basic %%%']) {
    for (const [m, p] of [['POST', '/FRI/pick?id=x'], ['GET', '/status/'], ['GET', '/FRI/1/peek'], ['POST', '/SNARK/submit?id=x']]) {
      const r = await http(m, p, { auth: auth ?? null });
      same([r.status, /batch/.test(r.text)], [401, false], `${m} ${p} with ${auth}`);
    }
  }
  same((await http('GET', '/status/', { auth: 'Bearer ' + TOKEN })).status, 200);
  await until('refusals are counted', async () => (await api()).unauthorized >= 20, { timeout: 5_000 });
});

let first, vk;
await t.need('a job is the batch, the key hash and a witness that verifies to what L1 has of the batch', async () => {
  first = await job('FRI');
  same([first.batch_number, Object.keys(first).sort()], [1, ['batch_number', 'prover_input', 'vk_hash']]);
  vk = first.vk_hash;
  check(/^0x[0-9a-f]{64}$/.test(vk), vk);
  const raw = Buffer.from(first.prover_input, 'base64');
  same(raw.length % 4, 0);
  const witness = raw.subarray(4, 4 + raw.readUInt32LE(0));
  const file = path.join(w.dir, 'batch1.witness');
  fs.writeFileSync(file, witness);
  const said = JSON.parse(await must(GATEHOUSE, ['verify-batch', '--json', file]));
  await until('batch 1 is committed', async () => (await w.l1.counters()).committed >= 1);
  same(said.public_input, (await inputs())[1]);
});

await t.test('a leased job is kept from others, shown, and handed out again when the lease is over', async () => {
  const st = (await http('GET', '/status/')).json();
  same([st[0].fri_job.batch_number, st[0].fri_job.vk_hash, st[0].assigned_seconds_ago <= 3], [1, vk, true]);
  await until('batch 1 for another prover', async () => { const r = await pick('FRI', 'p2'); return r.status === 200 && r.json().batch_number === 1; }, { timeout: 20_000, every: 200 });
  await until('the status says who has it since when', async () => { const s = await settlement(); return s.prover_api.lease_timeouts >= 1 && /a proof, since 2\d\d\d-.*p2 works on it/.test(s.lanes.prove.waits_for); }, { timeout: 5_000 });
});

await t.test('a prover built for other keys gets nothing; unknown keys beside ours do not matter', async () => {
  same((await pick('FRI', 'p9', '&supported_vk_hashes=0x' + '11'.repeat(32))).status, 204);
  same((await http('GET', '/FRI/1/peek')).json().batch_number, 1);
  same((await http('POST', '/FRI/pick')).status, 400);
});

await t.test('garbage, wrong keys, wrong types, too much and unknown batches are refused in words, and the refused are kept', async () => {
  const good = { batch_number: 1, vk_hash: vk, proof: friProof(1) };
  const cases = [
    ['{', 400], ['[]', 422], [{ ...good, batch_number: 'x' }, 422], [{ ...good, batch_number: -1 }, 422], [{ ...good, proof: 7 }, 422], [{ ...good, proof: '***=' }, 400],
    [{ ...good, proof: '' }, 400], [{ ...good, vk_hash: '0x12' }, 400], [{ ...good, vk_hash: '0x' + '22'.repeat(32) }, 400], [{ ...good, proof: 'AAAA' }, 400],
    [{ ...good, batch_number: 999 }, 404], [{ ...good, batch_number: 2 ** 60 }, 404],
  ];
  for (const [body, want] of cases) same((await submit('FRI', body)).status, want, JSON.stringify(body).slice(0, 120));
  same((await submit('FRI', JSON.stringify(good), 'p1', { type: 'text/plain' })).status, 415);
  const large = await submit('FRI', { ...good, proof: 'A'.repeat(11 << 20) }).catch((e) => ({ status: 413, e }));
  same(large.status, 413);
  const kept = await until('the last refused one is kept', async () => { const r = (await http('GET', '/FRI/1/failed')).json(); return r.proof === 'AAAA' && r; }, { timeout: 5_000 });
  same([kept.batch_number, kept.proof, kept.expected_hash_u32s.length, kept.proof_final_register_values.length], [1, 'AAAA', 8, 16]);
  const p = Buffer.from((await inputs())[1].slice(2), 'hex');
  same(kept.expected_hash_u32s, Array.from({ length: 8 }, (_, i) => p.readUInt32LE(4 * i)), 'the words a proof has to end with');
  same((await http('GET', '/FRI/7777/failed')).status, 404);
  for (const at of ['/nothing', '/FRI/x/peek', '/FRI/0/peek', '/FRI/1/peek/more', '/SNARK/1/peek']) same((await http('GET', at)).status, 404, at);
});

await t.need('a proof that was answered 204 is still there after kill -9, its job is not offered again', async () => {
  same((await submit('FRI', { batch_number: 1, vk_hash: vk, proof: friProof(1) })).status, 204);
  await w.node.kill();
  await w.start();
  await until('the listener', async () => (await http('GET', '/status/')).status === 200);
  await until('the range with the proof', async () => (await http('GET', '/SNARK/1/1/peek')).status === 200);
  same((await http('GET', '/SNARK/1/1/peek')).json().fri_proofs, [friProof(1)]);
  same((await submit('FRI', { batch_number: 1, vk_hash: vk, proof: friProof(1) })).status, 204, 'the same proof again is no error');
  same((await submit('FRI', { batch_number: 1, vk_hash: vk, proof: friProof(9) })).status, 404, 'another one is not wanted');
});

await t.need('jobs of several batches are done out of order, with kills in between', async () => {
  const wallet = w.wallet();
  for (let i = 0; i < 3; i++) { const tx = await wallet.sendTransaction({ to: account(20 + i).address, value: 5n, gasLimit: 200_000n }); await w.node.receipt(tx.hash); const n = (await settlement()).frontiers.sealed.batch; await until('another batch', async () => (await settlement()).frontiers.sealed.batch > n, { timeout: 20_000 }); }
  const jobs = [];
  await until('three more jobs', async () => { const r = await pick('FRI', 'p' + jobs.length); if (r.status === 200) jobs.push(r.json().batch_number); return new Set(jobs).size >= 3; }, { timeout: 40_000 });
  const numbers = [...new Set(jobs)].sort((a, b) => b - a);
  for (const n of numbers) {
    same((await submit('FRI', { batch_number: n, vk_hash: vk, proof: friProof(n) })).status, 204);
    await w.node.kill();
    await w.start();
    await until('the listener', async () => (await http('GET', '/status/')).status === 200);
  }
});

let range;
await t.need('a range is handed out from the first batch on, gapless, with its FRI proofs in order', async () => {
  range = await until('a range of three', async () => {
    const c = await w.l1.counters();
    if (c.committed < 4) return false;
    const r = await pick('SNARK', 's1');
    return r.status === 200 && r.json();
  }, { timeout: 60_000, every: 500 });
  same(range.from_batch_number, 1);
  check(range.to_batch_number >= 3, JSON.stringify(range).slice(0, 100));
  same(range.fri_proofs, Array.from({ length: range.to_batch_number }, (_, i) => friProof(i + 1)));
  same([range.vk_hash, (await pick('SNARK', 's2')).status], [vk, 204]);
  same((await w.l1.counters()).proved, 0);
});

await t.test('ranges that are wrong, behind a gap, of other words or with points off the curve are refused', async () => {
  const all = await inputs(), to = range.to_batch_number;
  const at = (from, until_, proof) => ({ from_batch_number: from, to_batch_number: until_, vk_hash: vk, proof });
  const good = mock(fold(all, 1, to));
  const cases = [at(2, 1, good), at(0, to, good), at(1, to + 40, good), at(1, to, mock(fold(all, 1, to - 1))), at(1, to, Buffer.alloc(100).toString('base64')), at(1, to, Buffer.alloc(1408, 1).toString('base64')), at(1, to, Buffer.alloc(1408).toString('base64')), { ...at(1, to, good), vk_hash: '0x' + '33'.repeat(32) }];
  same([(await http('GET', '/SNARK/1/10/peek')).status, (await http('GET', '/SNARK/1/11/peek')).status], [404, 400], 'no more than max_fris_per_snark are looked at');
  for (const c of cases) { const r = await submit('SNARK', c, 's1'); check([400, 422].includes(r.status), `${r.status} ${r.text} for ${JSON.stringify(c).slice(0, 100)}`); }
  const g1 = concat([word(1), word(2)]), real = Buffer.from(concat([...Array(11).fill(g1), ...Array(18).fill(word(5)), g1, g1]).slice(2), 'hex').toString('base64');
  const r = await submit('SNARK', at(1, to, real), 's1');
  const key = await registeredKey();
  check(r.status === 400 && r.text.includes(key) && r.text.includes(vk), `a real proof for our key names both: ${r.text}`);
  await until('it is kept', async () => (await http('GET', '/SNARK/1/1/failed')).json().proof === real, { timeout: 5_000 });
  same((await w.l1.counters()).proved, 0, 'nothing of that reached L1');
});

await t.need('the proof of the range is durable before it is answered, used after kill -9, and the batches are executed', async () => {
  const to = range.to_batch_number, r = fold(await inputs(), 1, to);
  same((await submit('SNARK', { from_batch_number: 1, to_batch_number: to, vk_hash: vk, proof: mock(r) }, 's1')).status, 204);
  await w.node.kill();
  await w.start();
  await w.l1.executed(to, 60_000);
  const proves = (await w.l1.operatorTransactions(w.firstBlock)).filter((m) => m.does?.step === 'prove' || /^prove/.test(JSON.stringify(m.does)));
  check(proves.length === 1, `one prove transaction, not ${proves.length}`);
});

await t.test('proofs of executed batches are not kept, and the metrics and the status tell of all that', async () => {
  await until('the proofs are gone', async () => (await http('GET', '/SNARK/1/1/peek')).status === 404, { timeout: 20_000 });
  const m = (await w.node.get('/metrics', w.node.metricsUrl)).text;
  for (const name of ['prover_jobs', 'prover_oldest_job_seconds', 'prover_lease_timeouts', 'prover_proofs_accepted', 'prover_proofs_refused']) check(new RegExp(`^${name}(\\{[^}]*\\})? [0-9.eE+-]+`, 'm').test(m), name);
});

await t.test('a real proof of the registered key that the verifier refuses goes to the refused, and its range is offered again', async () => {
  const key = await registeredKey();
  await w.node.stop();
  w.node = w.makeNode({ changes: { 'prover_api.verification_key_hash': key } });
  await w.start();
  const tx = await w.wallet().sendTransaction({ to: account(33).address, value: 5n, gasLimit: 200_000n });
  await w.node.receipt(tx.hash);
  for (;;) {
    const r = await pick('FRI', 'q');
    if (r.status === 200) { same(r.json().vk_hash, key); await submit('FRI', { batch_number: r.json().batch_number, vk_hash: key, proof: friProof(r.json().batch_number) }); }
    const s = await api();
    if (s.fri_waiting === 0 && s.snark_waiting > 0) break;
    await until('a moment', (() => { const at = Date.now() + 200; return () => Date.now() >= at; })());
  }
  const job2 = await job('SNARK', 's3');
  const g1 = concat([word(1), word(2)]), real = Buffer.from(concat([...Array(11).fill(g1), ...Array(18).fill(word(5)), g1, g1]).slice(2), 'hex').toString('base64');
  await until('the proof is taken', async () => (await submit('SNARK', { from_batch_number: job2.from_batch_number, to_batch_number: job2.to_batch_number, vk_hash: key, proof: real }, 's3')).status === 204, { timeout: 20_000, every: 500 });
  const kept = await until('L1 refused it', async () => { const r = await http('GET', `/SNARK/${job2.from_batch_number}/${job2.to_batch_number}/failed`); return r.status === 200 && r.json(); }, { timeout: 40_000 });
  check(/settlement layer: .*(InvalidProof|Error\()/.test(kept.reason), kept.reason);
  const again = await job('SNARK', 's4');
  same(again.from_batch_number, job2.from_batch_number);
});

await t.end();
