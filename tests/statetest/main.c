/* tests/statetest/main.c
 *
 *   statetest [--trace] [--translate] [--case NAME] PATH...
 *   statetest --lines [--rules NAME]             (lines.h)
 *
 * Runs every Cancun, Prague and Osaka case of the public suites in the files given, and in folders
 * recursively, on all processors: state tests, and RLP, trie and transaction tests, told apart by
 * their fields. Prints the name of each failing case with the reason, the slow files, then "N
 * passed, M failed"; exits with 1 when a case failed or nothing was run. --case runs only the state test case of that
 * name ("add11[Prague,d0,g0,v0]"); --trace writes the steps of what is run to the standard output (EIP-3155), case after
 * case; --translate has EVM code translated before it is hot. */
#include "tests/statetest/lines.h"
#include "tests/statetest/run.h"
#include "tests/statetest/suites.h"
#include "tests/statetest/trace.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CASE_ARENA_CHUNK ((size_t)1 << 20)
#define CASE_ARENA_LIMIT ((size_t)2 << 30)
#define FILE_ARENA_LIMIT ((size_t)1 << 30)
#define SLOW_MS          5000u

struct files { /* owned strings */
    char **paths;
    size_t cnt, cap;
};

struct session {
    struct files files;
    atomic_size_t next;
    pthread_mutex_t out; /* stdout and the counters */
    size_t passed, failed, missing;
    const char *case_name; /* NULL: all */
    bool traces, translates;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void files_add(struct files *f, const char *path)
{
    if (f->cnt == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 256;
        char **paths = realloc(f->paths, f->cap * sizeof(*paths));
        CHECK(paths);
        f->paths = paths;
    }
    f->paths[f->cnt] = strdup(path);
    CHECK(f->paths[f->cnt]);
    f->cnt++;
}

static bool collect(struct files *f, const char *path);

static bool collect_folder(struct files *f, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    bool ok = true;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char child[4096];
        if (e->d_name[0] == '.')
            continue;
        int n = snprintf(child, sizeof(child), "%s/%s", path, e->d_name);
        struct stat st;
        if (n < 0 || (size_t)n >= sizeof(child) || stat(child, &st) != 0)
            ok = false;
        else if (S_ISDIR(st.st_mode) || (n > 5 && strcmp(child + n - 5, ".json") == 0))
            ok = collect(f, child) && ok;
    }
    closedir(dir);
    return ok;
}

static bool collect(struct files *f, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        (void)fprintf(stderr, "statetest: cannot read %s\n", path);
        return false;
    }
    if (S_ISDIR(st.st_mode))
        return collect_folder(f, path);
    files_add(f, path);
    return true;
}

static void report(struct session *s, enum run_result r, const char *name, const char *why)
{
    (void)pthread_mutex_lock(&s->out);
    if (r == RUN_PASSED)
        s->passed++;
    else
        s->failed++;
    if (r == RUN_MISSING)
        s->missing++;
    if (r != RUN_PASSED)
        printf("FAIL %s: %s\n", name, why);
    (void)pthread_mutex_unlock(&s->out);
}

static void run_state_test(struct session *s, const struct fixture *f, struct arena *arena)
{
    for (size_t i = 0; i < f->case_cnt; i++) {
        const struct fixture_case *c = &f->cases[i];
        char name[1024], why[RUN_WHY_CAP];
        (void)snprintf(name, sizeof(name), "%s[%s,d%zu,g%zu,v%zu]", f->name, c->fork, c->data,
                       c->gas, c->value);
        if (s->case_name && strcmp(s->case_name, name) != 0)
            continue;
        struct trace trace;
        trace_init(&trace, stdout);
        arena_clear(arena);
        arena_init_growing(arena, CASE_ARENA_CHUNK, CASE_ARENA_LIMIT);
        report(s, run_case(f, c, s->traces ? &trace : NULL, s->translates, arena, why), name, why);
        trace_clear(&trace);
    }
}

static void report_bool(struct session *s, bool passed, const char *name, const char *why)
{
    report(s, passed ? RUN_PASSED : RUN_FAILED, name, why);
}

static void run_transaction_test(struct session *s, const char *test_name, const json_t *test,
                                 struct arena *arena)
{
    const json_t *result = json_object_get(test, "result");
    size_t known = 0;
    for (size_t i = 0; i < FIXTURE_FORK_CNT; i++) {
        const struct fixture_fork *fork = &fixture_forks[i];
        char name[1024], why[RUN_WHY_CAP];
        if (!json_object_get(result, fork->name))
            continue;
        known++;
        arena_reset(arena);
        (void)snprintf(name, sizeof(name), "%s[%s]", test_name, fork->name);
        report_bool(s, suite_transaction(test, fork->name, fork->rules(), arena, why), name, why);
    }
    if (!known)
        report(s, RUN_FAILED, test_name, "no fork this build knows");
}

/* The fields say which suite a test is of. */
static void run_test(struct session *s, const char *path, const char *name, json_t *test,
                     struct arena *file_arena, struct arena *case_arena)
{
    struct fixture f;
    const char *file = strrchr(path, '/'), *wrong;
    char why[RUN_WHY_CAP];
    file = file ? file : path;
    arena_reset(file_arena);
    if (json_object_get(test, "txbytes") && json_object_get(test, "result"))
        run_transaction_test(s, name, test, case_arena);
    else if (json_object_get(test, "in") && json_object_get(test, "root"))
        report_bool(
            s, suite_trie(test, strstr(file, "secure") || strstr(file, "Secure"), file_arena, why),
            name, why);
    else if (json_object_get(test, "in") && json_object_get(test, "out"))
        report_bool(s, suite_rlp(test, file_arena, why), name, why);
    else if (fixture_load(&f, name, test, file_arena, &wrong))
        run_state_test(s, &f, case_arena);
    else
        report(s, RUN_FAILED, name, wrong);
}

static void run_file(struct session *s, const char *path, struct arena *file_arena,
                     struct arena *case_arena)
{
    json_error_t e;
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &e);
    if (!json_is_object(root)) {
        report(s, RUN_FAILED, path, root ? "not an object" : e.text);
        json_decref(root);
        return;
    }
    const char *name;
    json_t *test;
    json_object_foreach(root, name, test)
    {
        run_test(s, path, name, test, file_arena, case_arena);
    }
    json_decref(root);
}

static void *worker(void *arg)
{
    struct session *s = arg;
    struct arena file_arena, case_arena;
    arena_init_growing(&file_arena, CASE_ARENA_CHUNK, FILE_ARENA_LIMIT);
    arena_init_growing(&case_arena, CASE_ARENA_CHUNK, CASE_ARENA_LIMIT);
    for (;;) {
        size_t i = atomic_fetch_add(&s->next, 1);
        if (i >= s->files.cnt)
            break;
        uint64_t start = now_ms();
        run_file(s, s->files.paths[i], &file_arena, &case_arena);
        uint64_t took = now_ms() - start;
        if (took >= SLOW_MS)
            (void)fprintf(stderr, "slow: %s took %llu ms\n", s->files.paths[i],
                          (unsigned long long)took);
    }
    arena_clear(&file_arena);
    arena_clear(&case_arena);
    return NULL;
}

static void run_all(struct session *s)
{
    enum { MAX_WORKERS = 64 };
    pthread_t threads[MAX_WORKERS];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = cpus < 1 ? 1 : cpus > MAX_WORKERS ? MAX_WORKERS : (size_t)cpus;
    if (s->traces) /* lines of one case together */
        n = 1;
    for (size_t i = 0; i < n; i++)
        CHECK(pthread_create(&threads[i], NULL, worker, s) == 0);
    for (size_t i = 0; i < n; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(int argc, char **argv)
{
    struct session s = { .out = PTHREAD_MUTEX_INITIALIZER };
    if (argc == 2 && strcmp(argv[1], "--lines") == 0)
        return lines_run(stdin, stdout, NULL) ? 0 : 1;
    if (argc == 4 && strcmp(argv[1], "--lines") == 0 && strcmp(argv[2], "--rules") == 0)
        return lines_run(stdin, stdout, argv[3]) ? 0 : 1;
    int first = 1;
    bool ok = true;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "--trace") == 0) {
            s.traces = true;
        } else if (strcmp(argv[first], "--translate") == 0) {
            s.translates = true;
        } else if (strcmp(argv[first], "--case") == 0 && first + 1 < argc) {
            s.case_name = argv[++first];
        } else {
            first = argc;
            break;
        }
    }
    if (first >= argc) {
        (void)fprintf(stderr, "usage: statetest [--trace] [--translate] [--case NAME] PATH...\n"
                              "       statetest --lines [--rules NAME]\n");
        return 2;
    }
    json_object_seed(0); /* before threads make it a race */
    for (int i = first; i < argc; i++)
        ok = collect(&s.files, argv[i]) && ok;
    run_all(&s);
    for (size_t i = 0; i < s.files.cnt; i++)
        free(s.files.paths[i]);
    free(s.files.paths);
    if (s.missing)
        printf("%zu of the failed reached a precompile this build lacks\n", s.missing);
    printf("%zu passed, %zu failed\n", s.passed, s.failed);
    return ok && s.passed && !s.failed ? 0 : 1;
}
