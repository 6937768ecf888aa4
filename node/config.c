/* node/config.c
 *
 * Files, environment, defaults, and the rules between keys. YAML is read as events and flattened to dotted names;
 * aliases and anchors are refused, depth and size are bounded. */
#include "node/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "node/base/file.h"
#include "node/base/hex.h"
#include "node/config_internal.h"

#define MAX_FILE_LEN (1u << 20)
#define MAX_DEPTH    8
#define MAX_NAME     256
#define MAX_KEYS     256

const struct config_key *config_key_find(const char *name)
{
    for (size_t i = 0; i < config_key_cnt; i++)
        if (strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

static bool set_key(struct config *c, const struct config_key *k, const char *value,
                    struct err *err)
{
    if (!config_value_set(c, k, value, err))
        /* neither keys nor URLs are repeated: a URL may hold an API key or a password */
        return k->type == CFG_SECRET || k->type == CFG_URLS
                   ? err_wrap(err, "%s", k->name)
                   : err_wrap(err, "%s: \"%.80s\"", k->name, value);
    return true;
}

void config_defaults(struct config *c)
{
    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < config_key_cnt; i++) {
        struct err err = { .kind = ERR_NONE };
        if (config_keys[i].def[0])
            CHECK(config_value_set(c, &config_keys[i], config_keys[i].def, &err));
    }
}

/* ---- YAML ---- */

struct yaml_reader {
    struct config *c;
    const char *file;
    bool allow_unknown;
    struct buf *warnings;
    bool in_list;
    bool seen[MAX_KEYS]; /* in this file */
    char name[MAX_NAME];
    struct err *err;
};

/* Sets one scalar. "x.file" under a secret x names a file. */
static bool scalar(struct yaml_reader *y, const char *value, size_t line)
{
    const struct config_key *k = config_key_find(y->name);
    size_t len = strlen(y->name);
    char text[CONFIG_TEXT_CAP + 8];
    if (!k && len > 5 && strcmp(y->name + len - 5, ".file") == 0) {
        y->name[len - 5] = 0;
        k = config_key_find(y->name);
        y->name[len - 5] = '.';
        if (k && k->type != CFG_SECRET)
            k = NULL;
        if (k) {
            snprintf(text, sizeof(text), "file:%s", value);
            value = text;
        }
    }
    if (!k) {
        if (y->allow_unknown) {
            buf_printf(y->warnings, "%s:%zu: unknown key %s\n", y->file, line, y->name);
            return true;
        }
        return err_set(y->err, ERR_INVALID,
                       "%s:%zu: unknown key %s (see gatehouse check-config --help, or "
                       "--allow-unknown-config for a file of another node)",
                       y->file, line, y->name);
    }
    bool *seen = &y->seen[k - config_keys];
    if (*seen && !(k->type == CFG_URLS && y->in_list))
        return err_set(y->err, ERR_INVALID,
                       y->in_list ? "%s:%zu: %s takes one value, not a list"
                                  : "%s:%zu: %s is given twice",
                       y->file, line, y->name);
    if (k->type == CFG_URLS && !*seen)
        config_urls_clear(y->c, k);
    *seen = true;
    if (!set_key(y->c, k, value, y->err))
        return err_wrap(y->err, "%s:%zu", y->file, line);
    return true;
}

static bool next_event(yaml_parser_t *p, yaml_event_t *ev, struct yaml_reader *y)
{
    if (yaml_parser_parse(p, ev))
        return true;
    return err_set(y->err, ERR_INVALID, "%s:%zu: %s", y->file, p->problem_mark.line + 1,
                   p->problem ? p->problem : "not YAML");
}

static bool value(yaml_parser_t *p, yaml_event_t *ev, struct yaml_reader *y, unsigned depth);

static bool mapping(yaml_parser_t *p, struct yaml_reader *y, unsigned depth)
{
    size_t base = strlen(y->name);
    for (;;) {
        yaml_event_t ev;
        if (!next_event(p, &ev, y))
            return false;
        if (ev.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&ev);
            return true;
        }
        const char *key = ev.type == YAML_SCALAR_EVENT ? (const char *)ev.data.scalar.value : NULL;
        bool ok = key && base + strlen(key) + 2 < MAX_NAME;
        if (ok)
            snprintf(y->name + base, MAX_NAME - base, "%s%s", base ? "." : "", key);
        size_t line = ev.start_mark.line + 1;
        yaml_event_delete(&ev);
        if (!ok)
            return err_set(y->err, ERR_INVALID, "%s:%zu: a key must be a short text", y->file,
                           line);
        if (!next_event(p, &ev, y))
            return false;
        ok = value(p, &ev, y, depth + 1);
        y->name[base] = 0;
        if (!ok)
            return false;
    }
}

static bool sequence(yaml_parser_t *p, struct yaml_reader *y, unsigned depth)
{
    bool outer = y->in_list, ok = true;
    y->in_list = true;
    while (ok) {
        yaml_event_t ev;
        ok = next_event(p, &ev, y);
        if (ok && ev.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&ev);
            break;
        }
        ok = ok && value(p, &ev, y, depth + 1);
    }
    y->in_list = outer;
    return ok;
}

/* Consumes ev. */
static bool value(yaml_parser_t *p, yaml_event_t *ev, struct yaml_reader *y, unsigned depth)
{
    yaml_event_type_t type = ev->type;
    size_t line = ev->start_mark.line + 1;
    bool ok = true;
    if (type == YAML_SCALAR_EVENT) {
        const char *text = (const char *)ev->data.scalar.value;
        bool null = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                    (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
        if (strlen(text) != ev->data.scalar.length)
            ok = err_set(y->err, ERR_INVALID, "%s:%zu: %s: a NUL character in a value", y->file,
                         line, y->name);
        else
            ok = null || scalar(y, text, line);
    }
    yaml_event_delete(ev);
    if (depth > MAX_DEPTH)
        return err_set(y->err, ERR_INVALID, "%s:%zu: nested too deeply", y->file, line);
    if (type == YAML_MAPPING_START_EVENT)
        return mapping(p, y, depth);
    if (type == YAML_SEQUENCE_START_EVENT)
        return sequence(p, y, depth);
    if (type == YAML_ALIAS_EVENT)
        return err_set(y->err, ERR_INVALID, "%s:%zu: aliases are not supported", y->file, line);
    return ok;
}

static bool load_file(struct config *c, const char *path, const struct config_sources *src,
                      struct buf *warnings, struct err *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    if (!file_read(&text, &len, path, MAX_FILE_LEN, err))
        return false;
    struct yaml_reader y = {
        .c = c, .file = path, .allow_unknown = src->allow_unknown, .warnings = warnings, .err = err
    };
    CHECK(config_key_cnt <= MAX_KEYS);
    yaml_parser_t p;
    bool ok = yaml_parser_initialize(&p) || err_set(err, ERR_LOCAL, "out of memory");
    if (ok) {
        yaml_parser_set_input_string(&p, text, len);
        for (bool end = false; ok && !end;) {
            yaml_event_t ev;
            ok = next_event(&p, &ev, &y);
            if (!ok)
                break;
            if (ev.type == YAML_MAPPING_START_EVENT) {
                yaml_event_delete(&ev);
                ok = mapping(&p, &y, 0);
                continue;
            }
            end = ev.type == YAML_STREAM_END_EVENT;
            bool bad = ev.type == YAML_SEQUENCE_START_EVENT ||
                       (ev.type == YAML_SCALAR_EVENT && ev.data.scalar.length > 0);
            yaml_event_delete(&ev);
            if (bad)
                ok = err_set(err, ERR_INVALID, "%s: the file must be a map of sections", path);
        }
        yaml_parser_delete(&p);
    }
    explicit_bzero(text, len);
    free(text);
    return ok;
}

/* ---- environment: general.l1_rpc_url -> GENERAL_L1_RPC_URL ---- */

static bool env_matches(const char *entry, const char *key, const char **val)
{
    size_t i = 0;
    for (; key[i]; i++) {
        char want = key[i] == '.' ? '_' : key[i];
        if (entry[i] != want && entry[i] != (char)toupper((unsigned char)want))
            return false;
    }
    if (entry[i] != '=')
        return false;
    *val = entry + i + 1;
    return true;
}

static bool load_env(struct config *c, char *const *env, struct err *err)
{
    for (; env && *env; env++)
        for (size_t i = 0; i < config_key_cnt; i++) {
            const char *val = NULL;
            if (!env_matches(*env, config_keys[i].name, &val))
                continue;
            if (config_keys[i].type == CFG_URLS)
                config_urls_clear(c, &config_keys[i]);
            if (!set_key(c, &config_keys[i], val, err))
                return err_wrap(err, "environment");
        }
    return true;
}

static bool same_key(const struct config_secret *a, const struct config_secret *b)
{
    uint8_t diff = 0;
    for (size_t i = 0; i < sizeof(a->key); i++)
        diff |= a->key[i] ^ b->key[i];
    return a->set && b->set && diff == 0;
}

static bool validate_provers(const struct config *c, struct err *err)
{
    const char *vk = c->prover_api.verification_key_hash;
    struct b256 key;
    if (vk[0] && !hex_decode_exact(key.b, 32, vk, strlen(vk)))
        return err_set(err, ERR_INVALID,
                       "prover_api.verification_key_hash is not 32 bytes in hexadecimal");
    if (!c->prover_api.enabled)
        return true;
    if (!c->prover_api.token.set && !c->prover_api.second_token.set &&
        !c->prover_api.allow_anonymous)
        return err_set(err, ERR_INVALID,
                       "prover_api.enabled needs prover_api.token: whoever reaches the listener "
                       "could hand in proofs (or prover_api.allow_anonymous: true)");
    if (!c->batcher.enabled)
        return err_set(err, ERR_INVALID, "prover_api.enabled needs batcher.enabled");
    return true;
}

static bool validate_verification(const struct config *c, struct err *err)
{
    if (c->verification.mode != VERIFY_REMOTELY)
        return true;
    if (c->verification.url_cnt == 0)
        return err_set(err, ERR_INVALID, "verification.mode remote needs verification.endpoints");
    if (c->verification.threshold > c->verification.url_cnt)
        return err_set(err, ERR_INVALID,
                       "verification.threshold is above the number of verification.endpoints");
    for (size_t i = 0; i < c->verification.url_cnt; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->verification.urls[i], c->verification.urls[k]) == 0)
                return err_set(err, ERR_INVALID, "verification.endpoints names one verifier twice");
    return true;
}

/* Rules between keys: equal operator keys, zero prices, ... */
static bool validate(const struct config *c, struct err *err)
{
    if (!validate_provers(c, err) || !validate_verification(c, err))
        return false;
    if (addr_is_zero(&c->genesis.bridgehub_address))
        return err_set(err, ERR_INVALID, "genesis.bridgehub_address is required");
    if (!c->genesis.genesis_input_path[0])
        return err_set(err, ERR_INVALID, "genesis.genesis_input_path is required");
    if (c->general.l1_rpc_url_cnt == 0)
        return err_set(err, ERR_INVALID, "general.l1_rpc_url is required");
    if (same_key(&c->l1_sender.operator_commit, &c->l1_sender.operator_prove) ||
        same_key(&c->l1_sender.operator_commit, &c->l1_sender.operator_execute) ||
        same_key(&c->l1_sender.operator_prove, &c->l1_sender.operator_execute))
        return err_set(err, ERR_INVALID,
                       "two operator keys are equal: commit, prove and execute each need a key of "
                       "their own, or their nonces collide");
    if (c->l1_sender.enabled &&
        (!c->l1_sender.operator_commit.set || !c->l1_sender.operator_prove.set ||
         !c->l1_sender.operator_execute.set))
        return err_set(err, ERR_INVALID,
                       "l1_sender needs operator_commit_sk, operator_prove_sk and "
                       "operator_execute_sk (or enabled: false)");
    if (c->l1_sender.enabled && !c->batcher.enabled)
        return err_set(err, ERR_INVALID, "l1_sender.enabled needs batcher.enabled");
    if (c->l1_sender.pubdata_mode == PUBDATA_BLOBS &&
        u256_is_zero(&c->l1_sender.max_fee_per_blob_gas))
        return err_set(err, ERR_INVALID,
                       "l1_sender.max_fee_per_blob_gas must not be zero with pubdata_mode Blobs");
    if (c->l1_sender.pubdata_mode == PUBDATA_RELAYED && c->general.gateway_rpc_url_cnt == 0)
        return err_set(err, ERR_INVALID,
                       "l1_sender.pubdata_mode RelayedL2Calldata is for a chain that settles on a "
                       "Gateway: it needs general.gateway_rpc_url");
    bool priced = c->fee.base_token_usd > 0;
    if (!priced && !(c->sequencer.has_native_price_override && c->sequencer.has_base_fee_override &&
                     c->sequencer.has_pubdata_price_override))
        return err_set(err, ERR_INVALID,
                       "fees need fee.base_token_usd, or all of "
                       "sequencer.{native_price,base_fee,pubdata_price}_override");
    if (c->sequencer.has_native_price_override && u256_is_zero(&c->sequencer.native_price_override))
        return err_set(err, ERR_INVALID, "sequencer.native_price_override must not be zero");
    if (c->sequencer.has_base_fee_override && !u256_fits_u64(&c->sequencer.base_fee_override))
        return err_set(err, ERR_INVALID, "sequencer.base_fee_override must fit 64 bits");
    if (u256_lt(&c->l1_sender.max_fee_per_gas, &c->l1_sender.max_priority_fee_per_gas))
        return err_set(err, ERR_INVALID,
                       "l1_sender.max_priority_fee_per_gas is above max_fee_per_gas");
    return true;
}

bool config_load(struct config *c, const struct config_sources *src, struct buf *warnings,
                 struct err *err)
{
    config_defaults(c);
    for (size_t i = 0; i < src->file_cnt; i++)
        if (!load_file(c, src->files[i], src, warnings, err))
            return err_wrap(err, "configuration");
    if (!load_env(c, src->env, err) || !validate(c, err))
        return err_wrap(err, "configuration");
    return true;
}

/* ---- showing ---- */

/* Opens and closes sections so that dotted names become nested YAML. */
static void print_name(struct buf *out, const char *name, const char *previous)
{
    size_t shared = 0;
    for (size_t i = 0; name[i] && name[i] == previous[i]; i++)
        if (name[i] == '.')
            shared = i + 1;
    unsigned depth = 0;
    for (size_t i = 0; i < shared; i++)
        depth += name[i] == '.';
    const char *rest = name + shared;
    for (const char *dot; (dot = strchr(rest, '.')) != NULL; rest = dot + 1, depth++)
        buf_printf(out, "%*s%.*s:\n", (int)(2 * depth), "", (int)(dot - rest), rest);
    buf_printf(out, "%*s%s: ", (int)(2 * depth), "", rest);
}

bool config_print(struct buf *out, const struct config *c)
{
    const char *previous = "";
    for (size_t i = 0; i < config_key_cnt; i++) {
        print_name(out, config_keys[i].name, previous);
        config_value_print(out, c, &config_keys[i]);
        buf_append_str(out, "\n");
        previous = config_keys[i].name;
    }
    return !out->failed;
}

bool config_describe(struct buf *out)
{
    for (size_t i = 0; i < config_key_cnt; i++) {
        const struct config_key *k = &config_keys[i];
        buf_printf(out, "  %-44s %s", k->name, k->help);
        if (k->def[0])
            buf_printf(out, " [%s]", k->def);
        buf_append_str(out, "\n");
    }
    return !out->failed;
}

void config_clear(struct config *c)
{
    explicit_bzero(c, sizeof(*c));
}
