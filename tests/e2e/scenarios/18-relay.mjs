// Bundles from chain 12 to chain 13 and withdrawals from chain 12 to L1, carried by our relayer over our Gateway, on the real contracts. The
// destination's contracts say what arrived and how often; the relayer's key says what was sent.
import fs from 'node:fs';
import path from 'node:path';
import { AbiCoder, ContractFactory, Interface, JsonRpcProvider, NonceManager, Wallet, concat, getBytes, parseEther, toBeHex } from 'ethers';
import { contracts } from '../lib/contracts.mjs';
import { BRIDGEHUB, GatewayWorld, until } from '../lib/gateway.mjs';
import { USER, account } from '../lib/l1.mjs';
import { GATEHOUSE, TOP } from '../lib/paths.mjs';
import { Child, must, run } from '../lib/process.mjs';
import { Proxy } from '../lib/proxy.mjs';
import { hex, num } from '../lib/rpc.mjs';
import { check, same, suite } from '../lib/suite.mjs';

const t = suite('18 relay');
const w = await GatewayWorld.create(t, { chains: [12, 13], changes: { 'l1_watcher.poll_interval': '200ms', 'interop.root_quiet': '500ms', 'rpc.finalized_mode': 'executed' } });
const c12 = w.chains[12], c13 = w.chains[13];
// What the relayer is told by chain 12 goes through here; it lies when told to.
let node12;
t.cleanup(() => node12?.stop());
const RELAYER = account(15), CENTER = '0x000000000000000000000000000000000001000d', HANDLER = '0x000000000000000000000000000000000001000e';
const center = new Interface([
  'function sendBundle(bytes destinationChainId, (bytes to, bytes data, bytes[] callAttributes)[] callStarters, bytes[] bundleAttributes) payable returns (bytes32)',
  'event InteropBundleSent(bytes32 l2l1MsgHash, bytes32 interopBundleHash, (bytes1,uint256,uint256,bytes32,bytes32,(bytes1,bool,address,address,uint256,bytes)[],(bytes,bytes,bool)) interopBundle)',
]);
const handler = new Interface(['function bundleStatus(bytes32) view returns (uint8)', 'event BundleExecuted(bytes32 indexed bundleHash)']);
const l2 = new Interface(['function withdraw(address) payable']);
const nullifier = new Interface(['function isWithdrawalFinalized(uint256,uint256,uint256) view returns (bool)']);
const attribute = (signature, type, value) => new Interface([`function ${signature}(${type})`]).encodeFunctionData(signature, [value]);
// ERC-7930, version 1, eip155
const chainRef = (id) => getBytes(toBeHex(id));
const interop = (id, address) => concat(['0x00010000', toBeHex(id === null ? 0 : chainRef(id).length, 1), id === null ? '0x' : chainRef(id), toBeHex(address ? 20 : 0, 1), address ?? '0x']);

await t.need('the Gateway and both chains are up', async () => { await w.start(); node12 = await Proxy.start(c12.url); node12.rules = false; });
await t.need('deposits reach both chains over the Gateway', async () => {
  await w.deposit(12, { value: parseEther('20') });
  await w.deposit(13, { value: parseEther('5') });
  await w.deposit(13, { to: RELAYER.address, value: parseEther('5') });
});

const provider = (node, id) => {
  const p = new JsonRpcProvider(node.url, id, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 100 });
  t.cleanup(() => p.destroy());
  return p;
};
const user12 = new NonceManager(new Wallet(USER.privateKey, provider(c12, 12))), user13 = new NonceManager(new Wallet(USER.privateKey, provider(c13, 13)));
let receiver, closed, liar;
await t.need('receivers on chain 13', async () => {
  const { Receiver } = contracts();
  const f = new ContractFactory(Receiver.abi, Receiver.bytecode, user13);
  [receiver, closed, liar] = [await f.deploy({ gasLimit: 3_000_000n }), await f.deploy({ gasLimit: 3_000_000n }), await f.deploy({ gasLimit: 3_000_000n })];
  await Promise.all([receiver, closed, liar].map((x) => x.waitForDeployment()));
  await (await liar.say('0x5bba5111' + '00'.repeat(32), { gasLimit: 500_000n })).wait(); // BundleAlreadyProcessed(0)
  await (await closed.close(true, { gasLimit: 500_000n })).wait();
});

async function sendBundle({ to = [receiver.target], value = 0n, attributes = [] } = {}) {
  const starters = to.map((address) => [interop(null, address), '0x1234', value ? [attribute('interopCallValue', 'uint256', value)] : []]);
  const tx = await user12.sendTransaction({ to: CENTER, data: center.encodeFunctionData('sendBundle', [interop(13), starters, attributes]), value: value * BigInt(to.length), gasLimit: 5_000_000n });
  const receipt = await c12.receipt(tx.hash);
  same(receipt.status, '0x1', 'sendBundle');
  const log = receipt.logs.map((l) => { try { return center.parseLog(l); } catch { return null; } }).find((l) => l?.name === 'InteropBundleSent');
  return { tx: tx.hash, hash: log.args.interopBundleHash, to };
}
const bundleStatus = async (hash) => Number(handler.decodeFunctionResult('bundleStatus', await c13.rpc.q('eth_call', { to: HANDLER, data: handler.encodeFunctionData('bundleStatus', [hash]) }, 'latest'))[0]);

// ---- the relayer ----
const dir = path.join(w.dir, 'relay'), config = path.join(w.dir, 'relay.yaml'), key = path.join(w.dir, 'relayer.key');
fs.writeFileSync(key, RELAYER.privateKey + '\n', { mode: 0o600 });
const DENIED = account(16).address;
fs.writeFileSync(config, `
relay:
  data_dir: ${dir}
  poll_interval: 200ms
  backoff_min: 300ms
  backoff_max: 1s
  max_attempts: 3
  max_in_work: 2
chains:
  - { chain_id: 31337, name: L1, rpc_url: "${w.l1.url}", bridgehub: "${BRIDGEHUB}", key: "file:${key}" }
  - { chain_id: 12, name: twelve, rpc_url: ["${node12.url}"] }
  - { chain_id: 13, name: thirteen, rpc_url: "${c13.url}", key: "file:${key}" }
routes:
  - { from: 12, to: 13, max_calls: 3, max_value: 1 ether, deny_recipients: ["${DENIED}"] }
  - { from: 12, to: 31337 }
`);
let relayer;
const startRelay = (...more) => { relayer = new Child(GATEHOUSE, ['relay', '--config', config, ...more], { log: path.join(w.dir, 'relay.log'), cwd: TOP }); };
t.cleanup(() => relayer?.kill());
t.onFailure(() => console.log(`--- end of relay.log\n${fs.readFileSync(path.join(w.dir, 'relay.log'), 'utf8').split('\n').slice(-40).join('\n')}\n---`));
const messages = async (...more) => JSON.parse(await must(GATEHOUSE, ['messages', '--config', config, '--json', ...more])).messages;
const message = async (id) => (await messages()).find((m) => m.id === id);
const reaches = (id, state, timeout = 90_000) => until(`${id} is ${state}`, async () => { const m = await message(id); return m?.state === state && m; }, { timeout, every: 300 });
// Every transaction of the relayer's key on chain 13, by what it calls.
async function deliveries() {
  const head = await c13.blockNumber(), found = [];
  for (let n = 1; n <= head; n++) {
    for (const x of (await c13.rpc.q('eth_getBlockByNumber', '0x' + n.toString(16), true)).transactions) if (x.from.toLowerCase() === RELAYER.address.toLowerCase()) found.push(x);
  }
  return found;
}

await t.test('its configuration is checked: an unknown key, a route to nowhere and a destination without a key are errors', async () => {
  const text = fs.readFileSync(config, 'utf8');
  const bad = async (from, to, pattern) => {
    const file = path.join(w.dir, 'bad.yaml');
    fs.writeFileSync(file, text.replace(from, to));
    const r = await run(GATEHOUSE, ['relay', '--check', '--config', file]);
    check(r.code === 1 && pattern.test(r.all), r.all);
  };
  await bad('poll_interval', 'pol_interval', /unknown key pol_interval/);
  await bad('to: 31337', 'to: 31338', /chain 31338/);
  await bad(`rpc_url: "${c13.url}", key: "file:${key}"`, `rpc_url: "${c13.url}"`, /thirteen, which has no key/);
  await bad('1 ether', 'one ether', /max_value/);
  await bad('  - { from: 12, to: 31337 }', '  - { from: 12, to: 31337 }\n  - { from: 12, to: 13 }', /two routes from twelve to thirteen/);
  same((await run(GATEHOUSE, ['relay', '--check', '--config', config])).code, 0);
});

const sent = [];
await t.need('bundles and a withdrawal are sent on chain 12', async () => {
  startRelay();
  sent.push(await sendBundle());
  sent.push(await sendBundle({ to: [receiver.target, receiver.target], value: 1000n }));
  sent.push(await sendBundle({ attributes: [attribute('executionAddress', 'bytes', interop(13, RELAYER.address))] }));
});
let withdrawal;
await t.need('a withdrawal', async () => {
  const tx = await user12.sendTransaction({ to: '0x000000000000000000000000000000000000800A', value: 12345n, data: l2.encodeFunctionData('withdraw', [account(17).address]), gasLimit: 2_000_000n });
  same((await c12.receipt(tx.hash)).status, '0x1');
  withdrawal = tx.hash;
});

await t.test('bundles arrive on chain 13, each once, by one transaction of the relayer', async () => {
  for (const b of sent) {
    const m = await reaches(b.hash, 'delivered');
    same(await bundleStatus(b.hash), 2);
    const receipt = await c13.rpc.q('eth_getTransactionReceipt', m.deliveryTx);
    same(receipt.status, '0x1');
    check(receipt.logs.some((l) => l.address.toLowerCase() === HANDLER && l.topics[0] === handler.getEvent('BundleExecuted').topicHash && l.topics[1] === b.hash), 'BundleExecuted');
  }
  same(Number(await receiver.received()), 4);
  same(await c13.rpc.q('eth_getBalance', receiver.target, 'latest'), '0x7d0');
  same((await deliveries()).length, sent.length);
});

await t.test('one that reverts at its target is tried again, then parked with the reason; others pass it by', async () => {
  const stuck = await sendBundle({ to: [closed.target] });
  const next = await sendBundle();
  await reaches(next.hash, 'delivered');
  const m = await reaches(stuck.hash, 'parked');
  check(/not today|Closed/.test(m.note) || /0x[0-9a-f]{8}/.test(m.note), m.note);
  check(m.attempts === 3, `${m.attempts} attempts`);
  same(m.attempts, 3);
  check(m.remedy.length > 10, 'no remedy');
  same(await bundleStatus(stuck.hash), 0);
  const text = await must(GATEHOUSE, ['messages', '--config', config]);
  check(/parked/.test(text) && /remedy:/.test(text), text);
  sent.push(next);
  sent.stuck = stuck;
});

await t.test('a target that imitates "delivered already" is parked like any other', async () => {
  const b = await sendBundle({ to: [liar.target] });
  const paused = await until('it pauses after a failure, and the pause is written down', async () => { const m = await message(b.hash); return (m?.attempts > 0 && m.nextTryMs > m.changedMs) || m?.state === 'parked'; }, { timeout: 60_000, every: 50 });
  check(paused);
  const m = await reaches(b.hash, 'parked');
  check(/BundleAlreadyProcessed/.test(m.note), m.note);
  same(await bundleStatus(b.hash), 0);
});

await t.test('many that cannot be proved yet keep nobody from his turn', async () => {
  const provable = new Set();
  node12.fault((q) => q.method === 'zks_getL2ToL1LogProof' && !provable.has(q.params[0]), { lie: () => ({ result: null }) });
  const held = [await sendBundle(), await sendBundle(), await sendBundle(), await sendBundle()];
  for (const b of held) await reaches(b.hash, 'waits for proof');
  const free = await sendBundle();
  provable.add(free.tx);
  await reaches(free.hash, 'delivered', 60_000);
  for (const b of held) same((await message(b.hash)).state, 'waits for proof');
  node12.clear();
  sent.push(free, ...held);
});

await t.test('a receipt that lies is found out; on an honest node the message is delivered', async () => {
  const lie = node12.fault('eth_getTransactionReceipt', { lie: (_, { result }) => ({ result: { ...result, l2ToL1Logs: result.l2ToL1Logs.map((l) => ({ ...l, tx_number_in_block: l.tx_number_in_block + 1 })) } }) });
  const b = await sendBundle();
  const m = await reaches(b.hash, 'parked');
  check(lie.hits > 0 && /another root/.test(m.note), m.note);
  const [shown] = await messages('--id', b.hash);
  same(shown.calldata, '0x', 'nothing of a proof that was not believed is kept');
  node12.clear();
  sent.push(b); // delivered after --retry-parked, below
});

await t.test('rules of the route, and bundles that only their owner may execute, are left alone with the reason', async () => {
  const many = await sendBundle({ to: Array(4).fill(receiver.target) }), denied = await sendBundle({ to: [DENIED] });
  const owned = await sendBundle({ attributes: [attribute('executionAddress', 'bytes', interop(13, USER.address))] });
  sent.many = many;
  check(/4 calls, the route takes 3/.test((await reaches(many.hash, 'skipped')).note));
  check(/deny list/.test((await reaches(denied.hash, 'skipped')).note));
  const m = await reaches(owned.hash, 'not ours');
  check(/execution address/.test(m.note), m.note);
  for (const b of [many, denied, owned]) same(await bundleStatus(b.hash), 0);
  // What `messages --id` shows is enough for the owner.
  const [shown] = await messages('--id', owned.hash);
  const tx = await user13.sendTransaction({ to: shown.target, data: shown.calldata, gasLimit: 5_000_000n });
  same((await c13.receipt(tx.hash)).status, '0x1', 'the owner executes it with the calldata shown');
  same(await bundleStatus(owned.hash), 2);
});

await t.test('delivered by somebody else counts as delivered, and nothing is sent', async () => {
  await must(GATEHOUSE, ['relay', '--pause', '--config', config]);
  await until('it says that it is paused', () => /relaying is paused by the operator/.test(relayer.output()));
  const b = await sendBundle();
  const proof = await until('a proof', () => c12.rpc.q('zks_getL2ToL1LogProof', b.tx, 0, 'messageRoot'), { timeout: 60_000, every: 300 });
  const receipt = await c12.rpc.q('eth_getTransactionReceipt', b.tx);
  const event = receipt.logs.find((l) => l.address.toLowerCase() === '0x0000000000000000000000000000000000008008');
  const raw = AbiCoder.defaultAbiCoder().decode(['bytes'], event.data)[0];
  const run13 = new Interface(['function executeBundle(bytes, (uint256,uint256,uint256,(uint16,address,bytes),bytes32[]))']);
  const data = run13.encodeFunctionData('executeBundle', ['0x' + raw.slice(4), [12, proof.batchNumber, proof.id, [num(receipt.transactionIndex), CENTER, '0x'], proof.proof]]);
  const before = (await deliveries()).length;
  await until('the root is there and it can be executed', async () => { try { await c13.rpc.q('eth_call', { from: USER.address, to: HANDLER, data }, 'latest'); return true; } catch { return false; } }, { timeout: 60_000, every: 300 });
  const tx = await user13.sendTransaction({ to: HANDLER, data, gasLimit: 5_000_000n });
  same((await c13.receipt(tx.hash)).status, '0x1');
  await must(GATEHOUSE, ['relay', '--resume', '--config', config]);
  const m = await reaches(b.hash, 'delivered');
  check(/somebody else/.test(m.note), m.note);
  same(m.deliveryTx, null);
  same((await deliveries()).length, before);
});

await t.test('what was parked is delivered after --retry-parked, once its target takes it; who was skipped is judged by the rules as they are now', async () => {
  await (await closed.close(false, { gasLimit: 500_000n })).wait();
  await (await liar.say('0x', { gasLimit: 500_000n })).wait();
  fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace('max_calls: 3', 'max_calls: 4'));
  same((await relayer.stop()).code, 0);
  startRelay('--retry-parked');
  await reaches(sent.stuck.hash, 'delivered');
  same(Number(await closed.received()), 1);
  await reaches(sent.many.hash, 'delivered');
  sent.push(sent.many);
  for (const b of sent) await reaches(b.hash, 'delivered');
  const lied = (await messages()).filter((m) => m.kind === 'bundle' && m.state !== 'delivered' && m.state !== 'not ours' && m.state !== 'skipped');
  same(lied, [], 'the liar takes it now, too');
  same(Number(await liar.received()), 1);
  sent.push({ hash: 'of the liar' });
  sent.push(sent.stuck);
});

await t.test('kill -9 at any moment: everything arrives, once', async () => {
  const kills = process.env.GH_FULL === '1' ? 50 : 6, bundles = [];
  for (let i = 0; i < kills; i++) {
    if (i % 2 === 0) bundles.push(await sendBundle());
    const at = Date.now() + 150 + (i * 379) % 900;
    await until('a moment in which something is under way', () => Date.now() >= at, { every: 5 });
    await relayer.kill();
    startRelay();
  }
  for (const b of bundles) { await reaches(b.hash, 'delivered', 120_000); sent.push(b); }
  const calls = (await deliveries()).map((x) => x.input);
  same(calls.length, new Set(calls).size, 'a delivery was sent twice');
  same(calls.length, sent.length, 'deliveries by the relayer');
  for (const x of await deliveries()) same((await c13.rpc.q('eth_getTransactionReceipt', x.hash)).status, '0x1');
});

const ofWithdrawal = async () => (await messages()).find((x) => x.tx === withdrawal);
await t.test('a key without funds is named, and it goes on once they are there', async () => {
  const m = await until('it waits for funds', async () => { const x = await ofWithdrawal(); return /lacks funds on L1/.test(x.note) && x; }, { timeout: 120_000, every: 500 });
  same([m.kind, m.from, m.to, m.state], ['withdrawal', 12, 31337, 'sent']);
  check(m.note.includes(RELAYER.address.toLowerCase()), m.note);
  await w.l1.rpc.q('anvil_setBalance', RELAYER.address, hex(parseEther('10')));
});

await t.test('the withdrawal is finalized on L1 through the Gateway', async () => {
  const m = await until('it is finalized', async () => { const x = await ofWithdrawal(); return ['mined', 'delivered'].includes(x.state) && x; }, { timeout: 60_000, every: 500 });
  const receipt = await w.l1.rpc.q('eth_getTransactionReceipt', m.deliveryTx);
  same(receipt.status, '0x1');
  same(await w.l1.call(nullifier, receipt.to, 'isWithdrawalFinalized', [12, m.batch, m.leaf]), true);
  same(BigInt(await w.l1.rpc.q('eth_getBalance', account(17).address, 'latest')), 12345n);
});

await t.end();
