// What an operator sees: status pages, metrics, the command line, and what each thing waits for.
import fs from 'node:fs';
import path from 'node:path';
import { parseEther } from 'ethers';
import { BRIDGEHUB, DIAMOND, OPERATORS, TIMELOCK, USER } from '../lib/l1.mjs';
import { GATEHOUSE } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const t = suite('13 status');
const w = await World.create(t, { batchTimeout: '2s' });
await t.need('the chain is up and settles', async () => { await w.start(); await w.fund(USER.address, parseEther('1')); await w.l1.executed(2, 60_000); });
const get = (where) => w.node.get(where);
const secretsOf = () => Object.values(OPERATORS).map((k) => k.privateKey.slice(2));

await t.test('health, live and ready answer 200; accepting says so with its causes', async () => {
  same(JSON.parse((await get('/status/health')).text), { healthy: true });
  for (const p of ['live', 'ready']) same((await get('/status/' + p)).status, 200, p);
  const a = await get('/status/accepting');
  same(a.status, 200);
  const j = JSON.parse(a.text);
  same([j.status, j.accepting_transactions, j.causes], ['accepting', true, []]);
});

await t.test('the pipeline page lists the components in order', async () => {
  const p = JSON.parse((await get('/status/pipeline')).text);
  const names = p.components.map((c) => c.name);
  check(p.head_block >= 2, JSON.stringify(p).slice(0, 200));
  const order = ['block_executor', 'block_applier', 'tree_manager', 'batcher', 'l1_sender_commit', 'l1_sender_prove', 'l1_sender_execute'];
  same(names.filter((n) => order.includes(n)), order);
});

await t.test('/status names versions, contracts, frontiers and each sender with its nonce and balance', async () => {
  const text = (await get('/status')).text, s = JSON.parse(text), low = text.toLowerCase();
  same(s.healthy, true);
  for (const a of [BRIDGEHUB, DIAMOND, TIMELOCK, ...Object.values(OPERATORS).map((k) => k.address)]) check(low.includes(a.toLowerCase()), `${a} is not shown`);
  for (const k of secretsOf()) check(!low.includes(k), 'a secret is shown');
});

await t.test('an unknown page is 404, another method is refused', async () => {
  same((await get('/status/nothing')).status, 404);
  check([405, 501].includes((await fetch(w.node.statusUrl + '/status', { method: 'POST', body: '{}' })).status), 'POST');
});

await t.test('metrics have the names operators know, in Prometheus text form', async () => {
  const m = (await w.node.get('/metrics', w.node.metricsUrl)).text;
  for (const name of ['process_started_at', 'chain_id', 'most_recently_scanned_l1_block', 'l1_sender_balance', 'l1_sender_nonce', 'execution_block_number', 'execution_seal_reason', 'batcher_batch_number', 'l1_sender_oldest_pending_seconds', 'finality_lag_seconds']) {
    check(new RegExp(`^${name}(\\{[^}]*\\})? [0-9.eE+-]+`, 'm').test(m), `metric ${name} is missing`);
  }
  for (const line of m.split('\n')) check(line === '' || line.startsWith('#') || /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z0-9_]+="(\\.|[^"\\])*",?)*\})? -?([0-9.eE+-]+|\+?Inf|NaN)( \d+)?$/.test(line), `not Prometheus: ${line}`);
  const series = m.split('\n').filter((l) => l && !l.startsWith('#')).map((l) => l.replace(/ \S+$/, ''));
  same(series.length, new Set(series).size, 'a series is there twice');
  same(/^chain_id(?:\{[^}]*\})? (\d+)/m.exec(m)?.[1], '10');
});

await t.test('zks_getFinalityStatus gives stage, what it waits for and an estimate', async () => {
  const s = await w.node.rpc.q('zks_getFinalityStatus');
  for (const k of ['lastSealedBlock', 'lastCommittedBlock', 'lastCommittedBatch', 'lastExecutedBlock', 'lastExecutedBatch']) check(Number.isInteger(s[k]), `${k}: ${s[k]}`);
  const text = JSON.stringify(s);
  check(/wait/i.test(text), `nothing says what it waits for: ${text}`);
});

await t.test('gatehouse status --json asks the node', async () => {
  const r = await run(GATEHOUSE, ['status', '--json', '--config', w.node.config]);
  same(r.code, 0, r.all);
  const j = JSON.parse(r.stdout);
  check(JSON.stringify(j).includes('"'), 'json');
  for (const k of secretsOf()) check(!r.all.includes(k), 'a secret is shown');
});

await t.test('gatehouse status shows, for each batch, how final it is and what it waits for', async () => {
  const r = await run(GATEHOUSE, ['status', '--config', w.node.config]);
  same(r.code, 0, r.all);
  check(/batch/i.test(r.stdout) && /executed/i.test(r.stdout), r.stdout);
});

await t.test('with the node stopped, status reads the store and says so', async () => {
  await w.node.stop();
  const r = await run(GATEHOUSE, ['status', '--config', w.node.config]);
  check(/not (running|answer)|no node|from the store|store/i.test(r.all), r.all);
  check(/batch/i.test(r.all), r.all);
  await w.start();
});

await t.test('version, help and check-config', async () => {
  const v = await run(GATEHOUSE, ['version']);
  check(v.code === 0 && /gatehouse \d+\.\d+\.\d+/.test(v.stdout), v.all);
  const h = await run(GATEHOUSE, ['--help']);
  same(h.code, 0);
  for (const word of ['run', 'status', 'check-config', 'version']) check(h.stdout.includes(word), `--help does not name ${word}`);
  for (const c of ['run', 'status', 'check-config']) check((await run(GATEHOUSE, [c, '--help'])).stdout.includes('--config'), `${c} --help`);
  const c = await run(GATEHOUSE, ['check-config', '--config', w.node.config]);
  check(c.code === 0 && /bridgehub_address/.test(c.stdout), c.all);
  for (const k of secretsOf()) check(!c.all.includes(k), 'a secret is shown');
  for (const bad of [['no-such-command'], ['run'], ['run', '--config'], ['run', '--no-such-flag']]) check((await run(GATEHOUSE, bad)).code !== 0, bad.join(' '));
});

await t.test('secrets may come from the environment instead of files', async () => {
  const text = fs.readFileSync(w.node.config, 'utf8').replace(/ {2}operator_(commit|prove|execute)_sk:\n {4}file: .*\n/g, '');
  const file = path.join(w.dir, 'no-secrets.yaml');
  fs.writeFileSync(file, text);
  const env = { ...process.env, L1_SENDER_OPERATOR_COMMIT_SK: OPERATORS.commit.privateKey, L1_SENDER_OPERATOR_PROVE_SK: OPERATORS.prove.privateKey, L1_SENDER_OPERATOR_EXECUTE_SK: OPERATORS.execute.privateKey };
  const r = await run(GATEHOUSE, ['check-config', '--config', file], { env });
  same(r.code, 0, r.all);
  check((await run(GATEHOUSE, ['check-config', '--config', file])).code !== 0, 'without them it must be refused');
  for (const k of secretsOf()) check(!r.all.includes(k), 'a secret is shown');
});

await t.test('no secret is in the log, and its lines carry batch numbers and transaction hashes', async () => {
  const log = fs.readFileSync(path.join(w.node.dir, 'gatehouse.log'), 'utf8');
  for (const k of secretsOf()) check(!log.includes(k), 'a secret is in the log');
  const [commit] = (await w.l1.operatorTransactions(w.firstBlock)).filter((m) => m.does?.step === 'commit');
  check(log.includes(commit.hash), 'the hash of the first commit is not logged');
});

await t.test('logs as JSON are one object a line with timestamp, level and message', async () => {
  await w.node.stop();
  w.node = w.makeNode({ changes: { 'observability.log.json': true } });
  const from = fs.statSync(path.join(w.node.dir, 'gatehouse.log')).size;
  await w.start();
  await until('some lines', () => fs.statSync(path.join(w.node.dir, 'gatehouse.log')).size > from + 200);
  for (const line of fs.readFileSync(path.join(w.node.dir, 'gatehouse.log')).subarray(from).toString('utf8').split('\n').filter(Boolean).slice(0, -1)) {
    const j = JSON.parse(line);
    for (const k of ['timestamp', 'level', 'message']) check(k in j, line);
  }
});

await t.end();
