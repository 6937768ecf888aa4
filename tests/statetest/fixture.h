/* tests/statetest/fixture.h
 *
 * One state test of the public Ethereum suites: environment, pre-state, a transaction with
 * choices, and for each fork the expected result of each choice. Everything lives in the arena
 * given to fixture_load. */
#ifndef GH_TESTS_STATETEST_FIXTURE_H
#define GH_TESTS_STATETEST_FIXTURE_H

#include "node/stf/stf.h"

#include <jansson.h>

struct fixture_account {
    struct addr addr;
    uint64_t nonce;
    struct u256 balance;
    struct bytes code;
    const struct fixture_slot {
        struct b256 slot, value;
    } * slots;
    size_t slot_cnt;
};

struct fixture_env {
    struct addr coinbase;
    uint64_t gas_limit, number, timestamp, excess_blob_gas;
    struct u256 base_fee, random;
};

#define FIXTURE_FORK_CNT 3u
/* The forks there are rules for, by their names in the suites. */
extern const struct fixture_fork {
    const char *name;
    const struct stf_rules *(*rules)(void);
} fixture_forks[FIXTURE_FORK_CNT];

struct fixture_case { /* one choice and what must come of it */
    const char *fork;
    const struct stf_rules *rules;
    size_t data, gas, value;
    struct b256 root, logs;
    bool expects_rejection;
    struct bytes txbytes; /* empty when absent */
};

struct fixture {
    const char *name;
    struct fixture_env env;
    const struct fixture_account *pre;
    size_t pre_cnt;
    const json_t *tx; /* fields that do not depend on the choice are read when a case is run */
    const struct fixture_case *cases;
    size_t case_cnt;
};

/* Cases of every fork there are rules for. false: not a state test, or none of its forks is known;
 * *why says what is wrong. */
bool fixture_load(struct fixture *out, const char *name, const json_t *test, struct arena *arena,
                  const char **why);

/* The transaction of one case. false: a field does not fit its type, so no encoding of it is
 * valid. */
bool fixture_tx(struct stf_tx *out, const struct fixture *f, const struct fixture_case *c,
                struct arena *arena);

#endif
