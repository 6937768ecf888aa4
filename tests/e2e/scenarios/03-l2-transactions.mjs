// Ordinary wallets: ethers v6, viem and cast deploy, send, call, read logs, filters, receipts, blocks, fees, history.
import { Contract, ContractFactory, Interface, Transaction, Wallet, parseEther, getCreate2Address, keccak256, AbiCoder } from 'ethers';
import { createPublicClient, createWalletClient, defineChain, http, parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { contracts } from '../lib/contracts.mjs';
import { USER, account } from '../lib/l1.mjs';
import { CAST } from '../lib/paths.mjs';
import { must } from '../lib/process.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { assert, check, same, suite } from '../lib/suite.mjs';
import { World, richKey, until } from '../lib/world.mjs';

const t = suite('03 L2 transactions');
const w = await World.create(t);
await t.need('the chain is up and the wallet has funds', async () => { await w.start(); await w.fund(); });
const q = (...a) => w.node.rpc.q(...a);
const { Token, Work } = contracts();
const provider = w.provider(), wallet = w.managed();
const other = account(8).address;

await t.test('chain id, version and fee data are what wallets expect', async () => {
  same(await q('eth_chainId'), '0xa');
  same(await q('net_version'), '10');
  check((await q('web3_clientVersion')).startsWith('zksync-os/v'), await q('web3_clientVersion'));
  const fee = await provider.getFeeData();
  const b = await provider.getBlock('latest');
  check(fee.gasPrice >= b.baseFeePerGas && fee.maxFeePerGas >= b.baseFeePerGas, JSON.stringify(fee, (k, v) => typeof v === 'bigint' ? String(v) : v));
  same(await q('eth_maxPriorityFeePerGas'), '0x0');
  const h = await q('eth_feeHistory', '0x4', 'latest', [25, 75]);
  same(h.baseFeePerGas.length, h.gasUsedRatio.length + 1);
  same(h.reward.length, h.gasUsedRatio.length);
});

await t.test('ethers: a transfer moves the value and costs its gas', async () => {
  const [a, b] = await Promise.all([provider.getBalance(USER.address), provider.getBalance(other)]);
  const tx = await wallet.sendTransaction({ to: other, value: parseEther('1') });
  const r = await tx.wait();
  same(r.status, 1);
  same(r.hash, tx.hash);
  same(await provider.getBalance(other), b + parseEther('1'));
  same(await provider.getBalance(USER.address), a - parseEther('1') - r.gasUsed * r.gasPrice);
});

for (const [name, fields] of [['legacy', { type: 0 }], ['access list (2930)', { type: 1, accessList: [{ address: other, storageKeys: ['0x' + '11'.repeat(32)] }] }], ['dynamic fee (1559)', { type: 2, accessList: [{ address: other, storageKeys: [] }] }]]) {
  await t.test(`ethers: a transaction of type ${name} is included as such`, async () => {
    const tx = await wallet.sendTransaction({ to: other, value: 1n, ...fields });
    const r = await tx.wait();
    same([r.status, r.type], [1, fields.type]);
    const back = await provider.getTransaction(tx.hash);
    same(back.type, fields.type);
    same(back.from, USER.address);
    const raw = await q('eth_getRawTransactionByHash', tx.hash);
    same(keccak256(raw), tx.hash);
    same(Transaction.from(raw).hash, tx.hash);
  });
}

let token, work;
await t.need('ethers: an ERC-20 is deployed', async () => {
  token = await new ContractFactory(Token.abi, Token.bytecode, wallet).deploy('Token', 'TOK', 10n ** 24n);
  await token.waitForDeployment();
  const r = await token.deploymentTransaction().wait();
  same(r.contractAddress, await token.getAddress());
  same(await token.name(), 'Token');
  same(await token.balanceOf(USER.address), 10n ** 24n);
  work = await new ContractFactory(Work.abi, Work.bytecode, wallet).deploy();
  await work.waitForDeployment();
});

await t.test('ethers: ERC-20 transfer, approval and transferFrom, with their events', async () => {
  const r = await (await token.transfer(other, 1000n)).wait();
  const event = token.interface.parseLog(r.logs[0]);
  same([event.name, event.args.from, event.args.to, event.args.value], ['Transfer', USER.address, other, 1000n]);
  await (await wallet.sendTransaction({ to: account(7).address, value: parseEther('1') })).wait();
  await (await token.approve(account(7).address, 500n)).wait();
  const spender = token.connect(w.managed(account(7).privateKey));
  await (await spender.transferFrom(USER.address, other, 200n)).wait();
  same(await token.balanceOf(other), 1200n);
  same(await token.allowance(USER.address, account(7).address), 300n);
  const found = await token.queryFilter(token.filters.Transfer(), 0, 'latest');
  same(found.map((l) => l.args.value), [10n ** 24n, 1000n, 200n]);
});

await t.test('ethers: a revert gives its custom error, reason and panic in call and estimate', async () => {
  await assert.rejects(token.transfer.staticCall(other, 10n ** 30n), (e) => e.code === 'CALL_EXCEPTION' && e.revert?.name === 'InsufficientBalance');
  await assert.rejects(work.failWithReason.staticCall(), (e) => e.reason === 'no, thank you');
  await assert.rejects(work.failWithReason.estimateGas?.() ?? provider.estimateGas({ to: work.target, data: work.interface.encodeFunctionData('failWithReason') }), /no, thank you/);
  await assert.rejects(work.failWithPanic.staticCall(0), (e) => /0x12|DIVIDE|panic/i.test(e.message));
  const e = await w.node.rpc.refused('eth_call', { to: work.target, data: work.interface.encodeFunctionData('failWithError') }, 'latest');
  same(e.code, 3);
  same(work.interface.parseError(e.data).args.toArray(), [42n, 'custom']);
  const empty = await w.node.rpc.refused('eth_call', { to: work.target, data: work.interface.encodeFunctionData('failEmpty') }, 'latest');
  same([empty.code, empty.data], [3, '0x']);
});

await t.test('a failed transaction has status 0, no logs, pays for its gas and keeps the nonce it used', async () => {
  const nonce = await provider.getTransactionCount(USER.address), before = await provider.getBalance(USER.address);
  const tx = await wallet.sendTransaction({ to: work.target, data: work.interface.encodeFunctionData('failWithReason'), gasLimit: 200_000n });
  const r = await until('its receipt', () => provider.getTransactionReceipt(tx.hash));
  same([r.status, r.logs.length], [0, 0]);
  check(r.gasUsed < 200_000n, 'a revert keeps unused gas');
  same(await provider.getBalance(USER.address), before - r.gasUsed * r.gasPrice);
  same(await provider.getTransactionCount(USER.address), nonce + 1);
});

await t.test('an invalid opcode burns all gas', async () => {
  const tx = await wallet.sendTransaction({ to: work.target, data: work.interface.encodeFunctionData('failInvalid'), gasLimit: 150_000n });
  const r = await until('its receipt', () => provider.getTransactionReceipt(tx.hash));
  same([r.status, r.gasUsed], [0, 150_000n]);
});

await t.test('an inner failure undoes the inner writes only', async () => {
  await (await work.outer({ gasLimit: 500_000n })).wait();
  same([await work.slots(1001), await work.slots(1002), await work.slots(1003)], [1n, 0n, 3n]);
});

await t.test('CREATE2 inside a contract gives the address of the formula', async () => {
  const salt = '0x' + '5a'.repeat(32);
  const r = await (await work.createChild(salt)).wait();
  const init = contracts().Child.bytecode + AbiCoder.defaultAbiCoder().encode(['uint256'], [BigInt(salt)]).slice(2);
  const at = getCreate2Address(work.target, salt, keccak256(init));
  same(work.interface.parseLog(r.logs[0]).args.by, at);
  same(await new Contract(at, contracts().Child.abi, provider).value(), BigInt(salt));
});

await t.test('the environment seen by a contract is the block it is in', async () => {
  const b = await provider.getBlock('latest');
  const e = await work.environment({ blockTag: b.number });
  same(e.chain, 10n);
  same(e.random, 1n);
  check(e.number >= BigInt(b.number) && e.time >= BigInt(b.timestamp), 'number and time');
});

await t.test('reads at an old block see the state of then', async () => {
  const at = await w.node.blockNumber();
  const [balance, nonce, supply] = await Promise.all([provider.getBalance(USER.address), provider.getTransactionCount(USER.address), token.balanceOf(other)]);
  await (await token.transfer(other, 5n)).wait();
  same(await provider.getBalance(USER.address, at), balance);
  same(await provider.getTransactionCount(USER.address, at), nonce);
  same(await token.balanceOf(other, { blockTag: at }), supply);
  same(await token.balanceOf(other), supply + 5n);
  same(await q('eth_getCode', token.target, '0x1'), '0x');
  same((await q('eth_getCode', token.target, { blockHash: (await provider.getBlock(at)).hash })).length > 2, true);
});

await t.test('logs by address, topic, range and block; the documented error beyond the limit', async () => {
  const topic = token.interface.getEvent('Transfer').topicHash;
  const all = await q('eth_getLogs', { fromBlock: '0x0', toBlock: 'latest', address: token.target });
  check(all.length >= 5, `${all.length} logs`);
  const toOther = '0x' + other.slice(2).toLowerCase().padStart(64, '0');
  const some = await q('eth_getLogs', { fromBlock: '0x0', toBlock: 'latest', topics: [[topic], null, toOther] });
  check(some.length >= 3 && some.every((l) => l.topics[2] === toOther), 'by the third topic');
  const one = await q('eth_getLogs', { blockHash: some[0].blockHash, topics: [topic] });
  check(one.some((l) => l.transactionHash === some[0].transactionHash), 'by block hash');
  const e = await w.node.rpc.refused('eth_getLogs', { fromBlock: '0x0', toBlock: hex(10_000_000) });
  check(/query exceeds max block range\s+\d+/i.test(e.message) && e.code === -32602, JSON.stringify(e));
});

await t.test('filters report what is new since the last poll', async () => {
  const [logs, blocks, pending] = [await q('eth_newFilter', { address: token.target }), await q('eth_newBlockFilter'), await q('eth_newPendingTransactionFilter')];
  const r = await (await token.transfer(other, 9n)).wait();
  same((await q('eth_getFilterChanges', logs)).map((l) => l.transactionHash), [r.hash]);
  same(await q('eth_getFilterChanges', logs), []);
  check((await q('eth_getFilterChanges', blocks)).includes(r.blockHash), 'block filter');
  check((await q('eth_getFilterChanges', pending)).includes(r.hash), 'pending filter');
  same(await q('eth_uninstallFilter', logs), true);
  check(/filter not found/.test((await w.node.rpc.refused('eth_getFilterChanges', logs)).message), 'an uninstalled filter is gone');
});

await t.test('blocks and receipts agree with each other', async () => {
  const head = await w.node.blockNumber();
  for (let n = 1; n <= head; n++) {
    const b = await q('eth_getBlockByNumber', hex(n), true);
    same(b.parentHash, (await q('eth_getBlockByNumber', hex(n - 1), false)).hash);
    same((await q('eth_getBlockByHash', b.hash, true)).number, b.number);
    const receipts = await q('eth_getBlockReceipts', hex(n));
    same(receipts.map((r) => r.transactionHash), b.transactions.map((x) => x.hash));
    let gas = 0, logs = 0;
    for (const [i, r] of receipts.entries()) {
      gas += num(r.gasUsed);
      same([num(r.cumulativeGasUsed), num(r.transactionIndex), r.blockHash], [gas, i, b.hash]);
      for (const l of r.logs) same(num(l.logIndex), logs++);
    }
    same(num(b.gasUsed), gas);
  }
  same(await q('eth_getBlockByNumber', hex(head + 1000), false), null);
});

await t.test('the block hash is the hash of its header', async () => {
  const { encodeRlp, toBeArray } = await import('ethers');
  const b = await q('eth_getBlockByNumber', 'latest', false);
  const n = (h) => { const a = toBeArray(BigInt(h)); return a.length ? '0x' + Buffer.from(a).toString('hex') : '0x'; };
  const zero = '0x' + '00'.repeat(32);
  let acc = keccak256('0x');
  for (const h of b.transactions) acc = keccak256(acc + h.slice(2));
  same(b.transactionsRoot, acc);
  same(b.hash, keccak256(encodeRlp([b.parentHash, b.sha3Uncles, b.miner, zero, acc, zero, '0x' + '00'.repeat(256), '0x', n(b.number), n(b.gasLimit), n(b.gasUsed), n(b.timestamp), b.extraData, b.mixHash, b.nonce, n(b.baseFeePerGas)])));
});

await t.test('viem: deploys, writes, reads, simulates and watches', async () => {
  const chain = defineChain({ id: 10, name: 'ten', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [w.node.url] } } });
  const acc = privateKeyToAccount(account(7).privateKey);
  const pub = createPublicClient({ chain, transport: http(), pollingInterval: 100 }), mine = createWalletClient({ account: acc, chain, transport: http() });
  same(await pub.getChainId(), 10);
  const hash = await mine.deployContract({ abi: Token.abi, bytecode: Token.bytecode, args: ['Viem', 'VIEM', 10n ** 20n] });
  const r = await pub.waitForTransactionReceipt({ hash });
  same(r.status, 'success');
  const c = { address: r.contractAddress, abi: Token.abi };
  const { request } = await pub.simulateContract({ ...c, functionName: 'transfer', args: [other, 77n], account: acc });
  await pub.waitForTransactionReceipt({ hash: await mine.writeContract(request) });
  same(await pub.readContract({ ...c, functionName: 'balanceOf', args: [other] }), 77n);
  const logs = await pub.getLogs({ address: r.contractAddress, event: parseAbi(['event Transfer(address indexed from, address indexed to, uint256 value)'])[0], fromBlock: 0n });
  same(logs.map((l) => l.args.value), [10n ** 20n, 77n]);
  await assert.rejects(pub.simulateContract({ ...c, functionName: 'transfer', args: [other, 10n ** 30n], account: acc }), /InsufficientBalance/);
  const fee = await pub.estimateFeesPerGas();
  check(fee.maxFeePerGas > 0n, 'fees per gas');
  same((await pub.getFeeHistory({ blockCount: 3, rewardPercentiles: [50] })).gasUsedRatio.length > 0, true);
  const block = await pub.getBlock({ includeTransactions: true });
  check(block.number > 0n, 'block');
});

await t.test('cast: sends, calls, reads a receipt, a block, logs and the code', async () => {
  const rpc = ['--rpc-url', w.node.url], env = { ...process.env, ETH_TIMEOUT: '60', NO_COLOR: '1' };
  const cast = (...a) => must(CAST, a, { env, timeout: 60_000 });
  same((await cast('chain-id', ...rpc)).trim(), '10');
  const r = JSON.parse(await cast('send', ...rpc, '--private-key', account(7).privateKey, '--json', token.target, 'approve(address,uint256)', other, '5'));
  same(BigInt(r.status), 1n);
  same(BigInt((await cast('call', ...rpc, token.target, 'allowance(address,address)(uint256)', account(7).address, other)).split(' ')[0]), 5n);
  same(JSON.parse(await cast('receipt', ...rpc, '--json', r.transactionHash)).transactionHash, r.transactionHash);
  same(JSON.parse(await cast('block', ...rpc, '--json', r.blockHash)).hash, r.blockHash);
  check((await cast('code', ...rpc, token.target)).length > 100, 'code');
  check(num((await cast('estimate', ...rpc, token.target, 'approve(address,uint256)', other, '6', '--from', account(7).address)).trim()) > 21000, 'estimate');
  const logs = JSON.parse(await cast('logs', ...rpc, '--json', '--from-block', '0', '--address', token.target, 'Approval(address,address,uint256)'));
  check(logs.length >= 2, 'logs');
  await must(CAST, ['send', ...rpc, '--private-key', account(7).privateKey, '--create', Work.bytecode], { env, timeout: 60_000 });
});

await t.test('nonces ahead of their turn wait, and run when the gap is filled', async () => {
  const fresh = Wallet.createRandom(provider);
  await (await wallet.sendTransaction({ to: fresh.address, value: parseEther('1') })).wait();
  const tx = (nonce) => fresh.sendTransaction({ to: other, value: 1n, nonce, gasLimit: 100_000n });
  const two = await tx(2), one = await tx(1);
  same(await q('eth_getTransactionReceipt', two.hash), null);
  same(num(await q('eth_getTransactionCount', fresh.address, 'pending')), 0);
  const zero = await tx(0);
  for (const x of [zero, one, two]) same((await x.wait()).status, 1);
  same(num(await q('eth_getTransactionCount', fresh.address, 'latest')), 3);
});

await t.test('a batch of requests is answered one by one, eth_sendRawTransaction included', async () => {
  const base = await provider.getTransactionCount(account(7).address), feeData = await provider.getFeeData();
  const raws = [];
  for (let i = 0; i < 50; i++) raws.push(await new Wallet(account(7).privateKey).signTransaction({ chainId: 10, to: other, value: 1n, nonce: base + i, gasLimit: 100_000n, type: 2, maxFeePerGas: feeData.maxFeePerGas, maxPriorityFeePerGas: 0n }));
  const answers = await w.node.rpc.batch([...raws.map((r) => ['eth_sendRawTransaction', r]), ['eth_chainId'], ['no_such_method']]);
  same(answers.slice(0, 50).map((a) => a.result), raws.map((r) => keccak256(r)));
  same(answers[50].result, '0xa');
  same(answers[51].error.code, -32601);
  for (const r of raws) same((await w.node.receipt(keccak256(r))).status, '0x1');
});

await t.test('an eth_call with state overrides runs on the altered state', async () => {
  const to = '0x00000000000000000000000000000000000a11ce';
  const code = new Interface(['function last() view returns (uint256)']);
  const r = await q('eth_call', { to, data: code.encodeFunctionData('last') }, 'latest', { [to]: { code: Work.deployed, stateDiff: { ['0x' + '0'.repeat(64)]: '0x' + '9'.padStart(64, '0') } } });
  same(BigInt(r), 9n);
  same(await q('eth_getCode', to, 'latest'), '0x');
});

check(richKey.length === 66, 'key');
await t.end();
