// A Gateway of our own on the real contracts: chain 11 settles on L1, chain 12 settles on chain 11, both killed on the
// way. Then every layer is asked what it has, checkers that share no code rebuild both chains, and the contracts refuse
// altered executions.
import path from 'node:path';
import { AbiCoder, ContractFactory, Interface, JsonRpcProvider, NonceManager, Wallet, ZeroHash, keccak256, parseEther } from 'ethers';
import { contracts } from '../lib/contracts.mjs';
import { GATEWAY, GW, GatewayWorld, MEMBER_OPERATORS, chainNode, messageRoot, until } from '../lib/gateway.mjs';
import { ADMIN, BRIDGEHUB, DIAMONDS, USER, account, decodeCommit, diamond, settlementStep, storedHash, timelock } from '../lib/l1.mjs';
import { GATEHOUSE, GENESIS, SHARED, TOP } from '../lib/paths.mjs';
import { freePorts, must, run } from '../lib/process.mjs';
import { doubleMined } from '../lib/proxy.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';

const t = suite('15 Gateway');
// Chain 12 takes the price of pubdata from the Gateway, and calls final what is executed in a block the Gateway calls final.
const w = await GatewayWorld.create(t, { chains: [12], changesOf: { 12: { 'sequencer.pubdata_price_override': undefined, 'fee.base_token_usd': '3000', 'rpc.finalized_mode': 'l1_finalized' } } });
const KILLS = process.env.GH_LONG ? 24 : 4;
const gw = w.gateway, c12 = w.chains[12], q = (...a) => c12.rpc.q(...a);

// What executions carry, decoded by ethers.
const EXECUTE = ['(uint64,bytes32,uint64,uint256,bytes32,bytes32,bytes32,uint256,bytes32)[]', '(bytes32[],bytes32[],bytes32[])[]', '(uint256,uint256,bytes32[])[][]', '(uint8,bool,uint16,address,bytes32,bytes32)[][]', 'bytes[][]', 'bytes32[]', 'address'];
const coder = AbiCoder.defaultAbiCoder();
const plain = (r) => (r?.toArray ? r.toArray().map(plain) : r);
const executions = (mined) => mined.filter((x) => x.does?.step === 'execute').map((m) => ({ ...m, data: plain(coder.decode(EXECUTE, '0x' + m.does.data.slice(4))) }));

await t.test('without general.gateway_rpc_url the node of a chain on a Gateway refuses, and says what it needs', async () => {
  const [rpc, status, metrics] = await freePorts(3);
  const other = chainNode({ dir: path.join(w.dir, 'no-url'), id: 12, ports: { rpc, status, metrics }, l1Url: w.l1.url }).start();
  const text = await other.refusal(30_000);
  check(/settles on chain 11.*general\.gateway_rpc_url/.test(text), text.slice(-500));
});

await t.need('both nodes are up, chain 12 before its Gateway has anything', async () => { c12.start(); await c12.ready(); gw.start(); await gw.ready(); });

await t.test('the Gateway executes the upgrade, then the 48 recorded requests in order', async () => {
  const requests = (await w.l1.logs('NewPriorityRequest', { address: DIAMONDS[GATEWAY] })).slice(0, 48);
  let at = 0;
  for (const [i, r] of requests.entries()) {
    same(Number(r.args.txId), i);
    const receipt = await gw.receipt(r.args.txHash);
    same(receipt.status, '0x1', `request ${i}`);
    const place = num(receipt.blockNumber) * 100_000 + num(receipt.transactionIndex);
    check(place > at, `request ${i} is out of order`);
    at = place;
  }
  same((await gw.rpc.q('eth_getBlockByNumber', '0x1', true)).transactions.map((x) => x.type), ['0x7e', '0x7d']);
});

await t.test('block 1 of chain 12 is its upgrade and the notice that it settles on chain 11', async () => {
  await until('block 1', async () => (await c12.blockNumber()) >= 1);
  const b = await q('eth_getBlockByNumber', '0x1', true);
  same(b.transactions.map((x) => x.type), ['0x7e', '0x7d']);
  same(b.transactions[0].hash, await w.l1.call(diamond, DIAMONDS[12], 'getL2SystemContractsUpgradeTxHash'));
  same(await q('eth_getStorageAt', '0x000000000000000000000000000000000000800b', '0x0', '0x1'), '0x' + (11).toString(16).padStart(64, '0'));
});

await t.need('batches of chain 12 are committed, proved and executed on chain 11', () => w.executed(12, 2, 60_000));
await t.need('a deposit from L1 reaches chain 12 over the Gateway', () => w.deposit(12, { value: parseEther('20') }));

let p, wallet;
await t.need('L2 transactions on chain 12, a withdrawal and messages among them, while both nodes are killed', async () => {
  const { Work } = contracts();
  p = new JsonRpcProvider(c12.url, 12, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 100 });
  t.cleanup(() => p.destroy());
  wallet = new NonceManager(new Wallet(USER.privateKey, p));
  const work = await new ContractFactory(Work.abi, Work.bytecode, wallet).deploy();
  await work.waitForDeployment();
  const withdraw = new Interface(['function withdraw(address) payable', 'function sendToL1(bytes)']);
  const g = { gasLimit: 2_000_000n };
  for (let round = 0; round < KILLS; round++) {
    const sent = [
      await wallet.sendTransaction({ to: account(20 + round).address, value: 5n, ...g }),
      await work.fill(round * 9, 9, g),
      await wallet.sendTransaction({ to: '0x000000000000000000000000000000000000800A', value: 1000n + BigInt(round), data: withdraw.encodeFunctionData('withdraw', [account(9).address]), ...g }),
      await wallet.sendTransaction({ to: '0x0000000000000000000000000000000000008008', data: withdraw.encodeFunctionData('sendToL1', ['0x' + 'c3'.repeat(50 * (round % 5))]), ...g }),
    ];
    for (const x of sent) same((await c12.receipt(x.hash)).status, '0x1', `round ${round}`);
    if (round === 0) await w.deposit(12, { to: account(30).address, value: 7n });
    const dies = [c12, gw][round % 2], at = Date.now() + 150 + 350 * (round % 6);
    await until('a moment in which something is under way', () => Date.now() >= at, { every: 5 });
    await dies.kill();
    dies.start();
    await dies.ready();
    const head = await c12.blockNumber();
    await until('the round is executed', async () => (await q('zks_getFinalityStatus')).lastExecutedBlock >= head, { timeout: 60_000 });
  }
});

// Blocks of the Gateway with batches of chain 12: do any of them have logs?
const NO_LOGS_12 = '0xe6a53611199aa62ed010587e23079351c21988f94370d5135ea253e7fa821857'; // vectors/settlement/gateway_v31.json
async function appendedBlocks() {
  const blocks = new Map();
  for (const l of await w.layer.logs('AppendedChainBatchRoot', { address: GW.messageRoot, iface: messageRoot })) {
    const n = num(l.blockNumber);
    blocks.set(n, (blocks.get(n) ?? false) || l.args.chainBatchRoot !== NO_LOGS_12);
  }
  return blocks;
}

let last12, last11;
await t.need('both chains come to rest, imports of roots included: all counters equal on both layers', async () => {
  // an import makes a batch of its own, which has no logs, so nothing follows it
  await until('every root is imported and settled', async () => {
    await w.rest(12);
    const newest = [...await appendedBlocks()].filter(([, has]) => has).at(-1)[0];
    return JSON.parse((await c12.get('/status')).text).interop_roots.last_block >= newest;
  }, { timeout: 90_000 });
  last12 = (await w.rest(12)).executed;
  last11 = (await w.rest(GATEWAY)).executed;
  check(last12 >= 5 && last11 >= 5, `${last12} and ${last11} batches`);
});

await t.test('final is what the Gateway executed in a block whose batch is executed on L1', async () => {
  const finalized = async () => JSON.parse((await c12.get('/status')).text).settlement.frontiers.finalized.batch;
  await until('all is final', async () => (await finalized()) === last12, { timeout: 20_000 });
  const head = num((await gw.rpc.q('eth_getBlockByNumber', 'finalized', false)).number);
  const executed = (await w.layer.logs('BlockExecution', { address: GW.diamonds[12] })).map((l) => num(l.blockNumber));
  check(executed.every((b) => b <= head), `${executed} and ${head}`);
});

await t.test('chain 12 asks for a byte of pubdata what the Gateway asks', async () => {
  const price = async (node) => (await node.rpc.q('eth_feeHistory', '0x1', 'latest', [])).pubdataPricePerByte.at(-1);
  same(await price(c12), await price(gw));
  check(BigInt(await price(gw)) > 0n, 'a price');
});

// What the layer has of every batch of a chain, against what the chain's own node says.
async function compare(id, layer, address, node, to) {
  const commits = await layer.logs('BlockCommit', { address });
  let next = 1;
  const { executed } = await w.counters(id);
  for (let n = 1; n <= executed; n++) {
    const commit = commits.findLast((l) => Number(l.args.batchNumber) === n);
    const { batch } = decodeCommit(settlementStep(await layer.rpc.q('eth_getTransactionByHash', commit.transactionHash), to).data);
    const mine = await node.rpc.q('zks_getL1BatchDetails', n), own = await node.rpc.q('zks_getBatchByNumber', n);
    same([Number(batch.firstBlockNumber), Number(batch.chainId)], [next, id], `batch ${n}`);
    next = Number(batch.lastBlockNumber) + 1;
    same(Number(batch.slChainId), id === GATEWAY ? 31337 : GATEWAY);
    same([mine.commitTxHash, mine.rootHash], [commit.transactionHash, batch.newStateCommitment]);
    same([mine.l1TxCount, mine.l2TxCount], [Number(batch.numberOfLayer1Txs), Number(batch.numberOfLayer2Txs)]);
    same(own.batch_info.l2_to_l1_logs_root_hash, batch.l2LogsTreeRoot);
    same(await layer.call(diamond, address, 'l2LogsRootHash', [n]), batch.l2LogsTreeRoot);
    same(await w.chainBatchRoot(id, n), batch.l2LogsTreeRoot);
    same(storedHash([n, batch.newStateCommitment, 0, batch.numberOfLayer1Txs, batch.priorityOperationsHash, batch.dependencyRootsRollingHash, batch.l2LogsTreeRoot, 0, commit.args.commitment]), await layer.call(diamond, address, 'storedBatchHash', [n]));
  }
  same(next - 1, await node.blockNumber());
}
await t.test('the Gateway has our hash, range, counts and roots for every batch of chain 12', () => compare(12, w.layer, GW.diamonds[12], c12, GW.timelock));
await t.test('L1 has them for every batch of chain 11', () => compare(GATEWAY, w.l1, DIAMONDS[GATEWAY], gw));

await t.test('priority operations: relayed once each, executed once each, as many as L1 has', async () => {
  const onL1 = await w.l1.logs('NewPriorityRequest', { address: DIAMONDS[12] });
  const total = Number(await w.l1.call(diamond, DIAMONDS[12], 'getTotalPriorityTxs'));
  same(onL1.length, total);
  same(Number(await w.layer.call(diamond, GW.diamonds[12], 'getTotalPriorityTxs')), total);
  same(Number(await w.layer.call(diamond, GW.diamonds[12], 'getFirstUnprocessedPriorityTx')), total);
  for (const r of onL1) same((await c12.receipt(r.args.txHash)).status, '0x1');
});

const blocksOf = async (node) => { const all = []; for (let n = 1; n <= await node.blockNumber(); n++) all.push(await node.rpc.q('eth_getBlockByNumber', hex(n), true)); return all; };
await t.test('chain 11 aggregates: its message root has the batches of chain 12, its own batch root is made with it', async () => {
  same(Number(await w.layer.call(messageRoot, GW.messageRoot, 'currentChainBatchNumber', [12])), last12);
  const appended = await w.layer.logs('AppendedChainBatchRoot', { address: GW.messageRoot, iface: messageRoot });
  same(appended.map((l) => [Number(l.args.chainId), Number(l.args.batchNumber)]), Array.from({ length: last12 }, (_, i) => [12, i + 1]));
  const { number } = (await blocksOf(gw)).at(-1);
  const historical = await w.layer.call(messageRoot, GW.messageRoot, 'historicalRoot', [num(appended.at(-1).blockNumber)]);
  same(await w.layer.call(messageRoot, GW.messageRoot, 'getAggregatedRoot', [], number), historical);
  const empty = await w.layer.call(messageRoot, GW.messageRoot, 'getEmptyMultichainBatchRoot', [12]);
  const x = executions(await w.operatorTransactions(12)).at(-1);
  same(x.data[5], Array(x.data[0].length).fill(empty));
});

await t.test('chain 12 imports the root of every Gateway block with a batch that has logs, and no other; its batches depend on exactly these', async () => {
  const storage = new Interface(['function interopRoots(uint256,uint256) view returns (bytes32)']);
  const wanted = await appendedBlocks();
  check([...wanted.values()].filter(Boolean).length >= 3, `${[...wanted]}`);
  for (const [block, has] of wanted) {
    const stored = storage.decodeFunctionResult('interopRoots', await q('eth_call', { to: '0x0000000000000000000000000000000000010008', data: storage.encodeFunctionData('interopRoots', [GATEWAY, block]) }, 'latest'))[0];
    same(stored, has ? await w.layer.call(messageRoot, GW.messageRoot, 'historicalRoot', [block]) : ZeroHash, `block ${block}`);
  }
  const listed = executions(await w.operatorTransactions(12)).flatMap((x) => x.data[2].flat()).map(([chain, block, sides]) => [Number(chain), Number(block), sides.length]);
  same(listed, [...wanted].filter(([, has]) => has).map(([block]) => [GATEWAY, block, 1]));
  const s = JSON.parse((await c12.get('/status')).text).interop_roots;
  same([s.waiting, s.stopped], [0, false]);
});

for (const [id, layer] of [[GATEWAY, w.l1], [12, w.layer]]) {
  await t.test(`no step of chain ${id} was sent twice, none reverted, each key did its own`, async () => {
    const mined = await w.operatorTransactions(id);
    same(doubleMined(mined), []);
    check(mined.length >= 9, `only ${mined.length} transactions`);
    for (const m of mined) {
      same(m.does?.step, m.key, m.hash);
      same((await layer.rpc.q('eth_getTransactionReceipt', m.hash)).status, '0x1');
    }
  });
}

const checker = path.join(TOP, 'tests/e2e/checker/check_state.py');
const model = ['--genesis', GENESIS, '--model', path.join(SHARED, 'vectors/state')];
await t.test('a checker that knows L1 alone rebuilds every batch of chain 11, aggregated roots included', async () => {
  const out = await must('python3', [checker, '--l1', w.l1.url, '--diamond', DIAMONDS[GATEWAY], ...model, '--batches', String(last11)], { timeout: 120_000 });
  console.log('# ' + out.trim().split('\n').at(-1));
});
await t.test('the same checker rebuilds every batch of chain 12 from what the Gateway has', async () => {
  const out = await must('python3', [checker, '--l1', w.l1.url, '--diamond', DIAMONDS[12], '--layer', gw.url, '--layer-diamond', GW.diamonds[12], ...model, '--batches', String(last12)], { timeout: 120_000 });
  console.log('# ' + out.trim().split('\n').at(-1));
});

// ---- the contracts refuse what is not exactly the batch ----

await t.test('the execution that was accepted passes on the state before it; altered ones are refused by name', async () => {
  const x = executions(await w.operatorTransactions(12)).filter((m) => m.data[4][0].length >= 2).at(-1);
  check(x, 'an execution with two messages');
  const attempt = (change) => {
    const d = structuredClone(x.data);
    change(d);
    const data = timelock.encodeFunctionData('executeBatchesSharedBridge', [GW.diamonds[12], x.does.from, x.does.to, '0x01' + coder.encode(EXECUTE, d).slice(2)]);
    return gw.rpc.answer('eth_call', { from: MEMBER_OPERATORS[12].execute.address, to: GW.timelock, data, gas: hex(60_000_000) }, hex(x.block - 1));
  };
  const good = await attempt(() => {});
  same(good.result, '0x', JSON.stringify(good.error));
  const cases = [
    ['a log and its message missing', (d) => { d[3][0].pop(); d[4][0].pop(); }, 'ReconstructionMismatch(bytes32,bytes32)'],
    ['logs in another order', (d) => d[3][0].reverse(), null],
    ['a message without its log', (d) => d[3][0].pop(), 'InvalidMessage()'],
    ['a message missing', (d) => d[4][0].pop(), 'Panic(uint256)'],
    ['another message', (d) => { d[4][0][0] += '00'; }, 'InvalidMessage()'],
    ['no multichain root', (d) => { d[5][0] = ZeroHash; }, 'InvalidEmptyMultichainBatchRoot(bytes32,bytes32)'],
    ['no logs at all', (d) => { d[3] = []; d[4] = []; d[5] = []; }, 'InvalidBatchesDataLength(uint256,uint256)'],
    ['not a service log', (d) => { d[3][0].find((l) => BigInt(l[3]) === 0x8008n)[1] = false; }, 'InvalidServiceLog()'],
    ['a result of an unknown operation', (d) => d[3][0].unshift([0, true, 1, '0x0000000000000000000000000000000000008001', '0x' + '4d'.padStart(64, '0'), '0x' + '1'.padStart(64, '0')]), 'InvalidCanonicalTxHash(bytes32)'],
    ['an interop root that the batch does not depend on', (d) => { d[2][0] = [[11, x.block - 1, ['0x' + '09'.padStart(64, '0')]]]; }, null],
  ];
  for (const [what, change, error] of cases) {
    const a = await attempt(change);
    check(a.error, `${what}: accepted`);
    if (error) same(a.error.data?.slice(0, 10), error === 'Panic(uint256)' ? '0x4e487b71' : new Interface(['error ' + error]).getError(error.split('(')[0]).selector, what);
  }
});

await t.test('an execution whose interop roots are altered is refused by name', async () => {
  const x = executions(await w.operatorTransactions(12)).filter((m) => m.data[2][0].length > 0).at(-1);
  check(x, 'an execution with roots');
  const attempt = (change) => {
    const d = structuredClone(x.data);
    change(d[2][0]);
    const data = timelock.encodeFunctionData('executeBatchesSharedBridge', [GW.diamonds[12], x.does.from, x.does.to, '0x01' + coder.encode(EXECUTE, d).slice(2)]);
    return gw.rpc.answer('eth_call', { from: MEMBER_OPERATORS[12].execute.address, to: GW.timelock, data, gas: hex(60_000_000) }, hex(x.block - 1));
  };
  same((await attempt(() => {})).result, '0x');
  const cases = [
    ['one missing', (roots) => roots.pop(), 'DependencyRootsRollingHashMismatch(bytes32,bytes32)'],
    ['another root', (roots) => { roots[0][2] = ['0x' + '09'.padStart(64, '0')]; }, 'InvalidMessageRoot(bytes32,bytes32)'],
    ['a block without one', (roots) => { roots[0][1] = 1_000_000n; }, 'MessageRootIsZero()'],
    ['another chain', (roots) => { roots[0][0] = 31337n; }, 'CommitBasedInteropNotSupported()'],
  ];
  for (const [what, change, error] of cases) {
    const a = await attempt(change);
    same(a.error?.data?.slice(0, 10), new Interface(['error ' + error]).getError(error.split('(')[0]).selector, what);
  }
});

await t.test('status says where both stand: the layer, its endpoint, nothing on hold', async () => {
  const s = JSON.parse((await c12.get('/status')).text), g = JSON.parse((await gw.get('/status')).text);
  same([s.settlement_layer.chain_id, s.settlement_layer.is_gateway, s.settlement.hold], [11, true, null]);
  same(s.gateway.endpoints[0].state, 'good');
  same([g.settlement_layer.chain_id, g.settlement_layer.is_gateway, g.settlement.hold], [31337, false, null]);
});

// What a migration changes on L1, written into the Bridgehub's storage (mapping settlementLayer at 216, whitelist at
// 217); the announcement is the real one, and it is what makes the node look.
await t.test('a chain that moves away while its node runs is held in words; moved back, or whitelisted again, it goes on', async () => {
  const notifier = new Interface(['function chainTypeManager(uint256) view returns (address)', 'function serverNotifierAddress() view returns (address)', 'function migrateFromGateway(uint256)']);
  const to = await w.l1.call(notifier, await w.l1.call(notifier, BRIDGEHUB, 'chainTypeManager', [12]), 'serverNotifierAddress');
  const set = (key, base, value) => w.l1.rpc.q('anvil_setStorageAt', BRIDGEHUB, keccak256(coder.encode(['uint256', 'uint256'], [key, base])), '0x' + value.toString(16).padStart(64, '0'));
  const held = async () => JSON.parse((await c12.get('/status')).text).settlement.hold;
  await set(12, 216, 31337);
  await w.l1.send(ADMIN.address, to, notifier.encodeFunctionData('migrateFromGateway', [12]));
  const moved = await until('the hold', held, { timeout: 20_000 });
  check(/settles on chain 31337 now/.test(moved.reason) && /move the chain back/.test(moved.remedy), JSON.stringify(moved));
  const before = (await w.counters(12)).committed;
  const tx = await wallet.sendTransaction({ to: account(41).address, value: 1n, gasLimit: 200_000n });
  same((await c12.receipt(tx.hash)).status, '0x1');
  await until('its batch is sealed', async () => (await q('zks_getFinalityStatus')).lastSealedBlock >= (await c12.blockNumber()));
  same((await w.counters(12)).committed, before);
  await set(GATEWAY, 217, 0);
  await set(12, 216, GATEWAY);
  await until('the whitelist is the reason', async () => /chain 11 is not a settlement layer any more/.test((await held())?.reason), { timeout: 20_000 });
  await set(GATEWAY, 217, 1);
  await until('the hold is lifted', async () => (await held()) === null || undefined, { timeout: 20_000 });
  last12 = (await w.rest(12)).executed;
});

await t.test('gatehouse status shows both nodes at once, one object a line with --json', async () => {
  const text = await must(GATEHOUSE, ['status', gw.config, c12.config]);
  check(/chain 11 .*settles on L1 31337[^]*chain 12 .*settles on Gateway 11/.test(text), text);
  const lines = (await must(GATEHOUSE, ['status', '--json', gw.config, c12.config])).trim().split('\n').map((l) => JSON.parse(l));
  same(lines.map((l) => l.chainId), [11, 12]);
  const both = await run(GATEHOUSE, ['status', '--config', gw.config, c12.config]);
  same(both.code, 2, both.all);
});

await t.test('a Gateway that does not answer stops neither blocks nor L1; settlement says what it waits for and goes on after', async () => {
  await gw.stop();
  const tx = await wallet.sendTransaction({ to: account(40).address, value: 1n, gasLimit: 200_000n });
  same((await c12.receipt(tx.hash)).status, '0x1');
  await until('the wait is explained', async () => {
    const f = await q('zks_getTransactionFinality', tx.hash);
    return /settlement layer/.test(JSON.stringify(f)) ? f : false;
  }, { timeout: 30_000 });
  gw.start();
  await gw.ready();
  await until('it is executed', async () => (await q('zks_getFinalityStatus')).lastExecutedBlock >= (await c12.blockNumber()), { timeout: 60_000 });
});

await t.end();
