// What operators of such systems lost nights over (spec 90, parts 1 and 2): each test is named after its row.
import { Interface, Wallet, parseEther } from 'ethers';
import { ADMIN, DIAMOND, OPERATORS, TIMELOCK, USER, timelock } from '../lib/l1.mjs';
import { doubleMined, doubleSettlements } from '../lib/proxy.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';

const t = suite('14 operator needs');
const w = await World.create(t, { proxies: 1, batchTimeout: '1s' });
const [p] = w.proxies, l1 = w.l1;
await t.need('the chain is up and settles', async () => { await w.start(); await w.fund(USER.address, parseEther('100')); await l1.executed(2, 60_000); });
const wallet = w.managed();
const admin = new Interface(['function setExecutionDelay(uint32)', 'function executionDelay() view returns (uint32)', 'function revertBatchesSharedBridge(address chain, uint256 newLastBatch)']);
const pid = w.node.process.pid;
const alive = () => same([w.node.process.running, w.node.process.pid], [true, pid], 'the same process is running');

async function transfer() {
  const tx = await wallet.sendTransaction({ to: '0x00000000000000000000000000000000000000f4', value: 1n, gasLimit: 100_000n });
  await w.node.receipt(tx.hash);
  return tx.hash;
}
const says = (what, pattern, timeout = 30_000) => until(`the node says ${what}`, async () => pattern.test((await w.node.get('/status')).text + JSON.stringify(await w.node.rpc.q('zks_getFinalityStatus'))), { timeout, every: 200 });

await t.test('need 1: a commit priced too low is replaced under its nonce, the process stays', async () => {
  await l1.stopMining();
  const seen = p.sent.length, h = await transfer();
  const first = await until('a commit is in the pool', () => p.sent.slice(seen).find((s) => s.does?.step === 'commit' && s.verdict === 'accepted'));
  const fee = first.tx.maxFeePerGas * 4n;
  // The base fee stays above what the commit offers until a dearer one comes.
  await l1.rpc.q('anvil_setNextBlockBaseFeePerGas', hex(fee));
  await l1.rpc.q('anvil_mine', '0x1');
  const later = await until('a dearer one under the same nonce', async () => {
    await l1.rpc.q('anvil_setNextBlockBaseFeePerGas', hex(fee));
    await l1.rpc.q('anvil_mine', '0x1');
    return p.sent.findLast((s) => s.from === first.from && s.nonce === first.nonce && s.hash !== first.hash && s.verdict === 'accepted' && s.tx.maxFeePerGas >= fee);
  }, { timeout: 60_000, every: 300 });
  same(later.tx.data, first.tx.data);
  await l1.startMining();
  await w.executed(h);
  alive();
});

await t.test('need 2: a replacement raises both fees by a tenth or more, and the ceiling is a visible state that ends by itself', async () => {
  for (const s of p.sent.filter((x) => x.verdict === 'accepted')) {
    const older = p.sent.filter((x) => x.from === s.from && x.nonce === s.nonce && x.at < s.at && x.verdict === 'accepted' && x.hash !== s.hash).at(-1);
    if (!older) continue;
    check(s.tx.maxFeePerGas * 10n >= older.tx.maxFeePerGas * 11n && s.tx.maxPriorityFeePerGas * 10n >= older.tx.maxPriorityFeePerGas * 11n, `replacement ${s.hash}`);
  }
  await l1.stopMining();
  const high = 500n * 10n ** 9n;
  const mine = async () => { await l1.rpc.q('anvil_setNextBlockBaseFeePerGas', hex(high)); await l1.rpc.q('anvil_mine', '0x1'); };
  await mine();
  const h = await transfer();
  await until('the ceiling is reported', async () => { await mine(); return /fee_?capped|fee cap|ceiling/i.test((await w.node.get('/status')).text); }, { timeout: 40_000, every: 300 });
  for (const s of p.sent) check(s.tx.maxFeePerGas <= 200n * 10n ** 9n, `above the ceiling: ${s.tx.maxFeePerGas}`);
  await l1.rpc.q('anvil_setNextBlockBaseFeePerGas', hex(10n ** 9n));
  await l1.rpc.q('anvil_mine', '0x1');
  await l1.startMining();
  await w.executed(h);
  alive();
});

await t.test('need 4: an empty wallet is a state that resumes, without a stranded nonce', async () => {
  const key = OPERATORS.execute.address, was = await l1.rpc.q('eth_getBalance', key, 'latest');
  await l1.rpc.q('anvil_setBalance', key, '0x0');
  const h = await transfer();
  await says('low funds', /low_?funds|insufficient|balance/i);
  alive();
  await l1.rpc.q('anvil_setBalance', key, was);
  await w.executed(h);
});

// A transaction made with the operator's key behind the node's back.
async function foreign(nonce) {
  const fees = { maxFeePerGas: 300n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n };
  const raw = await new Wallet(OPERATORS.commit.privateKey).signTransaction({ chainId: 31337, type: 2, nonce, gasLimit: 21_000n, to: USER.address, value: 1n, ...fees });
  return l1.rpc.q('eth_sendRawTransaction', raw);
}
const foreignCount = async () => Number(/^l1_sender_foreign_nonce\{[^}]*commit[^}]*\} (\d+)/m.exec((await w.node.get('/metrics', w.node.metricsUrl)).text)?.[1] ?? -1);

await t.test('need 5: a transaction that takes the nonce of ours is noticed and named, and its batch is committed under the next nonce', async () => {
  const count = await foreignCount();
  await l1.stopMining();
  const seen = p.sent.length, h = await transfer();
  const ours = await until('a commit is in the pool', () => p.sent.slice(seen).find((s) => s.does?.step === 'commit' && s.verdict === 'accepted'));
  const hash = await foreign(ours.nonce);
  await l1.mine();
  check((await l1.rpc.q('eth_getTransactionReceipt', hash))?.status === '0x1', 'the foreign transaction was not mined');
  await l1.startMining();
  await w.executed(h, 90_000);
  check((await foreignCount()) > count, 'not counted');
  check(/foreign|nonce \d+ (was )?tak|took/i.test(w.node.process.output()), 'not in the log');
  same((await l1.operatorTransactions(w.firstBlock)).filter((m) => m.does?.step === 'commit' && m.does.from === ours.does.from).map((m) => m.nonce > ours.nonce), [true]);
  alive();
});

await t.test('need 5: a transaction that takes a nonce while ours is idle is noticed as well, and settlement goes on', async () => {
  await until('settlement is at rest', async () => { const c = await l1.counters(), f = await w.node.rpc.q('zks_getFinalityStatus'); return c.committed === c.executed && f.lastExecutedBlock === f.lastSealedBlock; });
  const count = await foreignCount();
  await l1.receipt(await foreign(num(await l1.rpc.q('eth_getTransactionCount', OPERATORS.commit.address, 'latest'))));
  await w.executed(await transfer(), 90_000);
  check((await foreignCount()) > count, 'not counted');
  alive();
});

await t.test('need 8: killed between broadcast and bookkeeping, it adopts what is on its way', async () => {
  const seen = p.sent.length;
  const h = await transfer();
  // The answer to the commit never arrives, and the process dies at that moment.
  p.fault((r) => r.method === 'eth_sendRawTransaction', { swallow: true }, { times: 1 });
  await until('a send has gone out', () => p.sent.length > seen, { every: 1 });
  await w.node.kill();
  p.clear();
  await w.start();
  await w.executed(h, 90_000);
  same(doubleSettlements([{ sent: p.sent.slice(seen) }]), []);
});

await t.test('need 9: a call that would revert is not sent; the custom error is named; it goes on once the cause is gone', async () => {
  const flags = [false, true, false, false, false, false];
  await l1.send(ADMIN.address, TIMELOCK, timelock.encodeFunctionData('removeValidatorRoles', [DIAMOND, OPERATORS.commit.address, flags]));
  const before = (await l1.operatorTransactions(w.firstBlock)).length;
  const h = await transfer();
  await says('which error it would be', /RoleAccessDenied|role/i);
  check(w.node.process.running, 'gatehouse ended');
  const mined = (await l1.operatorTransactions(w.firstBlock)).slice(before).filter((m) => m.key === 'commit');
  same(mined, []);
  await l1.grantRole('commit');
  await w.executed(h, 90_000);
});

await t.test('need 10: the execution delay of the timelock is waited for, not crashed on', async () => {
  const owner = await l1.call(new Interface(['function owner() view returns (address)']), TIMELOCK, 'owner');
  await l1.send(owner, TIMELOCK, admin.encodeFunctionData('setExecutionDelay', [8]));
  const h = await transfer();
  const committed = await until('it is committed', async () => (await w.node.rpc.q('zks_getTransactionFinality', h)).stage !== 'pending');
  check(committed, 'committed');
  await says('how long execution waits', /delay/i);
  await w.executed(h, 90_000);
  await l1.send(owner, TIMELOCK, admin.encodeFunctionData('setExecutionDelay', [0]));
  const mined = await l1.operatorTransactions(w.firstBlock);
  for (const m of mined) same((await l1.rpc.q('eth_getTransactionReceipt', m.hash)).status, '0x1', `${m.key} ${m.hash} reverted`);
});

await t.test('over all of it: no batch step twice', async () => same(doubleMined(await l1.operatorTransactions(w.firstBlock)), []));

await t.test('need 24: batches reverted on L1 stop sending, the cause and the remedy are named, RPC and sequencing go on', async () => {
  await l1.stopMining();
  const h = await transfer();
  await until('a commit is in the pool', async () => num(await l1.rpc.q('eth_getBlockTransactionCountByNumber', 'pending')) > 0, { timeout: 30_000 });
  await l1.rpc.q('anvil_mine', '0x1');
  const c = await l1.counters();
  check(c.committed > c.executed, JSON.stringify(c));
  const undo = l1.send(ADMIN.address, TIMELOCK, admin.encodeFunctionData('revertBatchesSharedBridge', [DIAMOND, c.executed]));
  await until('the revert is in the pool', async () => num(await l1.rpc.q('eth_getBlockTransactionCountByNumber', 'pending')) > 0, { every: 10 });
  await l1.rpc.q('anvil_mine', '0x1');
  await undo;
  const at = (await l1.operatorTransactions(w.firstBlock)).length;
  await l1.startMining();
  await says('that batches were reverted', /revert/i, 40_000);
  await transfer();
  check(h.length === 66, 'hash');
  const after = await l1.operatorTransactions(w.firstBlock);
  const sent = after.slice(at).filter((m) => m.does?.step === 'commit');
  same(sent, []);
});

await t.end();
