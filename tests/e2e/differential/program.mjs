// Programs as lists of pieces, so that a failing one can be made smaller piece by piece and put together again. A piece is a
// list of bytes, labels ({ label }), jumps' targets ({ to }) and places of the program's data ({ data: offset }).
// Both targets and places become PUSH2.
export const OP = Object.fromEntries(`STOP:0 ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND LT:10 GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR CLZ
KECCAK256:20 ADDRESS:30 BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE CODECOPY GASPRICE EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY EXTCODEHASH
BLOCKHASH:40 COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBHASH BLOBBASEFEE
POP:50 MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST TLOAD TSTORE MCOPY PUSH0 PUSH1 PUSH2 DUP1:80 SWAP1:90 LOG0:a0
CREATE:f0 CALL CALLCODE RETURN DELEGATECALL CREATE2 STATICCALL:fa REVERT:fd INVALID SELFDESTRUCT`.split(/\s+/).reduce((all, word) => {
  const [name, at] = word.split(':'), code = at === undefined ? all.at(-1)[1] + 1 : parseInt(at, 16);
  return [...all, [name, code]];
}, [[null, -1]]).slice(1));

export function push(value, width = 0) {
  let hex = BigInt(value).toString(16);
  if (hex.length % 2) hex = '0' + hex;
  let bytes = value === 0n || value === 0 ? [] : [...Buffer.from(hex, 'hex')];
  while (bytes.length < width) bytes = [0, ...bytes];
  return [OP.PUSH0 + bytes.length, ...bytes];
}

let labels = 0;
export const newLabel = () => ++labels;

export class Program {
  constructor(pieces = [], data = []) { this.pieces = pieces; this.data = data; }
  // Every byte of one value replaced, operands and data too: what is left is a program as good as any.
  without(byte, by) {
    const swap = (x) => Array.isArray(x) ? x.map(swap) : x === byte ? by : x;
    return new Program(swap(this.pieces), swap(this.data));
  }
  // Place of bytes in the data behind the code.
  keep(bytes) { const at = this.data.length; this.data.push(...bytes); return { data: at }; }
  assemble() {
    const items = this.pieces.flat(Infinity), places = new Map();
    let length = 0;
    for (const x of items) {
      if (x?.label) { places.set(x.label, length); length += 1; } else length += typeof x === 'number' ? 1 : 3;
    }
    const code = [];
    for (const x of items) {
      if (typeof x === 'number') code.push(x);
      else if (x.label) code.push(OP.JUMPDEST);
      else { const at = x.to !== undefined ? places.get(x.to) ?? 0xffff : length + x.data; code.push(OP.PUSH2, (at >> 8) & 0xff, at & 0xff); }
    }
    return [...code, ...this.data];
  }
}
export const hex = (bytes) => '0x' + Buffer.from(bytes).toString('hex');
