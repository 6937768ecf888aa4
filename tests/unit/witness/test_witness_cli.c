/* The commands over a data folder, as separate processes: make-witness writes what the maker writes in the process that owns the state, and
 * verify-batch prints the hashes of the sealed batch. The folder stays open meanwhile, as under a running node. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/base/file.h"
#include "node/base/hex.h"
#include "node/state/state.h"
#include "node/store/batch_table.h"
#include "tests/unit/witness/witness_world.h"

static struct chain_world w;
static const char *program;
static struct batch_row row;
static char path[4][128]; /* genesis, configuration, witness, output */

static bool put_row(struct store_txn *t, void *arg, struct err *err)
{
    (void)arg;
    return batch_put(t, &row, err);
}

static void write_text(const char *name, const char *text)
{
    struct err err;
    assert_true(file_replace(name, bytes_of(text, strlen(text)), &err));
}

static char *read_text(const char *name, size_t *len)
{
    struct err err;
    uint8_t *p = NULL;
    if (!file_read(&p, len, name, 1 << 24, &err))
        fail_msg("%s", err.msg);
    return (char *)p;
}

/* Exit code; standard output goes to path[3]. */
static int run(const char *const argv[])
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(path[3], O_CREAT | O_TRUNC | O_WRONLY, 0600);
        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
            _exit(126);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = { "genesis.json", "config.yaml", "witness", "output" };
    world_create(&w, false);
    for (int i = 0; i < 4; i++)
        snprintf(path[i], sizeof(path[i]), "%s-%s", w.dir, names[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        (void)unlink(path[i]);
    world_remove(&w);
    return 0;
}

static void write_config(void)
{
    static char text[4096];
    static const char key[] = "0x00000000000000000000000000000000000000000000000000000000000000";
    snprintf(text, sizeof(text),
             "general:\n  l1_rpc_url: \"http://127.0.0.1:1\"\n  rocks_db_path: \"%s\"\n"
             "genesis:\n  bridgehub_address: \"0xF0f88e68086Cf8f68063854D93E92C7Bb91DFD14\"\n"
             "  chain_id: \"%u\"\n  genesis_input_path: \"%s\"\n"
             "sequencer:\n  fee_collector_address: \"0x0000000000000000000000000000000000000fee\"\n"
             "  base_fee_override: \"1000\"\n  native_price_override: \"1000\"\n"
             "  pubdata_price_override: \"1\"\n"
             "l1_sender:\n  pubdata_mode: \"Validium\"\n  operator_commit_sk: \"%s01\"\n"
             "  operator_prove_sk: \"%s02\"\n  operator_execute_sk: \"%s03\"\n",
             w.dir, WORLD_CHAIN_ID, path[0], key, key, key);
    write_text(path[1], text);
    struct buf genesis;
    buf_init(&genesis, 1 << 16);
    buf_append_str(&genesis, "{\"alloc\":{");
    for (uint64_t i = 1; i <= 8; i++) {
        struct wallet a = wallet_of(i);
        buf_append_str(&genesis, i > 1 ? ",\"" : "\"");
        buf_append_hex(&genesis, a.addr.b, 20);
        buf_append_str(&genesis, "\":{\"nonce\":\"0x0\",\"balance\":\"0x56bc75e2d63100000\","
                                 "\"code\":\"0x\",\"storage\":{}}");
    }
    buf_append_str(&genesis, "}}");
    buf_append(&genesis, "", 1);
    assert_false(genesis.failed);
    write_text(path[0], (const char *)genesis.p);
    buf_clear(&genesis);
}

static void from_a_data_folder(void **state)
{
    (void)state;
    struct buf want;
    struct expected expected;
    char hex[67];
    size_t len;
    world_open_ok(&w);
    write_config();
    uint64_t last = busy_chain(&w);
    batch_expect(&w, 3, 2, last, DA_EMPTY_NO_DA, &expected);
    row = (struct batch_row){
        .number = 3, .first_block = 2, .last_block = last, .da_scheme = DA_EMPTY_NO_DA
    };
    world_write(&w, STORE_JOURNAL, put_row, NULL);
    buf_init(&want, WITNESS_MAX_LEN);
    batch_witness_ok(&w, 3, 2, last, DA_EMPTY_NO_DA, &want);

    const char *make[] = { program, "make-witness", "--config", path[1], "--batch",
                           "3",     path[2],        NULL };
    assert_int_equal(run(make), 0);
    char *got = read_text(path[2], &len);
    assert_int_equal(len, want.len);
    assert_memory_equal(got, want.p, len);
    free(got);

    const char *check[] = { program, "verify-batch", path[2], NULL };
    assert_int_equal(run(check), 0);
    char *text = read_text(path[3], &len);
    hex_encode0x(hex, expected.public_input.b, 32);
    assert_non_null(strstr(text, hex));
    hex_encode0x(hex, expected.batch.stored.commitment.b, 32);
    assert_non_null(strstr(text, hex));
    free(text);

    /* a batch that is not there; a witness that ends early; wrong usage */
    make[5] = "4";
    assert_int_equal(run(make), 1);
    struct err err;
    assert_true(file_replace(path[2], bytes_of(want.p, want.len - 1), &err));
    assert_int_equal(run(check), 1);
    const char *usage[] = { program, "verify-batch", NULL };
    assert_int_equal(run(usage), 2);
    buf_clear(&want);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(from_a_data_folder, setup,
                                                                        teardown) };
    if (argc != 2) {
        fprintf(stderr, "usage: test_witness_cli GATEHOUSE\n");
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
