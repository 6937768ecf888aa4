/* node/base/buf.h   (base_host)
 *
 * A growing byte buffer with a declared maximum. A failed append sets `failed` and the rest of the
 * appends do nothing, so a writer tests once at the end. */
#ifndef GH_BASE_BUF_H
#define GH_BASE_BUF_H

#include "node/base/bytes.h"

struct buf {
    uint8_t *p; /* owned; NULL when empty */
    size_t len, cap, max;
    bool failed; /* over max or out of memory */
};
void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b); /* frees; usable again */
void buf_reset(struct buf *b); /* keeps the memory */
bool buf_append(struct buf *b, const void *data, size_t len);
bool buf_append_str(struct buf *b, const char *s);
bool buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool buf_append_hex(struct buf *b, const void *data, size_t len); /* "0x..." */
/* A JSON string with its quotes; anything but printable ASCII becomes \u00XX of the byte. For texts of our own making. */
bool buf_append_json_str(struct buf *b, const char *s);
/* `len` writable bytes at the end, already counted; NULL on failure */
uint8_t *buf_extend(struct buf *b, size_t len);
/* Takes the memory out (caller frees) and leaves the buffer empty. */
uint8_t *buf_take(struct buf *b, size_t *len);

#endif
