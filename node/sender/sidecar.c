#include "node/sender/sidecar.h"

#include <stdlib.h>
#include <string.h>

#include "node/base/rlp.h"
#include "node/crypto/kzg.h"

#define POINT       48u
#define CELL_PROOFS ((size_t)KZG_CELLS * POINT) /* of one blob */
#define PER_BLOB    (2 * POINT + CELL_PROOFS)   /* of what is not the blob itself */
#define WRAPPER     1                           /* EIP-7594's version byte */

_Static_assert(SIDECAR_BLOB_LEN == KZG_BLOB_LEN, "one length of a blob");

struct sidecar {
    unsigned refs;
    size_t cnt;
    struct b256 hashes[SIDECAR_BLOBS_MAX];
    uint8_t *blobs, *commitments, *proofs, *cell_proofs; /* into mem */
    uint8_t mem[];
};

const char *sidecar_form_name(enum sidecar_form f)
{
    return f == SIDECAR_EIP4844 ? "EIP-4844" : "EIP-7594";
}

struct sidecar *sidecar_new(size_t blob_cnt)
{
    CHECK(blob_cnt > 0 && blob_cnt <= SIDECAR_BLOBS_MAX);
    struct sidecar *s = calloc(1, sizeof(*s) + blob_cnt * (SIDECAR_BLOB_LEN + PER_BLOB));
    if (!s)
        return NULL;
    s->refs = 1;
    s->cnt = blob_cnt;
    s->commitments = s->mem;
    s->proofs = s->commitments + blob_cnt * POINT;
    s->cell_proofs = s->proofs + blob_cnt * POINT;
    s->blobs = s->cell_proofs + blob_cnt * CELL_PROOFS;
    return s;
}

uint8_t *sidecar_blob(struct sidecar *s, size_t i)
{
    CHECK(i < s->cnt);
    return s->blobs + i * SIDECAR_BLOB_LEN;
}

static void hash_all(struct sidecar *s)
{
    for (size_t i = 0; i < s->cnt; i++)
        kzg_versioned_hash(s->hashes[i].b, s->commitments + i * POINT);
}

bool sidecar_commit(struct sidecar *s)
{
    const struct kzg_setup *setup = kzg_setup_get();
    for (size_t i = 0; i < s->cnt; i++)
        if (!kzg_blob_commitment(s->commitments + i * POINT, setup, sidecar_blob(s, i)))
            return false;
    hash_all(s);
    return true;
}

bool sidecar_prove(struct sidecar *s)
{
    const struct kzg_setup *setup = kzg_setup_get();
    for (size_t i = 0; i < s->cnt; i++) {
        const uint8_t *blob = sidecar_blob(s, i);
        uint8_t(*cells)[POINT] = (uint8_t(*)[POINT])(s->cell_proofs + i * CELL_PROOFS);
        if (!kzg_blob_proof(s->proofs + i * POINT, setup, blob, s->commitments + i * POINT) ||
            !kzg_cells_and_proofs(NULL, cells, setup, blob))
            return false;
    }
    return true;
}

struct sidecar *sidecar_ref(struct sidecar *s)
{
    if (s)
        s->refs++;
    return s;
}

void sidecar_unref(struct sidecar *s)
{
    if (s && --s->refs == 0)
        free(s);
}

size_t sidecar_blob_cnt(const struct sidecar *s)
{
    return s->cnt;
}

const struct b256 *sidecar_hashes(const struct sidecar *s)
{
    return s->hashes;
}

/* --- on the wire --- */

static size_t list_of(size_t cnt, size_t len)
{
    return cnt * (rlp_list_size(len)); /* a long string's header is as long as a list's */
}

static size_t write_list(uint8_t *p, const uint8_t *items, size_t cnt, size_t len)
{
    size_t n = rlp_write_list_header(p, list_of(cnt, len));
    for (size_t i = 0; i < cnt; i++)
        n += rlp_write_string(p + n, bytes_of(items + i * len, len));
    return n;
}

struct parts {
    size_t version, proofs; /* length of the version, number of proofs */
    const uint8_t *proof_bytes;
    size_t payload;
};

static struct parts parts_of(const struct sidecar *s, enum sidecar_form form, size_t tx_list)
{
    bool cells = form == SIDECAR_EIP7594;
    struct parts p = { .version = cells ? rlp_u64_size(WRAPPER) : 0,
                       .proofs = cells ? s->cnt * KZG_CELLS : s->cnt,
                       .proof_bytes = cells ? s->cell_proofs : s->proofs };
    p.payload = tx_list + p.version + rlp_list_size(list_of(s->cnt, SIDECAR_BLOB_LEN)) +
                rlp_list_size(list_of(s->cnt, POINT)) + rlp_list_size(list_of(p.proofs, POINT));
    return p;
}

size_t sidecar_wrapped_max(const struct sidecar *s, struct bytes signed_tx)
{
    struct parts p = parts_of(s, SIDECAR_EIP7594, signed_tx.len ? signed_tx.len - 1 : 0);
    return 1 + rlp_list_size(p.payload);
}

bool sidecar_wrap(struct buf *out, const struct sidecar *s, enum sidecar_form form,
                  struct bytes signed_tx)
{
    if (signed_tx.len < 2 || signed_tx.p[0] >= 0xc0)
        return false;
    struct parts p = parts_of(s, form, signed_tx.len - 1);
    size_t total = 1 + rlp_list_size(p.payload);
    uint8_t *w = buf_extend(out, total);
    if (!w)
        return false;
    size_t n = 0;
    w[n++] = signed_tx.p[0];
    n += rlp_write_list_header(w + n, p.payload);
    memcpy(w + n, signed_tx.p + 1, signed_tx.len - 1);
    n += signed_tx.len - 1;
    if (p.version)
        n += rlp_write_u64(w + n, WRAPPER);
    n += write_list(w + n, s->blobs, s->cnt, SIDECAR_BLOB_LEN);
    n += write_list(w + n, s->commitments, s->cnt, POINT);
    n += write_list(w + n, p.proof_bytes, p.proofs, POINT);
    CHECK(n == total);
    return true;
}

/* --- in the journal --- */

bool sidecar_store(struct buf *out, const struct sidecar *s)
{
    size_t len = s->cnt * SIDECAR_BLOB_LEN;
    while (len > 0 && s->blobs[len - 1] == 0)
        len--;
    return buf_append(out, s->commitments, s->cnt * PER_BLOB) && buf_append(out, s->blobs, len);
}

struct sidecar *sidecar_load(struct bytes stored, const struct b256 *hashes, size_t blob_cnt,
                             struct err *err)
{
    if (blob_cnt == 0 || blob_cnt > SIDECAR_BLOBS_MAX || stored.len < blob_cnt * PER_BLOB ||
        stored.len > blob_cnt * (PER_BLOB + SIDECAR_BLOB_LEN)) {
        err_set(err, ERR_LOCAL, "sender journal: damaged blobs");
        return NULL;
    }
    struct sidecar *s = sidecar_new(blob_cnt);
    if (!s) {
        err_set(err, ERR_LOCAL, "out of memory");
        return NULL;
    }
    memcpy(s->commitments, stored.p, stored.len); /* the blobs lie right behind the proofs */
    hash_all(s);
    if (memcmp(s->hashes, hashes, blob_cnt * sizeof(*hashes)) == 0)
        return s;
    err_set(err, ERR_LOCAL, "sender journal: the blobs are not the ones that were signed");
    sidecar_unref(s);
    return NULL;
}
