/* node/cli/cli.h
 *
 * Subcommands of the program. Each takes the arguments behind its name and returns the exit code: 0 done, 1 it failed (said on stderr),
 * 2 wrong usage. */
#ifndef GH_CLI_CLI_H
#define GH_CLI_CLI_H

#include "node/config.h"

int cli_run(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_check_config(int argc, char **argv);
int cli_version(int argc, char **argv);
int cli_verify_batch(int argc, char **argv);
int cli_make_witness(int argc, char **argv);
int cli_verifier(int argc, char **argv);
int cli_relay(int argc, char **argv);
int cli_messages(int argc, char **argv);
int cli_decode_bundle(int argc, char **argv);

/* Options every command with a configuration shares: --config F (repeated), --allow-unknown-config. */
struct cli_config_args {
    const char *files[16];
    size_t file_cnt;
    bool allow_unknown;
};
/* One argument: 1 taken, 2 taken with its value, 0 not ours, -1 wrong (said on stderr). */
int cli_config_arg(struct cli_config_args *a, int argc, char **argv, int i);
/* Loads; warnings and errors go to stderr. */
MUST_USE bool cli_config_load(struct config *c, const struct cli_config_args *a);

/* The arguments of a command with one value ("-" may be one), --json and --help. Returns -1 to go on, else the exit code: help or what is
 * wrong was printed. */
int cli_one_value(const char **value, bool *json, const char *command, const char *usage, int argc,
                  char **argv);

#endif
