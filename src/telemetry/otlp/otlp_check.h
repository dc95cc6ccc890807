/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_check.h - is every field of a message what OTLP says? Private to telemetry/otlp.
 *
 * Wire types, UTF-8, packed numbers, lengths of ids, depth of values. What is not known is passed over. A message that stands twice where
 * one may is refused: protobuf would merge them, and who reads only one of them sees something else than who is sent both.
 */
#ifndef TELEMETRY_OTLP_CHECK_H
#define TELEMETRY_OTLP_CHECK_H

#include "telemetry/otlp/otlp_schema.h"

struct genops_otlp_check {
	int64_t n_items, n_points; /* that were walked; points are of metrics */
	/* What only its own item is rejected for: the first id of a wrong length (NULL: none), the first text that is not UTF-8, values
	 * too deep. */
	const struct genops_otlp_field *wrong_id, *wrong_text;
	size_t wrong_len;
	bool is_too_deep;
	bool is_in_item; /* set by the caller for what is a part of an item */

	/* private */
	unsigned depth;
	int code;
	const struct genops_otlp_message *fault_message;
	uint32_t fault_field;
	const char *fault, *fault_at;
};

/* `check` begins as zero and counts on. OK, SYNTAX, LIMIT (values too deep outside of items). */
GENOPS_NODISCARD int genops_otlp_check_message(struct genops_otlp_check *check, enum genops_otlp_message_id id, genops_str bytes);

static inline bool genops_otlp_check_is_wrong(const struct genops_otlp_check *check)
{
	return check->wrong_id || check->wrong_text || check->is_too_deep;
}

/* After a fault: what and where, as an error of a request that begins at `begin`. */
int genops_otlp_check_fail(
    const struct genops_otlp_check *check, enum genops_signal signal, const char *begin, struct genops_error *err);

#endif
