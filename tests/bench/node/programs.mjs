// The parts of ops/bench that are a program each: runs it, shows what it prints, and takes the figures from it.
import fs from 'node:fs';
import path from 'node:path';
import { SHARED } from '../../e2e/lib/paths.mjs';
import { lines } from './measure.mjs';

// A part may give back a line that the whole run ends with.
export function programs(figures) {
  async function shown(name, args) {
    const out = await lines(name, args);
    for (const l of out) console.log('  | ' + l);
    return out.join('\n');
  }

  function take(text, name, re, unit) {
    const m = re.exec(text);
    if (!m) throw new Error(`no "${name}" in what it printed`);
    figures.add(name, Number(m[1]), unit);
    return Number(m[1]);
  }

  async function hash() {
    const text = (await lines('bench_hash')).join('\n');
    for (const m of text.matchAll(/^(.+?)\s+([\d.]+) ns$/gm)) figures.add(m[1].trim(), Number(m[2]), 'ns');
  }

  async function precompiles() {
    for (const l of await lines('bench_crypto')) {
      const m = /^(\S+)\s+([\d.]+) us$/.exec(l);
      if (m) figures.add(m[1].replaceAll('_', ' '), Number(m[2]), 'us');
    }
  }

  async function tree() {
    const text = await shown('bench_state');
    take(text, 'resident memory after a million accounts', /a million accounts: (\d+) MB resident/, 'MB');
    for (const m of text.matchAll(/^ *(\d+) \+ +(\d+) new .* tree +(\d+) ns a changed leaf +(compressions.*)$/gm))
      figures.add(`tree of 2^20 leaves, ${m[1]} changed and ${m[2]} new, each`, Number(m[3]), 'ns', { note: m[4].replace(/ +/g, ' ') });
  }

  async function evm() {
    const folder = path.join(SHARED, 'bench/evm');
    if (!fs.existsSync(folder)) return void console.log('SKIP: interpreter speed (recorded data folder absent)');
    const files = fs.readdirSync(folder).filter((f) => f.endsWith('.json')).map((f) => path.join(folder, f));
    const mean = /geometric mean ([\d.]+) Mgas\/s/;
    const plain = take(await shown('bench_evm', files), 'interpreter, geometric mean of the programs', mean, 'Mgas/s');
    take(await shown('bench_evm', ['--zksync-os', ...files]), 'the same with native accounting', mean, 'Mgas/s');
    return `geometric mean: ${(plain / 1000).toFixed(2)} Ggas/s`;
  }

  return { hash, precompiles, tree, evm };
}
