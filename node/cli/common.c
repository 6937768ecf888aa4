/* node/cli/common.c */
#include <stdio.h>
#include <string.h>

#include "node/cli/cli.h"

extern char **environ;

int cli_config_arg(struct cli_config_args *a, int argc, char **argv, int i)
{
    if (strcmp(argv[i], "--allow-unknown-config") == 0) {
        a->allow_unknown = true;
        return 1;
    }
    const char *value = NULL;
    int used = 0;
    if (strncmp(argv[i], "--config=", 9) == 0) {
        value = argv[i] + 9;
        used = 1;
    } else if (strcmp(argv[i], "--config") == 0 || strcmp(argv[i], "-c") == 0) {
        value = i + 1 < argc ? argv[i + 1] : NULL;
        used = 2;
        if (!value) {
            fprintf(stderr, "gatehouse: %s needs a file name\n", argv[i]);
            return -1;
        }
    }
    if (!value)
        return 0;
    if (a->file_cnt == sizeof(a->files) / sizeof(a->files[0])) {
        fprintf(stderr, "gatehouse: too many configuration files\n");
        return -1;
    }
    a->files[a->file_cnt++] = value;
    return used;
}

int cli_one_value(const char **value, bool *json, const char *command, const char *usage, int argc,
                  char **argv)
{
    *value = NULL;
    *json = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            *json = true;
        } else if (!*value && (argv[i][0] != '-' || argv[i][1] == 0)) {
            *value = argv[i];
        } else {
            fprintf(stderr, "gatehouse %s: unknown argument %s\n%s", command, argv[i], usage);
            return 2;
        }
    }
    if (*value)
        return -1;
    fputs(usage, stderr);
    return 2;
}

bool cli_config_load(struct config *c, const struct cli_config_args *a)
{
    struct config_sources src = { .files = a->files,
                                  .file_cnt = a->file_cnt,
                                  .env = environ,
                                  .allow_unknown = a->allow_unknown };
    struct err err = { .kind = ERR_NONE };
    struct buf warnings;
    buf_init(&warnings, 1u << 20);
    bool ok = config_load(c, &src, &warnings, &err);
    if (warnings.len)
        fprintf(stderr, "%.*s", (int)warnings.len, (const char *)warnings.p);
    buf_clear(&warnings);
    if (!ok)
        fprintf(stderr, "gatehouse: %s\n", err.msg);
    return ok;
}
