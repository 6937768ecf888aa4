/* node/cli/relay_config.c */
#include "node/cli/relay_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/base/hex.h"
#include "node/cli/yaml_tree.h"
#include "node/config_internal.h"
#include "node/sender/signer.h"

const char relay_file_help[] =
    "  relay.data_dir                  where messages and transactions are kept\n"
    "  relay.poll_interval             how often chains and messages are looked at [1s]\n"
    "  relay.backoff_min, backoff_max  pause after a revert, doubling between the two [1m, 6h]\n"
    "  relay.max_attempts              reverts until a message is parked [8]\n"
    "  relay.max_in_work               calls at once to each chain [64]\n"
    "  relay.max_fee_per_gas           ceiling of a delivery's fee [200 gwei]\n"
    "  relay.max_priority_fee_per_gas  ceiling of its tip [1 gwei]\n"
    "  relay.required_confirmations    depth that counts as mined [1]\n"
    "  relay.log_levels                as observability.log.levels of a node [info]\n"
    "  chains[].chain_id, name, rpc_url (one or a list)\n"
    "  chains[].key                    of a destination: file:PATH, env:NAME\n"
    "  chains[].bridgehub              marks L1: withdrawals are finalized there\n"
    "  routes[].from, to               chain ids; bundles between chains, withdrawals to L1\n"
    "  routes[].max_calls, max_value   of a bundle\n"
    "  routes[].allow_senders, deny_senders, allow_recipients, deny_recipients\n";

static const char *text_of(const json_t *map, const char *key)
{
    return json_string_value(json_object_get(map, key));
}

/* Every key of the map is one of the list, which ends with NULL. */
static bool known(const json_t *map, const char *where, const char *const *keys, struct err *err)
{
    const char *key;
    json_t *v;
    if (!json_is_object(map))
        return err_set(err, ERR_INVALID, "%s must be a map", where);
    json_object_foreach((json_t *)(uintptr_t)map, key, v)
    {
        size_t i = 0;
        while (keys[i] && strcmp(keys[i], key) != 0)
            i++;
        if (!keys[i])
            return err_set(err, ERR_INVALID, "%s: unknown key %.60s (see gatehouse relay --help)",
                           where, key);
    }
    return true;
}

static bool number(const json_t *map, const char *key, uint64_t min, uint64_t max, uint64_t *out,
                   struct err *err)
{
    const char *text = text_of(map, key);
    if (!json_object_get(map, key))
        return true; /* the default stays */
    char *end = NULL;
    unsigned long long v = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (!end || *end || strlen(text) > 19 || v < min || v > max)
        return err_set(err, ERR_INVALID, "%s: a number from %" PRIu64 " to %" PRIu64 " is wanted",
                       key, min, max);
    *out = v;
    return true;
}

static bool duration(const json_t *map, const char *key, uint64_t *out, struct err *err)
{
    const char *text = text_of(map, key);
    if (!json_object_get(map, key))
        return true;
    if (!text || !config_parse_duration(out, text) || *out == 0)
        return err_set(err, ERR_INVALID, "%s: a duration such as 250ms, 5s, 10m is wanted", key);
    return true;
}

static bool wei(const json_t *map, const char *key, struct u256 *out, struct err *err)
{
    const char *text = text_of(map, key);
    if (!json_object_get(map, key))
        return true;
    if (!text || !config_parse_wei(out, text))
        return err_set(err, ERR_INVALID, "%s: an amount such as 5 gwei, 1 ether, 1000 is wanted",
                       key);
    return true;
}

static bool address(const char *text, struct addr *out)
{
    size_t n = 0;
    return text && strncmp(text, "0x", 2) == 0 && strlen(text) == 42 &&
           hex_decode(out->b, 20, &n, text + 2, 40) && n == 20;
}

static bool addresses(const json_t *map, const char *key, struct relay_addrs *out, struct err *err)
{
    const json_t *list = json_object_get(map, key);
    if (!list)
        return true;
    if (!json_is_array(list) || json_array_size(list) > RELAY_MAX_LIST)
        return err_set(err, ERR_INVALID, "%s: a list of at most %d addresses is wanted", key,
                       RELAY_MAX_LIST);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!address(json_string_value(json_array_get(list, i)), &out->items[out->cnt++]))
            return err_set(err, ERR_INVALID, "%s: entry %zu is not an address", key, i + 1);
    return true;
}

static bool copy_text(char *out, size_t cap, const char *text, const char *key, struct err *err)
{
    if (!text || !*text || strlen(text) >= cap)
        return err_set(err, ERR_INVALID, "%s: a text of at most %zu characters is wanted", key,
                       cap - 1);
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool read_limits(struct relay_file *f, const json_t *map, struct err *err)
{
    static const char *const keys[] = { "data_dir",
                                        "poll_interval",
                                        "backoff_min",
                                        "backoff_max",
                                        "max_attempts",
                                        "max_in_work",
                                        "max_fee_per_gas",
                                        "max_priority_fee_per_gas",
                                        "required_confirmations",
                                        "log_levels",
                                        NULL };
    struct relay_config *c = &f->cfg;
    uint64_t in_work = 64, depth = 1;
    c->poll_ms = 1000;
    c->backoff_min_ms = 60000;
    c->backoff_max_ms = 6ull * 3600 * 1000;
    c->max_attempts = 8;
    struct u256 gwei = u256_of_u64(1000000000), two_hundred = u256_of_u64(200);
    c->sender.caps.max_tip = gwei;
    c->sender.caps.max_fee = u256_mul(&gwei, &two_hundred);
    c->sender.caps.base_fee_max_percent = 1000;
    snprintf(f->log_levels, sizeof(f->log_levels), "info");
    if (!known(map, "relay", keys, err) ||
        !copy_text(f->data_dir, sizeof(f->data_dir), text_of(map, "data_dir"), "relay.data_dir",
                   err) ||
        (json_object_get(map, "log_levels") &&
         !copy_text(f->log_levels, sizeof(f->log_levels), text_of(map, "log_levels"),
                    "relay.log_levels", err)) ||
        !duration(map, "poll_interval", &c->poll_ms, err) ||
        !duration(map, "backoff_min", &c->backoff_min_ms, err) ||
        !duration(map, "backoff_max", &c->backoff_max_ms, err) ||
        !number(map, "max_attempts", 1, 1000000, &c->max_attempts, err) ||
        !number(map, "max_in_work", 1, 4096, &in_work, err) ||
        !number(map, "required_confirmations", 1, 1000, &depth, err) ||
        !wei(map, "max_fee_per_gas", &c->sender.caps.max_fee, err) ||
        !wei(map, "max_priority_fee_per_gas", &c->sender.caps.max_tip, err))
        return false;
    c->max_in_work = (size_t)in_work;
    c->sender.required_confirmations = (uint32_t)depth;
    c->sender.poll_ms = c->poll_ms;
    return true;
}

static bool read_urls(struct relay_file_chain *c, const json_t *v, struct err *err)
{
    size_t n = json_is_array(v) ? json_array_size(v) : 1;
    if (n == 0 || n > CONFIG_MAX_URLS)
        return err_set(err, ERR_INVALID, "rpc_url: one to %d addresses are wanted",
                       CONFIG_MAX_URLS);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(v) ? json_array_get(v, i) : v;
        if (!copy_text(c->urls[c->url_cnt++], CONFIG_TEXT_CAP, json_string_value(one), "rpc_url",
                       err))
            return false;
    }
    return true;
}

static bool read_chain(struct relay_file *f, const json_t *map, struct err *err)
{
    static const char *const keys[] = { "chain_id", "name", "rpc_url", "key", "bridgehub", NULL };
    if (f->chain_cnt == RELAY_MAX_CHAINS)
        return err_set(err, ERR_INVALID, "more than %d chains", RELAY_MAX_CHAINS);
    struct relay_file_chain *c = &f->chains[f->chain_cnt++];
    if (!known(map, "chain", keys, err) ||
        !number(map, "chain_id", 1, (1ull << 53) - 1, &c->id, err))
        return false;
    if (c->id == 0)
        return err_set(err, ERR_INVALID, "chain_id is missing");
    snprintf(c->name, sizeof(c->name), "chain %" PRIu64, c->id);
    if (json_object_get(map, "name") &&
        !copy_text(c->name, sizeof(c->name), text_of(map, "name"), "name", err))
        return false;
    if (!read_urls(c, json_object_get(map, "rpc_url"), err))
        return err_wrap(err, "%s", c->name);
    if (json_object_get(map, "key")) {
        const char *source = text_of(map, "key");
        c->signer = source ? signer_open(source, err) : NULL;
        if (!c->signer)
            return source ? err_wrap(err, "%s: key", c->name)
                          : err_set(err, ERR_INVALID, "%s: key: a text is wanted", c->name);
    }
    c->is_l1 = json_object_get(map, "bridgehub") != NULL;
    if (c->is_l1 && !address(text_of(map, "bridgehub"), &c->bridgehub))
        return err_set(err, ERR_INVALID, "%s: bridgehub is not an address", c->name);
    return true;
}

static bool leads_to_l1(const struct relay_file *f, uint64_t chain)
{
    for (size_t i = 0; i < f->chain_cnt; i++)
        if (f->chains[i].id == chain)
            return f->chains[i].is_l1;
    return false;
}

static bool read_route(struct relay_file *f, const json_t *map, struct err *err)
{
    static const char *const keys[] = { "from",
                                        "to",
                                        "max_calls",
                                        "max_value",
                                        "allow_senders",
                                        "deny_senders",
                                        "allow_recipients",
                                        "deny_recipients",
                                        NULL };
    uint64_t calls = 0;
    if (f->cfg.route_cnt == RELAY_MAX_ROUTES)
        return err_set(err, ERR_INVALID, "more than %d routes", RELAY_MAX_ROUTES);
    struct relay_route *r = &f->cfg.routes[f->cfg.route_cnt++];
    if (!known(map, "route", keys, err) ||
        !number(map, "from", 1, (1ull << 53) - 1, &r->src, err) ||
        !number(map, "to", 1, (1ull << 53) - 1, &r->dst, err) ||
        !number(map, "max_calls", 1, 1u << 20, &calls, err) ||
        !wei(map, "max_value", &r->max_value, err) ||
        !addresses(map, "allow_senders", &r->allow_senders, err) ||
        !addresses(map, "deny_senders", &r->deny_senders, err) ||
        !addresses(map, "allow_recipients", &r->allow_recipients, err) ||
        !addresses(map, "deny_recipients", &r->deny_recipients, err))
        return err_wrap(err, "route %zu", f->cfg.route_cnt);
    r->max_calls = (size_t)calls;
    r->has_max_value = json_object_get(map, "max_value") != NULL;
    r->withdrawals = leads_to_l1(f, r->dst);
    r->bundles = !r->withdrawals;
    return true;
}

static bool read_list(struct relay_file *f, const json_t *tree, const char *key,
                      bool (*read)(struct relay_file *f, const json_t *map, struct err *err),
                      struct err *err)
{
    const json_t *list = json_object_get(tree, key);
    if (!json_is_array(list) || json_array_size(list) == 0)
        return err_set(err, ERR_INVALID, "%s: a list is wanted", key);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read(f, json_array_get(list, i), err))
            return false;
    return true;
}

bool relay_file_load(struct relay_file *f, const char *path, struct err *err)
{
    static const char *const keys[] = { "relay", "chains", "routes", NULL };
    *f = (struct relay_file){ .chain_cnt = 0 };
    json_t *tree = yaml_tree_load(path, err);
    if (!tree)
        return false;
    bool ok = known(tree, "the file", keys, err) &&
              read_limits(f, json_object_get(tree, "relay"), err) &&
              read_list(f, tree, "chains", read_chain, err) &&
              read_list(f, tree, "routes", read_route, err);
    json_decref(tree);
    return ok || err_wrap(err, "%s", path);
}

void relay_file_clear(struct relay_file *f)
{
    for (size_t i = 0; i < f->chain_cnt; i++) {
        signer_destroy(f->chains[i].signer);
        f->chains[i].signer = NULL;
    }
}
