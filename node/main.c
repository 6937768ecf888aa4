/* node/main.c */
#include <stdio.h>
#include <string.h>

#include "node/cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    { "run", cli_run, "run the chain" },
    { "status", cli_status,
      "where chain and batches stand, and what they wait for (asks the node; reads the store when "
      "none answers)" },
    { "check-config", cli_check_config,
      "check a configuration and print what is in force; --help lists every key" },
    { "make-witness", cli_make_witness,
      "write what executing a sealed batch again needs, from the data folder" },
    { "verify-batch", cli_verify_batch, "execute a batch from its witness alone" },
    { "verifier", cli_verifier, "verify batches for a node, by HTTP, from their witnesses alone" },
    { "decode-bundle", cli_decode_bundle, "show what a bundle of calls between chains holds" },
    { "relay", cli_relay, "carry bundles between chains and withdrawals to L1" },
    { "messages", cli_messages, "what a relayer carries, where it stands and what it waits for" },
    { "version", cli_version, "versions of this program and what it speaks" },
};

static void print_help(FILE *f)
{
    fputs("gatehouse: runs a ZKsync OS rollup chain\n\nusage: gatehouse COMMAND [ARGUMENTS]\n\n",
          f);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(f, "  %-13s %s\n", commands[i].name, commands[i].help);
    fputs("\n'gatehouse COMMAND --help' says more.\n", f);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0)
        return cli_version(0, NULL);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    fprintf(stderr, "gatehouse: no command %s\n\n", argv[1]);
    print_help(stderr);
    return 2;
}
