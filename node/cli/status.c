/* node/cli/status.c */
#include "node/cli/status.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node/base/clock.h"
#include "node/cli/cli.h"

#define DEFAULT_STATUS_URL "http://127.0.0.1:3071/status"
#define REFRESH_MS         1000

#define MAX_NODES   16
#define FEW_BATCHES 4 /* of each node, where several are shown */

static const char usage[] =
    "usage: gatehouse status [--config FILE] [--url URL] [--data DIR] [--watch] [--json] "
    "[NODE...]\n"
    "\n"
    "  NODE           configuration file of a node; several show several nodes, one below the "
    "other\n"
    "  --config FILE  the same for one node; repeated, later files override earlier ones\n"
    "  --url URL      the status address itself [" DEFAULT_STATUS_URL "]\n"
    "  --data DIR     data folder to read when no node answers\n"
    "  --watch        live view, until interrupted\n"
    "  --json         one JSON object a node, one a line\n";

struct target {
    char url[CONFIG_TEXT_CAP + 32], data[CONFIG_TEXT_CAP];
};
struct options {
    struct target nodes[MAX_NODES];
    size_t cnt;
    bool watch, json;
};

static void url_of_address(char *out, size_t cap, const char *address)
{
    /* a listener on every interface is asked on the loopback one */
    const char *port = strrchr(address, ':');
    if (strncmp(address, "0.0.0.0:", 8) == 0 && port)
        snprintf(out, cap, "http://127.0.0.1%s/status", port);
    else
        snprintf(out, cap, "http://%s/status", address);
}

/* What a node's configuration says of where to ask, and where to read when nobody answers; what is given already stays. */
static bool take_config(struct target *t, const struct cli_config_args *args)
{
    static struct config cfg;
    if (!cli_config_load(&cfg, args))
        return false;
    if (!t->url[0])
        url_of_address(t->url, sizeof(t->url), cfg.status_server.address);
    if (!t->data[0])
        snprintf(t->data, sizeof(t->data), "%s", cfg.general.data_dir);
    config_clear(&cfg);
    return true;
}

static bool take_node(struct options *o, const char *file, bool allow_unknown)
{
    struct cli_config_args args = { .allow_unknown = allow_unknown };
    if (o->cnt == MAX_NODES) {
        fprintf(stderr, "gatehouse status: at most %d nodes at once\n", MAX_NODES);
        return false;
    }
    args.files[args.file_cnt++] = file;
    return take_config(&o->nodes[o->cnt++], &args);
}

static int parse(struct options *o, int argc, char **argv)
{
    struct cli_config_args args = { .allow_unknown = true };
    struct target one = { .url = "" };
    for (int i = 0; i < argc;) {
        int used = cli_config_arg(&args, argc, argv, i);
        if (used < 0)
            return 2;
        if (used > 0) {
            i += used;
            continue;
        }
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--watch") == 0)
            o->watch = true;
        else if (strcmp(argv[i], "--json") == 0)
            o->json = true;
        else if (strcmp(argv[i], "--url") == 0 && has_value)
            snprintf(one.url, sizeof(one.url), "%s", argv[++i]);
        else if (strcmp(argv[i], "--data") == 0 && has_value)
            snprintf(one.data, sizeof(one.data), "%s", argv[++i]);
        else if (argv[i][0] != '-' && argv[i][0]) {
            if (!take_node(o, argv[i], true))
                return 1;
        } else {
            fprintf(stderr, "gatehouse status: unknown argument %s\n%s", argv[i], usage);
            return 2;
        }
        i++;
    }
    if (o->cnt > 0 && (args.file_cnt || one.url[0] || one.data[0])) {
        fprintf(stderr,
                "gatehouse status: name nodes by their files or one with options, not "
                "both\n%s",
                usage);
        return 2;
    }
    if (o->cnt > 0)
        return 0;
    if (args.file_cnt && !take_config(&one, &args))
        return 1;
    if (!one.url[0])
        snprintf(one.url, sizeof(one.url), DEFAULT_STATUS_URL);
    o->nodes[o->cnt++] = one;
    return 0;
}

static bool learn(struct status_view *v, const struct target *t)
{
    struct err node_err = { .kind = ERR_NONE }, store_err = { .kind = ERR_NONE };
    if (status_from_node(v, t->url, &node_err))
        return true;
    if (node_err.kind == ERR_TRANSIENT && t->data[0] && status_from_store(v, t->data, &store_err))
        return true;
    fprintf(stderr, "gatehouse status: %s\n", node_err.msg);
    if (t->data[0] && store_err.kind != ERR_NONE)
        fprintf(stderr, "gatehouse status: and the store: %s\n", store_err.msg);
    else if (!t->data[0])
        fprintf(stderr,
                "gatehouse status: give --config or --data to read the store of a stopped node\n");
    return false;
}

static bool show(const struct options *o)
{
    struct status_view v;
    struct buf out;
    bool ok = true;
    buf_init(&out, 1u << 20);
    if (!o->json && o->watch && isatty(STDOUT_FILENO))
        buf_append_str(&out, "\033[H\033[2J");
    for (size_t i = 0; i < o->cnt; i++) {
        if (!learn(&v, &o->nodes[i])) {
            ok = false;
            continue;
        }
        if (o->cnt > 1 && v.batch_cnt > FEW_BATCHES)
            v.batch_cnt = FEW_BATCHES;
        if (o->json)
            status_print_json(&out, &v);
        else
            status_print_text(&out, &v, clock_wall_ms(clock_system()));
        if (!o->json && i + 1 < o->cnt)
            buf_append_str(&out, "\n");
    }
    fwrite(out.p, 1, out.len, stdout);
    fflush(stdout);
    buf_clear(&out);
    return ok;
}

int cli_status(int argc, char **argv)
{
    static struct options o;
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    int bad = parse(&o, argc, argv);
    if (bad)
        return bad;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bool ok = show(&o);
    while (o.watch) {
        (void)poll(NULL, 0, REFRESH_MS);
        ok = show(&o);
    }
    return ok ? 0 : 1;
}
