// Child processes with a log file, and ports nobody uses.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

// The end of a port's life is ours: asked from the kernel one after the other while all are held.
export async function freePorts(count) {
  const held = [];
  for (let i = 0; i < count; i++) {
    const s = net.createServer();
    await new Promise((ok, no) => { s.once('error', no); s.listen(0, '127.0.0.1', ok); });
    held.push(s);
  }
  const ports = held.map((s) => s.address().port);
  await Promise.all(held.map((s) => new Promise((ok) => s.close(ok))));
  return ports;
}

const alive = new Set();
process.on('exit', () => { for (const c of alive) try { c.kill('SIGKILL'); } catch { /* gone */ } });

export class Child {
  // Output is appended to `log`, which also carries a line for each start.
  constructor(command, args, { log, env = process.env, cwd } = {}) {
    fs.mkdirSync(path.dirname(log), { recursive: true });
    this.log = log;
    this.logStart = fs.existsSync(log) ? fs.statSync(log).size : 0;
    const out = fs.openSync(log, 'a');
    this.child = spawn(command, args, { stdio: ['ignore', out, out], env, cwd });
    fs.closeSync(out);
    alive.add(this.child);
    this.exited = new Promise((ok) => {
      this.child.once('exit', (code, signal) => { alive.delete(this.child); this.ended = { code, signal }; ok(this.ended); });
      this.child.once('error', (error) => { alive.delete(this.child); this.ended = { code: null, signal: null, error }; ok(this.ended); });
    });
  }

  get pid() { return this.child.pid; }
  get running() { return !this.ended; }

  // What this run has written so far.
  output() {
    const all = fs.readFileSync(this.log);
    return all.subarray(this.logStart).toString('utf8');
  }

  async kill(signal = 'SIGKILL') {
    if (this.running) this.child.kill(signal);
    return this.exited;
  }

  // Asks to stop, and reports when it had to be killed.
  async stop(signal = 'SIGTERM', patience = 15_000) {
    if (!this.running) return this.ended;
    this.child.kill(signal);
    let timer;
    const late = new Promise((ok) => { timer = setTimeout(() => ok('late'), patience); });
    const result = await Promise.race([this.exited, late]);
    clearTimeout(timer);
    if (result !== 'late') return result;
    this.child.kill('SIGKILL');
    await this.exited;
    return { ...this.ended, late: true };
  }
}

// Runs a program to its end and gives everything it said.
export async function run(command, args, { env = process.env, cwd, input, timeout = 60_000 } = {}) {
  const c = spawn(command, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], env, cwd });
  alive.add(c);
  let stdout = '', stderr = '';
  c.stdout.on('data', (d) => { stdout += d; });
  c.stderr.on('data', (d) => { stderr += d; });
  if (input !== undefined) c.stdin.end(input);
  const timer = setTimeout(() => c.kill('SIGKILL'), timeout);
  const [code, signal] = await new Promise((ok, no) => { c.once('close', (...a) => ok(a)); c.once('error', no); });
  clearTimeout(timer);
  alive.delete(c);
  return { code, signal, stdout, stderr, all: stdout + stderr };
}

export async function must(command, args, options) {
  const r = await run(command, args, options);
  if (r.code !== 0) throw new Error(`${path.basename(command)} ${args.slice(0, 3).join(' ')} ended with ${r.code ?? r.signal}:\n${r.all.slice(-2000)}`);
  return r.stdout;
}
