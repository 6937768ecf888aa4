import { World } from './lib/world.mjs'; import { mixedTraffic } from './lib/batches.mjs'; import { suite } from './lib/suite.mjs'; import { run } from './lib/process.mjs';
const t = suite('try'); const w = await World.create(t, {}); await w.start(); await w.fund();
let n = 0; console.time('traffic'); const h = await mixedTraffic(w, async () => n++ > 15); console.timeEnd('traffic'); console.log(h.length);
console.time('replay'); const r = await run(process.execPath, ['checker/replay_txs.mjs', '--l2', w.node.url], { cwd: '/work/main/tests/e2e' }); console.timeEnd('replay'); console.log(r.all.slice(-3000)); await t.end();
