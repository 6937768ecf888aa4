/* tests/vectors/precompiles/vector_file.h
 *
 * Reads the recorded JSON vectors below $GH_SHARED/vectors. */
#ifndef GH_TESTS_VECTOR_FILE_H
#define GH_TESTS_VECTOR_FILE_H

#include <jansson.h>

#include "node/base/bytes.h"

struct vector_bytes { /* owned; exact size, so that the sanitizer sees an overread by one */
    uint8_t *p;
    size_t len;
};

/* false: the folder with recorded data is absent (a line saying so was printed) */
bool vector_folder_present(void);
/* The parsed file; fails the test when it is missing or not JSON. Caller json_decrefs. */
json_t *vector_load(const char *name);
/* Hex, with or without 0x; fails the test on anything else. */
struct vector_bytes vector_hex(const char *hex);
void vector_bytes_free(struct vector_bytes *v);

#endif
