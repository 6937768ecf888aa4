// revm, as anvil runs it: the transaction mined in a block on a chain of the fork's rules, its steps by
// debug_traceTransaction. Block hashes, the random value and the gas limit of the block, and the state root are anvil's
// own: programs ask for none of the first, the next two are told to our engine, and the last is left to the other engine (what is stored is seen when it is paid for).
import os from 'node:os';
import path from 'node:path';
import { ANVIL, scratch } from '../lib/paths.mjs';
import { Child, freePorts } from '../lib/process.mjs';
import { Rpc } from '../lib/rpc.mjs';
import { until } from '../lib/wait.mjs';
import { OP } from './program.mjs';
import { common, logsHash, toHex, transaction } from './tx.mjs';

const word = (n) => '0x' + BigInt(n).toString(16).padStart(64, '0');
const NAMES = { ...OP, DIFFICULTY: 0x44, SHA3: 0x20 };
function opcode(name) {
  const m = /^(PUSH|DUP|SWAP|LOG)(\d+)$/.exec(name);
  if (m) return { PUSH: 0x5f, DUP: 0x7f, SWAP: 0x8f, LOG: 0xa0 }[m[1]] + Number(m[2]);
  return NAMES[name] ?? 0xfe;
}

export default class Anvil {
  static own = true; // the environment of a case is partly its own
  static async start() { const a = new Anvil(); a.nodes = new Map(); a.dir = scratch('differential'); return a; }
  async node(fork) {
    if (this.nodes.has(fork)) return this.nodes.get(fork);
    const [port] = await freePorts(1), rpc = new Rpc(`http://127.0.0.1:${port}`);
    const child = new Child(ANVIL, ['--host', '127.0.0.1', '--port', String(port), '--silent', '--no-mining', '--steps-tracing', '--hardfork', fork.toLowerCase(), '--chain-id', '1', '--number', '998', '--timestamp', '1600000000', '--gas-limit', String(2 ** 41), '--accounts', '1', '--disable-default-create2-deployer', '--disable-min-priority-fee', '--threads', String(Math.min(2, os.cpus().length))], { log: path.join(this.dir, fork + '.log') });
    await until('anvil answers', () => { if (!child.running) throw new Error(child.output()); return rpc.q('eth_chainId'); }, { timeout: 20_000, every: 50 });
    this.nodes.set(fork, { child, rpc });
    return { child, rpc };
  }
  async run(name, test) {
    const fork = Object.keys(test.post)[0], { rpc } = await this.node(fork), e = test.env, t = test.transaction;
    const snapshot = await rpc.q('evm_snapshot'), calls = [];
    for (const [a, v] of Object.entries(test.pre)) {
      calls.push(['anvil_setBalance', a, v.balance], ['anvil_setCode', a, v.code], ['anvil_setNonce', a, v.nonce]);
      for (const [k, x] of Object.entries(v.storage)) calls.push(['anvil_setStorageAt', a, k, word(x)]);
    }
    calls.push(['anvil_setCoinbase', e.currentCoinbase], ['evm_setNextBlockTimestamp', e.currentTimestamp], ['anvil_setNextBlockBaseFeePerGas', e.currentBaseFee]);
    for (const a of await rpc.batch(calls)) if (a.error) throw new Error(a.error.message);
    try {
      const sent = await rpc.answer('eth_sendRawTransaction', toHex(transaction(t, common(fork)).serialize()));
      if (sent.error) return { steps: [], rejected: sent.error.message };
      await rpc.q('evm_mine');
      const r = await rpc.q('eth_getTransactionReceipt', sent.result);
      if (!r) return { steps: [], rejected: 'not mined' };
      const [trace, block] = await Promise.all([rpc.q('debug_traceTransaction', sent.result, { disableStorage: true }), rpc.q('eth_getBlockByNumber', r.blockNumber, false)]);
      return {
        env: { ...e, currentNumber: block.number, currentGasLimit: block.gasLimit, currentTimestamp: block.timestamp, currentRandom: block.mixHash },
        omitsLastSteps: true,
        steps: trace.structLogs.map((s) => ({ pc: s.pc, op: opcode(s.op), gas: s.gas, cost: s.error ? undefined : s.gasCost, depth: s.depth, stack: s.stack })),
        pass: r.status === '0x1', gasUsed: Number(r.gasUsed), output: trace.returnValue, logs: logsHash(r.logs.map((l) => [l.address, l.topics, l.data])),
      };
    } finally {
      await rpc.q('anvil_dropAllTransactions');
      await rpc.q('evm_revert', snapshot);
    }
  }
  async stop() { for (const { child } of this.nodes.values()) await child.kill(); }
}
