/* SPDX-License-Identifier: Apache-2.0
 * verbs.h - what genops pipeline can do, one file a verb (pipeline_<verb>.c), and the options of all of them. */
#ifndef CLI_PIPELINE_VERBS_H
#define CLI_PIPELINE_VERBS_H

#include "command.h"

#include <genops/pipeline.h>

struct pipeline_options {
	const char *event, *now, *input, *lookups, *name, *output;
	int64_t seed, limit;
	bool as_json, is_cribl;
};

int verb_eval(const struct invocation *invocation);
int verb_test(const struct invocation *invocation);
int verb_list(const struct invocation *invocation);
int verb_tail(const struct invocation *invocation);
int verb_export(const struct invocation *invocation);
int verb_import(const struct invocation *invocation);

/* All of a file, at most `max` bytes, or of standard input ("-"), into memory that the caller frees; an exit code. */
int verb_read_file(const char *name, size_t max, char **ret_text, size_t *ret_len);
/* --now and --seed, for results that can be repeated; an exit code. */
int verb_fixed(const struct pipeline_options *chosen, bool *ret_is_fixed, int64_t *ret_now_ms);

#endif
