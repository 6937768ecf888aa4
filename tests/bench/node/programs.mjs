// The parts of ops/bench that are a program each: runs it, shows what it prints, and takes the figures from it.
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { noble } from '../../e2e/crypto/peer.mjs';
import { contracts } from '../../e2e/lib/contracts.mjs';
import { SHARED, TOP } from '../../e2e/lib/paths.mjs';
import { lines } from './measure.mjs';

// The programs of the interpreter's figure; the others of that folder are small ones, for single opcodes.
const MAIN = ['blake2b_huff', 'blake2b_shifts', 'sha1_divs', 'sha1_shifts', 'snailtracer', 'structarray_alloc', 'swap_math', 'weierstrudel'];

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

  // One run: a library that does the same is timed between our rounds, @noble/curves (JavaScript; divided by 20 it is about what
  // good native code needs) and c-kzg with blst right after them.
  async function precompiles() {
    const us = (text) => [...text.matchAll(/^(\S+) +([\d.]+) us(?: +(\S+) +([\d.]+) us)?$/gm)];
    const ours = us((await lines('bench_crypto')).join('\n')), js = noble(), folder = process.env.GH_BENCH_CKZG;
    const native = folder ? Object.fromEntries(us(execFileSync(path.join(TOP, 'tests/bench/crypto/peer_ckzg.sh'), [folder], { encoding: 'utf8' })).map((m) => [m[1], Number(m[2])])) : {};
    for (const [, name, value, library, its] of ours) {
      const peer = its ? [Number(its), library] : native[name] ? [native[name], 'c-kzg, blst'] : js[name] ? [js[name] / 20, '@noble/curves / 20'] : [];
      figures.add(name.replaceAll('_', ' '), Number(value), 'us', { peer: peer[0], peerName: peer[1], higher: false });
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
    const all = fs.readdirSync(folder).filter((f) => f.endsWith('.json'));
    const files = all.filter((f) => MAIN.includes(f.slice(0, -5))).map((f) => path.join(folder, f));
    const micro = all.filter((f) => !MAIN.includes(f.slice(0, -5))).map((f) => path.join(folder, f));
    const mean = /geometric mean ([\d.]+) Mgas\/s/;
    if (micro.length) take(await shown('bench_evm', micro), 'interpreter, geometric mean of the small programs', mean, 'Mgas/s');
    const plain = take(await shown('bench_evm', files), 'interpreter, geometric mean of the programs', mean, 'Mgas/s');
    take(await shown('bench_evm', ['--zksync-os', ...files]), 'the same with native accounting', mean, 'Mgas/s');
    return `geometric mean: ${(plain / 1000).toFixed(2)} Ggas/s`;
  }

  async function attack() {
    const m = /^worst: ([\d.]+) ns\/gas \(Osaka: (.+)\), ([\d.]+) ns\/gas \(ZKsync OS: (.+)\)$/m.exec(await shown('bench_attack'));
    if (!m) throw new Error('no worst attack in what it printed');
    figures.add('worst attack, rules of Osaka', Number(m[1]), 'ns/gas', { note: m[2] });
    figures.add('worst attack, rules of ZKsync OS', Number(m[3]), 'ns/gas', { note: m[4] });
  }

  async function stf() {
    const file = path.join(TOP, 'build/bench/token.hex');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, contracts().Token.deployed + '\n');
    const text = await shown('bench_stf', [file]);
    for (const m of text.matchAll(/^(.+?) +([\d.]+) us$/gm)) figures.add(m[1], Number(m[2]), 'us');
  }

  async function interop() {
    const text = await shown('bench_interop');
    for (const m of text.matchAll(/^(.+?) +(\d+) a second/gm)) figures.add(m[1], Number(m[2]), '1/s', { note: 'one core' });
    take(text, 'mirror: memory of 1 M batches', /memory of 1 M batches +([\d.]+) MiB/, 'MiB');
  }

  return { interop, hash, precompiles, tree, evm, attack, stf };
}
