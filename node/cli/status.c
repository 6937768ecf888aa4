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

static const char usage[] =
    "usage: gatehouse status [--config FILE] [--url URL] [--data DIR] [--watch] [--json]\n"
    "\n"
    "  --config FILE  find the node's status address and data folder in its configuration\n"
    "  --url URL      the status address itself [" DEFAULT_STATUS_URL "]\n"
    "  --data DIR     data folder to read when no node answers\n"
    "  --watch        live view, until interrupted\n"
    "  --json         one JSON object (one a line with --watch)\n";

struct options {
    char url[CONFIG_TEXT_CAP + 32], data[CONFIG_TEXT_CAP];
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

static int parse(struct options *o, int argc, char **argv)
{
    static struct config cfg;
    struct cli_config_args args = { .allow_unknown = true };
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
            snprintf(o->url, sizeof(o->url), "%s", argv[++i]);
        else if (strcmp(argv[i], "--data") == 0 && has_value)
            snprintf(o->data, sizeof(o->data), "%s", argv[++i]);
        else {
            fprintf(stderr, "gatehouse status: unknown argument %s\n%s", argv[i], usage);
            return 2;
        }
        i++;
    }
    if (args.file_cnt) {
        if (!cli_config_load(&cfg, &args))
            return 1;
        if (!o->url[0])
            url_of_address(o->url, sizeof(o->url), cfg.status_server.address);
        if (!o->data[0])
            snprintf(o->data, sizeof(o->data), "%s", cfg.general.data_dir);
        config_clear(&cfg);
    }
    if (!o->url[0])
        snprintf(o->url, sizeof(o->url), DEFAULT_STATUS_URL);
    return 0;
}

static bool learn(struct status_view *v, const struct options *o)
{
    struct err node_err = { .kind = ERR_NONE }, store_err = { .kind = ERR_NONE };
    if (status_from_node(v, o->url, &node_err))
        return true;
    if (node_err.kind == ERR_TRANSIENT && o->data[0] && status_from_store(v, o->data, &store_err))
        return true;
    fprintf(stderr, "gatehouse status: %s\n", node_err.msg);
    if (o->data[0] && store_err.kind != ERR_NONE)
        fprintf(stderr, "gatehouse status: and the store: %s\n", store_err.msg);
    else if (!o->data[0])
        fprintf(stderr,
                "gatehouse status: give --config or --data to read the store of a stopped node\n");
    return false;
}

static bool show(const struct options *o)
{
    struct status_view v;
    struct buf out;
    if (!learn(&v, o))
        return false;
    buf_init(&out, 1u << 20);
    if (o->json) {
        status_print_json(&out, &v);
    } else {
        if (o->watch && isatty(STDOUT_FILENO))
            buf_append_str(&out, "\033[H\033[2J");
        status_print_text(&out, &v, clock_wall_ms(clock_system()));
    }
    fwrite(out.p, 1, out.len, stdout);
    fflush(stdout);
    buf_clear(&out);
    return true;
}

int cli_status(int argc, char **argv)
{
    struct options o = { .watch = false };
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
