/* tests/unit/sender/sim_chain.h
 *
 * A settlement layer in memory with geth's pool rules (those of its blob pool too), a journal in memory, and a shell for tx_core that owns time. Every command
 * of the core is carried out at once; faults are set by the test. */
#ifndef GH_TEST_SIM_CHAIN_H
#define GH_TEST_SIM_CHAIN_H

#include "node/sender/tx_core.h"

#define SIM_TX_MAX 4096
#define SIM_ROWS   256
#define SIM_NOTES  4096
#define SIM_GWEI   UINT64_C(1000000000)

struct sim_tx {
    uint64_t nonce, gas, max_fee, max_tip; /* wei fit 64 bits here */
    uint64_t blobs, max_blob_fee;          /* number; 0: an ordinary transaction */
    struct addr to;
    uint64_t value;
    uint8_t data[64];
    size_t data_len;
    struct b256 hash;
    bool foreign, in_pool;
    uint64_t block; /* 0: not mined */
    bool status;
};
struct sim_row { /* a deep copy of a journal row */
    struct tx_row row;
    struct sidecar *sidecar; /* a reference, until the row is final */
    char key[TX_KEY_CAP], label[TX_LABEL_CAP], error[512];
    uint8_t data[64];
    struct tx_variant_row variants[TX_VARIANTS_MAX * 2];
    uint8_t raw[TX_VARIANTS_MAX * 2][256];
};
struct sim_note {
    uint64_t id;
    enum tx_state state;
    char err[ERR_MSG_CAP];
    int64_t code;
    enum err_kind kind;
};
struct sim {
    struct tx_core core;
    struct tx_manager_config cfg;
    uint64_t now_ms, wall_ms;

    /* the chain */
    uint64_t blob_base_fee;
    uint64_t head, fork, base_fee, tip_asked, tip_to_mine, balance, latest_nonce;
    uint64_t pool_min_tip;
    struct sim_tx txs[SIM_TX_MAX];
    size_t tx_cnt;
    unsigned sends; /* raw transactions that reached the node */

    /* faults */
    const char *send_error;  /* every send is refused with this text ... */
    unsigned send_error_cnt; /* ... so often */
    unsigned lose_reply;     /* sends that arrive while their answer is lost */
    unsigned lose_send;      /* sends that do not arrive */
    bool node_down;
    uint64_t nonce_lag;    /* views show a nonce this much lower */
    bool no_nonce_tx;      /* eth_getTransactionBySenderAndNonce is missing */
    const uint8_t *revert; /* simulation reverts with these bytes */
    size_t revert_len;
    bool mine_reverts; /* mined with status 0 */
    bool put_fails;
    uint64_t estimate; /* 0: the node cannot */
    bool hide_receipts;
    bool invent_receipts; /* for what the chain does not have: mined long ago, in block 1 */

    struct sim_row *rows; /* SIM_ROWS, by id; state of the disk */
    size_t row_cnt;
    struct sim_note notes[SIM_NOTES];
    size_t note_cnt;

    uint64_t cmd_cnt, crash_at; /* the power goes before command number crash_at; 0: never */
    bool crashed;
};

/* what most tests begin with */
static const struct tx_manager_config sim_plain = { .poll_ms = 1000, .required_confirmations = 3 };

struct sim *sim_new(const struct tx_manager_config *cfg);
void sim_free(struct sim *s);
/* The process dies and starts again from the journal. */
void sim_restart(struct sim *s);
/* Time passes in steps of the poll interval; commands are carried out. */
void sim_run(struct sim *s, uint64_t ms);
void sim_mine(struct sim *s);
/* So many blocks, and two seconds behind each. */
void sim_mine_and_run(struct sim *s, unsigned blocks);
/* The last n blocks are replaced by as many others; their transactions go back to the pool or are lost. */
void sim_reorg(struct sim *s, unsigned n, bool lose_txs);
void sim_drop_pool(struct sim *s);
/* A transaction by another program with our key, straight into a block or into the pool. */
void sim_foreign(struct sim *s, uint64_t nonce, const char *data, uint64_t max_fee, bool mined);
/* Submits a request with that key; the data is the key's text. */
uint64_t sim_submit(struct sim *s, const char *key);
uint64_t sim_submit_blobs(struct sim *s, const char *key, size_t blob_cnt);

struct tx_manager_status sim_status(struct sim *s);
struct tx_item *sim_item(struct sim *s, const char *key);
/* How many mined transactions carry this data. */
unsigned sim_mined(const struct sim *s, const char *data);
/* What the journal says at last; TX_STATE_CNT: nothing. */
enum tx_state sim_state(const struct sim *s, const char *key);
const struct sim_note *sim_last_note(const struct sim *s, uint64_t id);
unsigned sim_note_cnt(const struct sim *s, uint64_t id, enum tx_state st);
/* The pool's transaction at a nonce; NULL: none */
const struct sim_tx *sim_pool_at(const struct sim *s, uint64_t nonce);

#endif
