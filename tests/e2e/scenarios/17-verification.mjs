// The gate before a commit: batches are executed again from their witnesses alone, here or by others, and what does not agree is not committed.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { parseEther } from 'ethers';
import { USER, account } from '../lib/l1.mjs';
import { GATEHOUSE } from '../lib/paths.mjs';
import { Child, freePorts, run } from '../lib/process.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const t = suite('17 verification before the commit');
const TOKEN = crypto.randomBytes(32).toString('hex');
const ports = await freePorts(3);
const endpoints = ports.map((p) => `http://127.0.0.1:${p}`);
const w = await World.create(t, { batchTimeout: '1s', changes: { 'verification.mode': 'local' } });
const tokenFile = path.join(w.dir, 'token');
fs.writeFileSync(tokenFile, TOKEN + '\n', { mode: 0o600 });
const settlement = async () => JSON.parse((await w.node.get('/status')).text).summary.settlement;
const traffic = async (n = 1) => { for (let i = 0; i < n; i++) { const tx = await w.wallet().sendTransaction({ to: account(20 + i).address, value: 3n, gasLimit: 200_000n }); await w.node.receipt(tx.hash); } };

const verifiers = [];
const startVerifier = (i) => { verifiers[i] = new Child(GATEHOUSE, ['verifier', '--listen', `127.0.0.1:${ports[i]}`, '--token-file', tokenFile], { log: path.join(w.dir, `verifier${i}.log`) }); };
t.cleanup(async () => { for (const v of verifiers) if (v?.running) await v.stop('SIGTERM', 5_000); });

await t.need('with local verification batches are verified, then committed, proved and executed', async () => {
  await w.start();
  await w.fund(USER.address, parseEther('10'));
  await traffic(3);
  await until('batches are executed', async () => { const c = await w.l1.counters(), s = await settlement(); return c.executed >= 2 && c.executed === s.frontiers.sealed.batch; }, { timeout: 60_000 });
  const v = (await settlement()).verification;
  same([v.mode, v.mismatches, v.failures], ['local', 0, 0]);
  check(v.verified >= 2 && v.verified_to === (await settlement()).frontiers.sealed.batch, JSON.stringify(v));
  const m = (await w.node.get('/metrics', w.node.metricsUrl)).text;
  check(/^verification_batches [1-9]/m.test(m), 'metric');
});

await t.test('kill -9 between batches: verified ones are not verified again, none is committed without', async () => {
  for (let i = 0; i < 3; i++) {
    await traffic();
    await until('a batch on its way', async () => { const s = await settlement(); return s.frontiers.sealed.batch > s.frontiers.committed.batch; }, { every: 20 }).catch(() => {});
    await w.node.kill();
    await w.start();
  }
  await until('all is executed', async () => { const c = await w.l1.counters(), s = await settlement(); return s.frontiers && c.executed === s.frontiers.sealed.batch && s.verification.verified_to === c.executed; }, { timeout: 60_000 });
  const log = fs.readFileSync(path.join(w.node.dir, 'gatehouse.log'), 'utf8');
  const seen = new Map();
  for (const [, n] of log.matchAll(/batch verified batch=(\d+)/g)) seen.set(n, (seen.get(n) ?? 0) + 1);
  for (const [n, times] of seen) same(times, 1, `batch ${n} was verified ${times} times`);
  same(seen.size, (await settlement()).frontiers.sealed.batch, 'each batch is in the log once');
});

// A verifier that answers in the right form, and wrong.
let lies = 0;
const liar = http.createServer((q, r) => { const b = []; q.on('data', (d) => b.push(d)); q.on('end', () => { lies++; r.writeHead(200, { 'content-type': 'application/json' }); r.end(JSON.stringify({ verified: true, public_input: '0x' + 'ab'.repeat(32), stored_batch_hash: '0x' + 'cd'.repeat(32) })); }); });
const restartWith = async (changes) => { await w.node.stop(); w.node = w.makeNode({ changes }); await w.start(); await until('settlement', async () => (await settlement()).frontiers); };

await t.test('two of three verifiers suffice when the third does not answer, and the status names it', async () => {
  startVerifier(0);
  startVerifier(1);
  for (const i of [0, 1]) await until('the verifier listens', async () => [200, 401].includes((await fetch(endpoints[i] + '/health')).status), { timeout: 10_000 });
  same((await fetch(endpoints[0] + '/verify', { method: 'POST', body: 'x' })).status, 401);
  const garbage = await (await fetch(endpoints[0] + '/verify', { method: 'POST', body: 'garbage', headers: { authorization: 'Bearer ' + TOKEN } })).json();
  same(garbage.verified, false);
  const large = await fetch(endpoints[0] + '/verify', { method: 'POST', body: Buffer.alloc(80 << 20), headers: { authorization: 'Bearer ' + TOKEN } });
  same([large.status, (await large.json()).verified], [200, false], 'a witness may have 256 MiB');
  await restartWith({ 'verification.mode': 'remote', 'verification.endpoints': endpoints, 'verification.threshold': 2, 'verification.token': TOKEN });
  const before = (await w.l1.counters()).committed;
  await traffic();
  await until('a batch verified by two is committed', async () => (await w.l1.counters()).committed > before, { timeout: 30_000 });
  const v = (await settlement()).verification;
  check(v.failures >= 1 && v.mismatches === 0 && v.threshold === 2, JSON.stringify(v));
});

await t.test('one that says otherwise is an alarm, but two of three still suffice', async () => {
  await new Promise((ok) => liar.listen(ports[2], '127.0.0.1', ok));
  t.cleanup(() => liar.close());
  const before = (await w.l1.counters()).committed;
  for (let i = 0; lies === 0 && i < 20; i++) { await traffic(); await until('a batch is committed', async () => (await w.l1.counters()).committed > before + i, { timeout: 30_000 }); }
  await until('the committed ones are executed', async () => { const c = await w.l1.counters(); return c.executed === c.committed; }, { timeout: 40_000 });
  check(lies >= 1, 'the third was asked');
  same((await settlement()).hold, null);
});

await t.test('a missing second answer holds nothing back but the commit, which waits and says for whom', async () => {
  await verifiers[1].kill();
  const before = (await w.l1.counters()).committed;
  await traffic();
  const s = await until('it says what it waits for', async () => { const x = await settlement(); return /2 of 3 verifiers to confirm it, 1 did/.test(x.lanes.commit.waits_for) && x; }, { timeout: 30_000 }).catch(async (e) => { throw new Error(e.message + ' ' + JSON.stringify(await settlement())); });
  check(s.lanes.commit.waits_for.includes(endpoints[1]), s.lanes.commit.waits_for);
  same((await w.l1.counters()).committed, before);
  startVerifier(1);
  await until('it goes on when the verifier is back', async () => (await w.l1.counters()).committed > before, { timeout: 60_000 });
});

await t.test('when too many say otherwise nothing is committed, the hold says who and what, and it lifts when they agree', async () => {
  await verifiers[1].kill();
  const second = http.createServer(liar.listeners('request')[0]);
  await new Promise((ok) => second.listen(ports[1], '127.0.0.1', ok));
  const before = (await w.l1.counters()).committed;
  await traffic();
  const s = await until('settlement is held', async () => { const x = await settlement(); return x.hold && x; }, { timeout: 40_000 });
  check(/is not committed: verifier http:\/\/127\.0\.0\.1:\d+ says public input 0xabababab.*instead of 0x/.test(s.hold.reason), s.hold.reason);
  check(s.hold.remedy.length > 20 && s.verification.mismatches >= 2, s.hold.remedy);
  check(/^settlement_hold(\{.*\})? 1$/m.test((await w.node.get('/metrics', w.node.metricsUrl)).text), 'the metric tells');
  await traffic(); // the chain itself goes on
  same((await w.l1.counters()).committed, before);
  second.close();
  second.closeAllConnections();
  startVerifier(1);
  await restartWith({ 'verification.mode': 'remote', 'verification.endpoints': endpoints, 'verification.threshold': 2, 'verification.token': TOKEN });
  await until('it is committed', async () => (await w.l1.counters()).committed > before, { timeout: 60_000 });
  await until('no hold', async () => (await settlement()).hold === null);
});

await t.test('a configuration that could not work is refused in words', async () => {
  for (const [c, want] of [
    [{ 'verification.mode': 'remote' }, /needs verification\.endpoints/], [{ 'verification.mode': 'remote', 'verification.endpoints': [endpoints[0]], 'verification.threshold': 2 }, /threshold is above/],
    [{ 'verification.mode': 'remote', 'verification.endpoints': [endpoints[0], endpoints[0]] }, /one verifier twice/], [{ 'prover_api.enabled': true }, /needs prover_api\.token/],
  ]) {
    const n = w.makeNode({ name: 'bad', changes: c });
    const r = await run(GATEHOUSE, ['check-config', '--config', n.config]);
    check(r.code !== 0 && want.test(r.all), r.all);
  }
});

await t.end();
