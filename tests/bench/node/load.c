/* tests/bench/node/load.c
 *
 * Load over JSON-RPC, for any node that speaks it:
 *   bench_load fund    --url U --chain-id N --key HEX [--token A] --amount WEI --senders S
 *   bench_load rate    --url U --chain-id N [--token A] --senders S --txs T [--batch B] [--connections C] [--window W]
 *                      [--seconds D] [--mine-ms M [--mine-after]]
 *   bench_load latency --url U --chain-id N --senders S --txs T --rate R
 * Every transaction is signed and every request written before the clock starts. It prints one line of JSON and ends by itself. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/base/hex.h"
#include "tests/bench/node/load_run.h"

#define FUNDERS      32u /* the root pays these, they pay the others */
#define RECEIPT_LOOK 200u
#define FUND_LIMIT   60u /* seconds of one wave */

enum option_id {
    O_URL = 1,
    O_CHAIN,
    O_KEY,
    O_TOKEN,
    O_AMOUNT,
    O_SENDERS,
    O_TXS,
    O_BATCH,
    O_CONNECTIONS,
    O_WINDOW,
    O_SECONDS,
    O_GRACE,
    O_MINE,
    O_MINE_AFTER,
    O_RATE,
    O_MAX_FEE,
    O_GAS
};
static const struct option options[] = {
    { "url", required_argument, NULL, O_URL },
    { "chain-id", required_argument, NULL, O_CHAIN },
    { "key", required_argument, NULL, O_KEY },
    { "token", required_argument, NULL, O_TOKEN },
    { "amount", required_argument, NULL, O_AMOUNT },
    { "senders", required_argument, NULL, O_SENDERS },
    { "txs", required_argument, NULL, O_TXS },
    { "batch", required_argument, NULL, O_BATCH },
    { "connections", required_argument, NULL, O_CONNECTIONS },
    { "window", required_argument, NULL, O_WINDOW },
    { "seconds", required_argument, NULL, O_SECONDS },
    { "grace-ms", required_argument, NULL, O_GRACE },
    { "mine-ms", required_argument, NULL, O_MINE },
    { "mine-after", no_argument, NULL, O_MINE_AFTER },
    { "rate", required_argument, NULL, O_RATE },
    { "max-fee-wei", required_argument, NULL, O_MAX_FEE },
    { "gas-limit", required_argument, NULL, O_GAS },
    { NULL, 0, NULL, 0 },
};

static bool set_number(struct load_settings *s, int id, uint64_t v)
{
    switch (id) {
    case O_CHAIN:
        s->chain_id = v;
        break;
    case O_AMOUNT:
        s->amount = v;
        break;
    case O_SENDERS:
        s->senders = (size_t)v;
        break;
    case O_TXS:
        s->txs = (size_t)v;
        break;
    case O_BATCH:
        s->batch = (size_t)v;
        break;
    case O_CONNECTIONS:
        s->connections = (size_t)v;
        break;
    case O_WINDOW:
        s->window = (size_t)v;
        break;
    case O_SECONDS:
        s->seconds = (double)v;
        break;
    case O_GRACE:
        s->grace_ms = v;
        break;
    case O_MINE:
        s->mine_ms = v;
        break;
    case O_RATE:
        s->rate = (double)v;
        break;
    case O_MAX_FEE:
        s->max_fee_wei = v;
        break;
    case O_GAS:
        s->gas_limit = v;
        break;
    default:
        return false;
    }
    return true;
}

static bool set_option(struct load_settings *s, int id, const char *text, struct err *err)
{
    struct u256 v;
    if (id == O_URL)
        return load_target_parse(&s->target, text, err);
    if (id == O_MINE_AFTER) {
        s->mine_after = true;
        return true;
    }
    if (id == O_KEY)
        return crypto_key_parse(&s->root_key, text, strlen(text)) ||
               err_set(err, ERR_INVALID, "--key is not a secret key");
    if (id == O_TOKEN) {
        s->kind = LOAD_ERC20;
        return hex_decode_exact(s->token.b, 20, text, strlen(text)) ||
               err_set(err, ERR_INVALID, "--token is not an address");
    }
    if (!u256_parse_dec(&v, text, strlen(text)) || !u256_fits_u64(&v) || !set_number(s, id, v.w[0]))
        return err_set(err, ERR_INVALID, "%s is not a number", text);
    return true;
}

static bool parse(struct load_settings *s, int argc, char **argv, struct err *err)
{
    *s = (struct load_settings){ .senders = 1000,
                                 .txs = 10000,
                                 .batch = 100,
                                 .connections = 8,
                                 .window = 20000,
                                 .seconds = 20,
                                 .rate = 500,
                                 .grace_ms = 20000 };
    int id;
    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (id == '?' || !set_option(s, id, optarg, err))
            return id == '?' ? err_set(err, ERR_INVALID, "see the head of load.c") : false;
    if (!s->target.port || !s->chain_id || s->senders < 2 || s->senders > FUNDERS * 64 || !s->txs ||
        s->txs > 10000000 || !s->connections || s->connections > 256 || !s->window || s->rate <= 0)
        return err_set(err, ERR_INVALID,
                       "--url and --chain-id are needed; 2..%u senders, 1..256 connections",
                       FUNDERS * 64);
    if (!s->gas_limit)
        s->gas_limit = s->kind == LOAD_ERC20 ? 200000 : 100000;
    return true;
}

/* What the node says about itself, and the fee that follows. */
static bool meet(struct load_settings *s, struct load_http *h, struct err *err)
{
    uint64_t id, price;
    if (!load_quantity(h, &s->target, "eth_chainId", &id, err) ||
        !load_quantity(h, &s->target, "eth_gasPrice", &price, err))
        return false;
    if (id != s->chain_id)
        return err_set(err, ERR_INVALID, "the node is of chain %" PRIu64, id);
    if (!s->max_fee_wei)
        s->max_fee_wei = 2 * price;
    return true;
}

static bool wave(struct load_plan *p, const char *what, struct err *err)
{
    struct load_lane lane = { .next = 0, .end = p->req_cnt };
    struct load_http control = { .fd = -1 };
    struct load_result r = { 0 };
    bool ok = load_http_open(&control, &p->set->target, err);
    ok = load_http_open(&lane.http, &p->set->target, err) && ok;
    ok = ok && load_run(p, &lane, 1, &control, &r, err);
    if (ok && r.included != p->tx_cnt)
        ok = err_set(err, ERR_REJECTED, "funding %s: %zu of %zu transactions in a block: %s", what,
                     r.included, p->tx_cnt, r.first_refusal);
    load_http_close(&control);
    load_http_close(&lane.http);
    return ok;
}

/* The root pays the funders, each of them its share of the others. */
static bool fund(const struct load_settings *set, struct err *err)
{
    struct load_settings own = *set;
    size_t funders = set->senders < FUNDERS ? set->senders : FUNDERS;
    struct load_sender root = { .key = set->root_key }, *s = calloc(set->senders, sizeof(*s));
    struct load_http h = { .fd = -1 };
    struct load_plan first = { 0 }, second = { 0 };
    struct u256 amount = u256_of_u64(set->amount), shares = u256_of_u64(2 + set->senders / funders),
                big = u256_mul(&amount, &shares);
    own.seconds = FUND_LIMIT;
    bool ok = s != NULL || err_set(err, ERR_LOCAL, "out of memory");
    for (size_t i = 0; ok && i < set->senders; i++)
        load_sender_make(&s[i], i);
    ok = ok &&
         (crypto_key_address(&root.addr, &root.key) ||
          err_set(err, ERR_INVALID, "--key is needed")) &&
         load_http_open(&h, &set->target, err) &&
         load_nonces_fetch(&root, 1, &h, &set->target, err) &&
         load_nonces_fetch(s, set->senders, &h, &set->target, err) &&
         load_plan_init(&first, &own, funders, err) &&
         load_plan_init(&second, &own, set->senders, err);
    for (size_t i = 0; ok && i < funders; i++)
        load_plan_add(&first, &root, &s[i].addr, &big, FUNDERS);
    for (size_t i = funders; ok && i < set->senders; i++)
        load_plan_add(&second, &s[i % funders], &s[i].addr, &amount, 100);
    if (ok) {
        load_plan_end_request(&first);
        load_plan_end_request(&second);
        ok = wave(&first, "the funders", err) &&
             (second.tx_cnt == 0 || wave(&second, "the senders", err));
    }
    if (ok)
        printf("{\"funded\":%zu}\n", set->senders);
    load_http_close(&h);
    load_plan_clear(&first);
    load_plan_clear(&second);
    free(s);
    return ok;
}

/* Lane c sends the transactions of senders c, c + C, c + 2C ... so that nonces arrive in order. */
static void plan_lanes(struct load_plan *p, struct load_sender *s, struct load_lane *lanes)
{
    const struct load_settings *set = p->set;
    struct u256 one = U256_ONE;
    for (size_t c = 0; c < set->connections; c++) {
        lanes[c].next = p->req_cnt;
        for (size_t k = 0; k * set->senders < set->txs; k++) {
            for (size_t i = c; i < set->senders && k * set->senders + i < set->txs;
                 i += set->connections) {
                const struct addr *to = &s[(i * 7 + k * 13 + 1) % set->senders].addr;
                load_plan_add(p, &s[i], to, &one, set->batch);
            }
        }
        load_plan_end_request(p);
        lanes[c].end = p->req_cnt;
    }
}

static void print_rate(const struct load_result *r, size_t asked, size_t good)
{
    printf("{\"sent\":%zu,\"accepted\":%zu,\"refused\":%zu,\"included\":%zu,\"seconds\":%.3f,"
           "\"send_seconds\":%.3f,\"tps\":%.1f,\"blocks\":%zu,\"most_in_block\":%zu,"
           "\"receipts_asked\":%zu,\"receipts_good\":%zu,\"first_refusal\":\"%s\"}\n",
           r->sent, r->accepted, r->refused, r->included, r->seconds, r->send_seconds,
           r->seconds > 0 ? (double)r->included / r->seconds : 0, r->blocks, r->most_in_block,
           asked, good, r->first_refusal);
}

static bool rate(const struct load_settings *set, struct err *err)
{
    struct load_sender *s = calloc(set->senders, sizeof(*s));
    struct load_lane *lanes = calloc(set->connections, sizeof(*lanes));
    struct load_http control = { .fd = -1 };
    struct load_plan p = { 0 };
    struct load_result r;
    size_t asked, good;
    bool ok = (s && lanes) || err_set(err, ERR_LOCAL, "out of memory");
    for (size_t i = 0; ok && i < set->connections; i++)
        lanes[i].http.fd = -1;
    for (size_t i = 0; ok && i < set->senders; i++)
        load_sender_make(&s[i], i);
    ok = ok && load_http_open(&control, &set->target, err) &&
         load_nonces_fetch(s, set->senders, &control, &set->target, err) &&
         load_plan_init(&p, set, set->txs, err);
    for (size_t i = 0; ok && i < set->connections; i++)
        ok = load_http_open(&lanes[i].http, &set->target, err);
    if (ok)
        plan_lanes(&p, s, lanes);
    ok = ok && load_run(&p, lanes, set->connections, &control, &r, err) &&
         load_sample_receipts(&p, &control, RECEIPT_LOOK, &asked, &good, err);
    if (ok)
        print_rate(&r, asked, good);
    for (size_t i = 0; lanes && i < set->connections; i++)
        load_http_close(&lanes[i].http);
    load_http_close(&control);
    load_plan_clear(&p);
    free(lanes);
    free(s);
    return ok;
}

int main(int argc, char **argv)
{
    struct load_settings set;
    struct load_http h = { .fd = -1 };
    struct err err = { 0 };
    const char *what = argc > 1 ? argv[1] : "";
    bool ok = argc > 1 && parse(&set, argc - 1, argv + 1, &err);
    ok = ok && load_http_open(&h, &set.target, &err) && meet(&set, &h, &err);
    if (argc > 1)
        load_http_close(&h);
    if (ok && strcmp(what, "fund") == 0)
        ok = fund(&set, &err);
    else if (ok && strcmp(what, "rate") == 0)
        ok = rate(&set, &err);
    else if (ok && strcmp(what, "latency") == 0)
        ok = load_latency(&set, &err);
    else if (ok || argc < 2)
        ok = err_set(&err, ERR_INVALID, "the first word is fund, rate or latency");
    if (!ok)
        fprintf(stderr, "bench_load: %s\n", err.msg);
    return ok ? 0 : 1;
}
