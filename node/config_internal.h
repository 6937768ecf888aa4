/* node/config_internal.h   (inside config) */
#ifndef GH_NODE_CONFIG_INTERNAL_H
#define GH_NODE_CONFIG_INTERNAL_H

#include "node/config.h"

enum config_type {
    CFG_TEXT,
    CFG_URLS,
    CFG_U64,
    CFG_F64,
    CFG_BOOL,
    CFG_DURATION,
    CFG_SIZE,
    CFG_ADDR,
    CFG_WEI,
    CFG_OPT_WEI,
    CFG_SECRET,
    CFG_ENUM
};
struct config_key {
    const char *name;
    enum config_type type;
    size_t offset,
        flag_offset;   /* flag: CFG_OPT_WEI, the bool that says it was given; CFG_URLS, the count */
    uint64_t min, max; /* numbers; CFG_TEXT: min 1 = must not be empty when given */
    const char *def;
    const char *const *names; /* CFG_ENUM, in the order of the enum */
    const char *help;
};
extern const struct config_key config_keys[];
extern const size_t config_key_cnt;

/* "250ms", "5s", "10m"; "200 gwei", "1 ether", wei. false: something else. */
MUST_USE bool config_parse_duration(uint64_t *ms, const char *s);
MUST_USE bool config_parse_wei(struct u256 *out, const char *s);
/* Parses one value into its place. A list of URLs is appended to. */
MUST_USE bool config_value_set(struct config *c, const struct config_key *k, const char *value,
                               struct err *err);
void config_urls_clear(struct config *c, const struct config_key *k);
/* The value as text, secrets as ***. */
void config_value_print(struct buf *out, const struct config *c, const struct config_key *k);
const struct config_key *config_key_find(const char *name);

#endif
