/* tests/statetest/suites.h
 *
 * Cases of the public suites beside the state tests: RLP, tries, raw transactions. A false answer
 * fills why (RUN_WHY_CAP bytes). Memory of a case lives in the arena. */
#ifndef GH_TESTS_STATETEST_SUITES_H
#define GH_TESTS_STATETEST_SUITES_H

#include "tests/statetest/fixture.h"
#include "tests/statetest/run.h"

/* {in, out}: `in` is a text, a number, "#" and a decimal number, or a list of these; `out` its
 * encoding, which must be written and read alike. "INVALID": reading `out` must fail; "VALID": it
 * must not. */
bool suite_rlp(const json_t *test, struct arena *arena, char *why);

/* {in, root}: insertions and deletions (value null) are applied to a plain set first, since the
 * trie is only ever built from a finished one. Text starting with 0x is hexadecimal. Secure tries
 * hash their keys. */
bool suite_trie(json_t *test, bool is_secure, struct arena *arena, char *why);

/* {txbytes, result: {fork: {hash, sender, intrinsicGas} or {exception}}}: the bytes are decoded,
 * the sender recovered, and the transaction run for a sender that has everything. */
bool suite_transaction(const json_t *test, const char *fork, const struct stf_rules *rules,
                       struct arena *arena, char *why);

#endif
