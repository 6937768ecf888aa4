/* node/cli/relay_config.h   (inside the executable)
 *
 * The relayer's own configuration: chains, routes, limits. README has an example; `gatehouse relay --help` lists the keys. */
#ifndef GH_CLI_RELAY_CONFIG_H
#define GH_CLI_RELAY_CONFIG_H

#include "interop/relay/relay.h"
#include "node/config.h"

struct relay_file_chain {
    uint64_t id;
    char name[32];
    char urls[CONFIG_MAX_URLS][CONFIG_TEXT_CAP];
    size_t url_cnt;
    struct signer *signer; /* owned; NULL: nothing is sent there */
    bool is_l1;
    struct addr bridgehub;
};
struct relay_file {
    char data_dir[CONFIG_TEXT_CAP], log_levels[CONFIG_TEXT_CAP];
    struct relay_file_chain chains[RELAY_MAX_CHAINS];
    size_t chain_cnt;
    struct relay_config
        cfg; /* routes and limits; chains are filled in by whoever opens the clients */
};

/* Errors name the file and the key; secrets are never repeated. Cleared by relay_file_clear, also after a failure. */
MUST_USE bool relay_file_load(struct relay_file *f, const char *path, struct err *err);
void relay_file_clear(struct relay_file *f);

extern const char relay_file_help[];

#endif
