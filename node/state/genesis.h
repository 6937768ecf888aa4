/* node/state/genesis.h
 *
 * Genesis files (spec 20 §4.4, spec 10 §13.1). Two shapes of JSON object are read:
 *   alloc      { "alloc": { address: { nonce, balance, code, storage: { slot: value } } }, "genesisRoot",
 *                "protocolVersion": [0, 31, 0] }
 *   contracts  { "initial_contracts": [[address, code], ...], "additional_storage": { address: { slot: value } } or
 *                [[flat key, value], ...], "additional_storage_raw": [[flat key, value], ...], "genesis_root",
 *                "execution_version": n or "protocol_semantic_version": { major, minor, patch } or "0.31.0" }
 * Unknown members are ignored; wrong types, odd hex, duplicate addresses, slots and flat keys are errors that name
 * the place. */
#ifndef GH_STATE_GENESIS_H
#define GH_STATE_GENESIS_H

#include "node/state/state.h"

#define GENESIS_FILE_MAX (64u << 20)

struct genesis {
    struct stf_diff *diffs; /* ascending flat keys; addr and slot are zero for raw entries */
    size_t diff_cnt;
    struct stf_preimage *preimages; /* account records and code blobs */
    size_t preimage_cnt;
    bool has_root;
    struct b256 root;           /* the declared state commitment of block 0 */
    uint32_t protocol_minor;    /* 0: not in the file */
    uint32_t execution_version; /* 0: not in the file */
    struct arena *arena;        /* owned: holds all of the above */
};

/* json need not be NUL-terminated. ERR_INVALID on any fault; *out is then empty. Free with genesis_clear. */
MUST_USE bool genesis_parse(struct genesis *out, struct bytes json, struct err *err);
MUST_USE bool genesis_load(struct genesis *out, const char *path, struct err *err);
void genesis_clear(struct genesis *g);

/* Block 0: every field zero except gas limit 5000 and base fee 10^9. */
struct stf_header genesis_header(void);
struct b256 genesis_block_hash(void);

/* Starts the state with it as block 0. *commitment gets the state commitment of block 0 (NULL allowed). ERR_INVALID
 * when the file declares another one. */
MUST_USE bool genesis_apply(struct state *s, const struct genesis *g, struct state_mark *mark,
                            struct b256 *commitment, struct err *err);

#endif
