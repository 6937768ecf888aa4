#include "tests/statetest/lines.h"

#include "node/stf/rules.h"
#include "tests/statetest/run.h"
#include "tests/statetest/trace.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK ((size_t)1 << 20)
#define ARENA_LIMIT ((size_t)1 << 30)

/* ---- wrong rules ---- */

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

static const struct wrong {
    const char *name;
    void (*spoil)(struct stf_rules *r);
} wrongs[] = {
    { "modexp", cheaper_modexp },    { "depth", shallower_calls },
    { "floor", no_floor },           { "bls", no_bls },
    { "code", shorter_code },        { "random", random_is_one },
    { "delegation", no_delegation }, { "fee", coinbase_keeps_base_fee },
};

static const struct wrong *find_wrong(const char *name)
{
    for (size_t i = 0; i < GH_COUNT(wrongs); i++)
        if (strcmp(wrongs[i].name, name) == 0)
            return &wrongs[i];
    (void)fprintf(stderr, "statetest: no wrong rules called %s; there are", name);
    for (size_t i = 0; i < GH_COUNT(wrongs); i++)
        (void)fprintf(stderr, " %s", wrongs[i].name);
    (void)fprintf(stderr, "\n");
    return NULL;
}

/* ---- one line ---- */

static bool run_test(const char *name, const json_t *test, const struct wrong *wrong, FILE *out)
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
        if (wrong)
            wrong->spoil(&rules);
        c.rules = &rules;
        trace_init(&trace, out);
        arena_init_growing(&own, ARENA_CHUNK, ARENA_LIMIT);
        (void)run_case(&f, &c, &trace, false, &own, text); /* whoever asked compares */
        arena_clear(&own);
        trace_clear(&trace);
    } else {
        (void)fprintf(stderr, "statetest: %s: %s\n", name, why);
    }
    arena_clear(&file);
    return ok;
}

static bool run_line(const char *line, size_t len, const struct wrong *wrong, FILE *out)
{
    json_error_t e;
    json_t *root = json_loadb(line, len, JSON_ALLOW_NUL, &e), *test;
    const char *name;
    bool ok = json_object_size(root) == 1;
    if (!ok)
        (void)fprintf(stderr, "statetest: a line is not one state test: %s\n", root ? "" : e.text);
    json_object_foreach(root, name, test)
    {
        ok = ok && run_test(name, test, wrong, out);
    }
    json_decref(root);
    return ok && fflush(out) == 0;
}

bool lines_run(FILE *in, FILE *out, const char *wrong)
{
    const struct wrong *w = wrong ? find_wrong(wrong) : NULL;
    char *line = NULL;
    size_t cap = 0;
    bool ok = !wrong || w;
    while (ok) {
        ssize_t len = getline(&line, &cap, in);
        if (len < 0)
            break;
        ok = run_line(line, (size_t)len, w, out);
    }
    free(line);
    return ok;
}
