/* SPDX-License-Identifier: Apache-2.0
 * engine/dead_letter.h - <state>/dead-letter.jsonl: what a destination or a pipeline cannot take for ever, a line each with the whole reason.
 *
 * The file is bounded: one that is full becomes dead-letter.jsonl.1, whose predecessor goes, told in the log. Several threads and processes
 * append. What a span or event says is written only where telemetry.content is full; else who is looking finds it by its ids.
 */
#ifndef ENGINE_DEAD_LETTER_H
#define ENGINE_DEAD_LETTER_H

#include "base/log.h"
#include "export/destination.h"

#define GENOPS_DEAD_LETTER_BYTES_MAX ((int64_t)64 << 20)

/* Whole lines. False: errno says why; nothing, or not all, is there. */
bool genops_dead_letter_append(const char *state_dir, genops_str lines, const struct genops_log *log);

struct genops_dead_letter {
	const char *state_dir;
	const struct genops_log *log;
	genops_str destination;      /* or "pipeline/<id>" */
	genops_str reason;
	bool is_content_allowed;
};
/* All of a batch that was rejected. Told in the log where it cannot be written. */
void genops_dead_letter_batch(const struct genops_dead_letter *letter, const struct genops_destination_batch *batch);

#endif
