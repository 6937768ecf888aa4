/* node/cli/check_config.c */
#include <stdio.h>
#include <string.h>

#include "node/cli/cli.h"

static void print(struct buf *b)
{
    fwrite(b->p, 1, b->len, stdout);
    buf_clear(b);
}

int cli_check_config(int argc, char **argv)
{
    static struct config cfg;
    struct cli_config_args args = { .file_cnt = 0 };
    struct buf out;
    buf_init(&out, 1u << 20);
    for (int i = 0; i < argc;) {
        if (strcmp(argv[i], "--help") == 0) {
            puts("usage: gatehouse check-config --config FILE [--config FILE ...] "
                 "[--allow-unknown-config]\n\n"
                 "Checks files and environment as 'run' would and prints the effective "
                 "configuration, secrets as ***.\n"
                 "Keys [defaults]; the environment name of a.b is A_B:\n");
            if (!config_describe(&out))
                return 1;
            print(&out);
            return 0;
        }
        int used = cli_config_arg(&args, argc, argv, i);
        if (used <= 0) {
            if (used == 0)
                fprintf(stderr, "gatehouse check-config: unknown argument %s\n", argv[i]);
            return 2;
        }
        i += used;
    }
    if (!cli_config_load(&cfg, &args))
        return 1;
    bool ok = config_print(&out, &cfg);
    print(&out);
    config_clear(&cfg);
    return ok ? 0 : 1;
}

int cli_version(int argc, char **argv)
{
    extern const char gatehouse_version[];
    (void)argc;
    (void)argv;
    printf("gatehouse %s (protocol 0.31, execution version 6)\n", gatehouse_version);
    return 0;
}
