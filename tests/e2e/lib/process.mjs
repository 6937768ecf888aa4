// Child processes with a log file, and ports nobody uses.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

// Ports that nobody listens on now. They lie below those the system hands to outgoing connections (32768 and up): one of these could be taken by
// another scenario's connection before the program that is told of it listens. Scenarios run side by side, so each begins at a place of its own.
const FIRST = 10_000, LAST = 32_000;
let next = FIRST + (process.pid * 61) % (LAST - FIRST);
export async function freePorts(count) {
  const ports = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > LAST - FIRST) throw new Error(`no ${count} free ports between ${FIRST} and ${LAST}`);
    const port = next;
    next = next + 1 < LAST ? next + 1 : FIRST;
    const s = net.createServer();
    const free = await new Promise((ok) => { s.once('error', () => ok(false)); s.listen(port, '127.0.0.1', () => ok(true)); });
    if (!free) continue;
    await new Promise((ok) => s.close(ok));
    ports.push(port);
  }
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
