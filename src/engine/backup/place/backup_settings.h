/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/place/backup_settings.h - a backup's destination, from its text to what its place needs. No I/O. */
#ifndef ENGINE_BACKUP_PLACE_BACKUP_SETTINGS_H
#define ENGINE_BACKUP_PLACE_BACKUP_SETTINGS_H

#include "base/str.h"
#include "codec/yaml_rows.h"
#include "engine/config.h"

static inline bool genops_backup_settings_is_s3(genops_str text)
{
	return genops_str_starts(text, GENOPS_STR("s3://"));
}

/* "s3://bucket/prefix" with backup_strategy.s3's keys (NULL: none). *ret_own belongs to genops_s3_form, whose done ends it, also after a failure. */
GENOPS_NODISCARD int genops_backup_settings_s3(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, genops_str text,
    const struct genops_yaml_node *mapping, struct genops_config_backup_place *place, void **ret_own);

#endif
