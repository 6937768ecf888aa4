// A chain starts from nothing: genesis, the upgrade transaction, the first batches on the real contracts.
import fs from 'node:fs';
import path from 'node:path';
import { DIAMOND, OPERATORS, decodeCommit, diamond, genesisRoot, settlementStep, storedHash } from '../lib/l1.mjs';
import { SHARED } from '../lib/paths.mjs';
import { doubleMined } from '../lib/proxy.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World, until } from '../lib/world.mjs';
import { AbiCoder, ZeroHash, keccak256 } from 'ethers';

const t = suite('01 genesis and batches');
const w = await World.create(t);
const effects = JSON.parse(fs.readFileSync(path.join(SHARED, 'vectors/l1/genesis-upgrade-effects-10.json'), 'utf8'));
const upgrades = JSON.parse(fs.readFileSync(path.join(SHARED, 'vectors/l1/genesis-upgrade-txs.json'), 'utf8'));
const upgrade = upgrades.find((u) => u.chainId === 10);
const EMPTY = keccak256('0x');
const q = (...a) => w.node.rpc.q(...a);

await t.need('the node becomes ready on an L1 it knows only the Bridgehub of', () => w.start());

await t.test('the genesis root equals the file and the hash L1 stores for batch 0', async () => {
  const g = await q('zks_getGenesis');
  same(g.genesis_root, genesisRoot());
  const one = '0x' + '1'.padStart(64, '0');
  same(storedHash([0, g.genesis_root, 0, 0, EMPTY, ZeroHash, ZeroHash, 0, one]), await w.l1.storedBatchHash(0));
});

await t.test('block 0 has the genesis header', async () => {
  const b = await q('eth_getBlockByNumber', '0x0', false);
  same(b.hash, '0xef97917ce9bd9fa7d12ad6a8d81ea26c80ac1d727acc37cbb9799ae199788dc5');
  same(num(b.gasLimit), 5000);
  same(num(b.baseFeePerGas), 1_000_000_000);
});

await t.test('block 1 begins with the genesis upgrade transaction, then names the settlement layer', async () => {
  await until('block 1', async () => (await w.node.blockNumber()) >= 1);
  const b = await q('eth_getBlockByNumber', '0x1', true);
  same(b.transactions[0].hash, upgrade.canonicalHash);
  same(b.transactions[0].hash, await w.l1.call(diamond, DIAMOND, 'getL2SystemContractsUpgradeTxHash'));
  same(b.transactions[0].type, '0x7e');
  same(b.transactions[1].type, '0x7d');
  same(b.transactions.length, 2);
  same(await q('eth_getStorageAt', '0x000000000000000000000000000000000000800b', '0x0', '0x1'), '0x' + (31337).toString(16).padStart(64, '0'));
});

await t.test('the upgrade leaves the logs of the recorded run', async () => {
  const r = await q('eth_getTransactionReceipt', upgrade.canonicalHash);
  same(r.status, '0x1');
  same(r.l2ToL1Logs.length, 0);
  const plain = (l) => ({ address: l.address.toLowerCase(), topics: l.topics, data: l.data });
  same(r.logs.map(plain), effects.logs.map(plain));
});

await t.test('the upgrade leaves the storage and code of the recorded run, hooks apart', async () => {
  let compared = 0;
  const hooks = ['0x0000000000000000000000000000000000007001', '0x0000000000000000000000000000000000007002', '0x0000000000000000000000000000000000007100'];
  for (const [address, post] of Object.entries(effects.post)) {
    if (hooks.includes(address)) continue;
    for (const [slot, value] of Object.entries(post.storageChanged ?? {})) {
      // the settlement layer notice behind the upgrade writes this one again
      if (address === '0x000000000000000000000000000000000000800b' && BigInt(slot) === 0n) continue;
      same(await q('eth_getStorageAt', address, slot, '0x1'), value, `${address} slot ${slot}`);
      compared++;
    }
    if (post.code) same(keccak256(await q('eth_getCode', address, '0x1')), post.codeKeccak ?? keccak256(post.code), address);
  }
  check(compared > 50, `only ${compared} slots compared`);
});

await t.test('the priority request that waited on L1 is executed, in order, after the upgrade', async () => {
  const requests = await w.l1.logs('NewPriorityRequest');
  check(requests.length >= 1, 'the recorded L1 has no waiting request');
  for (const r of requests) {
    const receipt = await w.node.receipt(r.args.txHash);
    same(receipt.status, '0x1');
    const log = receipt.l2ToL1Logs.at(-1);
    same([BigInt(log.sender), log.key, BigInt(log.value)], [0x8001n, r.args.txHash, 1n]);
  }
});

await t.need('batch 1 is committed, proved and executed on the real contracts', () => w.l1.executed(1, 60_000));

await t.test('batch 1 is the upgrade block alone, and its hash is the one L1 stores', async () => {
  const [log] = await w.l1.logs('BlockCommit', { topics: ['0x' + '1'.padStart(64, '0')] });
  const tx = await w.l1.rpc.q('eth_getTransactionByHash', log.transactionHash);
  const { batch } = decodeCommit(settlementStep(tx).data);
  same([Number(batch.firstBlockNumber), Number(batch.lastBlockNumber)], [1, 1]);
  same([Number(batch.numberOfLayer1Txs), Number(batch.numberOfLayer2Txs)], [0, 1]);
  const pack = (...p) => '0x' + p.map((x) => x.slice(2)).join('');
  const word = (n) => AbiCoder.defaultAbiCoder().encode(['uint256'], [n]);
  const u64 = (n) => '0x' + BigInt(n).toString(16).padStart(16, '0');
  const output = keccak256(pack(word(10), u64(batch.firstBlockTimestamp), u64(batch.lastBlockTimestamp), word(batch.daCommitmentScheme), batch.daCommitment, word(batch.numberOfLayer1Txs), word(batch.numberOfLayer2Txs), batch.priorityOperationsHash, batch.l2LogsTreeRoot, upgrade.canonicalHash, batch.dependencyRootsRollingHash, word(31337)));
  same(log.args.commitment, output);
  same(storedHash([1, batch.newStateCommitment, 0, batch.numberOfLayer1Txs, batch.priorityOperationsHash, batch.dependencyRootsRollingHash, batch.l2LogsTreeRoot, 0, output]), await w.l1.storedBatchHash(1));
});

await t.test('after execution L1 no longer waits for the upgrade', async () => {
  same(await w.l1.call(diamond, DIAMOND, 'getL2SystemContractsUpgradeTxHash'), ZeroHash);
});

await t.test('a deposit makes batch 2, executed as well', async () => {
  await w.fund();
  const c = await w.l1.executed(2, 60_000);
  check(c.committed >= c.proved && c.proved >= c.executed, JSON.stringify(c));
});

await t.test('the node knows what L1 knows: finality of batches, blocks and transactions', async () => {
  const c = await w.l1.counters();
  await until('the node has seen it', async () => (await q('zks_getFinalityStatus')).lastExecutedBatch >= c.executed);
  const f = await q('zks_getBatchFinality', 1);
  check(['executed', 'finalized'].includes(f.stage), JSON.stringify(f));
  same(f.batchNumber, 1);
  const b = await q('zks_getBlockFinality', '0x1');
  same([b.blockNumber, b.batchNumber], [1, 1]);
  check(['executed', 'finalized'].includes(b.stage), JSON.stringify(b));
  const x = await q('zks_getTransactionFinality', upgrade.canonicalHash);
  check(['executed', 'finalized'].includes(x.stage), JSON.stringify(x));
  same(await q('zks_getBatchFinality', 1_000_000), null);
  same(await q('zks_getTransactionFinality', ZeroHash), null);
});

await t.test('safe is the last committed block, finalized the last executed one', async () => {
  const ranges = await w.l1.logs('ReportCommittedBatchRangeZKsyncOS');
  await until('the tags meet L1', async () => {
    const c = await w.l1.counters();
    const last = (n) => Number(ranges.find((r) => Number(r.args.batchNumber) === n)?.args.lastBlockNumber ?? -1);
    const [safe, finalized] = await Promise.all(['safe', 'finalized'].map((tag) => q('eth_getBlockByNumber', tag, false)));
    return num(safe.number) === last(c.committed) && num(finalized.number) === last(c.executed);
  }, { timeout: 20_000 });
});

await t.test('zks_getL1BatchDetails names the three transactions of a batch', async () => {
  const d = await until('the details are complete', async () => {
    const d = await q('zks_getL1BatchDetails', 1);
    return d?.executeTxHash ? d : false;
  });
  const mined = await w.l1.operatorTransactions(w.firstBlock);
  const of = (step) => mined.find((m) => m.does?.step === step && m.does.from <= 1 && m.does.to >= 1);
  same([d.commitTxHash, d.proveTxHash, d.executeTxHash], [of('commit').hash, of('prove').hash, of('execute').hash]);
  same(d.status, 'verified');
  same(d.number, 1);
  check(/^\d{4}-\d\d-\d\dT.*Z$/.test(d.committedAt), d.committedAt);
  same(await q('zks_getL1BatchBlockRange', 1), ['0x1', '0x1']);
});

await t.test('each key did its own step only, and nothing twice', async () => {
  const mined = await w.l1.operatorTransactions(w.firstBlock);
  check(mined.length >= 6, `only ${mined.length} transactions`);
  for (const m of mined) {
    same(m.does?.step, m.key, m.hash);
    same((await w.l1.rpc.q('eth_getTransactionReceipt', m.hash)).status, '0x1');
  }
  same(doubleMined(mined), []);
  same(Object.keys(OPERATORS).filter((k) => !mined.some((m) => m.key === k)), []);
});

await t.test('a stop with SIGTERM ends within seconds with code 0, and a restart goes on', async () => {
  const before = await w.node.blockNumber(), hash = (await q('eth_getBlockByNumber', hex(before), false)).hash;
  const end = await w.node.stop();
  same(end.code, 0);
  await w.start();
  same(await w.node.blockNumber(), before);
  same((await q('eth_getBlockByNumber', hex(before), false)).hash, hash);
  await w.fund();
  check((await w.node.blockNumber()) > before, 'no block after the restart');
});

await t.end();
