// anvil as the peer: the very same signed transactions (its chain id, base fee and accounts are set to ours).
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CHAIN } from '../../e2e/lib/l1.mjs';
import { ANVIL } from '../../e2e/lib/paths.mjs';
import { Child, freePorts } from '../../e2e/lib/process.mjs';
import { Rpc } from '../../e2e/lib/rpc.mjs';
import { until } from '../../e2e/lib/wait.mjs';
import { memory, memoryGuard } from './measure.mjs';

export const BASE_FEE = 100_000_000;
export const MEMORY_LIMIT_MB = Number(process.env.GH_BENCH_ANVIL_MB ?? 4096);

// How anvil makes blocks, and what the generator does about it.
export const MODES = {
  'anvil --no-mining, mined at the end': { args: ['--no-mining'], load: { mineMs: 10, mineAfter: true, window: 10_000_000 } },
  'anvil --no-mining, mined every 250 ms': { args: ['--no-mining'], load: { mineMs: 250 } },
  'anvil, mining on arrival': { args: [], load: { seconds: 5, graceMs: 3000 } }, // seconds a block once many wait
};

// use(peer) with peer.url; peer.guard.tripped after it had to be killed.
export async function withAnvil(args, use) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gatehouse-bench-anvil-'));
  const [port] = await freePorts(1);
  const child = new Child(ANVIL, ['--port', String(port), '--chain-id', String(CHAIN), '--accounts', '10', '--balance', '10000', '--silent',
    '--block-base-fee-per-gas', String(BASE_FEE), '--gas-limit', '30000000000', '--no-request-size-limit', ...args], { log: path.join(dir, 'anvil.log') });
  const guard = memoryGuard(child, MEMORY_LIMIT_MB);
  const url = `http://127.0.0.1:${port}`, rpc = new Rpc(url);
  try {
    await until('anvil answers', () => rpc.q('eth_chainId'), { timeout: 20_000, every: 50 });
    return await use({ url, rpc, guard, child, memory: () => memory(child.pid) });
  } catch (e) {
    if (guard.tripped) throw new Error(`anvil was stopped above ${MEMORY_LIMIT_MB} MB`);
    throw e;
  } finally {
    guard.stop();
    await child.kill('SIGKILL');
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
