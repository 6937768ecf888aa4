// eth_estimateGas is enough, and not wasteful: at most 1.3 times what is used when the EVM sets the gas, 2.1 times
// when pubdata or the native resource does.
import { ContractFactory, parseEther } from 'ethers';
import { contracts } from '../lib/contracts.mjs';
import { boundBy } from '../lib/gas.mjs';
import { USER, account } from '../lib/l1.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';
import { World } from '../lib/world.mjs';

const t = suite('04 estimate gas');
const w = await World.create(t);
await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(); });
const q = (...a) => w.node.rpc.q(...a);
const { Token, Work } = contracts();
const wallet = w.managed(), other = account(8).address;
const make = async (c, ...args) => { const x = await new ContractFactory(c.abi, c.bytecode, wallet).deploy(...args); await x.waitForDeployment(); return x; };
const token = await make(Token, 'T', 'T', 10n ** 24n), work = await make(Work);
const call = (c, name, ...args) => ({ to: c.target, data: c.interface.encodeFunctionData(name, args) });

// Sends exactly with the estimate as limit, and holds the estimate against what was used.
async function estimateHolds(name, request) {
  const estimate = num(await q('eth_estimateGas', { from: USER.address, ...request, ...(request.value ? { value: hex(request.value) } : {}) }));
  const tx = await wallet.sendTransaction({ ...request, gasLimit: estimate });
  const r = await w.node.receipt(tx.hash);
  same(r.status, '0x1', `${name}: the estimate ${estimate} was not enough`);
  const bound = await boundBy(w.node.rpc, r), ratio = estimate / num(r.gasUsed), limit = bound === 'evm' ? 1.3 : 2.1;
  check(ratio <= limit, `${name}: estimate ${estimate}, used ${num(r.gasUsed)}, ratio ${ratio.toFixed(2)} (bound by ${bound})`);
  return { bound, ratio, receipt: r };
}

const cases = {
  'a transfer': { to: other, value: 1n },
  'a transfer to a fresh account': { to: '0x00000000000000000000000000000000c0ffee01', value: parseEther('0.1') },
  'an ERC-20 transfer': call(token, 'transfer', other, 100n),
  'an ERC-20 transfer to a second account': call(token, 'transfer', account(9).address, 100n),
  'an approval': call(token, 'approve', other, 5n),
  'a deployment': { data: Work.bytecode },
  'multiplications': call(work, 'spin', 2000),
  'hashing': call(work, 'loop', 500),
  'twenty new slots': call(work, 'fill', 1, 20),
  'clearing them': call(work, 'clear', 1, 20),
  'a long event': call(work, 'shout', 1, '0x' + 'ab'.repeat(2000)),
  'a CREATE2': call(work, 'createChild', '0x' + '31'.repeat(32)),
  'an inner failure that is caught': call(work, 'outer'),
  'transient storage': call(work, 'transientOnly'),
  'much calldata': { to: other, data: '0x' + 'ff'.repeat(10_000) },
  'a withdrawal': { to: '0x000000000000000000000000000000000000800A', value: 5n, data: '0x51cff8d9' + other.slice(2).toLowerCase().padStart(64, '0') },
};
const seen = new Set();
for (const [name, request] of Object.entries(cases)) {
  await t.test(`the estimate of ${name} is enough and not wasteful`, async () => { seen.add((await estimateHolds(name, request)).bound); });
}

await t.test('one gas less than the transaction uses is not enough', async () => {
  const r = (await estimateHolds('spin', call(work, 'spin', 500))).receipt;
  const tx = await wallet.sendTransaction({ ...call(work, 'spin', 500), gasLimit: num(r.gasUsed) - 5000 });
  same((await w.node.receipt(tx.hash)).status, '0x0');
});

await t.test('an estimate beyond the block limit or the balance is refused in words', async () => {
  const e = await w.node.rpc.refused('eth_estimateGas', { from: USER.address, ...call(work, 'spin', 100_000_000) });
  check(/gas required exceeds allowance|out of gas/.test(e.message), JSON.stringify(e));
  const poor = await w.node.rpc.refused('eth_estimateGas', { from: '0x00000000000000000000000000000000000000aa', to: other, value: '0x1' });
  check(/insufficient funds/.test(poor.message), JSON.stringify(poor));
});

await t.test('an upgrade transaction cannot be estimated', async () => {
  const e = await w.node.rpc.refused('eth_estimateGas', { from: USER.address, to: other, type: '0x7e' });
  check(/upgrade transactions cannot be estimated/.test(e.message), JSON.stringify(e));
});

await t.end();
