/* node/base/file.h   (base_host)
 *
 * Whole files and durable replacement. Paths are NUL-terminated. */
#ifndef GH_BASE_FILE_H
#define GH_BASE_FILE_H

#include "node/base/bytes.h"
#include "node/base/err.h"

/* Reads at most `max` bytes (more is ERR_INVALID). *out is malloc'ed, NUL-terminated behind len, freed by the caller. */
MUST_USE bool file_read(uint8_t **out, size_t *len, const char *path, size_t max, struct err *err);
/* Writes path.tmp, fsync, rename, fsync of the folder: afterwards either the old or the new content is there. */
MUST_USE bool file_replace(const char *path, struct bytes data, struct err *err);
MUST_USE bool file_mkdir_all(const char *path, struct err *err);
bool file_exists(const char *path);

#endif
