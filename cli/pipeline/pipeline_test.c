/* SPDX-License-Identifier: Apache-2.0
 * pipeline_test.c - genops pipeline test: events through pipelines, before and after, rule by rule. Nothing is sent; no state directory is
 * touched. */
#include "verbs.h"

#include <stdlib.h>

#define INPUT_MAX ((size_t)256 << 20)

static int print(void *arg, genops_str lines)
{
	(void)arg;
	return fwrite(lines.ptr, 1, lines.len, stdout) == lines.len ? GENOPS_OK : GENOPS_IO;
}

static int try_all(genops_pipeline_trial *trial, const struct pipeline_options *chosen)
{
	struct genops_error err;
	char *input;
	size_t len;
	int code = verb_read_file(chosen->input, INPUT_MAX, &input, &len);
	if (code != EXIT_DONE)
		return code;
	if (genops_pipeline_trial_run(trial, (genops_str){input, len}, print, NULL, &err) != GENOPS_OK ||
	    genops_pipeline_trial_summary(trial, print, NULL, &err) != GENOPS_OK)
		code = complain(&err);
	free(input);
	return code;
}

int verb_test(const struct invocation *invocation)
{
	const struct pipeline_options *chosen = invocation->options;
	const struct genops_pipeline_trial_options options = {.size = sizeof options,
	    .engine = &invocation->engine,
	    .pipelines = invocation->n_arguments > 1 ? invocation->arguments[1] : NULL,
	    .lookups = chosen->lookups,
	    .as_text = !chosen->as_json};
	struct genops_error err;
	bool is_fixed;
	int64_t now_ms = 0;
	if (!chosen->input)
		return complain_text(EXIT_WRONG_USE, "name the events: genops pipeline test pipeline.yaml --input spans.json");
	int code = verb_fixed(chosen, &is_fixed, &now_ms);
	if (code != EXIT_DONE)
		return code;
	genops_pipeline_trial *trial = genops_pipeline_trial_new(&options, &err);
	if (!trial)
		return complain(&err);
	if (is_fixed)
		genops_pipeline_trial_fix(trial, now_ms, (uint64_t)chosen->seed);
	code = try_all(trial, chosen);
	genops_pipeline_trial_free(trial);
	return code;
}
