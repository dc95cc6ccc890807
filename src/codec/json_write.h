/* SPDX-License-Identifier: Apache-2.0
 * codec/json_write.h - writing JSON into a bounded buffer; commas and escapes are its business.
 *
 * Misuse (a value where a key is due) cannot produce bad JSON: it asserts in debug builds and is an
 * internal fault otherwise. Text that is not UTF-8 is repaired with U+FFFD. Check buf->error once
 * at the end.
 */
#ifndef CODEC_JSON_WRITE_H
#define CODEC_JSON_WRITE_H

#include "base/buffer.h"

struct genops_json_writer {
	struct genops_buffer *buf;
	uint64_t has_items; /* bit per depth: a comma is due */
	uint64_t is_object; /* bit per depth: keys and values, not elements */
	int depth;	    /* at most 63; deeper is LIMIT in buf->error */
	bool after_key;
};

/* One document a writer: init again for the next. */

void genops_json_writer_init(struct genops_json_writer *json, struct genops_buffer *buf);
void genops_json_object_begin(struct genops_json_writer *json);
void genops_json_object_end(struct genops_json_writer *json);
void genops_json_array_begin(struct genops_json_writer *json);
void genops_json_array_end(struct genops_json_writer *json);
void genops_json_key(struct genops_json_writer *json, genops_str key);
void genops_json_string(struct genops_json_writer *json, genops_str text);
void genops_json_int(struct genops_json_writer *json, int64_t value);
void genops_json_double(struct genops_json_writer *json,
    double value); /* shortest that reads back; NaN and infinities: null */
void genops_json_bool(struct genops_json_writer *json, bool value);
void genops_json_null(struct genops_json_writer *json);
void genops_json_raw(struct genops_json_writer *json, genops_str json_text); /* already JSON */

/* key and value at once */
void genops_json_key_string(struct genops_json_writer *json, const char *key, genops_str text);
void genops_json_key_int(struct genops_json_writer *json, const char *key, int64_t value);
void genops_json_key_double(struct genops_json_writer *json, const char *key, double value);
void genops_json_key_bool(struct genops_json_writer *json, const char *key, bool value);

/* A quoted string as genops_json_string writes it, for those who write their own brackets and commas. */
void genops_json_add_string(struct genops_buffer *buf, genops_str text);

/* A double as genops_json_double writes it: the shortest text that reads back, in any locale. For
 * finite ones. */
void genops_json_add_double(struct genops_buffer *buf, double value);

/* "cost_nano_usd": 12, "cost_usd": 0.000000012 : the pair DESIGN 5 wants. `name` is "cost". */
void genops_json_key_money(struct genops_json_writer *json, const char *name, int64_t nano_usd);

#endif
