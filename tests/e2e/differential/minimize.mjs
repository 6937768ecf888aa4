// Makes a case smaller while `fails` holds: whole accounts' code, then pieces, then the transaction's extras.
import { Program } from './program.mjs';

const ROUNDS = 400;
export async function minimize(start, fails) {
  let best = start, left = ROUNDS;
  const attempt = async (c) => { if (left-- <= 0) return false; try { if (!await fails(c)) return false; } catch { return false; } best = c; return true; };
  const withPieces = (i, pieces) => ({ ...best, accounts: best.accounts.map((a, j) => j === i ? { ...a, program: new Program(pieces, a.program.data) } : a) });
  for (let i = 0; i < best.accounts.length; i++) {
    if (best.accounts[i].program.pieces.length) await attempt(withPieces(i, []));
    if (Object.keys(best.accounts[i].storage).length) await attempt({ ...best, accounts: best.accounts.map((a, j) => j === i ? { ...a, storage: {} } : a) });
  }
  for (const tx of [{ data: [] }, { value: 0n }, { access: best.tx.access && [] }]) await attempt({ ...best, tx: { ...best.tx, ...tx } });
  for (let size = 8; size >= 1; size >>= 1)
    for (let i = 0; i < best.accounts.length; i++)
      for (let at = 0; at < best.accounts[i].program.pieces.length;) {
        const p = best.accounts[i].program.pieces;
        if (!await attempt(withPieces(i, [...p.slice(0, at), ...p.slice(at + size)]))) at += size;
      }
  return best;
}
