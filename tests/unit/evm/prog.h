/* tests/unit/evm/prog.h: programs put together in tests. */
#ifndef GH_TESTS_UNIT_EVM_PROG_H
#define GH_TESTS_UNIT_EVM_PROG_H

#include "tests/unit/evm/vm.h"

enum {
    O_STOP = 0x00,
    O_ADD = 0x01,
    O_SUB = 0x03,
    O_ISZERO = 0x15,
    O_ADDRESS = 0x30,
    O_CALLER = 0x33,
    O_CALLVALUE = 0x34,
    O_CALLDATALOAD = 0x35,
    O_RETURNDATASIZE = 0x3d,
    O_RETURNDATACOPY = 0x3e,
    O_POP = 0x50,
    O_MLOAD = 0x51,
    O_MSTORE = 0x52,
    O_MSTORE8 = 0x53,
    O_SLOAD = 0x54,
    O_SSTORE = 0x55,
    O_JUMP = 0x56,
    O_GAS = 0x5a,
    O_JUMPDEST = 0x5b,
    O_TLOAD = 0x5c,
    O_TSTORE = 0x5d,
    O_DUP1 = 0x80,
    O_SWAP1 = 0x90,
    O_LOG0 = 0xa0,
    O_CREATE = 0xf0,
    O_CALL = 0xf1,
    O_CALLCODE = 0xf2,
    O_RETURN = 0xf3,
    O_DELEGATECALL = 0xf4,
    O_CREATE2 = 0xf5,
    O_STATICCALL = 0xfa,
    O_REVERT = 0xfd,
    O_INVALID = 0xfe,
    O_SELFDESTRUCT = 0xff
};

struct prog {
    uint8_t b[60000];
    size_t n;
};

static inline struct bytes prog_bytes(const struct prog *p)
{
    return bytes_of(p->b, p->n);
}
static inline void prog_op(struct prog *p, unsigned op)
{
    p->b[p->n++] = (uint8_t)op;
}
/* shortest PUSH of a number */
static inline void prog_push(struct prog *p, uint64_t v)
{
    unsigned len = 0;
    while (len < 8 && v >> (8 * len))
        len++;
    prog_op(p, 0x5f + len);
    for (unsigned i = len; i-- > 0;)
        prog_op(p, (unsigned)(v >> (8 * i)) & 0xff);
}
/* out and in at 0; value only for CALL and CALLCODE; all gas unless given. Leaves the result on
 * the stack. */
static inline void prog_call_gas(struct prog *p, unsigned op, uint64_t to, uint64_t value,
                                 uint64_t in_len, uint64_t out_len, uint64_t gas)
{
    prog_push(p, out_len);
    prog_push(p, 0);
    prog_push(p, in_len);
    prog_push(p, 0);
    if (op == O_CALL || op == O_CALLCODE)
        prog_push(p, value);
    prog_push(p, to);
    if (gas)
        prog_push(p, gas);
    else
        prog_op(p, O_GAS);
    prog_op(p, op);
}
static inline void prog_call(struct prog *p, unsigned op, uint64_t to, uint64_t value,
                             uint64_t in_len, uint64_t out_len)
{
    prog_call_gas(p, op, to, value, in_len, out_len, 0);
}
/* returns the word on top of the stack */
static inline void prog_return_top(struct prog *p)
{
    prog_push(p, 0);
    prog_op(p, O_MSTORE);
    prog_push(p, 32);
    prog_push(p, 0);
    prog_op(p, O_RETURN);
}
static inline void prog_sstore(struct prog *p, uint64_t slot, uint64_t value)
{
    prog_push(p, value);
    prog_push(p, slot);
    prog_op(p, O_SSTORE);
}
/* bytes into memory at offset, with MSTORE8 */
static inline void prog_memory(struct prog *p, uint64_t offset, struct bytes data)
{
    for (size_t i = 0; i < data.len; i++) {
        prog_push(p, data.p[i]);
        prog_push(p, offset + i);
        prog_op(p, O_MSTORE8);
    }
}
/* CREATE or CREATE2 (salt 7) of the initcode; leaves the address on the stack */
static inline void prog_create(struct prog *p, unsigned op, struct bytes initcode, uint64_t value)
{
    prog_memory(p, 0, initcode);
    if (op == O_CREATE2)
        prog_push(p, 7);
    prog_push(p, initcode.len);
    prog_push(p, 0);
    prog_push(p, value);
    prog_op(p, op);
}
static inline void vm_program(struct vm *vm, uint32_t addr, uint64_t balance, const struct prog *p)
{
    vm_account_bytes(vm, addr, 1, balance, prog_bytes(p), 0);
}

#endif
