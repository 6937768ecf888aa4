/* node/rpc/encode.h   (inside rpc)
 *
 * JSON straight into a buffer, no tree. A comma is put where one is due: before any key or item that does not follow
 * an opening bracket or a colon. Members take the key as a plain word. */
#ifndef GH_RPC_ENCODE_H
#define GH_RPC_ENCODE_H

#include "node/base/buf.h"
#include "node/chain/chain.h"
#include "node/store/batch_table.h"

void js_open(struct buf *b, char bracket);  /* '{' or '[' as an item */
void js_close(struct buf *b, char bracket); /* '}' or ']' */
void js_key(struct buf *b, const char *key);
/* items (or values behind js_key) */
void js_text(struct buf *b, const char *text);         /* escaped */
void js_raw(struct buf *b, const char *json);          /* as it is */
void js_hex(struct buf *b, const void *p, size_t len); /* "0x.." */
void js_quantity(struct buf *b, uint64_t v);           /* "0x1f" */
void js_quantity_u256(struct buf *b, const struct u256 *v);
void js_number(struct buf *b, uint64_t v);
/* members */
void jm_raw(struct buf *b, const char *key, const char *json);
void jm_null(struct buf *b, const char *key);
void jm_bool(struct buf *b, const char *key, bool v);
void jm_text(struct buf *b, const char *key, const char *text);
void jm_hex(struct buf *b, const char *key, const void *p, size_t len);
void jm_hash(struct buf *b, const char *key, const struct b256 *h);
void jm_addr(struct buf *b, const char *key, const struct addr *a);
void jm_quantity(struct buf *b, const char *key, uint64_t v);
void jm_quantity_u256(struct buf *b, const char *key, const struct u256 *v);
void jm_number(struct buf *b, const char *key, uint64_t v);

/* Where a transaction stands; block NULL: in the pool. */
struct tx_place {
    const struct chain_block *block;
    uint32_t index;
    const struct batch_row *batch; /* NULL: in none */
};
/* Objects of spec 50 §5.3, §5.10. */
void encode_tx(struct buf *b, const struct stf_tx *tx, const struct tx_place *at);
void encode_receipt(struct buf *b, const struct stf_tx *tx, const struct tx_place *at,
                    uint64_t gas_before, uint64_t logs_before, uint64_t l2_logs_before);
void encode_log(struct buf *b, const struct stf_event *e, const struct tx_place *at,
                uint64_t log_index, uint64_t tx_log_index);
/* Header fields without brackets; size is the RLP length of the whole block. */
void encode_header_fields(struct buf *b, const struct chain_block *blk,
                          const struct batch_row *batch);
uint64_t encode_block_rlp_len(const struct chain_block *blk);

#endif
