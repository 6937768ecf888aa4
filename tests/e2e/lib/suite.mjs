// One scenario file: tests in order, each named after a behaviour, TAP-like lines, a final count.
//   const t = suite('02 deposit'); await t.test('balance arrives on L2', async () => ...); await t.end();
// `t.need` is a test the later ones stand on: when it fails the scenario stops there.
import assert from 'node:assert/strict';

export function suite(title) {
  let passed = 0, failed = 0;
  const cleanups = [], dumps = [];
  const started = Date.now();
  const t = {
    title,
    async test(name, fn) {
      const began = Date.now();
      try {
        await fn();
        passed++;
        console.log(`ok - ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
        return true;
      } catch (e) {
        failed++;
        console.log(`not ok - ${name}\n${String(e.stack ?? e).split('\n').slice(0, 12).map((l) => '  ' + l).join('\n')}`);
        return false;
      }
    },
    async need(name, fn) {
      if (!(await t.test(name, fn))) await t.end();
    },
    cleanup(fn) { cleanups.push(fn); },
    onFailure(fn) { dumps.push(fn); },
    async end() {
      if (failed) for (const d of dumps) try { await d(); } catch (e) { console.log(String(e)); }
      for (const c of cleanups.reverse()) try { await c(); } catch (e) { console.log('cleanup: ' + e.message); }
      if (passed + failed === 0) failed = 1;
      console.log(`${title}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
      console.log(`${passed} passed, ${failed} failed`);
      process.exit(failed ? 1 : 0);
    },
  };
  const abort = async (e) => { failed++; console.log(`not ok - ${title} ran to its end\n  ${String(e?.stack ?? e)}`); await t.end(); };
  process.on('unhandledRejection', abort);
  process.on('uncaughtException', abort);
  for (const s of ['SIGINT', 'SIGTERM']) process.on(s, () => abort(new Error('stopped by ' + s)));
  return t;
}

export { assert };
export const same = (got, want, what) => assert.deepEqual(got, want, what);

// A message that says what was expected, for conditions that are not equalities.
export function check(condition, message) {
  if (!condition) throw new Error(message);
}

// Pseudo-random numbers from a printed seed, so that a failing run can be repeated with GH_SEED.
export function seeded(name) {
  const seed = process.env.GH_SEED ? Number(process.env.GH_SEED) : Math.floor(Math.random() * 2 ** 31);
  console.log(`# ${name}: GH_SEED=${seed}`);
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let x = Math.imul(s ^ (s >>> 15), 1 | s);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
