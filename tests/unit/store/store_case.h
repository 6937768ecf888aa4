/* tests/unit/store/store_case.h
 *
 * A store in a folder of its own, with its loop and a reader, for each test. */
#ifndef GH_TESTS_STORE_CASE_H
#define GH_TESTS_STORE_CASE_H

#include "node/store/store.h"
#include "tests/unit/base/testing.h"

struct store_case {
    char dir[64];
    struct event_base *base;
    struct store *store;
    struct store_reader *reader;
    struct arena arena;
};
extern struct store_case sc;

int store_case_setup(void **state);    /* opens */
int store_case_teardown(void **state); /* closes, removes the folder */
void store_case_close(void);
void store_case_open(void);
/* Runs a job and awaits it; fails the test with its error. */
void store_case_run(enum store_file file, store_job_fn *job, void *arg);
/* Runs a job that must fail. */
struct err store_case_fails(enum store_file file, store_job_fn *job, void *arg);

#endif
