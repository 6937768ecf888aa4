/* node/cli/run.c */
#include <stdio.h>
#include <string.h>

#include "node/base/log.h"
#include "node/cli/cli.h"
#include "node/topology.h"

static const char usage[] =
    "usage: gatehouse run --config FILE [--config FILE ...] [--allow-unknown-config]\n"
    "\n"
    "Runs the chain until SIGTERM (finishes what is in work) or SIGINT. Later files win; the "
    "environment wins over files:\n"
    "general.l1_rpc_url is GENERAL_L1_RPC_URL. 'gatehouse check-config --help' lists every key.\n";

int cli_run(int argc, char **argv)
{
    static struct config cfg; /* large; lives as long as the process */
    struct cli_config_args args = { .file_cnt = 0 };
    struct err err = { .kind = ERR_NONE };
    for (int i = 0; i < argc;) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        int used = cli_config_arg(&args, argc, argv, i);
        if (used <= 0) {
            if (used == 0)
                fprintf(stderr, "gatehouse run: unknown argument %s\n%s", argv[i], usage);
            return 2;
        }
        i += used;
    }
    if (!cli_config_load(&cfg, &args))
        return 1;
    log_configure(LOG_INFO, cfg.log.json);
    if (!log_parse_levels(cfg.log.levels)) {
        fprintf(stderr,
                "gatehouse: observability.log.levels: \"%s\" is not a level or a list such as "
                "settlement=debug,l1=trace\n",
                cfg.log.levels);
        return 1;
    }
    int code = topology_run(&cfg, &err);
    config_clear(&cfg);
    if (code && err.kind != ERR_NONE) {
        log_error(LOG_NODE, "cannot run", LOG_STR("error", err.msg));
        fprintf(stderr, "gatehouse: %s\n", err.msg);
    }
    return code;
}
