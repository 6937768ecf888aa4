// Makes a case from a seed: a few contracts that call each other, delegations, storage, and a transaction that gets them
// going. Programs keep their stack in order, so that they run for long; what breaks them is put in on purpose.
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak256 } from 'ethers';
import { precompileCall } from './inputs.mjs';
import { OP, Program, newLabel, push } from './program.mjs';
import { Random } from './random.mjs';

export const FORKS = ['cancun', 'prague', 'osaka'];
const key = (n) => '0x' + n.toString(16).padStart(64, '0');
const addressOf = (k) => '0x' + keccak256(secp256k1.getPublicKey(Buffer.from(k.slice(2), 'hex'), false).slice(1)).slice(-40);
export const KEYS = [0x1111n, 0x2222n, 0x3333n, 0x4444n].map(key);
export const WALLETS = KEYS.map((k) => ({ key: k, address: addressOf(k) }));
const CONTRACTS = [1, 2, 3, 4].map((i) => '0x' + 'c0de'.repeat(9) + `000${i}`);
const NOBODY = ['0x00000000000000000000000000000000000beef1', '0x00000000000000000000000000000000000000ff'];
export const COINBASE = '0xc01bba5ec01bba5ec01bba5ec01bba5ec01bba5e';
const MAX = 2n ** 256n - 1n;

class Writer {
  constructor(r, fork, level) { this.r = r; this.fork = fork; this.level = level; this.program = new Program(); this.depth = 0; }
  add(...piece) { this.program.pieces.push(piece); }
  value() {
    const r = this.r;
    return r.weighted([[6, () => BigInt(r.below(4))], [4, () => BigInt(r.below(300))], [3, () => 2n ** BigInt(r.below(256))], [2, () => 2n ** BigInt(r.below(256)) - 1n], [2, () => MAX], [1, () => MAX - BigInt(r.below(300))], [2, () => 2n ** 255n], [4, () => r.big(32)], [3, () => r.big(r.between(1, 31))], [1, () => BigInt(this.address())]])();
  }
  number() { return push(this.value(), this.r.chance(5) ? this.r.between(1, 32) : 0); }
  address() { return this.r.weighted([[10, this.r.pick(CONTRACTS)], [3, this.r.pick(WALLETS).address], [2, this.r.pick(NOBODY)], [1, COINBASE], [1, '0x' + this.r.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18]).toString(16)]]); }
  // Mostly near, so that it can be paid for.
  offset() { const r = this.r; return push(r.weighted([[30, () => r.below(130)], [6, () => 32 * r.below(8)], [4, () => r.below(3000)], [1, () => r.pick([2n ** 20n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, MAX])]])()); }
  size() { const r = this.r; return push(r.weighted([[4, () => 0], [20, () => r.below(70)], [6, () => 32], [3, () => r.below(600)], [1, () => r.pick([2n ** 32n, 2n ** 64n, MAX])]])()); }
  slot() { return this.r.chance(85) ? push(this.r.below(4)) : this.number(); }
  gas() { const r = this.r; return r.weighted([[6, [OP.GAS]], [3, () => push(r.below(60000))], [1, push(0)], [1, push(MAX)], [1, push(2300)]]); }
  item(x) { return typeof x === 'function' ? x() : x; }

  // Everything below leaves the stack as deep as `this.depth` says.
  binary() { const r = this.r; this.add(this.number(), this.number(), r.pick([OP.ADD, OP.MUL, OP.SUB, OP.DIV, OP.SDIV, OP.MOD, OP.SMOD, OP.EXP, OP.SIGNEXTEND, OP.LT, OP.GT, OP.SLT, OP.SGT, OP.EQ, OP.AND, OP.OR, OP.XOR, OP.BYTE, OP.SHL, OP.SHR, OP.SAR])); this.depth++; }
  onTop() { const r = this.r; if (this.depth < 2) return this.binary(); this.add(r.pick([OP.ADD, OP.MUL, OP.SUB, OP.DIV, OP.SDIV, OP.MOD, OP.SMOD, OP.SIGNEXTEND, OP.LT, OP.SLT, OP.SGT, OP.XOR, OP.BYTE, OP.SHL, OP.SHR, OP.SAR])); this.depth--; }
  unary() { this.add(this.number(), this.r.pick([OP.ISZERO, OP.NOT, OP.CALLDATALOAD, OP.BLOCKHASH, OP.BLOBHASH, this.fork === 'osaka' || this.r.chance(5) ? OP.CLZ : OP.NOT])); this.depth++; }
  ternary() { this.add(this.number(), this.number(), this.number(), this.r.pick([OP.ADDMOD, OP.MULMOD])); this.depth++; }
  block() { const n = push(this.r.chance(70) ? 1000n - BigInt(this.r.below(300)) : this.value()); this.add(n, OP.BLOCKHASH); this.depth++; }
  environment() { this.add(this.r.pick([OP.ADDRESS, OP.ORIGIN, OP.CALLER, OP.CALLVALUE, OP.CALLDATASIZE, OP.CODESIZE, OP.GASPRICE, OP.RETURNDATASIZE, OP.COINBASE, OP.TIMESTAMP, OP.NUMBER, OP.PREVRANDAO, OP.GASLIMIT, OP.CHAINID, OP.SELFBALANCE, OP.BASEFEE, OP.BLOBBASEFEE, OP.MSIZE, OP.PC, OP.GAS])); this.depth++; }
  account() { this.add(push(this.address()), this.r.pick([OP.BALANCE, OP.EXTCODESIZE, OP.EXTCODEHASH])); this.depth++; }
  codeCopy() { this.add(this.size(), this.offset(), this.offset(), push(this.address()), OP.EXTCODECOPY); }
  store() { if (this.depth && this.r.chance(60)) { this.add(this.offset(), this.r.pick([OP.MSTORE, OP.MSTORE8])); this.depth--; } else this.add(this.number(), this.offset(), this.r.pick([OP.MSTORE, OP.MSTORE8])); }
  load() { this.add(this.offset(), OP.MLOAD); this.depth++; }
  copy() { this.add(this.size(), this.offset(), this.offset(), this.r.pick([OP.CALLDATACOPY, OP.CODECOPY, OP.MCOPY])); }
  returned() { const r = this.r; if (r.chance(85)) this.add(OP.RETURNDATASIZE, push(0), this.offset(), OP.RETURNDATACOPY); else this.add(this.size(), this.offset(), this.offset(), OP.RETURNDATACOPY); }
  hash() { this.add(this.size(), this.offset(), OP.KECCAK256); this.depth++; }
  storage() { const r = this.r; if (r.chance(40)) { this.add(this.slot(), OP.SLOAD); this.depth++; } else if (this.depth && r.chance(40)) { this.add(this.slot(), OP.SSTORE); this.depth--; } else this.add(r.chance(70) ? push(r.below(3)) : this.number(), this.slot(), OP.SSTORE); }
  transient() { if (this.r.chance(50)) { this.add(this.slot(), OP.TLOAD); this.depth++; } else this.add(this.number(), this.slot(), OP.TSTORE); }
  log() { const n = this.r.below(5); this.add(Array.from({ length: n }, () => this.number()), this.size(), this.offset(), OP.LOG0 + n); }
  dup() { const n = this.r.between(1, Math.min(16, this.depth)); if (this.depth) { this.add(OP.DUP1 + n - 1); this.depth++; } }
  swap() { if (this.depth > 1) this.add(OP.SWAP1 + this.r.below(Math.min(16, this.depth - 1))); }
  pop() { if (this.depth) { this.add(OP.POP); this.depth--; } }
  callOf(to, input, gas) {
    const r = this.r, op = r.weighted([[6, OP.CALL], [1, OP.CALLCODE], [3, OP.DELEGATECALL], [3, OP.STATICCALL]]), piece = [];
    piece.push(this.size(), this.offset(), input ?? [this.size(), this.offset()]);
    if (op === OP.CALL || op === OP.CALLCODE) piece.push(r.chance(70) ? push(0) : r.chance(90) ? push(r.below(20)) : this.number());
    this.add(piece, push(to), gas ?? this.item(this.gas()), op);
    this.depth++;
  }
  call() { this.callOf(this.address()); if (this.r.chance(50)) this.returned(); }
  precompile() {
    const { address, input, price } = precompileCall(this.r, this.fork), at = this.program.keep(input), len = push(input.length), to = push(this.r.below(64));
    this.add(len, at, to, OP.CODECOPY);
    this.callOf(address, [len, to], this.r.chance(30) ? push(Math.max(0, price + this.r.pick([0, -1, 1]))) : undefined);
    this.returned();
    if (this.r.chance(60)) { this.add(OP.RETURNDATASIZE, push(0), OP.KECCAK256); this.depth++; }
  }
  create() {
    if (this.level > 1) return this.call();
    const r = this.r, init = initcode(r, this.fork, this.level + 1), at = this.program.keep(init), len = push(init.length), two = r.chance(50);
    this.add(len, at, push(0), OP.CODECOPY);
    this.add(two ? push(r.below(2)) : [], len, push(0), r.chance(80) ? push(0) : push(r.below(5)), two ? OP.CREATE2 : OP.CREATE);
    this.depth++;
    if (r.chance(50)) {
      // the address is called right away
      this.add(this.size(), this.offset(), this.size(), this.offset(), push(0), OP.DUP1 + 5, OP.GAS, OP.CALL);
      this.depth++;
    }
  }
  branch() {
    const label = newLabel(), before = this.depth;
    this.add(this.r.chance(50) ? push(this.r.below(2)) : this.number(), { to: label }, OP.JUMPI);
    this.some(this.r.between(1, 4), 2);
    if (this.r.chance(12)) this.end();
    this.level_(before);
    this.add({ label });
  }
  // What is paid for and run as one block: opcodes that ask nobody, next to each other, in every order.
  pure(n = this.r.between(3, 40)) {
    const r = this.r, piece = [], floor = this.depth;
    for (let i = r.between(1, 3); i > 0; i--) { piece.push(push(r.below(100)), OP.CALLDATALOAD, OP.NOT); this.depth++; } // wide words that no translator knows
    for (let i = 0; i < n; i++) {
      const have = this.depth - floor, dup = Math.min(16, this.depth), swap = Math.min(16, have - 1);
      const kind = r.weighted([[8, 'push'], [dup ? 6 : 0, 'dup'], [swap > 0 ? 5 : 0, 'swap'], [have ? 2 : 0, 'pop'], [have > 1 ? 14 : 0, 'two'], [have ? 6 : 0, 'shift'], [have ? 1 : 0, 'byte'], [have ? 4 : 0, 'one'], [have > 2 ? 2 : 0, 'three'], [2, 'load'], [have ? 3 : 0, 'store'], [have ? 1 : 0, 'loadTop'], [1, 'told']]);
      if (kind === 'push') { piece.push(this.number()); this.depth++; }
      if (kind === 'dup') { piece.push(OP.DUP1 + r.below(dup)); this.depth++; }
      if (kind === 'swap') piece.push(OP.SWAP1 + r.below(swap));
      if (kind === 'pop') { piece.push(OP.POP); this.depth--; }
      if (kind === 'two') { piece.push(r.pick([OP.ADD, OP.ADD, OP.SUB, OP.SUB, OP.MUL, OP.DIV, OP.SDIV, OP.MOD, OP.SMOD, OP.SIGNEXTEND, OP.LT, OP.GT, OP.SLT, OP.SGT, OP.EQ, OP.AND, OP.OR, OP.XOR, OP.BYTE, OP.SHL, OP.SHR, OP.SAR])); this.depth--; }
      if (kind === 'shift') piece.push(push(r.below(300)), r.pick([OP.SHL, OP.SHR, OP.SHR, OP.SAR]));
      if (kind === 'byte') piece.push(push(r.below(34)), r.pick([OP.BYTE, OP.SIGNEXTEND]));
      if (kind === 'one') piece.push(r.pick([OP.ISZERO, OP.ISZERO, OP.NOT, OP.CALLDATALOAD, this.fork === 'osaka' ? OP.CLZ : OP.NOT]));
      if (kind === 'three') { piece.push(r.pick([OP.ADDMOD, OP.MULMOD])); this.depth -= 2; }
      if (kind === 'load') { piece.push(push(r.below(200)), OP.MLOAD); this.depth++; }
      if (kind === 'loadTop') piece.push(push(0xff), OP.AND, ...(r.chance(50) ? [push(r.below(64)), OP.ADD] : []), OP.MLOAD);
      if (kind === 'store') { piece.push(push(r.below(200)), r.chance(80) ? OP.MSTORE : OP.MSTORE8); this.depth--; }
      if (kind === 'told') { piece.push(r.pick([OP.ADDRESS, OP.CALLER, OP.CALLVALUE, OP.CALLDATASIZE, OP.CODESIZE, OP.PC, OP.MSIZE, OP.GAS, OP.RETURNDATASIZE, OP.TIMESTAMP])); this.depth++; }
    }
    this.add(piece);
    while (this.depth > floor + 2) { this.add(r.chance(50) ? OP.XOR : OP.ADD); this.depth--; }
  }
  // Round and round, counting down or up, until a comparison of some kind says no.
  loop() {
    const r = this.r, label = newLabel(), out = newLabel(), before = this.depth + 1, rounds = r.weighted([[4, r.between(1, 5)], [3, r.between(25, 70)]]), many = rounds > 5;
    const kind = r.below(5), counter = kind < 2 ? rounds : 0;
    this.add(push(counter), { label });
    this.depth++;
    if (many) this.pure(r.between(4, 24)); else this.some(r.between(1, 3), 2);
    if (many && r.chance(20)) this.storage();
    while (many && this.depth > before) { this.add(push(32 * r.below(6)), OP.MSTORE); this.depth--; }
    this.level_(before);
    if (kind === 0) this.add(push(1), OP.SWAP1, OP.SUB, OP.DUP1, { to: label }, OP.JUMPI);
    if (kind === 1) this.add(push(1), OP.SWAP1, OP.SUB, OP.DUP1, OP.ISZERO, OP.ISZERO, { to: label }, OP.JUMPI);
    if (kind === 2) this.add(push(1), OP.ADD, OP.DUP1, push(rounds), OP.GT, OP.ISZERO, { to: out }, OP.JUMPI, { to: label }, OP.JUMP);
    if (kind === 3) this.add(push(1), OP.ADD, push(rounds), OP.DUP1 + 1, r.pick([OP.LT, OP.SLT]), { to: label }, OP.JUMPI);
    if (kind === 4) this.add(push(1), OP.ADD, OP.DUP1, push(rounds), OP.EQ, OP.ISZERO, { to: label }, OP.JUMPI);
    this.add({ label: out });
    if (many) this.add(push(230), push(0), OP.KECCAK256, push(r.below(4)), OP.SSTORE); // what came of it is seen
  }
  // back to a depth
  level_(depth) { const piece = []; while (this.depth > depth) { piece.push(OP.POP); this.depth--; } while (this.depth < depth) { piece.push(push(1)); this.depth++; } if (piece.length) this.add(piece); }
  end() {
    const r = this.r;
    this.add(r.weighted([[5, [this.size(), this.offset(), OP.RETURN]], [4, [this.size(), this.offset(), OP.REVERT]], [2, [OP.STOP]], [2, [push(this.address()), OP.SELFDESTRUCT]], [1, [OP.INVALID]], [1, [push(r.below(200)), OP.JUMP]], [1, [Array(20).fill(OP.POP)]], [1, [r.pick([0x0c, 0x1f, 0x21, 0x4b, 0xa5, 0xb0, 0xc0, 0xe0, 0xef, 0xf6, 0xfb])]], [1, r.bytes(r.between(1, 8))]]));
  }
  some(n, nested = 0) {
    const kinds = [[8, 'binary'], [5, 'onTop'], [6, 'pure'], [3, 'unary'], [3, 'ternary'], [5, 'environment'], [3, 'account'], [1, 'codeCopy'], [5, 'store'], [4, 'load'], [4, 'copy'], [2, 'returned'], [2, 'hash'], [9, 'storage'], [4, 'transient'], [3, 'log'], [3, 'dup'], [3, 'swap'], [2, 'pop'], [6, 'call'], [5, 'precompile'], [2, 'create'], [1, 'block'], [nested ? 1 : 4, 'branch'], [nested ? 0 : 3, 'loop']];
    for (let i = 0; i < n; i++) this[this.r.weighted(kinds)]();
  }
}

function initcode(r, fork, level) {
  const w = new Writer(r, fork, level), kind = r.below(12);
  w.some(r.below(4));
  if (kind === 0) { w.end(); return w.program.assemble(); }
  let runtime = kind === 1 ? [0xef, ...r.bytes(r.below(4))] : kind === 2 ? r.bytes(r.below(30)) : contract(r, fork, level + 1, r.below(8)).assemble();
  if (kind === 3) runtime = [];
  if (kind === 4) { w.add(push(r.pick([24575, 24576, 24577, 300])), push(0), OP.RETURN); return w.program.assemble(); }
  const at = w.program.keep(runtime), len = push(runtime.length);
  w.add(len, at, push(0), OP.CODECOPY);
  w.add(len, push(0), OP.RETURN);
  return w.program.assemble();
}

// Bytes of a program changed, left out, or put in: what a compiler never makes.
function garble(r, program) {
  let code = program.assemble();
  for (let i = r.between(1, 4); i > 0 && code.length; i--) {
    const at = r.below(code.length);
    code = r.weighted([[5, () => code.with(at, r.u32() & 0xff)], [2, () => code.with(at, code[at] ^ (1 << r.below(8)))], [2, () => code.toSpliced(at, r.between(1, 3))], [2, () => code.toSpliced(at, 0, ...r.bytes(r.between(1, 3)))]])();
  }
  return new Program(code.map((b) => [b]));
}

// Calls itself as long as there is gas or depth, and says how it went.
function digger(r, address) {
  const w = new Writer(r, 'cancun', 2), op = r.pick([OP.CALL, OP.CALLCODE, OP.DELEGATECALL, OP.STATICCALL]), value = op === OP.CALL || op === OP.CALLCODE;
  w.add(push(32), push(0), push(32), push(0), value ? push(r.below(2)) : [], push(address), OP.GAS, op);
  w.add(push(0), OP.MSTORE, OP.RETURNDATASIZE, push(32), OP.MSTORE, push(r.chance(80) ? 64 : 0), push(0), r.chance(80) ? OP.RETURN : OP.REVERT);
  return w.program;
}

function contract(r, fork, level, pieces) {
  const w = new Writer(r, fork, level);
  w.some(pieces);
  while (w.depth && r.chance(50)) w.storage();
  w.end();
  return w.program;
}

const delegation = (to) => [0xef, 0x01, 0x00, ...Buffer.from(to.slice(2), 'hex')];

// A case is plain data; programs stay in pieces until it is put together.
export function generate(seed, only) {
  const own = only === 'zksync-os', r = new Random(seed), fork = own ? 'cancun' : only ?? r.pick(FORKS), accounts = [];
  for (const address of CONTRACTS) {
    const storage = {};
    for (let s = 0; s < 4; s++) if (r.chance(40)) storage[s] = r.chance(70) ? BigInt(r.between(1, 2)) : r.big(32);
    accounts.push({ address, nonce: r.between(1, 3), balance: BigInt(r.below(100)), program: contract(r, fork, 0, r.between(3, 22)), storage });
  }
  if (r.chance(10)) { const a = r.pick(accounts); a.program = garble(r, a.program); }
  WALLETS.forEach((w, i) => {
    const program = fork !== 'cancun' && r.chance(i ? 40 : 10) ? new Program([delegation(r.pick([...CONTRACTS, ...WALLETS.map((x) => x.address), '0x' + '0'.repeat(39) + '2']))]) : new Program();
    accounts.push({ address: w.address, nonce: program.pieces.length ? r.between(1, 2) : r.below(2), balance: i ? BigInt(r.between(1, 1000)) : 10n ** 20n, // an account that is empty is none since EIP-161
      program, storage: {} });
  });
  const sender = accounts.find((a) => a.address === WALLETS[0].address), tx = { to: r.weighted([[12, r.pick(CONTRACTS)], [3, r.pick(WALLETS).address], [1, r.pick(NOBODY)], [1, '0x' + '0'.repeat(38) + r.pick(['01', '02', '05', '0b', '0c', '11'])], [3, null]]) };
  tx.nonce = r.chance(98) ? sender.nonce : sender.nonce + r.pick([1, 2]);
  tx.value = r.weighted([[6, 0n], [3, BigInt(r.below(50))], [1, 10n ** 18n]]);
  tx.data = tx.to === null ? initcode(r, fork, 0) : r.weighted([[4, () => r.bytes(r.below(100))], [2, () => []], [1, () => r.bytes(r.between(500, 3000))], [1, () => Array(r.below(2000)).fill(0)]])();
  tx.gas = BigInt(r.weighted([[5, r.between(100000, 400000)], [2, r.between(21000, 120000)], [2, r.between(400000, 1500000)], [1, r.between(20990, 60000)]]));
  tx.type = r.weighted([[3, 0], [2, 1], [3, 2], [own ? 0 : 1, 3], [fork === 'cancun' ? 0 : 5, 4]]);
  if (tx.type >= 3 && tx.to === null) tx.type = 2;
  if (tx.type) tx.access = Array.from({ length: r.below(3) }, () => ({ address: r.pick([...CONTRACTS, ...NOBODY]), keys: Array.from({ length: r.below(3) }, () => r.below(4)) }));
  if (tx.type === 3) {
    tx.blobs = Array.from({ length: r.weighted([[6, 1], [2, 2], [1, 6], [1, 7], [1, 10], [1, 0]]) }, () => '0x0' + (r.chance(95) ? '1' : '2') + Buffer.from(r.bytes(31)).toString('hex'));
    tx.blobFee = BigInt(r.pick([1, 1, 2, 1000, 0]));
  }
  if (tx.type === 4) {
    tx.auths = Array.from({ length: r.between(1, 4) }, () => {
      const i = r.below(WALLETS.length), account = accounts.find((a) => a.address === WALLETS[i].address);
      return { wallet: i, chainId: r.weighted([[5, 1], [3, 0], [1, 2]]), nonce: account.nonce + r.weighted([[8, i ? 0 : 1], [2, 1], [1, 2]]), address: r.weighted([[6, r.pick(CONTRACTS)], [1, r.pick(WALLETS).address], [1, '0x' + '0'.repeat(40)], [1, '0x' + '0'.repeat(39) + r.between(1, 9)]]), spoil: r.chance(6) ? r.below(3) : -1 };
    });
  }
  let gasLimit = 30_000_000n;
  if (r.chance(2)) {
    // as deep as calls may be
    const a = accounts[0];
    a.program = digger(r, a.address);
    Object.assign(tx, { to: a.address, value: 0n, gas: fork === 'osaka' ? 16_000_000n : 2n ** 40n });
    gasLimit = 2n ** 41n;
  }
  const base = BigInt(r.pick([7, 10, 1000]));
  tx.maxFee = base + BigInt(r.pick([0, 0, 3, 1000]));
  tx.tip = tx.type >= 2 ? BigInt(r.below(4)) : 0n;
  if (tx.tip > tx.maxFee) tx.tip = 0n;
  const c = { seed, fork, accounts, tx, env: { base, number: 1000n, timestamp: 1_700_000_000n, gasLimit, random: r.big(32) } };
  return own ? commonGround(c) : c;
}

// What both the chain's own rules and Cancun's know: the random value 1, no Blake2, no point evaluation and no P-256 (9 and 10 become
// 4 wherever they are pushed, 0x100 becomes 0x101).
function commonGround(c) {
  let before, last;
  const turn = (x) => {
    if (Array.isArray(x)) return x.map(turn);
    const small = last === OP.PUSH1 && (x === 9 || x === 10), p256 = before === OP.PUSH2 && last === 1 && x === 0;
    [before, last] = [last, x];
    return small ? 4 : p256 ? 1 : x;
  };
  return { ...c, accounts: c.accounts.map((a) => ({ ...a, program: new Program(turn(a.program.pieces), turn(a.program.data)) })), tx: { ...c.tx, data: turn(c.tx.data) }, env: { ...c.env, random: 1n } };
}
