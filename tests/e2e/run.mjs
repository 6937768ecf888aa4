// Runs the end to end scenarios, a few at a time, each in its own process with its own world.
//   node tests/e2e/run.mjs [--jobs N] [--long] [NAME...]        NAME: beginning of a scenario's file name
// The last line is `N passed, M failed`.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { GATEHOUSE, NEED_SHARED, SHARED, TOP, haveSharedL1 } from './lib/paths.mjs';

const args = process.argv.slice(2);
const option = (name, otherwise) => { const i = args.indexOf(name); return i < 0 ? otherwise : args.splice(i, 2)[1]; };
const flag = (name) => { const i = args.indexOf(name); if (i >= 0) args.splice(i, 1); return i >= 0; };
const jobs = Number(option('--jobs', process.env.GH_E2E_JOBS ?? '4'));
const long = flag('--long') || process.env.GH_FULL === '1';
const limit = Number(option('--timeout', long ? '1500' : '330')) * 1000;

if (!haveSharedL1()) {
  console.log(`SKIP: end to end tests (the run ${NEED_SHARED})`);
  console.log('0 passed, 0 failed');
  process.exit(0);
}
const dir = path.join(TOP, 'tests/e2e/scenarios');
// Files that begin with the same number are independent of each other; the longest are named first so that nothing waits at the end.
const first = ['09', '14', '15', '11', '08', '10', '06', '12'];
const order = (f) => { const i = first.indexOf(f.slice(0, 2)); return i < 0 ? first.length : i; };
const scenarios = fs.readdirSync(dir).filter((f) => /^\d\d-.*\.(mjs|py|sh)$/.test(f))
  .filter((f) => !args.length || args.some((a) => f.startsWith(a))).sort((a, b) => order(a) - order(b) || a.localeCompare(b));
let passed = 0, failed = 0;
if (!fs.existsSync(GATEHOUSE)) {
  console.log(`not ok - ${path.relative(TOP, GATEHOUSE)} exists`);
  failed++;
}

const command = (file) => file.endsWith('.py') ? ['python3', [file, SHARED]] : file.endsWith('.sh') ? ['bash', [file]] : [process.execPath, [file]];

function runOne(name) {
  return new Promise((ok) => {
    const [program, argv] = command(path.join(dir, name));
    const c = spawn(program, argv, { cwd: TOP, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, GH_SHARED: SHARED, GH_LONG: long ? '1' : '', GH_NODE: process.execPath } });
    let out = '';
    c.stdout.on('data', (d) => { out += d; });
    c.stderr.on('data', (d) => { out += d; });
    const began = Date.now();
    let late = false;
    // SIGTERM first: the scenario then says where it was and stops its own children.
    const timer = setTimeout(() => { late = true; c.kill('SIGTERM'); setTimeout(() => c.kill('SIGKILL'), 20_000).unref(); }, limit);
    c.once('error', (e) => { out += e.message; });
    c.once('close', (code, signal) => {
      clearTimeout(timer);
      const m = [...out.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
      let p = m ? Number(m[1]) : 0, f = m ? Number(m[2]) : 0;
      if (!m || late || (code !== 0 && f === 0) || p + f === 0) f++;
      passed += p;
      failed += f;
      console.log(`\n== ${name}: ${f ? 'FAILED' : 'ok'}, ${((Date.now() - began) / 1000).toFixed(0)} s${late ? ', out of time' : ''}${m ? '' : `, ended with ${code ?? signal}`}`);
      console.log(out.trimEnd());
      ok();
    });
  });
}

const queue = [...scenarios];
await Promise.all(Array.from({ length: Math.max(1, jobs) }, async () => { while (queue.length) await runOne(queue.shift()); }));
if (!scenarios.length) { console.log('no scenario matches'); failed++; }
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
