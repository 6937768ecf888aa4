// The independent engine: @ethereumjs/vm with a Merkle Patricia state, one transaction on a fresh state.
import { createBlock } from '@ethereumjs/block';
import { MerkleStateManager } from '@ethereumjs/statemanager';
import { Account, createAddressFromString, hexToBytes, setLengthLeft } from '@ethereumjs/util';
import { createVM, runTx } from '@ethereumjs/vm';
import { keccak256, toUtf8Bytes } from 'ethers';
import { common, logsHash, toHex, transaction } from './tx.mjs';

const bytes = (hex) => hexToBytes(hex);
// As in the public suites: the hash of block n is the hash of its number as text.
const blockchain = { getBlock: async (n) => ({ hash: () => bytes(keccak256(toUtf8Bytes(String(n)))) }), putBlock: async () => {}, shallowCopy() { return this; } };

export default class EthereumJs {
  static async start() { return new EthereumJs(); }
  async run(name, test) {
    const fork = Object.keys(test.post)[0], chain = common(fork), stateManager = new MerkleStateManager({ common: chain });
    const vm = await createVM({ common: chain, stateManager, blockchain, evmOpts: {} });
    vm.evm.blockchain = blockchain;
    for (const [a, v] of Object.entries(test.pre)) {
      const address = createAddressFromString(a);
      await stateManager.putAccount(address, new Account(BigInt(v.nonce), BigInt(v.balance)));
      if (v.code !== '0x') await stateManager.putCode(address, bytes(v.code));
      for (const [k, x] of Object.entries(v.storage)) await stateManager.putStorage(address, setLengthLeft(bytes(even(k)), 32), trim(bytes(even(x))));
    }
    await stateManager.commit?.call(stateManager).catch(() => {});
    const e = test.env, steps = [];
    const block = createBlock({ header: { coinbase: e.currentCoinbase, gasLimit: e.currentGasLimit, number: e.currentNumber, timestamp: e.currentTimestamp, baseFeePerGas: e.currentBaseFee, mixHash: e.currentRandom, difficulty: 0n, excessBlobGas: 0n, blobGasUsed: 0n } }, { common: chain, skipConsensusFormatValidation: true, setHardfork: false });
    vm.evm.events.on('step', (s, resolve) => {
      steps.push({ pc: s.pc, op: s.opcode.code, gas: s.gasLeft, cost: s.opcode.dynamicFee, depth: s.depth + 1, stack: s.stack.map((x) => '0x' + x.toString(16)) });
      resolve?.();
    });
    let r, rejected;
    try { r = await runTx(vm, { tx: transaction(test.transaction, chain), block, skipHardForkValidation: true }); } catch (err) { rejected = err; }
    const root = toHex(await stateManager.getStateRoot());
    // Refusals tell the state of the machine, or the transaction; anything else is a fault of that engine.
    if (rejected && !/\((vm hf|tx type)=/.test(rejected.message)) throw rejected;
    rejected = rejected?.message;
    if (rejected) return { steps: [], root, logs: logsHash([]), output: '0x', gasUsed: 0, pass: false, rejected };
    const failed = r.execResult.exceptionError;
    // a price that cannot be paid, or a change in a static call, is found before the step is told; the STOP behind the code is not
    return { omitsLastSteps: true, steps, root, logs: logsHash(failed ? [] : (r.execResult.logs ?? []).map(([address, topics, data]) => [toHex(address), topics.map(toHex), toHex(data)])), output: toHex(r.execResult.returnValue), gasUsed: Number(r.totalGasSpent), pass: !failed, error: failed?.error };
  }
  stop() {}
}
function even(h) { return h.length % 2 ? '0x0' + h.slice(2) : h; }
function trim(b) { let i = 0; while (i < b.length && b[i] === 0) i++; return b.slice(i); }
