/* tests/unit/chain/record_maker.h
 *
 * Block records from a random number: every field set, every list of every length from none to a few. */
#ifndef GH_TESTS_CHAIN_RECORD_MAKER_H
#define GH_TESTS_CHAIN_RECORD_MAKER_H

#include "node/chain/block_record.h"

struct block_record record_make(uint64_t seed, uint64_t number, struct arena *arena);
/* Field by field; fails the test at the first difference. */
void record_assert_equal(const struct block_record *a, const struct block_record *b);

#endif
