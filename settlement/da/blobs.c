#include <string.h>

#include "node/base/hash.h"
#include "node/stf/batch.h"
#include "settlement/da/da.h"

#define PIECE     31u /* of a scalar's 32 bytes: always below the group's order */
#define SCALARS   (SIDECAR_BLOB_LEN / 32u)
#define BLOB_DATA (SCALARS * PIECE)

size_t da_blob_cnt(size_t pubdata_len)
{
    return (pubdata_len + PIECE + BLOB_DATA - 1) / BLOB_DATA;
}

uint64_t da_capacity(uint8_t scheme)
{
    switch (scheme) {
    case DA_BLOBS_AND_PUBDATA_KECCAK:
        return BATCH_MAX_CALLDATA_PUBDATA;
    case DA_BLOBS_ZKSYNC_OS:
        return (uint64_t)SIDECAR_BLOBS_MAX * BLOB_DATA - PIECE;
    default:
        return UINT64_MAX;
    }
}

struct sidecar *da_blobs_pack(struct bytes pubdata)
{
    if (pubdata.len > da_capacity(DA_BLOBS_ZKSYNC_OS))
        return NULL;
    struct sidecar *s = sidecar_new(da_blob_cnt(pubdata.len));
    if (!s)
        return NULL;
    store_be64(sidecar_blob(s, 0) + 1, pubdata.len);
    size_t scalar = 1;
    for (size_t at = 0; at < pubdata.len; at += PIECE, scalar++) {
        size_t len = pubdata.len - at < PIECE ? pubdata.len - at : PIECE;
        uint8_t *blob = sidecar_blob(s, scalar / SCALARS);
        memcpy(blob + scalar % SCALARS * 32 + 1, pubdata.p + at, len);
    }
    return s;
}

struct b256 da_blobs_commitment(const struct sidecar *s)
{
    return keccak256(sidecar_hashes(s), sidecar_blob_cnt(s) * sizeof(struct b256));
}
