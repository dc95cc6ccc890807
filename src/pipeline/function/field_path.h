/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function/field_path.h - which fields of an event a rule is about: policy_reason, attributes['genops.eval.metadata.*'], status.message.
 *
 * Segments are names or patterns with * in them. Keys of attributes are flat, so behind `attributes.` the rest is one segment, dots and all.
 * What is written to is copied first, and only when something changes: objects below the event's top are shared between pipelines.
 */
#ifndef PIPELINE_FIELD_PATH_H
#define PIPELINE_FIELD_PATH_H

#include "pipeline/value.h"

#define GENOPS_FIELD_PATH_MAX 8 /* segments */

struct genops_field_path {
	genops_str source;
	unsigned n;
	struct genops_field_segment {
		struct genops_value_key key;
		bool is_pattern;
	} segments[GENOPS_FIELD_PATH_MAX];
};

/* Texts are copied into the arena. SYNTAX: it is no path; NOMEM. */
GENOPS_NODISCARD int genops_field_path_parse(genops_str source, struct genops_arena *arena, struct genops_field_path *ret_path);

/* Puts a value at a path without patterns; objects on the way are made. False: no memory, or what is on the way is no object. */
bool genops_field_path_put(const struct genops_field_path *path, struct genops_value_object *event, struct genops_arena *arena,
    struct genops_value value);

/* What becomes of a value: *value is changed or left alone. False ends the walk. */
typedef bool genops_field_change_fn(void *arg, struct genops_value *value);
/* Calls fn for each text and number (and boolean) of the fields that the path names, those in lists and objects down to `depth` below them
 * included. False: fn said so, or no memory. */
bool genops_field_path_change(const struct genops_field_path *path, struct genops_value_object *event, struct genops_arena *arena,
    unsigned depth, genops_field_change_fn *fn, void *arg);

#endif
