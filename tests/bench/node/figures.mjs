// The table of figures: one row a figure, with the peer's beside it where there is one.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export class Figures {
  constructor() { this.rows = []; this.failures = []; }

  // `higher`: whether more is better, which gives the ratio its direction.
  add(name, value, unit, { peer, peerName, higher = true, note, detail } = {}) {
    const known = peer !== undefined && peer > 0 && value > 0;
    const row = { name, value, unit, note, detail };
    if (peer !== undefined) Object.assign(row, { peer, peerName });
    if (known) row.ratio = Number((higher ? value / peer : peer / value).toFixed(2));
    this.rows.push(row);
    console.log('  ' + line(row).join('  '));
  }

  fail(what, e) {
    this.failures.push(`${what}: ${e.message ?? e}`);
    console.log(`  FAILED ${what}: ${e.stack ?? e}`);
  }

  print() {
    const table = [['figure', 'gatehouse', 'peer', 'ratio', ''], ...this.rows.map(line)];
    const width = table[0].map((_, i) => Math.max(...table.map((r) => r[i].length)));
    for (const [i, r] of table.entries()) {
      console.log(r.map((c, k) => (k === 0 || k === 4 ? c.padEnd(width[k]) : c.padStart(width[k]))).join('  ').trimEnd());
      if (i === 0) console.log(width.map((w) => '-'.repeat(w)).join('  '));
    }
    for (const f of this.failures) console.log('FAILED: ' + f);
  }

  write(file) {
    const cpus = os.cpus();
    const machine = { cpu: cpus[0]?.model.trim(), cores: cpus.length, memoryMb: Math.round(os.totalmem() / 2 ** 20), kernel: os.release() };
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, JSON.stringify({ when: new Date().toISOString(), machine, figures: this.rows, failures: this.failures }, null, 1) + '\n');
  }
}

const show = (v) => (typeof v !== 'number' ? String(v) : Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(2));

function line(r) {
  return [r.name, `${show(r.value)} ${r.unit}`, r.peer === undefined ? '' : r.peer > 0 ? `${show(r.peer)} ${r.unit}` : '-',
    r.ratio === undefined ? '' : r.ratio.toFixed(2), [r.peerName, r.note].filter(Boolean).join('; ')];
}
