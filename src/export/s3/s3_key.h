/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_key.h - what an object is called. A name is made of what is in the object and of nothing else, so that the same events always
 * have the same name: time is the events', chance is their hash. Pure. */
#ifndef EXPORT_S3_KEY_H
#define EXPORT_S3_KEY_H

#include "base/hash.h"
#include "export/s3/s3_settings.h"

#define GENOPS_S3_KEY_MAX 1024 /* bytes, as S3 has it */

/* Which items may share an object: those with the same path and the same settings of their routes. See export/destination.h. */
GENOPS_NODISCARD int genops_s3_key_partition(const struct genops_s3_settings *settings, const struct genops_destination_item *items, size_t n_items,
    struct genops_arena *scratch, uint64_t *ret_parts, struct genops_error *err);

/* The key of an object whose first event this is; not encoded; in the arena. */
GENOPS_NODISCARD int genops_s3_key_make(const struct genops_s3_settings *settings, const struct genops_destination_item *first,
    struct genops_hash content, bool is_gzip, struct genops_arena *arena, genops_str *ret_key, struct genops_error *err);

#endif
