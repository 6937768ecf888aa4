// What scenarios of faults between node and L1 begin with: a chain that is up behind two proxies.
import { parseEther } from 'ethers';
import { USER } from './l1.mjs';
import { seeded } from './suite.mjs';
import { World } from './world.mjs';

// both(fn) does something to both proxies. settles() sends a transfer and waits until the batch that carries it is executed on L1.
export async function behindTwoProxies(t, name) {
  const w = await World.create(t, { proxies: 2, batchTimeout: '1s' });
  const random = seeded(name);
  for (const p of w.proxies) p.random = random;
  await t.need('the chain is up behind two proxies', async () => { await w.start(); await w.fund(USER.address, parseEther('100')); await w.l1.executed(1); });
  const [a, b] = w.proxies;
  const wallet = w.managed();
  return {
    w, a, b,
    both: (fn) => { fn(a); fn(b); },
    settles: async (within) => w.executed((await (await wallet.sendTransaction({ to: '0x00000000000000000000000000000000000000f0', value: 1n })).wait()).hash, within),
  };
}
