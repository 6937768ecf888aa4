#include "settlement/da/da.h"

#include "node/base/hash.h"
#include "node/stf/batch.h"

static const uint8_t zeros[32];

static bool calldata_input(struct buf *out, struct bytes pubdata)
{
    struct b256 hash = keccak256(pubdata.p, pubdata.len);
    const uint8_t one = 1, calldata_source = 0;
    return buf_append(out, zeros, 32) && buf_append(out, hash.b, 32) && buf_append(out, &one, 1) &&
           buf_append(out, zeros, 32) && buf_append(out, &calldata_source, 1) &&
           buf_append(out, pubdata.p, pubdata.len) && buf_append(out, zeros, 32);
}

/* A zero word for each blob: "it is in this transaction". */
static bool blobs_input(struct buf *out, size_t pubdata_len)
{
    for (size_t i = da_blob_cnt(pubdata_len); i > 0; i--)
        if (!buf_append(out, zeros, 32))
            return false;
    return true;
}

bool da_operator_input(struct buf *out, uint8_t scheme, struct bytes pubdata)
{
    if (pubdata.len > da_capacity(scheme))
        return false;
    switch (scheme) {
    case DA_EMPTY_NO_DA:
        return buf_append(out, zeros, 32);
    case DA_BLOBS_AND_PUBDATA_KECCAK:
        return calldata_input(out, pubdata);
    case DA_BLOBS_ZKSYNC_OS:
        return blobs_input(out, pubdata.len);
    default:
        return false;
    }
}
