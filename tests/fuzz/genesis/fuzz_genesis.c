/* tests/fuzz/genesis/fuzz_genesis.c
 *
 * The genesis loader on any text. What it accepts has ascending, distinct keys and starts a state that holds together,
 * unless an entry is a guard of the tree or the declared root is another one. */
#include <stdlib.h>

#include "node/state/genesis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct genesis g;
    struct err err = { 0 };
    if (!genesis_parse(&g, bytes_of(data, len), &err)) {
        if (err.msg[0] == 0 || g.arena)
            abort();
        return 0;
    }
    for (size_t i = 1; i < g.diff_cnt; i++)
        if (memcmp(g.diffs[i - 1].flat_key.b, g.diffs[i].flat_key.b, 32) >= 0)
            abort();
    g.has_root = false;
    struct state *s = state_create(&(struct state_config){ 1, 1 });
    struct state_mark mark;
    if (genesis_apply(s, &g, &mark, NULL, &err)) {
        if (mark.leaf_count != g.diff_cnt + 2 || !state_check(s, &err))
            abort();
    }
    state_destroy(s);
    genesis_clear(&g);
    return 0;
}
