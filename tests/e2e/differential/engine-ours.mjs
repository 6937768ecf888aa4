// Our engine: one process, a state test a line (tests/statetest/lines.h).
import { spawn } from 'node:child_process';
import readline from 'node:readline';

export class Ours {
  constructor(program, wrong) {
    this.child = spawn(program, ['--lines', ...(wrong ? ['--wrong', wrong] : [])], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.said = '';
    this.child.stderr.on('data', (d) => { this.said += d; });
    this.child.stdin.on('error', () => {});
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async run(name, test) {
    this.child.stdin.write(JSON.stringify({ [name]: test }) + '\n');
    const steps = [];
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`our engine ended in ${name}: ${this.said}`);
      const line = JSON.parse(value);
      if (line.stateRoot) return { steps, root: line.stateRoot, logs: line.logsHash, output: line.output, gasUsed: Number(line.gasUsed), pass: line.pass, rejected: !line.pass && line.error ? line.error : undefined };
      steps.push(line);
    }
  }
  stop() { this.child.stdin.end(); this.child.kill(); }
}
