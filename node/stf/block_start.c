/* node/stf/block_start.c: calls of the protocol at the head of an Ethereum block (stf.h; which, is part of the rules). */
#include "node/stf/bootloader.h"

#define START_CALL_GAS 30000000u /* of nobody's; a block's limit does not count it */

/* The system address of EIP-4788 and EIP-2935. */
static const struct addr start_caller = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xfe } };

static bool run_start_call(struct stf_block *b, const struct addr *to, const struct b256 *input)
{
    struct ee_call_request req = {
        .kind = CALL_PLAIN,
        .code_addr = *to,
        .self = *to,
        .caller = start_caller,
        .input = bytes_of(input->b, sizeof(input->b)),
    };
    struct stf_res res = { .gas = START_CALL_GAS, .native = UINT64_MAX };
    journal_tx_begin(b);
    b->origin = start_caller;
    b->gas_price = U256_ZERO;
    /* without code there, or when the code fails, nothing happens */
    struct frame_outcome o = frame_run_call(b, &res, &req);
    if (o.halt == HALT_BLOCK || b->fault.code != STF_OK)
        return false;
    journal_tx_commit(b);
    return true;
}

bool stf_block_run_start_calls(struct stf_block *b, const struct b256 *parent_beacon_root,
                               struct stf_fault *fault)
{
    CHECK(b->tx_cnt == 0);
    for (size_t i = 0; i < b->rules->start_call_cnt; i++) {
        const struct rules_start_call *c = &b->rules->start_calls[i];
        const struct b256 *input =
            c->input == START_CALL_PARENT_HASH ? &b->ctx->block_hashes[255] : parent_beacon_root;
        if (!run_start_call(b, &c->to, input)) {
            *fault = b->fault;
            return false;
        }
    }
    return true;
}
