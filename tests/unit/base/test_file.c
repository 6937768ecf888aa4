/* tests/unit/base/test_file.c */
#include "tests/unit/base/testing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/base/file.h"

static char folder[64];
static char path_memory[4][256];

static const char *in_folder(int slot, const char *name)
{
    snprintf(path_memory[slot], sizeof(path_memory[slot]), "%s/%s", folder, name);
    return path_memory[slot];
}

static void replace_then_read(void **state)
{
    (void)state;
    const char *path = in_folder(0, "a");
    struct err e;
    uint8_t *p;
    size_t len;
    assert_false(file_exists(path));
    for (size_t n = 0; n < 20000; n = n * 3 + 1) {
        uint8_t data[20000];
        memset(data, (int)n & 0xff, sizeof(data));
        assert_true(file_replace(path, bytes_of(data, n), &e));
        assert_true(file_read(&p, &len, path, 20000, &e));
        assert_int_equal(len, n);
        assert_memory_equal(p, data, n);
        assert_int_equal(p[len], 0);
        free(p);
        assert_true(file_read(&p, &len, path, n, &e)); /* exactly at the limit */
        free(p);
        if (n) {
            assert_false(file_read(&p, &len, path, n - 1, &e));
            assert_int_equal(e.kind, ERR_INVALID);
        }
    }
    assert_false(file_exists(in_folder(1, "a.tmp")));
    assert_true(file_exists(path));
}

static void modes_are_kept(void **state)
{
    (void)state;
    const char *path = in_folder(0, "mode");
    struct stat st;
    struct err e;
    assert_true(file_replace(path, bytes_of("x", 1), &e));
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(file_replace(path, bytes_of("y", 1), &e));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void missing_files(void **state)
{
    (void)state;
    uint8_t *p;
    size_t len;
    struct err e;
    assert_false(file_read(&p, &len, in_folder(0, "none"), 10, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    assert_int_equal(e.code, ENOENT);
    assert_non_null(strstr(e.msg, "none"));
    assert_false(file_replace(in_folder(1, "no/such/folder"), bytes_of("x", 1), &e));
    assert_false(file_read(&p, &len, folder, 10, &e)); /* a folder is no file */
    assert_int_equal(e.kind, ERR_LOCAL);
}

static void a_special_file_is_read_to_its_end(void **state)
{
    (void)state;
    uint8_t *p;
    size_t len;
    struct err e;
    assert_true(file_read(&p, &len, "/proc/self/status", 1 << 20, &e)); /* size 0, much to read */
    assert_true(len > 100);
    free(p);
    assert_false(file_read(&p, &len, "/dev/zero", 100000, &e)); /* no end at all */
    assert_int_equal(e.kind, ERR_INVALID);
}

/* A replacement that dies at any byte leaves the old content; one that comes through leaves the new. */
static void an_interrupted_replace_keeps_the_old_content(void **state)
{
    (void)state;
    const char *path = in_folder(0, "durable");
    static uint8_t old_data[5000], new_data[9000];
    struct err e;
    memset(old_data, 'o', sizeof(old_data));
    memset(new_data, 'n', sizeof(new_data));
    for (rlim_t limit = 0; limit <= 10000; limit += 1000) {
        assert_true(file_replace(path, bytes_of(old_data, sizeof(old_data)), &e));
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) { /* the kernel ends the write, and the process, at this size */
            struct rlimit small = { limit, limit }, no_core = { 0, 0 };
            (void)setrlimit(RLIMIT_CORE, &no_core);
            (void)signal(SIGXFSZ, SIG_DFL);
            (void)setrlimit(RLIMIT_FSIZE, &small);
            _exit(file_replace(path, bytes_of(new_data, sizeof(new_data)), NULL) ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        bool died = WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ;
        assert_int_equal(died, limit < sizeof(new_data));
        uint8_t *p;
        size_t len;
        assert_true(file_read(&p, &len, path, 1 << 20, &e));
        assert_int_equal(len, died ? sizeof(old_data) : sizeof(new_data));
        assert_memory_equal(p, died ? old_data : new_data, len);
        free(p);
    }
    /* and what is left of the last dead attempt is in nobody's way */
    assert_true(file_replace(path, bytes_of(new_data, sizeof(new_data)), &e));
    assert_false(file_exists(in_folder(1, "durable.tmp")));
}

/* A write that fails without killing us: error, old content, no temporary left. */
static void a_failed_replace_cleans_up(void **state)
{
    (void)state;
    const char *path = in_folder(0, "failing");
    static uint8_t data[9000];
    struct err e;
    assert_true(file_replace(path, bytes_of("old", 3), &e));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit small = { 1000, 1000 };
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &small);
        bool ok = file_replace(path, bytes_of(data, sizeof(data)), &e);
        _exit(!ok && e.kind == ERR_LOCAL && e.code == EFBIG ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_false(file_exists(in_folder(1, "failing.tmp")));
    uint8_t *p;
    size_t len;
    assert_true(file_read(&p, &len, path, 100, &e));
    assert_int_equal(len, 3);
    free(p);
}

/* A name without a folder, and a target that cannot be replaced. */
static void odd_targets(void **state)
{
    (void)state;
    char before[1024];
    struct err e;
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(folder), 0);
    assert_true(file_replace("bare", bytes_of("x", 1), &e));
    assert_true(file_exists("bare"));
    assert_int_equal(unlink("bare"), 0);
    assert_int_equal(mkdir("dir", 0755), 0);
    assert_false(file_replace("dir", bytes_of("x", 1), &e));
    assert_non_null(strstr(e.msg, "rename to dir"));
    assert_false(file_exists("dir.tmp"));
    assert_int_equal(rmdir("dir"), 0);
    assert_int_equal(chdir(before), 0);
    assert_true(file_exists(in_folder(0, "")));
}

static void folders(void **state)
{
    (void)state;
    struct err e;
    assert_true(file_mkdir_all(in_folder(0, "x/y//z/"), &e));
    assert_true(file_mkdir_all(in_folder(0, "x/y/z"), &e));
    assert_true(file_mkdir_all(in_folder(0, "x/w"), &e));
    assert_true(file_exists(in_folder(1, "x/y/z")));
    assert_true(file_replace(in_folder(2, "x/file"), bytes_of("", 0), &e));
    assert_false(file_mkdir_all(in_folder(0, "x/file"), &e));
    assert_false(file_mkdir_all(in_folder(0, "x/file/y"), &e));
    assert_non_null(strstr(e.msg, "x/file"));
    assert_true(file_mkdir_all("/", &e));
}

static int set_up(void **state)
{
    (void)state;
    strncpy(folder, "/tmp/gh-test-file-XXXXXX", sizeof(folder) - 1);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = { "a", "mode", "durable", "failing", "x/file" };
    static const char *const dirs[] = { "x/y/z", "x/y", "x/w", "x" };
    for (size_t i = 0; i < GH_COUNT(names); i++)
        (void)unlink(in_folder(0, names[i]));
    for (size_t i = 0; i < GH_COUNT(dirs); i++)
        (void)rmdir(in_folder(0, dirs[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replace_then_read),
        cmocka_unit_test(modes_are_kept),
        cmocka_unit_test(missing_files),
        cmocka_unit_test(a_special_file_is_read_to_its_end),
        cmocka_unit_test(an_interrupted_replace_keeps_the_old_content),
        cmocka_unit_test(a_failed_replace_cleans_up),
        cmocka_unit_test(odd_targets),
        cmocka_unit_test(folders),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
