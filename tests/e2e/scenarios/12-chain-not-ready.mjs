// A chain without its DA pair, and an L1 whose history contradicts ours: the node says what is wrong and what helps.
import { parseEther } from 'ethers';
import { ADMIN, DA, DIAMOND, L1, USER, diamond } from '../lib/l1.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';
import { freePorts } from '../lib/process.mjs';

const t = suite('12 chain not ready');
const w = await World.create(t, { skip: ['da'] });

await t.test('with the DA pair unset nothing is sent, the reason and the remedy are named, and RPC works', async () => {
  w.node.start();
  const text = await until('the unset DA pair is reported', async () => {
    let s = w.node.process.output();
    if (w.node.process.running) s += (await w.node.get('/status').catch(() => ({ text: '' }))).text;
    return /DA|data availability/i.test(s) && /setDAValidatorPair/.test(s) ? s : false;
  }, { timeout: 60_000 });
  check(text.length > 0, 'text');
  same(await w.l1.counters(), { committed: 0, proved: 0, executed: 0 });
  same((await w.l1.operatorTransactions(w.firstBlock)).length, 0);
});

await t.test('once the pair is set batches go out', async () => {
  await w.l1.send(ADMIN.address, DIAMOND, diamond.encodeFunctionData('setDAValidatorPair', DA.calldata));
  if (!w.node.process.running) w.node.start();
  await w.node.ready();
  await w.fund(USER.address, parseEther('1'));
  await w.l1.executed(2, 90_000);
});

await t.test('a DA pair that is not the configured mode is refused with both names', async () => {
  await until('settlement is at rest', async () => { const c = await w.l1.counters(), f = await w.node.rpc.q('zks_getFinalityStatus'); return c.committed === c.executed && f.lastExecutedBlock === f.lastSealedBlock; });
  await w.l1.send(ADMIN.address, DIAMOND, diamond.encodeFunctionData('setDAValidatorPair', DA.validium));
  await w.node.stop();
  w.node.start();
  await until('the mismatch is reported', async () => {
    let s = w.node.process.output();
    if (w.node.process.running) s += (await w.node.get('/status').catch(() => ({ text: '' }))).text;
    return /validium|scheme|DA pair|pubdata_mode/i.test(s);
  }, { timeout: 60_000 });
  const before = await w.l1.counters();
  if (w.node.process.running) {
    await w.node.ready();
    await w.fund(USER.address, 1n);
    same(await w.l1.counters(), before);
  }
  await w.l1.send(ADMIN.address, DIAMOND, diamond.encodeFunctionData('setDAValidatorPair', DA.calldata));
});

await t.test('an L1 that has another history is refused: nothing is sent there, and the difference is named', async () => {
  if (w.node.process.running) await w.node.stop();
  const [port, rpc, status, metrics] = await freePorts(4);
  const other = await L1.start({ port, dir: w.dir + '/other' });
  t.cleanup(() => other.stop());
  await other.setupChain();
  await other.startMining();
  // A different first request takes the place of ours.
  await other.request({ value: 12345n });
  const node = w.makeNode({ name: 'node', ports: { ...w.ports, rpc, status, metrics }, changes: { 'general.l1_rpc_url': other.url } });
  node.start();
  t.cleanup(() => node.process.kill());
  await until('the contradiction is reported', async () => {
    let s = node.process.output();
    if (node.process.running) s += (await node.get('/status').catch(() => ({ text: '' }))).text;
    return /contradict|differ|mismatch|another history|diverge|does not match/i.test(s);
  }, { timeout: 60_000 });
  same((await other.operatorTransactions(0)).length, 0);
  same(await other.counters(), { committed: 0, proved: 0, executed: 0 });
});

await t.end();
