// Messages of chain 12 proved on chain 13 through imported roots of our Gateway, and on L1 through the Gateway's batch. The contracts decide:
// L2MessageVerification on chain 13, production MessageRoot code laid over L1's. The mirrors are compared with the contracts they mirror.
import path from 'node:path';
import { Interface, JsonRpcProvider, Wallet, keccak256, parseEther } from 'ethers';
import { GATEWAY, GW, GatewayWorld, messageRoot, until } from '../lib/gateway.mjs';
import { USER } from '../lib/l1.mjs';
import { GATEHOUSE, SHARED } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';

const t = suite('16 proofs through a Gateway');
const w = await GatewayWorld.create(t, { chains: [12, 13], changes: { 'l1_watcher.poll_interval': '200ms', 'interop.root_quiet': '500ms' } });
const c12 = w.chains[12], c13 = w.chains[13], q = (...a) => c12.rpc.q(...a);
const process_cwd = process.cwd();
process.chdir(path.join(SHARED, 'l1')); // the checker reads the genesis beside it
const { l1ProofCheck } = await import(path.join(SHARED, 'l1/tools/l1-proof-check.mjs'));
const { Rpc: LabRpc } = await import(path.join(SHARED, 'l1/tools/l1kit.mjs'));
process.chdir(process_cwd);
const lab = new LabRpc(w.l1.url);

const L1_MESSAGE_ROOT = '0x6cC59Cd318339a8dBBc414a2971006fAe3452020';
const MESSENGER = '0x0000000000000000000000000000000000008008', BASE_TOKEN = '0x000000000000000000000000000000000000800A';
const ROOTS = '0x0000000000000000000000000000000000010008', VERIFICATION = '0x0000000000000000000000000000000000010009';
const l2 = new Interface([
  'function sendToL1(bytes) returns (bytes32)', 'function withdraw(address) payable',
  'function interopRoots(uint256,uint256) view returns (bytes32)',
  'function proveL2MessageInclusionShared(uint256,uint256,uint256,(uint16,address,bytes),bytes32[]) view returns (bool)',
]);
const flip = (word) => word.slice(0, -1) + (word.endsWith('0') ? '1' : '0');
const ask = async (rpc, to, name, args) => l2.decodeFunctionResult(name, await rpc.q('eth_call', { to, data: l2.encodeFunctionData(name, args) }, 'latest'))[0];
const status = async (node) => JSON.parse((await node.get('/status')).text);

await t.need('the Gateway and both chains are up', () => w.start());
await t.need('a deposit reaches chain 12', () => w.deposit(12, { value: parseEther('5') }));

const sent = [];
let wallet;
await t.need('messages and a withdrawal on chain 12', async () => {
  const p = new JsonRpcProvider(c12.url, 12, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 100 });
  t.cleanup(() => p.destroy());
  wallet = new Wallet(USER.privateKey, p);
  let nonce = await p.getTransactionCount(wallet.address);
  for (const [to, name, args, value] of [
    [MESSENGER, 'sendToL1', ['0x' + 'ab'.repeat(100)], 0n], [MESSENGER, 'sendToL1', ['0x'], 0n],
    [BASE_TOKEN, 'withdraw', [USER.address], 12345n], [MESSENGER, 'sendToL1', ['0x01020304'], 0n],
  ]) {
    const data = l2.encodeFunctionData(name, args);
    const tx = await wallet.sendTransaction({ to, data, value, nonce: nonce++, gasLimit: 2_000_000n });
    const receipt = await c12.receipt(tx.hash);
    same(receipt.status, '0x1');
    const log = receipt.l2ToL1Logs[0];
    const sender = '0x' + log.key.slice(26);
    const event = receipt.logs.find((l) => l.address.toLowerCase() === MESSENGER);
    const message = '0x' + event.data.slice(2 + 128, 2 + 128 + 2 * Number(BigInt('0x' + event.data.slice(66, 130))));
    same(keccak256(message), log.value);
    sent.push({ hash: tx.hash, receipt, log, sender, message, txNumber: num(receipt.transactionIndex) });
  }
});

await t.test('a log of a receipt has the keys that clients of every age look at', () => {
  for (const k of ['l2_shard_id', 'is_service', 'tx_number_in_block', 'sender', 'key', 'value', 'transactionIndex', 'logIndex', 'transactionHash', 'blockNumber', 'isService', 'shardId', 'l1BatchNumber', 'l1BatchTxIndex']) check(k in sent[0].log, k);
  same(sent[0].log.tx_number_in_block, num(sent[0].log.transactionIndex));
});

await t.test('before it can be proved the answer is null, and why not is said in words', async () => {
  const last = sent.at(-1);
  const seen = new Set();
  await until('a proof for other chains', async () => {
    const [proof, why] = [await q('zks_getL2ToL1LogProof', last.hash, 0, 'messageRoot'), await q('gh_explainProof', last.hash, 0, 'messageRoot')];
    seen.add(why.stage);
    if (!why.ready) check(proof === null || typeof why.waitsFor === 'string', JSON.stringify(why));
    if (!why.ready) check(why.waitsFor.length > 5, JSON.stringify(why));
    return proof;
  }, { timeout: 60_000, every: 20 });
  console.log('# stages seen: ' + [...seen].join(', '));
  check(seen.has('block') || seen.has('batch'), [...seen].join());
  same((await q('gh_explainProof', last.hash, 0, 'messageRoot')).stage, 'ready');
});

const claim = (m, p) => [12, p.batchNumber, p.id, [m.txNumber, m.sender, m.message], p.proof];
let proofs13;
await t.test('each message is accepted on chain 13, altered ones are not', async () => {
  proofs13 = [];
  for (const m of sent) {
    const p = await q('zks_getL2ToL1LogProof', m.hash, 0, 'messageRoot');
    proofs13.push(p);
    same(p.batch_number, p.batchNumber);
    check(Number.isInteger(p.gatewayBlockNumber), 'gatewayBlockNumber');
    const root = await until('the root is imported', async () => { const r = await ask(c13.rpc, ROOTS, 'interopRoots', [GATEWAY, p.gatewayBlockNumber]); return BigInt(r) !== 0n && r; }, { timeout: 60_000 });
    same(root, await w.layer.call(messageRoot, GW.messageRoot, 'historicalRoot', [p.gatewayBlockNumber]));
    const verify = (args) => ask(c13.rpc, VERIFICATION, 'proveL2MessageInclusionShared', args);
    same(await verify(claim(m, p)), true, m.message);
    const [chain, batch, index, message, words] = claim(m, p);
    same(await verify([chain, batch, index, [message[0], message[1], message[2] + 'ff'], words]), false);
    same(await verify([chain, batch, index, [message[0] + 1, message[1], message[2]], words]), false);
    same(await verify([chain, batch + 1, index, message, words]), false);
    for (const i of [1, 5, 15, words.length - 1]) same(await verify([chain, batch, index, message, words.map((x, k) => (k === i ? flip(x) : x))]), false, `word ${i}`);
  }
});

await t.test('a later root of the Gateway proves the batch as well', async () => {
  const first = proofs13[0];
  // only roots of batches that say something are imported: one more message makes such a root
  const tx = await wallet.sendTransaction({ to: MESSENGER, data: l2.encodeFunctionData('sendToL1', ['0x05']), gasLimit: 2_000_000n });
  const { gatewayBlockNumber: later } = await until('its proof', () => q('zks_getL2ToL1LogProof', tx.hash, 0, 'messageRoot'), { timeout: 60_000 });
  check(later > first.gatewayBlockNumber, `${later}`);
  const p = await q('zks_getL2ToL1LogProof', sent[0].hash, 0, 'messageRoot', later);
  same(p.gatewayBlockNumber, later);
  await until('that root is imported', async () => BigInt(await ask(c13.rpc, ROOTS, 'interopRoots', [GATEWAY, later])) !== 0n, { timeout: 60_000 });
  same(await ask(c13.rpc, VERIFICATION, 'proveL2MessageInclusionShared', claim(sent[0], p)), true);
  check(/no earlier block proves it/.test((await c12.rpc.refused('zks_getL2ToL1LogProof', sent[0].hash, 0, 'messageRoot', 1)).message));
});

await t.test('each message is accepted on L1 through the Gateway, altered ones are not', async () => {
  for (const m of sent) {
    const p = await until('a proof for L1', async () => (await q('zks_getL2ToL1LogProof', m.hash, 0)) ?? (console.log('# ' + (await q('gh_explainProof', m.hash)).waitsFor), null), { timeout: 90_000, every: 1000 });
    const message = [m.txNumber, m.sender, m.message];
    const verify = (proof, msg = message, batch = p.batchNumber) => l1ProofCheck(lab, { chainId: 12n, batch, index: p.id, message: msg, proof });
    same(await verify(p.proof), true);
    same(await verify(p.proof, [message[0], message[1], message[2] + 'ff']), false);
    same(await verify(p.proof, message, p.batchNumber + 1), false);
    for (const i of [1, 15, 16, p.proof.length - 1]) {
      let ok;
      try { ok = await verify(p.proof.map((x, k) => (k === i ? flip(x) : x))); } catch { ok = false; }
      same(ok, false, `word ${i}`);
    }
    check(Number.isInteger(p.gatewayBlockNumber));
  }
});

await t.test('the proof of a message by what it says is the same', async () => {
  const m = sent[0];
  same(await q('zks_getL2ToL1MsgProof', num(m.receipt.blockNumber), m.sender, m.log.value), await q('zks_getL2ToL1LogProof', m.hash, 0));
  same(await q('zks_getL2ToL1MsgProof', num(m.receipt.blockNumber), m.sender, keccak256('0x99')), null);
});

await t.test('the Gateway proves its own messages to L1 directly', async () => {
  const logs = await w.gateway.rpc.q('eth_getLogs', { address: MESSENGER, fromBlock: '0x1', toBlock: 'latest' });
  check(logs.length > 0, 'chain 11 sends relayed pubdata and batches');
  const l = logs[0];
  const p = await until('a direct proof', () => w.gateway.rpc.q('zks_getL2ToL1LogProof', l.transactionHash, 0), { timeout: 60_000, every: 500 });
  const receipt = await w.gateway.rpc.q('eth_getTransactionReceipt', l.transactionHash);
  const log = receipt.l2ToL1Logs[0];
  const event = receipt.logs.find((x) => x.address.toLowerCase() === MESSENGER && x.topics[2] === log.value);
  const message = '0x' + event.data.slice(130, 130 + 2 * Number(BigInt('0x' + event.data.slice(66, 130))));
  same(p.gatewayBlockNumber, null);
  same(p.proof.length, 16);
  same(await l1ProofCheck(lab, { chainId: 11n, batch: p.batchNumber, index: p.id, message: [num(receipt.transactionIndex), '0x' + log.key.slice(26), message], proof: p.proof }), true);
  check(/need a batch settled on a Gateway/.test((await w.gateway.rpc.refused('zks_getL2ToL1LogProof', l.transactionHash, 0, 'messageRoot')).message));
});

// ---- the mirrors ----

const compareMirror = async (node, layer, contract) => {
  const m = await until('the mirror agrees', async () => { const s = (await status(node)).mirror; return s && s.checked_to > 0 && s.checked_to === s.read_to && s; });
  same([m.held, m.problem], ['', '']);
  same(m.root, await layer.call(messageRoot, contract, 'getAggregatedRoot', [], hex(m.checked_to)));
  return m;
};
await t.test('the mirror of the Gateway has its chains, batches and roots', async () => {
  const m = await compareMirror(c12, w.layer, GW.messageRoot);
  same([m.layer, m.chains], [GATEWAY, 4]);
  check(m.batches >= 4 && m.final_to > 0 && m.layer_batches.on_l1 > 0, JSON.stringify(m));
  same(m.layer_batches.problem, '');
});
await t.test('the mirror of L1 has its chains', async () => {
  const m = await compareMirror(w.gateway, w.l1, L1_MESSAGE_ROOT);
  same(m.layer, 31337);
  check(m.chains >= 6, JSON.stringify(m)); // itself and chains 10 to 14
});

await t.test('the last block of a quiet Gateway becomes final too', async () => {
  await until('nothing is left', async () => {
    const s = (await status(c12)).mirror;
    return s.final_to === s.checked_to && s.last_change <= s.final_to;
  }, { timeout: 30_000 });
});

await t.test('gatehouse status shows the mirror', async () => {
  const r = await run(GATEHOUSE, ['status', '--config', c12.config]);
  check(/messages: roots of chain 11 read to block \d+, the same as its own at \d+; 4 chains, \d+ batches; on L1 its batch \d+ of \d+/.test(r.stdout), r.stdout);
});

await t.test('kill -9: the same proofs afterwards, from the folder alone', async () => {
  await c12.kill();
  c12.start();
  await c12.ready();
  for (const [i, m] of sent.entries()) same(await until('the proof again', () => q('zks_getL2ToL1LogProof', m.hash, 0, 'messageRoot')), proofs13[i]);
  const p = await q('zks_getL2ToL1LogProof', sent[2].hash, 0);
  same(await l1ProofCheck(lab, { chainId: 12n, batch: p.batchNumber, index: p.id, message: [sent[2].txNumber, sent[2].sender, sent[2].message], proof: p.proof }), true);
});

await t.test('what cannot ever be proved is an error, what is unknown is null', async () => {
  check(/does not exist; there are only 1/.test((await c12.rpc.refused('zks_getL2ToL1LogProof', sent[0].hash, 1)).message));
  check(/will never be/.test((await c12.rpc.refused('gh_explainProof', sent[0].hash, 1)).message));
  same(await q('zks_getL2ToL1LogProof', '0x' + '12'.repeat(32), 0, 'messageRoot'), null);
  same(await q('gh_explainProof', '0x' + '12'.repeat(32)), null);
  check(/target/.test((await c12.rpc.refused('zks_getL2ToL1LogProof', sent[0].hash, 0, 'nonsense')).message));
});
await t.end();
