#include "node/base/hash.h"
#include "node/stf/batch.h"
#include "settlement/da/da.h"

size_t da_blob_cnt(size_t pubdata_len)
{
    return batch_blob_cnt(pubdata_len);
}

uint64_t da_capacity(uint8_t scheme)
{
    switch (scheme) {
    case DA_BLOBS_AND_PUBDATA_KECCAK:
        return BATCH_MAX_CALLDATA_PUBDATA;
    case DA_BLOBS_ZKSYNC_OS:
        return (uint64_t)SIDECAR_BLOBS_MAX * BATCH_BLOB_DATA_LEN - 31;
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
    for (size_t k = 0; k < sidecar_blob_cnt(s); k++)
        batch_blob_fill(sidecar_blob(s, k), k, pubdata);
    return s;
}

struct b256 da_blobs_commitment(const struct sidecar *s)
{
    return keccak256(sidecar_hashes(s), sidecar_blob_cnt(s) * sizeof(struct b256));
}
