/* tests/unit/state/memory_files.h
 *
 * A folder in memory that knows what a disk has promised: bytes written but not synced, and renames and removals
 * before the folder is synced, may or may not survive a power cut. */
#ifndef GH_TESTS_UNIT_STATE_MEMORY_FILES_H
#define GH_TESTS_UNIT_STATE_MEMORY_FILES_H

#include "node/state/checkpoint.h"

#define MEM_FILES 16u

struct mem_content { /* an inode */
    uint8_t *data;   /* owned */
    size_t len, cap;
    size_t synced; /* this many bytes are on the disk */
    bool used;
};
struct mem_entry { /* a name */
    char name[64];
    int content; /* -1: none */
};
struct mem_folder {
    struct mem_content content[64];
    struct mem_entry now[MEM_FILES];  /* what processes see */
    struct mem_entry disk[MEM_FILES]; /* as of the last sync of the folder */
    unsigned ops, fail_after;         /* operations allowed before the power goes; 0: no limit */
    struct state_files files;
};
void mem_folder_init(struct mem_folder *f);
void mem_folder_clear(struct mem_folder *f);
/* What a machine finds after the power came back: any mixture the promises allow, chosen by the seed. */
void mem_folder_power_cut(struct mem_folder *f, uint64_t *seed);
/* The bytes of a file, to look at or to damage; NULL when there is none. */
struct mem_content *mem_folder_file(struct mem_folder *f, const char *name);
void mem_folder_put(struct mem_folder *f, const char *name, const void *data, size_t len);
unsigned mem_folder_count(const struct mem_folder *f);

#endif
