/* node/stf/batch_blobs.c: pubdata as blobs (batch.h). */
#include "node/stf/batch.h"

#define PIECE     31u /* of a scalar's 32 bytes: always below the group's order */
#define SCALARS   (BATCH_BLOB_LEN / 32u)
#define BLOB_DATA BATCH_BLOB_DATA_LEN
_Static_assert(BLOB_DATA == SCALARS * PIECE, "31 bytes of each scalar");

size_t batch_blob_cnt(size_t pubdata_len)
{
    return (pubdata_len + PIECE + BLOB_DATA - 1) / BLOB_DATA;
}

void batch_blob_fill(uint8_t *blob, size_t k, struct bytes pubdata)
{
    memset(blob, 0, BATCH_BLOB_LEN);
    for (size_t i = 0; i < SCALARS; i++) {
        size_t piece = k * SCALARS + i; /* of the stream */
        if (piece == 0) {
            store_be64(blob + 1, pubdata.len);
            continue;
        }
        size_t at = (piece - 1) * PIECE;
        if (at >= pubdata.len)
            return;
        size_t len = pubdata.len - at < PIECE ? pubdata.len - at : PIECE;
        memcpy(blob + i * 32 + 1, pubdata.p + at, len);
    }
}
