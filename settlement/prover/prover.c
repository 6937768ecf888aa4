/* settlement/prover/prover.c
 *
 * Life and the queue: which batches are jobs, which have proofs, what can be proved next. */
#include "settlement/prover/prover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contracts-abi/gen/executor.h"
#include "node/base/hash.h"
#include "node/base/log.h"
#include "settlement/proto.h"
#include "settlement/prover/internal.h"

#define MAKE_AGAIN_MS  1000
#define WITNESS_BUDGET ((size_t)256 << 20) /* held for provers, bytes */
#define PROOF_ARENA    ((size_t)64 << 20)

struct b256 prover_own_key(void)
{
    static const char name[] = "gatehouse prover input: witness version 1";
    return keccak256(name, sizeof(name) - 1);
}

/* ---- jobs ---- */

struct prover_job *prover_job_find(struct prover *p, uint64_t number)
{
    return number >= p->first && number - p->first < p->cnt ? &p->jobs[number - p->first] : NULL;
}

static void drop_witness(struct prover *p, struct prover_job *j)
{
    if (j->witness)
        p->stats.witness_bytes -= j->witness->data.len;
    settlement_witness_unref(j->witness);
    j->witness = NULL;
}

static void drop_front(struct prover *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        drop_witness(p, &p->jobs[i]);
    memmove(&p->jobs[0], &p->jobs[n], (p->cnt - n) * sizeof(p->jobs[0]));
    p->cnt -= n;
    p->first += n;
}

static void drop_back(struct prover *p, size_t keep)
{
    for (size_t i = keep; i < p->cnt; i++)
        drop_witness(p, &p->jobs[i]);
    if (keep < p->cnt) {
        leases_drop(&p->fri, p->first + keep, UINT64_MAX);
        leases_drop(&p->snark, p->first + keep, UINT64_MAX);
    }
    p->cnt = keep;
}

static bool commitment_before(struct prover *p, uint64_t number, struct b256 *out, struct err *err)
{
    const struct prover_job *before = prover_job_find(p, number - 1);
    struct batch_row row;
    bool found = false;
    if (before)
        *out = before->state_commitment;
    else if (number == 1)
        *out = p->cfg.genesis_state_commitment;
    else if (!batch_load(p->reader, number - 1, &row, &found, err) || !found)
        return false;
    else
        *out = row.state_commitment;
    return true;
}

/* Proofs of an earlier run, and whether they are of this batch. */
static bool load_proofs(struct prover *p, struct prover_job *j, struct err *err)
{
    struct fri_proof_row fri;
    struct snark_proof_row snark;
    bool found = false;
    if (!fri_proof_load(p->reader, j->number, NULL, &fri, &found, err))
        return false;
    if (found && b256_eq(&fri.input, &j->input) && b256_eq(&fri.vk, &p->cfg.vk))
        j->fri_at_ms = fri.at_ms;
    if (!snark_proof_load(p->reader, j->number, NULL, &snark, &found, err))
        return false;
    if (found)
        j->snark_from = snark.from; /* compared with the range's input when it is used */
    return true;
}

static bool add_job(struct prover *p, uint64_t number, struct err *err)
{
    struct batch_row row;
    struct b256 before;
    bool found = false;
    if (!batch_load(p->reader, number, &row, &found, err) ||
        !commitment_before(p, number, &before, err))
        return false;
    if (!found)
        return false;
    struct stored_batch stored = { .number = number,
                                   .state_commitment = row.state_commitment,
                                   .commitment = row.commitment };
    struct prover_job *j = &p->jobs[p->cnt];
    *j = (struct prover_job){ .number = number,
                              .sealed_at_ms = row.sealed_at_ms,
                              .last_timestamp = row.last_timestamp,
                              .state_commitment = row.state_commitment,
                              .stored_hash = row.stored_hash,
                              .input = batch_public_input(&before, &stored) };
    if (!load_proofs(p, j, err))
        return false;
    p->cnt++;
    return true;
}

static bool forget(struct store_txn *t, void *arg, struct err *err)
{
    return proof_forget(t, *(const uint64_t *)arg, err);
}

static void forgotten(void *arg, const struct err *err)
{
    if (err)
        log_warn(LOG_SETTLEMENT, "proofs of executed batches are not removed yet",
                 LOG_STR("error", err->msg));
    free(arg);
}

/* The store thread gets the number, not us: views go on meanwhile. */
static void collect(struct prover *p)
{
    struct err err = { .kind = ERR_NONE };
    if (p->view.executed <= p->forgotten)
        return;
    uint64_t *upto = malloc(sizeof(*upto));
    if (!upto)
        return; /* next turn */
    *upto = p->view.executed;
    if (store_write(p->deps.store, STORE_JOURNAL, forget, forgotten, upto, &err))
        p->forgotten = p->view.executed;
    else /* the queue is full: next turn */
        free(upto);
}

/* ---- witnesses ---- */

static void made(void *arg, struct settlement_witness *w, const struct err *err)
{
    struct prover *p = arg;
    uint64_t number = p->making;
    p->making = 0;
    if (p->stopped)
        return;
    struct prover_job *j = prover_job_find(p, number);
    if (err) {
        p->make_again_ms = clock_mono_ms(p->deps.clock) + MAKE_AGAIN_MS;
        snprintf(p->make_trouble, sizeof(p->make_trouble), "%.150s", err->msg);
        if (err->kind != ERR_TRANSIENT)
            log_warn(LOG_SETTLEMENT, "no witness for provers", LOG_U64("batch", number),
                     LOG_STR("error", err->msg));
        return;
    }
    p->make_trouble[0] = 0;
    if (j && !j->witness && !j->fri_at_ms && b256_eq(&j->stored_hash, &w->stored_hash)) {
        j->witness = settlement_witness_ref(w);
        p->stats.witness_bytes += w->data.len;
    }
}

/* Witnesses are made ahead, as far as jobs are handed out. */
static void make_ahead(struct prover *p)
{
    if (p->making || clock_mono_ms(p->deps.clock) < p->make_again_ms ||
        p->stats.witness_bytes >= WITNESS_BUDGET)
        return;
    uint64_t seen = 0;
    for (size_t i = 0; i < p->cnt && seen < p->cfg.max_assigned_range; i++) {
        const struct prover_job *j = &p->jobs[i];
        if (j->fri_at_ms || j->storing || j->snark_from)
            continue;
        seen++;
        if (j->witness)
            continue;
        if (p->deps.witness.make(p->deps.witness.ctx, j->number, &j->stored_hash, made, p))
            p->making = j->number;
        return;
    }
}

/* ---- the turn ---- */

/* Proofs of ranges that were sealed differently meanwhile, or proved in part by someone else, are of no use. */
static void check_ranges(struct prover *p)
{
    for (size_t i = 0; i < p->cnt; i++) {
        struct prover_job *j = &p->jobs[i];
        struct snark_proof_row row;
        struct err err = { .kind = ERR_NONE };
        struct b256 input;
        bool found = false;
        if (!j->snark_from || (i > 0 && j[-1].snark_from == j->snark_from))
            continue;
        if (!snark_proof_load(p->reader, j->number, NULL, &row, &found, &err))
            return; /* the disk: next turn */
        bool later = found && row.to >= p->first + p->cnt && row.to <= p->view.sealed;
        if (later || (found && row.from == j->number && prover_fold(p, row.from, row.to, &input) &&
                      b256_eq(&input, &row.input)))
            continue;
        log_warn(LOG_SETTLEMENT, "a proof of a range is not of these batches any more",
                 LOG_U64("from", j->snark_from));
        for (uint64_t gone = j->snark_from; j < &p->jobs[p->cnt] && j->snark_from == gone; j++)
            j->snark_from = 0;
    }
}

void prover_update(struct prover *p, const struct prover_view *v)
{
    struct err err = { .kind = ERR_NONE };
    if (!p->started || p->stopped)
        return;
    bool went_back = v->proved + 1 < p->first, changed = went_back;
    p->view = *v;
    if (went_back || p->first == 0) {
        drop_back(p, 0);
        p->first = v->proved + 1;
    }
    if (v->proved >= p->first) {
        size_t n = (size_t)(v->proved - p->first + 1);
        leases_drop(&p->fri, 0, v->proved);
        leases_drop(&p->snark, 0, v->proved);
        drop_front(p, n < p->cnt ? n : p->cnt);
        p->first = v->proved + 1;
        changed = true; /* a range may have been proved in part */
    }
    if (p->cnt > 0 && p->first + p->cnt - 1 > v->sealed)
        drop_back(p, v->sealed >= p->first ? (size_t)(v->sealed - p->first + 1) : 0);
    while (p->cnt < PROVER_JOBS_MAX && p->first + p->cnt <= v->sealed)
        if (!add_job(p, p->first + p->cnt, &err)) {
            if (err.kind != ERR_NONE)
                log_warn(LOG_SETTLEMENT, "a batch cannot be offered to provers",
                         LOG_U64("batch", p->first + p->cnt), LOG_STR("error", err.msg));
            break;
        } else {
            changed = true;
        }
    if (changed)
        check_ranges(p);
    collect(p);
    make_ahead(p);
}

/* ---- what is next ---- */

static bool has_fri(const struct prover_job *j)
{
    return j->fri_at_ms != 0;
}

uint64_t prover_next_fri(struct prover *p)
{
    uint64_t lowest = 0;
    leases_expire(&p->fri, clock_mono_ms(p->deps.clock));
    for (size_t i = 0; i < p->cnt; i++) {
        const struct prover_job *j = &p->jobs[i];
        if (has_fri(j) || j->storing || j->snark_from)
            continue;
        if (!lowest)
            lowest = j->number;
        if (j->number - lowest >= p->cfg.max_assigned_range)
            return 0;
        if (j->witness && !leases_is_busy(&p->fri, j->number))
            return j->number;
    }
    return 0;
}

bool prover_next_range(struct prover *p, uint64_t *from, uint64_t *to)
{
    leases_expire(&p->snark, clock_mono_ms(p->deps.clock));
    *from = *to = 0;
    for (size_t i = 0; i < p->cnt; i++) {
        const struct prover_job *j = &p->jobs[i];
        if (j->number > p->view.committed)
            break;
        bool free = has_fri(j) && !j->storing && !j->snark_from && j->number > p->view.sent_to &&
                    !leases_is_busy(&p->snark, j->number);
        if (!free && *from)
            break;
        if (!free && !has_fri(j) && !j->snark_from && j->number > p->view.sent_to)
            break; /* a range behind a gap could not be used before the gap is closed */
        if (!free)
            continue;
        if (!*from)
            *from = j->number;
        *to = j->number;
        if (*to - *from + 1 == p->cfg.max_fris_per_snark)
            break;
    }
    return *from != 0;
}

bool prover_fold(struct prover *p, uint64_t from, uint64_t to, struct b256 *out)
{
    struct b256 inputs[PROVER_JOBS_MAX];
    if (from > to || to - from >= PROVER_JOBS_MAX)
        return false;
    for (uint64_t n = from; n <= to; n++) {
        const struct prover_job *j = prover_job_find(p, n);
        if (!j)
            return false;
        inputs[n - from] = j->input;
    }
    *out = batch_fold_public_inputs(inputs, (size_t)(to - from + 1));
    return true;
}

/* ---- for the prove lane ---- */

/* A proof that was handed in for exactly this range of these batches. */
static bool stored_range(struct prover *p, uint64_t from, struct arena *arena,
                         struct snark_proof_row *out)
{
    const struct prover_job *j = prover_job_find(p, from);
    struct err err = { .kind = ERR_NONE };
    struct b256 input;
    bool found = false;
    return j && j->snark_from == from &&
           snark_proof_load(p->reader, from, arena, out, &found, &err) && found &&
           out->from == from && prover_fold(p, out->from, out->to, &input) &&
           b256_eq(&input, &out->input);
}

static bool may_mock(const struct prover *p)
{
    return p->view.is_testnet_verifier && (p->cfg.fake_fri || p->cfg.fake_snark);
}

static bool is_mock_due(const struct prover *p, const struct prover_job *j)
{
    if (p->cfg.fake_fri)
        return true;
    uint64_t now = clock_wall_ms(p->deps.clock);
    return has_fri(j) && now >= j->fri_at_ms && now - j->fri_at_ms >= p->cfg.max_batch_age_ms;
}

bool prover_range(struct prover *p, uint64_t from, uint64_t *to)
{
    struct snark_proof_row row;
    if (stored_range(p, from, NULL, &row)) {
        if (row.to > *to)
            return false; /* not all of it may be proved yet */
        *to = row.to;
        return true;
    }
    uint64_t end = 0;
    for (uint64_t n = from; may_mock(p) && n <= *to && n - from < p->cfg.max_fris_per_snark; n++) {
        const struct prover_job *j = prover_job_find(p, n);
        if (!j || j->storing || j->snark_from || !is_mock_due(p, j))
            break;
        end = n;
    }
    if (!end)
        return false;
    *to = end;
    return true;
}

bool prover_words(struct prover *p, uint64_t from, uint64_t to, struct u256 out[SNARK_WORDS_MAX],
                  size_t *cnt, struct err *err)
{
    struct snark_proof_row row;
    struct arena arena;
    struct b256 input;
    char reason[160];
    enum snark_kind kind;
    if (!prover_fold(p, from, to, &input))
        return err_set(err, ERR_LOCAL, "a batch of the range is not known");
    arena_init_growing(&arena, 1u << 14, PROOF_ARENA);
    bool found = stored_range(p, from, &arena, &row) && row.to == to, ok = true;
    if (found && !snark_words(out, cnt, &kind, row.proof, &input, p->cfg.slot, reason))
        ok = err_set(err, ERR_LOCAL, "the stored proof is damaged: %s", reason);
    arena_clear(&arena);
    if (!ok || found)
        return ok;
    if (!may_mock(p))
        return err_set(err, ERR_LOCAL, "there is no proof of the range");
    proto_mock_words(out, &input);
    *cnt = 4;
    return true;
}

/* ---- the chain's key ---- */

static void on_key(void *arg, const struct err *failed)
{
    struct prover *p = arg;
    struct err err = { .kind = ERR_NONE };
    p->key_read = NULL;
    if (!failed && contract_word(&p->key_call, &p->chain_key, &err))
        p->key_known = true;
}

void prover_on_verifier(struct prover *p, const struct addr *verifier)
{
    struct err err = { .kind = ERR_NONE };
    if (p->stopped || p->key_read)
        return;
    if (!addr_eq(verifier, &p->verifier))
        p->key_known = false;
    p->verifier = *verifier;
    arena_reset(&p->key_arena);
    struct b256 word = b256_of_u64(2 | (uint64_t)p->cfg.slot << 8);
    p->key_call = (struct contract_call){
        .name = "verificationKeyHash",
        .to = *verifier,
        .data = contract_calldata(&p->key_arena, ABI_V31_VERIFICATION_KEY_HASH_SELECTOR, &word, 1)
    };
    p->key_read = contract_read_start(p->deps.sl, ETH_AT_LATEST, &p->key_call, 1, &p->key_arena,
                                      on_key, p, &err);
}

/* ---- life ---- */

struct prover *prover_create(const struct prover_deps *deps, const struct prover_config *cfg,
                             struct err *err)
{
    struct http_endpoint at;
    if (!http_endpoint_parse(&at, cfg->address, "prover_api.address", err))
        return NULL;
    struct prover *p = calloc(1, sizeof(*p));
    if (!p) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    p->deps = *deps;
    p->cfg = *cfg;
    if (b256_is_zero(&p->cfg.vk))
        p->cfg.vk = prover_own_key();
    leases_init(&p->fri, cfg->fri_timeout_ms);
    leases_init(&p->snark, cfg->snark_timeout_ms);
    arena_init_growing(&p->key_arena, 4096, 1u << 16);
    struct http_server_config hc = { .name = "prover",
                                     .address = at.host,
                                     .port = at.port,
                                     .allowed_methods = HTTP_GET | HTTP_POST,
                                     .max_body_len = PROVER_BODY_MAX,
                                     .max_connections = 256,
                                     .max_in_work = 32 };
    p->reader = store_reader_open(deps->store, err);
    p->worker_reader = p->reader ? store_reader_open(deps->store, err) : NULL;
    p->http =
        p->worker_reader ? http_server_create(deps->base, &hc, prover_on_request, p, err) : NULL;
    if (!p->http) {
        prover_destroy(p);
        return NULL;
    }
    return p;
}

bool prover_start(struct prover *p, struct err *err)
{
    if (!http_server_start(p->http, err))
        return err_wrap(err, "prover_api.address");
    p->started = true;
    log_info(LOG_SETTLEMENT, "provers are served", LOG_U64("port", http_server_port(p->http)),
             LOG_HASH("verification_key", &p->cfg.vk), LOG_BOOL("anonymous", !p->cfg.token_cnt));
    return true;
}

uint16_t prover_port(const struct prover *p)
{
    return http_server_port(p->http);
}

void prover_stop(struct prover *p)
{
    if (p->stopped)
        return;
    p->stopped = true;
    contract_read_cancel(p->key_read);
    p->key_read = NULL;
    if (p->http)
        http_server_stop(p->http);
}

void prover_destroy(struct prover *p)
{
    if (!p)
        return;
    prover_stop(p);
    drop_back(p, 0);
    http_server_destroy(p->http);
    store_reader_close(p->worker_reader);
    store_reader_close(p->reader);
    arena_clear(&p->key_arena);
    explicit_bzero(p->cfg.tokens, sizeof(p->cfg.tokens));
    free(p);
}
