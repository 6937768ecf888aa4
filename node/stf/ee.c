/* node/stf/ee.c: the table of execution environments, and the buffers they share (ee.h). */
#include "node/stf/ee.h"

const struct stf_ee *stf_ee_find(const struct stf_rules *rules, uint8_t id)
{
    for (size_t i = 0; i < rules->environment_cnt; i++) {
        if (rules->environments[i]->id == id)
            return rules->environments[i];
    }
    return NULL;
}

enum stf_halt ee_buf_reserve(struct stf_block *b, struct ee_buf *buf, size_t need)
{
    if (buf->cap >= need)
        return HALT_NONE;
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap < need)
        cap *= 2;
    uint8_t *p = arena_alloc(sys_arena(b), cap);
    if (!p)
        return sys_fail(b, STF_E_OUT_OF_MEMORY);
    buf->p = p;
    buf->cap = cap;
    return HALT_NONE;
}
