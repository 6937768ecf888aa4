// The run all DA modes share: mixed traffic until so many batches are executed, then everything compared.
import { ContractFactory, parseEther } from 'ethers';
import { contracts } from './contracts.mjs';
import { DIAMOND, OPERATORS, USER, account, decodeCommit, diamond, settlementStep } from './l1.mjs';
import { doubleMined } from './proxy.mjs';
import { num } from './rpc.mjs';
import { check, same } from './suite.mjs';
import { until } from './wait.mjs';
import { World } from './world.mjs';

// Transfers, tokens, creations, failures, deletions, withdrawals and deposits, until `done` says so.
export async function mixedTraffic(w, done) {
  const { Token, Work, Child } = contracts(), wallet = w.managed();
  const token = await new ContractFactory(Token.abi, Token.bytecode, wallet).deploy('Mixed', 'MIX', 10n ** 24n);
  const work = await new ContractFactory(Work.abi, Work.bytecode, wallet).deploy();
  await Promise.all([token.waitForDeployment(), work.waitForDeployment()]);
  const to = (i) => account(20 + (i % 40)).address;
  const g = { gasLimit: 2_000_000n };
  const acts = [
    (i) => wallet.sendTransaction({ to: to(i), value: BigInt(i + 1) * 1000n, gasLimit: 200_000n }),
    (i) => token.transfer(to(i), BigInt(i) + 1n, g),
    (i) => work.fill(i * 7, 7, g),
    (i) => work.clear(i * 5, 9, g),
    () => wallet.sendTransaction({ to: work.target, data: work.interface.encodeFunctionData('failWithError'), ...g }),
    (i) => work.createChild('0x' + (i + 1).toString(16).padStart(64, '0'), g),
    (i) => new ContractFactory(Child.abi, Child.bytecode, wallet).deploy(i, { gasLimit: 3_000_000n, value: 5n }).then((c) => c.deploymentTransaction()),
    (i) => work.shout(i, '0x' + 'c3'.repeat(i % 90), g),
    () => work.outer(g),
    () => work.transientOnly(g),
    (i) => work.loop(20 + i, g),
    () => wallet.sendTransaction({ to: work.target, value: 3n, gasLimit: 200_000n, type: 0 }),
    (i) => wallet.sendTransaction({ to: to(i), type: 1, accessList: [{ address: work.target, storageKeys: ['0x' + '0'.repeat(64)] }], gasLimit: 300_000n }),
    (i) => wallet.sendTransaction({ to: '0x000000000000000000000000000000000000800A', value: 7n, gasLimit: 2_000_000n, data: '0x51cff8d9' + to(i).slice(2).toLowerCase().padStart(64, '0') }),
    () => wallet.sendTransaction({ to: work.target, data: work.interface.encodeFunctionData('failInvalid'), gasLimit: 100_000n }),
    (i) => wallet.sendTransaction({ to: account(30 + i).address, value: 0n, gasLimit: 200_000n }),
  ];
  const hashes = [];
  for (let i = 0; !(await done()); i++) {
    const round = [];
    for (let k = 0; k < 4; k++) round.push((await acts[(4 * i + k) % acts.length](i)).hash);
    if (i % 5 === 2) await w.l1.request({ to: to(i), value: BigInt(i) * 10n ** 15n, from: account(6).address });
    for (const h of round) await w.node.receipt(h);
    hashes.push(...round);
    // Let a batch close before the next round: rounds, not transactions, make batches.
    const blocks = await w.node.blockNumber();
    await until('the batch with this round is sealed', async () => {
      const b = await w.node.rpc.q('zks_getBlockFinality', '0x' + blocks.toString(16));
      return b?.batchNumber !== null && b?.batchNumber !== undefined;
    }, { timeout: 30_000 });
  }
  return hashes;
}

export const twentyBatches = (t, da) => batches(t, 20, { da });

export async function batches(t, COUNT, options) {
  const w = await World.create(t, { batchTimeout: '1s', changes: { 'rpc.debug_namespace': true }, ...options });
  options.before?.(w);
  await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(USER.address, parseEther('1000')); });
  let hashes;
  await t.need(`${COUNT} batches of mixed traffic are executed on L1`, async () => {
    hashes = await mixedTraffic(w, async () => (await w.l1.counters()).committed >= COUNT);
    await w.l1.executed(COUNT, 120_000);
  });
  await t.need('settlement comes to rest: all three counters equal', async () => {
    await until('all committed batches are executed', async () => {
      const c = await w.l1.counters(), f = await w.node.rpc.q('zks_getFinalityStatus');
      return c.committed === c.executed && f.lastExecutedBatch === c.executed && f.lastExecutedBlock === f.lastSealedBlock;
    }, { timeout: 90_000 });
  });

  await t.test('every batch L1 stores has our hash, range, counts and root', async () => {
    const c = await w.l1.counters(), commits = await w.l1.logs('BlockCommit'), ranges = await w.l1.logs('ReportCommittedBatchRangeZKsyncOS');
    same(commits.length, c.committed);
    let next = 1;
    for (let n = 1; n <= c.committed; n++) {
      const commit = commits.find((l) => Number(l.args.batchNumber) === n), range = ranges.find((l) => Number(l.args.batchNumber) === n).args;
      same(Number(range.firstBlockNumber), next, `first block of batch ${n}`);
      next = Number(range.lastBlockNumber) + 1;
      const mine = await w.node.rpc.q('zks_getBatchByNumber', n);
      check(mine, `the node does not know batch ${n}`);
      same(await w.node.rpc.q('zks_getL1BatchBlockRange', n), ['0x' + range.firstBlockNumber.toString(16), '0x' + range.lastBlockNumber.toString(16)]);
      const details = await w.node.rpc.q('zks_getL1BatchDetails', n);
      same(details.commitTxHash, commit.transactionHash);
      const { batch } = decodeCommit(settlementStep(await w.l1.rpc.q('eth_getTransactionByHash', commit.transactionHash)).data);
      same([details.l1TxCount, details.l2TxCount], [Number(batch.numberOfLayer1Txs), Number(batch.numberOfLayer2Txs)]);
      same(details.rootHash, batch.newStateCommitment);
      same(await w.l1.call(diamond, DIAMOND, 'l2LogsRootHash', [n]), batch.l2LogsTreeRoot);
      let l1 = 0, l2 = 0;
      for (let b = Number(range.firstBlockNumber); b < next; b++) {
        for (const x of (await w.node.rpc.q('eth_getBlockByNumber', '0x' + b.toString(16), true)).transactions) {
          if (x.type === '0x7f') l1++;
          else if (x.type !== '0x7e') l2++;
        }
      }
      same([l1, l2], [Number(batch.numberOfLayer1Txs), Number(batch.numberOfLayer2Txs)], `transactions of batch ${n}`);
    }
    same(next - 1, await w.node.blockNumber());
  });

  await t.test('zks_getProof of the last batch leads to storedBatchHash', async () => {
    const n = (await w.l1.counters()).executed, at = '0x0000000000000000000000000000000000008003';
    const slot = '0x' + USER.address.slice(2).toLowerCase().padStart(64, '0');
    const p = await w.node.rpc.q('zks_getProof', at, [slot, '0x' + 'fe'.repeat(32)], n);
    same(p.l1VerificationData.batchNumber, n);
    const { verifyBatchProof } = await import('./proofs.mjs');
    same(verifyBatchProof(p), await w.l1.storedBatchHash(n));
    same(p.storageProofs.map((x) => x.proof.type), ['existing', 'nonExisting']);
  });

  await t.test('all three keys did their own work, nothing was sent twice, nothing reverted', async () => {
    const mined = await w.l1.operatorTransactions(w.firstBlock);
    same(doubleMined(mined), []);
    for (const m of mined) {
      same(m.does?.step, m.key);
      same((await w.l1.rpc.q('eth_getTransactionReceipt', m.hash)).status, '0x1', `${m.key} ${m.hash}`);
    }
    for (const key of Object.keys(OPERATORS)) {
      const nonces = mined.filter((m) => m.key === key).map((m) => m.nonce);
      same(nonces, nonces.map((_, i) => i), `nonces of ${key}`);
    }
  });

  await t.test('failed transactions and successful ones are both in executed batches', async () => {
    const statuses = new Set();
    for (const h of hashes) {
      const r = await w.node.receipt(h);
      statuses.add(num(r.status));
      check(['executed', 'finalized'].includes((await w.node.rpc.q('zks_getTransactionFinality', h)).stage), h);
    }
    same([...statuses].sort(), [0, 1]);
  });
  return w;
}
