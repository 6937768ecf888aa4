// A Gateway's RPC that is the wrong one, lies, loses transactions or forgets to answer: chain 12 never commits what
// would be refused, never stores a root the Gateway does not keep, settles each step once, and says what it waits for.
import path from 'node:path';
import { Interface, Wallet, parseEther, JsonRpcProvider, NonceManager } from 'ethers';
import { GATEWAY, GW, GatewayWorld, chainNode, messageRoot, until } from '../lib/gateway.mjs';
import { USER, account } from '../lib/l1.mjs';
import { freePorts } from '../lib/process.mjs';
import { doubleMined } from '../lib/proxy.mjs';
import { num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';

const t = suite('17 Gateway faults');
const w = await GatewayWorld.create(t, { chains: [12], proxies: true });
const c12 = w.chains[12], [proxy] = w.proxies, q = (...a) => c12.rpc.q(...a);
const status = async (node = c12) => JSON.parse((await node.get('/status')).text);
const selector = (data) => data?.slice(0, 10);
const call = (to, first) => (r) => r.method === 'eth_call' && r.params[0].to?.toLowerCase() === to && selector(r.params[0].data ?? r.params[0].input) === first;
const PROCESS_LOGS = call(GW.tracker, '0x2153d9b8');
const HISTORICAL_ROOT = call(GW.messageRoot, messageRoot.getFunction('historicalRoot').selector);
const revert = (signature, args) => ({ lie: () => ({ result: undefined, error: { code: 3, message: 'execution reverted', data: new Interface(['error ' + signature]).encodeErrorResult(signature.split('(')[0], args) } }) });

await t.need('both nodes are up and chain 12 has funds', async () => { await w.start(); await w.executed(12, 2, 60_000); await w.deposit(12, { value: parseEther('20') }); });
const provider = new JsonRpcProvider(c12.url, 12, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 100 });
t.cleanup(() => provider.destroy());
const wallet = new NonceManager(new Wallet(USER.privateKey, provider));
const messenger = new Interface(['function sendToL1(bytes)']);
let said = 0;
const say = async () => {
  const x = await wallet.sendTransaction({ to: '0x0000000000000000000000000000000000008008', data: messenger.encodeFunctionData('sendToL1', ['0x' + (++said).toString(16).padStart(4, '0')]), gasLimit: 1_000_000n });
  const r = await c12.receipt(x.hash);
  same(r.status, '0x1');
  return num(r.blockNumber);
};
const importsAtRest = () => until('imports are at rest', async () => {
  await w.rest(12);
  const [s, blocks] = [await status(), await w.layer.logs('NewInteropRoot', { address: GW.messageRoot, iface: messageRoot })];
  return s.interop_roots.offered + s.interop_roots.waiting === 0 && s.mirror.final_to >= num(blocks.at(-1).blockNumber);
}, { timeout: 60_000 });
const settled = (block, timeout = 60_000) => until(`block ${block} is executed`, async () => (await q('zks_getFinalityStatus')).lastExecutedBlock >= block, { timeout });

await t.test('a Gateway RPC of another chain is not believed, and the node says so', async () => {
  const [rpc, statusPort, metrics] = await freePorts(3);
  const other = chainNode({ dir: path.join(w.dir, 'wrong'), id: 12, ports: { rpc, status: statusPort, metrics }, l1Url: w.l1.url, gatewayUrl: w.l1.url }).start();
  await other.ready();
  const problem = await until('the problem', async () => (await status(other)).gateway?.problem, { timeout: 30_000 });
  check(/chain/.test(problem) && /31337|another chain/.test(problem), problem);
  check(/Gateway/.test((await status(other)).settlement.hold.reason), JSON.stringify((await status(other)).settlement));
  await other.stop();
});

await t.test('a batch the Gateway would refuse is held before its commit, with the decoded reason, and goes on when the cause is gone', async () => {
  await importsAtRest();
  const fault = proxy.fault(PROCESS_LOGS, revert('InsufficientChainBalance(uint256,bytes32,uint256)', [12, '0x' + '01'.repeat(32), 5n]));
  const before = (await w.counters(12)).committed, block = await say();
  const hold = await until('the hold', async () => (await status()).settlement.hold, { timeout: 30_000 });
  check(/would refuse batch \d+ at its execution, so it is not committed: InsufficientChainBalance\(12, 0x0101.*, 5\)/.test(hold.reason), hold.reason);
  check(/asked again/.test(hold.remedy), hold.remedy);
  await until('the block says that it waits for it', async () => /hold/.test(JSON.stringify(await q('zks_getBlockFinality', '0x' + block.toString(16)))) || undefined);
  same((await w.counters(12)).committed, before);
  check(fault.hits >= 1, 'it was asked');
  proxy.clear();
  await settled(block);
  same((await status()).settlement.hold, null);
});

let refusedBlocks = [];
await t.test('a root that the Gateway does not keep is never imported; the chain goes on', async () => {
  await importsAtRest();
  const imported = (await status()).interop_roots.imported;
  proxy.fault(HISTORICAL_ROOT, { lie: () => ({ result: '0x' + '5a'.repeat(32) }) });
  await settled(await say());
  const s = await until('importing has stopped', async () => { const r = (await status()).interop_roots; return r.stopped ? r : false; }, { timeout: 30_000 });
  check(/is not the one the Gateway keeps/.test(s.problem), s.problem);
  same(s.imported, imported);
  await settled(await say());
  // both messages were executed; their blocks' roots were left out
  refusedBlocks = (await w.layer.logs('BlockExecution', { address: GW.diamonds[12] })).slice(-2).map((l) => num(l.blockNumber));
  proxy.clear();
});

await t.test('after a restart, with the truth told, every root that was left out is imported', async () => {
  await c12.stop();
  c12.start();
  await c12.ready();
  await importsAtRest();
  const storage = new Interface(['function interopRoots(uint256,uint256) view returns (bytes32)']);
  const of = async (b) => storage.decodeFunctionResult('interopRoots', await q('eth_call', { to: '0x0000000000000000000000000000000000010008', data: storage.encodeFunctionData('interopRoots', [GATEWAY, b]) }, 'latest'))[0];
  check(refusedBlocks.length >= 1, 'roots were left out');
  for (const b of refusedBlocks) same(await of(b), await w.layer.call(messageRoot, GW.messageRoot, 'historicalRoot', [b]), `block ${b}`);
  same((await status()).interop_roots.stopped, false);
});

await t.test('sends that are swallowed, lost or dropped, and answers that are garbage, cost time and nothing else', async () => {
  for (const action of [{ swallow: true }, { lose: true }, { drop: true }, { error: { code: -32000, message: 'already known' } }]) {
    proxy.fault('eth_sendRawTransaction', action, { times: 1 });
    await settled(await say(), 100_000);
  }
  proxy.fault('*', { garbage: '<html>' }, { times: 4 });
  proxy.fault('*', { status: 429, headers: { 'retry-after': '1' } }, { times: 2 });
  await settled(await say(), 100_000);
  proxy.clear();
  const mined = await w.operatorTransactions(12);
  same(doubleMined(mined), []);
  for (const m of mined) {
    same(m.does?.step, m.key, m.hash);
    same((await w.gateway.rpc.q('eth_getTransactionReceipt', m.hash)).status, '0x1');
  }
  const c = await w.rest(12);
  same([c.committed, c.proved], [c.executed, c.executed]);
});

await t.end();
