// The load generator as a function, and what Linux says about a process.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { TOP } from '../../e2e/lib/paths.mjs';

const BUILD = process.env.GH_BENCH_BUILD ?? path.join(TOP, 'build/release');
export const program = (name) => path.join(BUILD, name);

const exec = promisify(execFile);

// bench_load WHAT with its options; the answer is the JSON it prints. It ends by itself; the timeout is for when it does not.
export async function load(what, options) {
  const args = [what];
  for (const [k, v] of Object.entries(options)) {
    if (v === undefined || v === false) continue;
    args.push('--' + k.replace(/[A-Z]/g, (c) => '-' + c.toLowerCase()));
    if (v !== true) args.push(String(v));
  }
  try {
    const { stdout } = await exec(program('bench_load'), args, { timeout: 300_000 });
    return JSON.parse(stdout);
  } catch (e) {
    throw new Error((e.stderr || e.message).trim());
  }
}

// What a program of tests/bench prints, as lines.
export async function lines(name, args = []) {
  const { stdout } = await exec(program(name), args, { timeout: 600_000, cwd: TOP });
  return stdout.trim().split('\n');
}

// Seconds on a processor, of all threads.
export function cpuSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

// Resident memory, now and at most, in MB.
export function memory(pid) {
  const text = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { now: kb('VmRSS') / 1024, most: kb('VmHWM') / 1024 };
}

// Ends a process that takes more memory than `limitMb`; `guard.tripped` says so.
export function memoryGuard(child, limitMb) {
  const guard = { tripped: false, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    if (!child.running) return guard.stop();
    try {
      if (memory(child.pid).now <= limitMb) return;
    } catch { return; }
    guard.tripped = true;
    guard.stop();
    child.kill('SIGKILL');
  }, 50);
  return guard;
}

// Calls `look` again and again until stopped; the errors of a process that goes away do not matter.
export function sampler(every, look) {
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      try { await look(); } catch { /* asked again */ }
      await new Promise((ok) => setTimeout(ok, every));
    }
  })();
  return async () => { stopped = true; await loop; };
}
