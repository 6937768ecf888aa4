/* node/store/proof_table.c */
#include "node/store/proof_table.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "node/store/sql.h"

static void read_text(struct sql *q, char *out, size_t cap)
{
    const unsigned char *s = q->stmt ? sqlite3_column_text(q->stmt, q->next) : NULL;
    q->next++;
    snprintf(out, cap, "%s", s ? (const char *)s : "");
}

/* The last column, when wanted. */
static void read_proof(struct sql *q, struct arena *arena, struct bytes *out)
{
    *out = arena ? sql_blob(q, arena) : (struct bytes){ NULL, 0 };
}

bool fri_proof_put(struct store_txn *t, const struct fri_proof_row *p, struct err *err)
{
    struct sql q =
        sql_prepare(t->db, "INSERT OR REPLACE INTO fri_proof(number, at_ms, input, vk, prover,"
                           " proof) VALUES(?, ?, ?, ?, ?, ?)");
    sql_bind_u64(&q, p->number);
    sql_bind_u64(&q, p->at_ms);
    sql_bind_b256(&q, &p->input);
    sql_bind_b256(&q, &p->vk);
    sql_bind_text(&q, p->prover);
    sql_bind_blob(&q, p->proof);
    return sql_run(&q, "store proof", err);
}

bool fri_proof_load(struct store_reader *r, uint64_t number, struct arena *arena,
                    struct fri_proof_row *out, bool *found, struct err *err)
{
    struct sql q =
        sql_prepare(store_reader_db(r, STORE_JOURNAL),
                    "SELECT number, at_ms, input, vk, prover, proof FROM fri_proof WHERE number=?");
    sql_bind_u64(&q, number);
    if (!sql_step(&q, found, "proof", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found) {
        out->number = sql_u64(&q);
        out->at_ms = sql_u64(&q);
        out->input = sql_b256(&q);
        out->vk = sql_b256(&q);
        read_text(&q, out->prover, sizeof(out->prover));
        read_proof(&q, arena, &out->proof);
    }
    return sql_finish(&q, "proof", err);
}

bool snark_proof_put(struct store_txn *t, const struct snark_proof_row *p, struct err *err)
{
    struct sql q = sql_prepare(
        t->db, "INSERT OR REPLACE INTO snark_proof(first, last, at_ms, input, vk, prover, proof)"
               " VALUES(?, ?, ?, ?, ?, ?, ?)");
    sql_bind_u64(&q, p->from);
    sql_bind_u64(&q, p->to);
    sql_bind_u64(&q, p->at_ms);
    sql_bind_b256(&q, &p->input);
    sql_bind_b256(&q, &p->vk);
    sql_bind_text(&q, p->prover);
    sql_bind_blob(&q, p->proof);
    return sql_run(&q, "store proof of a range", err);
}

bool snark_proof_load(struct store_reader *r, uint64_t number, struct arena *arena,
                      struct snark_proof_row *out, bool *found, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               "SELECT first, last, at_ms, input, vk, prover, proof FROM"
                               " snark_proof WHERE first <= ? AND last >= ?"
                               " ORDER BY first DESC LIMIT 1");
    sql_bind_u64(&q, number);
    sql_bind_u64(&q, number);
    if (!sql_step(&q, found, "proof of a range", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found) {
        out->from = sql_u64(&q);
        out->to = sql_u64(&q);
        out->at_ms = sql_u64(&q);
        out->input = sql_b256(&q);
        out->vk = sql_b256(&q);
        read_text(&q, out->prover, sizeof(out->prover));
        read_proof(&q, arena, &out->proof);
    }
    return sql_finish(&q, "proof of a range", err);
}

bool snark_proof_remove(struct store_txn *t, uint64_t from, struct err *err)
{
    struct sql q = sql_prepare(t->db, "DELETE FROM snark_proof WHERE first = ?");
    sql_bind_u64(&q, from);
    return sql_run(&q, "remove proof of a range", err);
}

bool failed_proof_put(struct store_txn *t, const struct failed_proof_row *p, struct err *err)
{
    size_t len = p->proof.len < FAILED_PROOF_MAX_LEN ? p->proof.len : FAILED_PROOF_MAX_LEN;
    struct sql q = sql_prepare(
        t->db, "INSERT INTO failed_proof(first, last, at_ms, is_snark, input, vk, prover, reason,"
               " proof) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_bind_u64(&q, p->from);
    sql_bind_u64(&q, p->to);
    sql_bind_u64(&q, p->at_ms);
    sql_bind_u64(&q, p->is_snark);
    sql_bind_b256(&q, &p->input);
    sql_bind_b256(&q, &p->vk);
    sql_bind_text(&q, p->prover);
    sql_bind_text(&q, p->reason);
    sql_bind_blob(&q, bytes_of(p->proof.p, len));
    if (!sql_run(&q, "store refused proof", err))
        return false;
    struct sql d =
        sql_prepare(t->db, "DELETE FROM failed_proof WHERE id <= (SELECT max(id) FROM failed_proof)"
                           " - ?");
    sql_bind_u64(&d, FAILED_PROOF_KEEP);
    return sql_run(&d, "forget refused proofs", err);
}

bool failed_proof_load(struct store_reader *r, bool is_snark, uint64_t number, struct arena *arena,
                       struct failed_proof_row *out, bool *found, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               "SELECT first, last, at_ms, input, vk, prover, reason, proof FROM"
                               " failed_proof WHERE is_snark = ? AND first <= ? AND last >= ?"
                               " ORDER BY id DESC LIMIT 1");
    sql_bind_u64(&q, is_snark);
    sql_bind_u64(&q, number);
    sql_bind_u64(&q, number);
    if (!sql_step(&q, found, "refused proof", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found) {
        out->from = sql_u64(&q);
        out->to = sql_u64(&q);
        out->at_ms = sql_u64(&q);
        out->is_snark = is_snark;
        out->input = sql_b256(&q);
        out->vk = sql_b256(&q);
        read_text(&q, out->prover, sizeof(out->prover));
        read_text(&q, out->reason, sizeof(out->reason));
        read_proof(&q, arena, &out->proof);
    }
    return sql_finish(&q, "refused proof", err);
}

bool proof_forget(struct store_txn *t, uint64_t upto, struct err *err)
{
    static const char *const texts[] = { "DELETE FROM fri_proof WHERE number <= ?",
                                         "DELETE FROM snark_proof WHERE last <= ?",
                                         "DELETE FROM batch_verified WHERE number <= ?" };
    for (size_t i = 0; i < GH_COUNT(texts); i++) {
        struct sql q = sql_prepare(t->db, texts[i]);
        sql_bind_u64(&q, upto);
        if (!sql_run(&q, "forget proofs of executed batches", err))
            return false;
    }
    return true;
}

bool batch_verified_put(struct store_txn *t, const struct batch_verified_row *v, struct err *err)
{
    struct sql q = sql_prepare(
        t->db, "INSERT OR REPLACE INTO batch_verified(number, at_ms, took_ms, stored_hash, answers)"
               " VALUES(?, ?, ?, ?, ?)");
    sql_bind_u64(&q, v->number);
    sql_bind_u64(&q, v->at_ms);
    sql_bind_u64(&q, v->took_ms);
    sql_bind_b256(&q, &v->stored_hash);
    sql_bind_u64(&q, v->answers);
    return sql_run(&q, "store verification", err);
}

bool batch_verified_load(struct store_reader *r, uint64_t number, struct batch_verified_row *out,
                         bool *found, struct err *err)
{
    struct sql q = sql_prepare(store_reader_db(r, STORE_JOURNAL),
                               "SELECT number, at_ms, took_ms, stored_hash, answers FROM"
                               " batch_verified WHERE number = ?");
    sql_bind_u64(&q, number);
    if (!sql_step(&q, found, "verification", err))
        return sqlite3_finalize(q.stmt), false;
    if (*found) {
        out->number = sql_u64(&q);
        out->at_ms = sql_u64(&q);
        out->took_ms = sql_u64(&q);
        out->stored_hash = sql_b256(&q);
        out->answers = sql_u64(&q);
    }
    return sql_finish(&q, "verification", err);
}
