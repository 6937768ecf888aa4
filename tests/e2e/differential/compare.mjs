// What must be equal between two engines after one case; the first difference in words, or undefined.
const show = (s) => s ? `depth ${s.depth} pc ${s.pc} op 0x${s.op.toString(16)} gas ${Number(s.gas)} refund ${s.refund === undefined ? 'untold' : Number(s.refund)} stack [${s.stack.join(' ')}]${s.error ? ` (${s.error})` : ''}` : 'no further step';
const CALLS = new Set([0xf0, 0xf1, 0xf2, 0xf4, 0xf5, 0xfa]);

const INVALID = 0xfe; // what the other engine calls every opcode that is not defined
function stepsDiffer(a, b) {
  if (a.pc !== b.pc || (a.op !== b.op && !(b.op === INVALID && a.error === 'invalid opcode')) || a.depth !== b.depth || BigInt(a.gas) !== BigInt(b.gas) || a.stack.length !== b.stack.length) return 'step';
  for (let i = 0; i < a.stack.length; i++) if (a.stack[i] !== b.stack[i]) return 'step';
  if (b.refund !== undefined && BigInt(a.refund) !== BigInt(b.refund)) return 'refund';
  // Gas lent to a callee is in our price (go-ethereum's way); a failing opcode's price is nobody's rule.
  if (b.cost !== undefined && !a.error && !CALLS.has(a.op) && BigInt(a.gasCost) !== BigInt(b.cost)) return `price ${Number(a.gasCost)} or ${b.cost} of a`;
  return undefined;
}

export function difference(ours, theirs) {
  if (!!ours.rejected !== !!theirs.rejected) return `validity: ours ${ours.rejected ?? 'accepted'}, theirs ${theirs.rejected ?? 'accepted'}`;
  let i = 0, j = 0;
  for (; i < ours.steps.length; i++) {
    const a = ours.steps[i], b = theirs.steps[j], what = b ? stepsDiffer(a, b) : 'step';
    if (!what) j++;
    else if (!((a.error || a.op === 0) && theirs.omitsLastSteps)) return `${what} ${i}: ours ${show(a)}, theirs ${show(b)}`;
  }
  if (j < theirs.steps.length) return `step ${i}: ours ended, theirs ${show(theirs.steps[j])}`;
  for (const [i, other] of (ours.untraced ?? []).entries()) for (const what of ['rejected', 'pass', 'gasUsed', 'output', 'logs', 'root']) if (other[what] !== ours[what]) return `${what} without a trace${i ? ', translated at once' : ''}: ${other[what]}, traced ${ours[what]}`;
  for (const what of ['pass', 'gasUsed', 'output', 'logs', 'root']) if (theirs[what] !== undefined && ours[what] !== theirs[what]) return `${what}: ours ${ours[what]}, theirs ${theirs[what]}`;
  return undefined;
}
