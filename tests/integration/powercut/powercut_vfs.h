/* tests/integration/powercut/powercut_vfs.h
 *
 * A SQLite file system that forgets. It stands on the default one and remembers, for every file, what is on the disk for certain: what
 * was there at its last sync. Writes, truncations and removals after that are pending. At a chosen call the power
 * goes: that call and every later one fails. powercut_restore then leaves on the real disk what a machine could find afterwards: of
 * each file its last synced content and any choice of the pending changes, whole or torn.
 *
 * Removing a file without a sync of its folder may turn out not to have happened. Shared memory (-shm) never survives.
 * Thread-safe. Registered once per process under POWERCUT_VFS. */
#ifndef GH_TESTS_POWERCUT_VFS_H
#define GH_TESTS_POWERCUT_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define POWERCUT_VFS "powercut"

bool powercut_register(void);
/* The power goes at the n-th write, truncation, sync or removal from here; 0: never. */
void powercut_arm(uint64_t n);
bool powercut_happened(void);
uint64_t powercut_calls(void); /* since powercut_arm */
/* Every connection must be closed. Power is back and nothing is armed. */
void powercut_restore(uint64_t *seed);
/* Forgets every file: for a new folder. */
void powercut_forget(void);

#endif
