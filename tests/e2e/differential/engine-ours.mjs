// Our engine: one process, a state test a line (tests/statetest/lines.h).
import { spawn } from 'node:child_process';
import readline from 'node:readline';

export class Ours {
  constructor(program, rules) {
    this.child = spawn(program, ['--lines', ...(rules ? ['--rules', rules] : [])], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.said = '';
    this.child.stderr.on('data', (d) => { this.said += d; });
    this.child.stdin.on('error', () => {});
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  // Three summaries: of the traced run, and of two that take other ways through the interpreter.
  async run(name, test) {
    this.child.stdin.write(JSON.stringify({ [name]: test }) + '\n');
    const steps = [], ends = [];
    while (ends.length < 3) {
      let late;
      const { value, done } = await Promise.race([this.lines.next(), new Promise((_, no) => { late = setTimeout(() => no(new Error(`our engine does not answer to ${name}`)), 60_000); })]);
      clearTimeout(late);
      if (done) throw new Error(`our engine ended in ${name}: ${this.said}`);
      const line = JSON.parse(value);
      if (line.stateRoot) ends.push({ root: line.stateRoot, logs: line.logsHash, output: line.output, gasUsed: Number(line.gasUsed), pass: line.pass, rejected: !line.pass && line.error ? line.error : undefined });
      else steps.push(line);
    }
    return { steps, ...ends[0], untraced: ends.slice(1) };
  }
  stop() { this.child.stdin.end(); this.child.kill(); }
}
