/* node/cli/relay.c: the relayer as a process of its own. */
#include <event2/event.h>
#include <event2/thread.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/base/file.h"
#include "node/base/log.h"
#include "node/cli/cli.h"
#include "node/cli/relay_config.h"
#include "node/net/eth_client.h"
#include "node/sender/tx_journal.h"

static const char usage[] =
    "usage: gatehouse relay --config FILE [--retry-parked] [--check]\n"
    "       gatehouse relay --pause|--resume --config FILE\n"
    "\n"
    "Carries bundles between chains and withdrawals to L1 until SIGTERM or SIGINT.\n"
    "  --retry-parked  take up messages that were parked\n"
    "  --check         check the configuration and end\n"
    "  --pause         a running relayer stops discovering and sending, until --resume\n"
    "\nKeys of the file [defaults]:\n";

struct relay_process {
    struct relay_file file;
    struct event_base *base;
    struct store *store;
    struct tx_journal *journal;
    struct eth_client *clients[RELAY_MAX_CHAINS];
    struct relay *relay;
    struct event *sigint, *sigterm;
    char pause_file[CONFIG_TEXT_CAP + 16];
};

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    (void)sig;
    (void)what;
    event_base_loopbreak(((struct relay_process *)arg)->base);
}

static bool open_clients(struct relay_process *p, struct err *err)
{
    struct relay_config *c = &p->file.cfg;
    struct eth_client_deps deps = { .base = p->base, .clock = clock_system() };
    for (size_t i = 0; i < p->file.chain_cnt; i++) {
        const struct relay_file_chain *f = &p->file.chains[i];
        const char *urls[CONFIG_MAX_URLS];
        for (size_t k = 0; k < f->url_cnt; k++)
            urls[k] = f->urls[k];
        struct eth_client_config cfg = {
            .name = f->name, .urls = urls, .url_cnt = f->url_cnt, .chain_id = f->id
        };
        p->clients[i] = eth_client_create(&deps, &cfg, err);
        if (!p->clients[i])
            return err_wrap(err, "%s", f->name);
        c->chains[i].client = p->clients[i];
    }
    return true;
}

/* All but the clients. */
static bool fill_chains(struct relay_file *file, struct err *err)
{
    for (size_t i = 0; i < file->chain_cnt; i++) {
        const struct relay_file_chain *f = &file->chains[i];
        file->cfg.chains[i] = (struct relay_chain){ .id = f->id,
                                                    .name = f->name,
                                                    .signer = f->signer,
                                                    .is_l1 = f->is_l1,
                                                    .bridgehub = f->bridgehub };
    }
    file->cfg.chain_cnt = file->chain_cnt;
    return relay_config_check(&file->cfg, err);
}

static bool bring_up(struct relay_process *p, struct err *err)
{
    struct store_config sc = { .dir = p->file.data_dir };
    p->base = event_base_new();
    if (!p->base)
        return err_set(err, ERR_LOCAL, "no event loop");
    signal(SIGPIPE, SIG_IGN);
    p->sigint = evsignal_new(p->base, SIGINT, on_signal, p);
    p->sigterm = evsignal_new(p->base, SIGTERM, on_signal, p);
    if (!p->sigint || !p->sigterm)
        return err_set(err, ERR_LOCAL, "out of memory");
    evsignal_add(p->sigint, NULL);
    evsignal_add(p->sigterm, NULL);
    p->store = store_open(p->base, &sc, err);
    p->journal = p->store ? tx_journal_store(p->store, err) : NULL;
    if (!p->journal || !open_clients(p, err))
        return false;
    struct relay_deps deps = {
        .base = p->base, .clock = clock_system(), .store = p->store, .journal = p->journal
    };
    p->file.cfg.pause_file = p->pause_file;
    p->relay = relay_create(&deps, &p->file.cfg, err);
    return p->relay && relay_start(p->relay, err);
}

static void tear_down(struct relay_process *p)
{
    relay_destroy(p->relay);
    for (size_t i = 0; i < RELAY_MAX_CHAINS; i++)
        eth_client_destroy(p->clients[i]);
    tx_journal_destroy(p->journal);
    store_close(p->store);
    if (p->sigint)
        event_free(p->sigint);
    if (p->sigterm)
        event_free(p->sigterm);
    if (p->base)
        event_base_free(p->base);
    relay_file_clear(&p->file);
}

static int run(struct relay_process *p)
{
    struct err err = { .kind = ERR_NONE };
    evthread_use_pthreads();
    bool ok = bring_up(p, &err);
    if (ok) {
        event_base_dispatch(p->base);
        log_info(LOG_INTEROP, "stopping");
    } else {
        log_error(LOG_INTEROP, "cannot run", LOG_STR("error", err.msg));
        fprintf(stderr, "gatehouse relay: %s\n", err.msg);
    }
    tear_down(p);
    return ok ? 0 : 1;
}

/* The switch is a file in the data folder: it works while the relayer runs, and stays when it restarts. */
static int set_pause(const struct relay_process *p, bool on)
{
    FILE *f = on ? fopen(p->pause_file, "w") : NULL;
    bool ok =
        on ? f && fclose(f) == 0 : unlink(p->pause_file) == 0 || access(p->pause_file, F_OK) != 0;
    if (!ok) {
        fprintf(stderr, "gatehouse relay: %s cannot be %s\n", p->pause_file,
                on ? "made" : "removed");
        return 1;
    }
    printf("relaying %s\n", on ? "is paused; undo with --resume" : "goes on");
    return 0;
}

int cli_relay(int argc, char **argv)
{
    static struct relay_process p; /* large */
    const char *path = NULL;
    bool retry = false, check = false, pause = false, resume = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            printf("%s%s", usage, relay_file_help);
            return 0;
        }
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            path = argv[++i];
        } else if (strcmp(argv[i], "--retry-parked") == 0) {
            retry = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            check = true;
        } else if (strcmp(argv[i], "--pause") == 0) {
            pause = true;
        } else if (strcmp(argv[i], "--resume") == 0) {
            resume = true;
        } else {
            fprintf(stderr, "gatehouse relay: unknown argument %s\n%s", argv[i], usage);
            return 2;
        }
    }
    if (!path || (pause && resume)) {
        fputs(usage, stderr);
        return 2;
    }
    struct err err;
    if (!relay_file_load(&p.file, path, &err) || !fill_chains(&p.file, &err)) {
        fprintf(stderr, "gatehouse relay: %s\n", err.msg);
        relay_file_clear(&p.file);
        return 1;
    }
    snprintf(p.pause_file, sizeof(p.pause_file), "%s/relay.paused", p.file.data_dir);
    p.file.cfg.retry_parked = retry;
    int code = 0;
    if (pause || resume) {
        code = set_pause(&p, pause);
    } else if (!check) {
        log_configure(LOG_INFO, false);
        if (!log_parse_levels(p.file.log_levels)) {
            fprintf(stderr, "gatehouse relay: relay.log_levels: \"%s\" is no list of levels\n",
                    p.file.log_levels);
            relay_file_clear(&p.file);
            return 1;
        }
        return run(&p);
    }
    relay_file_clear(&p.file);
    return code;
}
