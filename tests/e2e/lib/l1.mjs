// The recorded v31 ecosystem on an anvil of our own, and what a test asks of it.
import path from 'node:path';
import { AbiCoder, HDNodeWallet, Interface, Mnemonic, id, keccak256 } from 'ethers';
import { ANVIL, GENESIS, NEED_SHARED, REPLAY, haveSharedL1 } from './paths.mjs';
import { Child, must } from './process.mjs';
import { Rpc, hex, num } from './rpc.mjs';
import { until } from './wait.mjs';
import fs from 'node:fs';

export const CHAIN = 10n;
export const L1_CHAIN = 31337;
export const BRIDGEHUB = '0xF0f88e68086Cf8f68063854D93E92C7Bb91DFD14';
export const DIAMOND = '0x2e20611736Af7A38d3e38840fa66A482984087aC';
// the diamonds on L1 of all chains of the recorded ecosystem; 11 is the Gateway, 12 and 13 settle there
export const DIAMONDS = { 10: DIAMOND, 11: '0x8940E161f2157D39308063F7762406Cca7Af6941', 12: '0x202671072dE626f845fae0Ef1A9C2f18cF783c04', 13: '0x1133096511B833053988a62F0a88459a10e13438' };
export const TIMELOCK = '0xD321F46267cB071FF54c44CC2116bBbC78dBB273';
export const NULLIFIER = '0x0c460a997e9c2AF23359b17B4266b852e96048a7';
export const DA = {
  calldata: ['0xebab99053a18ee485b5f0f960c7d9efed9f9dbd8', 3],
  blobs: ['0x6707e526d43d161218cc6f482f9cd17cd37e5837', 4],
  validium: ['0xfbb8afe1b4b813dcb105c7d0744943b541b2ed04', 1],
};

const mnemonic = Mnemonic.fromPhrase('test test test test test test test test test test test junk');
export const account = (i) => HDNodeWallet.fromMnemonic(mnemonic, `m/44'/60'/0'/0/${i}`);
export const ADMIN = account(0);
export const USER = account(2);
export const OPERATORS = { commit: account(3), prove: account(4), execute: account(5) };
export const ROLE_FLAGS = { commit: [false, true, false, false, false, false], prove: [false, false, false, true, false, false], execute: [false, false, false, false, true, false] };

export const L2_TX = '(uint256 txType,uint256 from,uint256 to,uint256 gasLimit,uint256 gasPerPubdataByteLimit,uint256 maxFeePerGas,uint256 maxPriorityFeePerGas,uint256 paymaster,uint256 nonce,uint256 value,uint256[4] reserved,bytes data,bytes signature,uint256[] factoryDeps,bytes paymasterInput,bytes reservedDynamic)';
const STORED = '(uint64 batchNumber,bytes32 batchHash,uint64 indexRepeatedStorageChanges,uint256 numberOfLayer1Txs,bytes32 priorityOperationsHash,bytes32 dependencyRootsRollingHash,bytes32 l2LogsTreeRoot,uint256 timestamp,bytes32 commitment)';
const COMMIT = '(uint64 batchNumber,bytes32 newStateCommitment,uint256 numberOfLayer1Txs,uint256 numberOfLayer2Txs,bytes32 priorityOperationsHash,bytes32 dependencyRootsRollingHash,bytes32 l2LogsTreeRoot,uint8 daCommitmentScheme,bytes32 daCommitment,uint64 firstBlockTimestamp,uint64 firstBlockNumber,uint64 lastBlockTimestamp,uint64 lastBlockNumber,uint256 chainId,bytes operatorDAInput,uint256 slChainId)';

export const diamond = new Interface([
  'function getTotalBatchesCommitted() view returns (uint256)',
  'function getTotalBatchesVerified() view returns (uint256)',
  'function getTotalBatchesExecuted() view returns (uint256)',
  'function storedBatchHash(uint256) view returns (bytes32)',
  'function l2LogsRootHash(uint256) view returns (bytes32)',
  'function getTotalPriorityTxs() view returns (uint256)',
  'function getFirstUnprocessedPriorityTx() view returns (uint256)',
  'function getL2SystemContractsUpgradeTxHash() view returns (bytes32)',
  'function setDAValidatorPair(address,uint8)',
  'event BlockCommit(uint256 indexed batchNumber, bytes32 indexed batchHash, bytes32 indexed commitment)',
  'event ReportCommittedBatchRangeZKsyncOS(uint64 indexed batchNumber, uint64 indexed firstBlockNumber, uint64 indexed lastBlockNumber)',
  'event BlocksVerification(uint256 indexed previousLast, uint256 indexed currentLast)',
  'event BlockExecution(uint256 indexed batchNumber, bytes32 indexed batchHash, bytes32 indexed commitment)',
  `event NewPriorityRequest(uint256 txId, bytes32 txHash, uint64 expirationTimestamp, ${L2_TX} transaction, bytes[] factoryDeps)`,
]);
export const timelock = new Interface([
  'function addValidatorRoles(address chain, address operator, (bool,bool,bool,bool,bool,bool) flags)',
  'function removeValidatorRoles(address chain, address operator, (bool,bool,bool,bool,bool,bool) flags)',
  'function commitBatchesSharedBridge(address chain, uint256 from, uint256 to, bytes data)',
  'function proveBatchesSharedBridge(address chain, uint256 from, uint256 to, bytes data)',
  'function executeBatchesSharedBridge(address chain, uint256 from, uint256 to, bytes data)',
]);
export const bridgehub = new Interface([
  'function l2TransactionBaseCost(uint256,uint256,uint256,uint256) view returns (uint256)',
  'function requestL2TransactionDirect((uint256 chainId,uint256 mintValue,address l2Contract,uint256 l2Value,bytes l2Calldata,uint256 l2GasLimit,uint256 l2GasPerPubdataByteLimit,bytes[] factoryDeps,address refundRecipient)) payable returns (bytes32)',
]);
export const nullifier = new Interface([
  'function finalizeDeposit((uint256 chainId,uint256 l2BatchNumber,uint256 l2MessageIndex,address l2Sender,uint16 l2TxNumberInBatch,bytes message,bytes32[] merkleProof))',
  'function isWithdrawalFinalized(uint256,uint256,uint256) view returns (bool)',
]);

export const genesisRoot = () => JSON.parse(fs.readFileSync(GENESIS, 'utf8')).genesisRoot;

// Which settlement step a transaction of an operator is, and for which batches; null for others.
export function settlementStep(tx, to = TIMELOCK) {
  if (!tx.to || tx.to.toLowerCase() !== to.toLowerCase()) return null;
  let call;
  try { call = timelock.parseTransaction({ data: tx.input ?? tx.data }); } catch { return null; }
  const step = { commitBatchesSharedBridge: 'commit', proveBatchesSharedBridge: 'prove', executeBatchesSharedBridge: 'execute' }[call?.name];
  return step ? { step, from: Number(call.args[1]), to: Number(call.args[2]), data: call.args[3] } : null;
}

export function decodeCommit(data) {
  if (data.slice(0, 4) !== '0x04') throw new Error('commit encoding version ' + data.slice(0, 4));
  const [previous, batches] = AbiCoder.defaultAbiCoder().decode([STORED, COMMIT + '[]'], '0x' + data.slice(4));
  return { previous, batch: batches[0] };
}

export const storedHash = (fields) => keccak256(AbiCoder.defaultAbiCoder().encode([STORED], [fields]));

export class L1 {
  // Starts anvil, replays the history, leaves at least 80 blocks behind it. Blocks come every `blockTime`
  // seconds from `startMining` on; until then with each transaction. With `state`, a file, the L1 is written there
  // when anvil ends, and taken from there when the file exists.
  static async start({ port, dir, blockTime = 1, root = genesisRoot(), chainId = L1_CHAIN, hardfork = 'cancun', state }) {
    if (!haveSharedL1()) throw new Error(NEED_SHARED);
    const l1 = new L1();
    l1.url = `http://127.0.0.1:${port}`;
    l1.rpc = new Rpc(l1.url);
    l1.blockTime = blockTime;
    const again = state !== undefined && fs.existsSync(state);
    l1.process = new Child(ANVIL, ['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(chainId), '--accounts', '10', '--balance', '10000',
      '--gas-limit', '100000000', '--auto-impersonate', '--order', 'fifo', '--silent', '--slots-in-an-epoch', '1', '--hardfork', hardfork,
      ...(again ? [] : ['--timestamp', '1']), ...(state ? ['--state', state] : [])], { log: path.join(dir, 'anvil.log') });
    await until('anvil answers', async () => {
      if (!l1.process.running) throw new Error('anvil ended: ' + l1.process.output());
      return l1.rpc.q('eth_chainId');
    }, { timeout: 20_000, every: 50 });
    if (again) return l1;
    await must(process.execPath, [REPLAY, '--rpc', l1.url, '--genesis-root', root, '--no-now'], { timeout: 120_000 });
    await l1.rpc.q('anvil_mine', hex(80));
    await l1.rpc.q('evm_setNextBlockTimestamp', hex(Math.floor(Date.now() / 1000)));
    await l1.rpc.q('anvil_mine', '0x1');
    return l1;
  }

  // A send by an account anvil signs for, mined at once while automatic mining is on, else awaited.
  async send(from, to, data, { value = 0n, gas = 10_000_000n, sent } = {}) {
    const hash = await this.rpc.q('eth_sendTransaction', { from, to, data, value: hex(value), gas: hex(gas) });
    await sent?.(hash);
    const receipt = await this.receipt(hash);
    if (receipt.status !== '0x1') throw new Error(`reverted on L1: ${hash}`);
    return receipt;
  }

  receipt(hash, timeout = 30_000) {
    return until(`L1 receipt of ${hash}`, () => this.rpc.q('eth_getTransactionReceipt', hash), { timeout });
  }

  async call(iface, to, name, args = [], tag = 'latest') {
    const out = iface.decodeFunctionResult(name, await this.rpc.q('eth_call', { to, data: iface.encodeFunctionData(name, args) }, tag));
    return out.length === 1 ? out[0] : out;
  }

  // DA pair and one role for each operator key. `skip` leaves something out, for tests of its absence.
  async setupChain({ da = 'calldata', skip = [], address = DIAMOND } = {}) {
    if (!skip.includes('da')) await this.send(ADMIN.address, address, diamond.encodeFunctionData('setDAValidatorPair', DA[da]));
    for (const [step, wallet] of Object.entries(OPERATORS)) {
      if (skip.includes(step)) continue;
      await this.send(ADMIN.address, TIMELOCK, timelock.encodeFunctionData('addValidatorRoles', [address, wallet.address, ROLE_FLAGS[step]]));
    }
  }

  grantRole(step) {
    return this.send(ADMIN.address, TIMELOCK, timelock.encodeFunctionData('addValidatorRoles', [DIAMOND, OPERATORS[step].address, ROLE_FLAGS[step]]));
  }

  async startMining() {
    await this.rpc.q('evm_setAutomine', false);
    await this.rpc.q('evm_setIntervalMining', this.blockTime);
  }

  mine(blocks = 1) { return this.rpc.q('anvil_mine', hex(blocks)); }

  // Replaces the last `depth` blocks by empty ones, and holds that the chain really is another one now.
  async reorg(depth) {
    const hashOf = async (n) => (await this.rpc.q('eth_getBlockByNumber', hex(n), false)).hash;
    const lowest = num(await this.rpc.q('eth_blockNumber')) - depth + 1;
    const [gone, kept] = [await hashOf(lowest), await hashOf(lowest - 1)];
    await this.rpc.q('anvil_reorg', depth, []);
    if ((await hashOf(lowest)) === gone) throw new Error('the reorganisation changed no hash');
    if ((await hashOf(lowest - 1)) !== kept) throw new Error('the reorganisation went too deep');
  }

  async stopMining() { await this.rpc.q('evm_setIntervalMining', 0); await this.rpc.q('evm_setAutomine', false); }

  async counters(tag = 'latest', address = DIAMOND) {
    const [committed, proved, executed] = await Promise.all(['Committed', 'Verified', 'Executed'].map((n) => this.call(diamond, address, 'getTotalBatches' + n, [], tag)));
    return { committed: Number(committed), proved: Number(proved), executed: Number(executed) };
  }

  storedBatchHash(n) { return this.call(diamond, DIAMOND, 'storedBatchHash', [n]); }

  executed(n, timeout = 120_000) {
    return until(`batch ${n} executed on L1`, async () => {
      const c = await this.counters();
      return c.executed >= n ? c : false;
    }, { timeout, every: 250 });
  }

  async logs(event, { address = DIAMOND, iface = diamond, topics = [], fromBlock = '0x0' } = {}) {
    const raw = await this.rpc.q('eth_getLogs', { address, fromBlock, toBlock: 'latest', topics: [iface.getEvent(event).topicHash, ...topics] });
    return raw.map((l) => ({ ...l, args: iface.parseLog(l).args }));
  }

  // A request through the Bridgehub; the answer has the priority request as L1 reports it. `sent` is called once it is
  // in the pool, for tests that make the blocks themselves.
  // `chain` is the chain it is for; `via` a call forwarder that asks in its own name (see asAlias).
  async request({ chain = CHAIN, from = USER.address, to = from, value = 0n, data = '0x', gasLimit = 1_000_000n, refund = from, extra = 0n, gasPrice = 2_000_000_000n, via, sent } = {}) {
    const base = await this.call(bridgehub, BRIDGEHUB, 'l2TransactionBaseCost', [chain, gasPrice, gasLimit, 800]);
    const mint = base + value + extra;
    const call = bridgehub.encodeFunctionData('requestL2TransactionDirect', [[chain, mint, to, value, data, gasLimit, 800, [], refund]]);
    const hash = await this.rpc.q('eth_sendTransaction', {
      from, gas: hex(5_000_000), gasPrice: hex(gasPrice),
      ...(via ? { to: via, data: BRIDGEHUB + mint.toString(16).padStart(64, '0') + call.slice(2) } : { to: BRIDGEHUB, value: hex(mint), data: call }),
    });
    await sent?.(hash);
    const receipt = await this.receipt(hash);
    if (receipt.status !== '0x1') throw new Error('the deposit reverted on L1');
    const topic = diamond.getEvent('NewPriorityRequest').topicHash;
    // a request for a chain on a Gateway emits two: the chain's own, and the relay on the Gateway's diamond
    const log = receipt.logs.find((l) => l.topics[0] === topic && l.address.toLowerCase() === DIAMONDS[chain].toLowerCase());
    const { txId, txHash, transaction } = diamond.parseLog(log).args;
    const recomputed = keccak256(AbiCoder.defaultAbiCoder().encode([L2_TX], [transaction]));
    return { receipt, id: Number(txId), hash: txHash, recomputed, transaction, mint, base };
  }

  // Runs `body` while a call forwarder stands at an account: an ordinary account is never aliased, a contract is, and
  // on a Gateway the admins are aliases. The forwarder takes target, value and calldata.
  async asAlias(address, body) {
    const was = await this.rpc.q('eth_getCode', address, 'latest');
    await this.rpc.q('anvil_setCode', address, '0x603436038060345f375f5f915f6014355f3560601c5af13d5f5f3e6021573d5ffd5b3d5ff3');
    try { await body(); } finally { await this.rpc.q('anvil_setCode', address, was); }
  }

  // Every mined transaction of the three operator keys from a block on, reverted ones too.
  operatorTransactions(fromBlock = 0) { return operatorTransactions(this.rpc, OPERATORS, TIMELOCK, fromBlock); }

  async stop() { await this.process.kill('SIGKILL'); }
}

export const eventTopic = (signature) => id(signature);

export async function operatorTransactions(rpc, operators, to, fromBlock = 0) {
  const keys = new Map(Object.entries(operators).map(([step, w]) => [w.address.toLowerCase(), step]));
  const head = num(await rpc.q('eth_blockNumber'));
  const out = [];
  for (let at = fromBlock; at <= head; at += 50) {
    const calls = [];
    for (let n = at; n < Math.min(at + 50, head + 1); n++) calls.push(['eth_getBlockByNumber', hex(n), true]);
    for (const { result } of await rpc.batch(calls)) {
      for (const tx of result.transactions) {
        const key = keys.get(tx.from.toLowerCase());
        if (key) out.push({ key, nonce: num(tx.nonce), hash: tx.hash, block: num(tx.blockNumber), tx, does: settlementStep(tx, to) });
      }
    }
  }
  return out;
}
