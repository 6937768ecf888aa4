/* tests/vectors/precompiles/vector_file.h
 *
 * Hexadecimal of recorded vectors, in memory of its own. */
#ifndef GH_TESTS_VECTOR_FILE_H
#define GH_TESTS_VECTOR_FILE_H

#include "tests/vectors/recorded/recorded.h"

struct vector_bytes { /* owned; exact size, so that the sanitizer sees an overread by one */
    uint8_t *p;
    size_t len;
};

/* Hex, with or without 0x; fails the test on anything else. */
struct vector_bytes vector_hex(const char *hex);
void vector_bytes_free(struct vector_bytes *v);

#endif
