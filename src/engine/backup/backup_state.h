/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_state.h - what of a state directory goes into an archive: first a copy beside, in an order that loses nothing.
 *
 * While the copy is made the drain removes neither segments nor blocks (store/state_dir.h: GENOPS_STATE_HOLD); it goes on otherwise. The copy is packed
 * and sent when that is over, however long it takes. One thread and one process at a time: who calls holds the backup's lock. */
#ifndef ENGINE_BACKUP_BACKUP_STATE_H
#define ENGINE_BACKUP_BACKUP_STATE_H

#include "engine/backup/backup_archive.h"

/* BUSY: another one copies, the process ends, or more comes than may wait meanwhile: another time. FULL: there is no room for the copy. */
GENOPS_NODISCARD int genops_backup_state_copy(const char *state_dir, unsigned includes, const volatile int *cancel, struct genops_error *err);
GENOPS_NODISCARD int genops_backup_state_pack(struct genops_backup_archive *archive, const char *state_dir, struct genops_error *err);
void genops_backup_state_forget(const char *state_dir);

/* Removes a folder of our own with what is in it, so many folders deep. Best effort. */
void genops_backup_folder_forget(const char *path, int depth);

#endif
