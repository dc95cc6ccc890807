/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_config.h - what of a configuration goes into an archive: its file and what it names, by what a snapshot was made from. */
#ifndef ENGINE_BACKUP_BACKUP_CONFIG_H
#define ENGINE_BACKUP_BACKUP_CONFIG_H

#include "engine/backup/backup_archive.h"

/* The name of the configuration's own file in the archive; "" : there is none. */
void genops_backup_config_main(const struct genops_config *config, char ret_name[256]);
/* Files below the configuration's folder keep their names from there on; others stand in "outside/" with their paths. CONFIG: there is no file, or a
 * secret that cannot be left out. */
GENOPS_NODISCARD int genops_backup_config_pack(
    struct genops_backup_archive *archive, const struct genops_config *config, unsigned includes, struct genops_error *err);

#endif
