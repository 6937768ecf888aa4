// Waiting by asking again until an answer satisfies, never by sleeping for a guessed time.
import { setTimeout as pause } from 'node:timers/promises';

// Calls `probe` until it returns something other than false, null or undefined; errors of the probe
// count as "not yet" and the last one is part of the failure.
export async function until(what, probe, { timeout = 60_000, every = 100 } = {}) {
  const deadline = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== false && answer !== null && answer !== undefined) return answer;
      last = undefined;
    } catch (e) {
      if (e.giveUp) throw e;
      last = e;
    }
    if (Date.now() >= deadline) {
      throw new Error(`waited ${timeout / 1000} s for: ${what}${last ? ` (last answer: ${last.message})` : ''}`);
    }
    await pause(every);
  }
}

export const giveUp = (message) => Object.assign(new Error(message), { giveUp: true });
