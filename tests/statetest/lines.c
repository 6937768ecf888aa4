#include "tests/statetest/lines.h"

#include "node/stf/rules.h"
#include "tests/statetest/run.h"
#include "tests/statetest/trace.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK ((size_t)1 << 20)
#define ARENA_LIMIT ((size_t)1 << 30)

/* ---- other rules than those of the case's fork ---- */

/* What a program does under the chain's own rules, native resource aside, is what it does under Cancun's. */
static void zksync_os(struct stf_rules *r)
{
    *r = *stf_rules_zksync_os_v31();
}

/* wrong ones */

static void cheaper_modexp(struct stf_rules *r)
{
    r->modexp.min_gas -= 1;
}
static void shallower_calls(struct stf_rules *r)
{
    r->max_depth = 3;
}
static void no_floor(struct stf_rules *r)
{
    r->calldata_floor_per_token = 0;
}
static void no_bls(struct stf_rules *r)
{
    r->precompile_cnt = 10;
}
static void shorter_code(struct stf_rules *r)
{
    r->max_code_len = 8;
}
static void random_is_one(struct stf_rules *r)
{
    r->prevrandao_is_one = true;
}
static void no_delegation(struct stf_rules *r)
{
    r->tx_set_code = false;
}
static void coinbase_keeps_base_fee(struct stf_rules *r)
{
    r->burns_base_fee = false;
}

static const struct other {
    const char *name;
    void (*apply)(struct stf_rules *r);
} others[] = {
    { "zksync-os", zksync_os },
    { "modexp", cheaper_modexp },
    { "depth", shallower_calls },
    { "floor", no_floor },
    { "bls", no_bls },
    { "code", shorter_code },
    { "random", random_is_one },
    { "delegation", no_delegation },
    { "fee", coinbase_keeps_base_fee },
};

static const struct other *find_other(const char *name)
{
    for (size_t i = 0; i < GH_COUNT(others); i++)
        if (strcmp(others[i].name, name) == 0)
            return &others[i];
    (void)fprintf(stderr, "statetest: no other rules called %s; there are", name);
    for (size_t i = 0; i < GH_COUNT(others); i++)
        (void)fprintf(stderr, " %s", others[i].name);
    (void)fprintf(stderr, "\n");
    return NULL;
}

/* ---- one line ---- */

static bool run_test(const char *name, const json_t *test, const struct other *other, FILE *out)
{
    struct fixture f;
    struct arena file, own;
    const char *why = "more than one case";
    char text[RUN_WHY_CAP];
    arena_init_growing(&file, ARENA_CHUNK, ARENA_LIMIT);
    bool ok = fixture_load(&f, name, test, &file, &why) && f.case_cnt == 1;
    if (ok) {
        struct fixture_case c = f.cases[0];
        struct stf_rules rules = *c.rules;
        struct trace trace;
        if (other)
            other->apply(&rules);
        c.rules = &rules;
        /* traced, opcode by opcode; then as blocks run; then with every block translated at once */
        for (unsigned way = 0; way < 3; way++) {
            trace_init(&trace, out);
            if (way > 0)
                trace.tracer.on_step = NULL;
            arena_init_growing(&own, ARENA_CHUNK, ARENA_LIMIT);
            (void)run_case(&f, &c, &trace, way == 2, &own, text); /* whoever asked compares */
            if (!trace.is_over)                                   /* the block was lost */
                trace_summary(
                    &trace, &(struct trace_summary){ .fork = c.fork, .test = f.name, .why = text });
            arena_clear(&own);
            trace_clear(&trace);
        }
    } else {
        (void)fprintf(stderr, "statetest: %s: %s\n", name, why);
    }
    arena_clear(&file);
    return ok;
}

static bool run_line(const char *line, size_t len, const struct other *other, FILE *out)
{
    json_error_t e;
    json_t *root = json_loadb(line, len, JSON_ALLOW_NUL, &e), *test;
    const char *name;
    bool ok = json_object_size(root) == 1;
    if (!ok)
        (void)fprintf(stderr, "statetest: a line is not one state test: %s\n", root ? "" : e.text);
    json_object_foreach(root, name, test)
    {
        ok = ok && run_test(name, test, other, out);
    }
    json_decref(root);
    return ok && fflush(out) == 0;
}

bool lines_run(FILE *in, FILE *out, const char *rules)
{
    const struct other *w = rules ? find_other(rules) : NULL;
    char *line = NULL;
    size_t cap = 0;
    bool ok = !rules || w;
    while (ok) {
        ssize_t len = getline(&line, &cap, in);
        if (len < 0)
            break;
        ok = run_line(line, (size_t)len, w, out);
    }
    free(line);
    return ok;
}
