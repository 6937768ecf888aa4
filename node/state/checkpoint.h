/* node/state/checkpoint.h
 *
 * Checkpoints: the whole state after one block in one new file, written to a temporary name, synced, renamed.
 * Leaves, account flags and the preimages that are needed at that block; hashes are not stored but recomputed, and
 * the root compared.
 *
 * Files go through a small table of functions, so that tests can drop unsynced writes. */
#ifndef GH_STATE_CHECKPOINT_H
#define GH_STATE_CHECKPOINT_H

#include "node/state/state.h"

/* Files of one folder. Names have no slash. Handles are owned by the caller until close. */
struct state_files {
    void *ctx;
    bool (*list)(void *ctx, void (*each)(void *arg, const char *name), void *arg, struct err *err);
    void *(*create)(void *ctx, const char *name, struct err *err); /* truncates */
    void *(*open)(void *ctx, const char *name, uint64_t *size, struct err *err);
    bool (*write)(void *ctx, void *file, const void *data, size_t len,
                  struct err *err); /* appends */
    bool (*sync)(void *ctx, void *file, struct err *err);
    bool (*read)(void *ctx, void *file, uint64_t offset, void *out, size_t len, struct err *err);
    void (*close)(void *ctx, void *file);
    bool (*rename)(void *ctx, const char *from, const char *to, struct err *err); /* replaces */
    bool (*remove)(void *ctx, const char *name, struct err *err);
    bool (*sync_folder)(void *ctx, struct err *err);
};
/* A real folder, created when missing. NULL with *err filled. */
struct state_files *state_files_open(const char *path, struct err *err);
/* For readers of a folder that is someone else's: nothing is created. NULL with err->kind ERR_NONE: there is no such folder. */
struct state_files *state_files_open_existing(const char *path, struct err *err);
void state_files_close(struct state_files *f); /* only for state_files_open; NULL allowed */

struct checkpoint_info {
    uint64_t block, leaf_count, timestamp, chain_id;
    struct b256 root, block_hash;
};

/* Writes the state after `block` (hashed, >= state_floor; STATE_LATEST: the newest hashed block). Reads through a
 * pinned view in small slices, so builder and readers go on; meant for a worker. info->block, leaf_count and root are
 * filled in; the other fields are the caller's. When it returns true the file survives a power cut. ERR_INVALID also when
 * the block is rolled back meanwhile. */
MUST_USE bool checkpoint_write(struct state *s, const struct state_files *files, uint64_t block,
                               struct checkpoint_info *info, struct err *err);

/* Loads the newest valid checkpoint of this chain with block <= max_block. Damaged and foreign ones are logged in
 * words and passed over. NULL with err->kind ERR_NONE: there is none; NULL otherwise: the folder cannot be read.
 * Pass as max_block the oldest block that must be viewable after the start: later records are applied on top. The
 * caller compares info->block_hash with its own record of the block. */
struct state *checkpoint_load(const struct state_files *files, const struct state_config *cfg,
                              uint64_t chain_id, uint64_t max_block, struct checkpoint_info *info,
                              struct err *err);
/* Loads one file; the error says what is wrong with it. */
struct state *checkpoint_load_file(const struct state_files *files, const char *name,
                                   const struct state_config *cfg, struct checkpoint_info *info,
                                   struct err *err);

/* After a rollback: checkpoints of blocks > `block` describe another chain and must go before that chain grows on. false:
 * one of them is still there. */
MUST_USE bool checkpoint_drop_above(const struct state_files *files, uint64_t block,
                                    struct err *err);

/* Removes leftovers of interrupted writes, and all checkpoints but the newest `keep` and the newest one at or below
 * `needed_block`. Failures are logged: they cost disk, not safety. */
void checkpoint_prune(const struct state_files *files, unsigned keep, uint64_t needed_block);

#endif
