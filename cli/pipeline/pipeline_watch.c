/* SPDX-License-Identifier: Apache-2.0
 * pipeline_watch.c - genops pipeline list and tail: pipelines that run, what they have counted, what goes through them now. */
#include "verbs.h"

#include <signal.h>
#include <stdlib.h>

#define TICK_MS 500

static volatile sig_atomic_t is_over;

int verb_list(const struct invocation *invocation)
{
	const struct pipeline_options *chosen = invocation->options;
	struct genops_error err;
	char *text;
	size_t len;
	if (genops_pipeline_list(&invocation->engine, !chosen->as_json, &text, &len, &err) != GENOPS_OK)
		return complain(&err);
	fwrite(text, 1, len, stdout);
	free(text);
	return EXIT_DONE;
}

static void end(int signal)
{
	(void)signal;
	is_over = 1;
}

/* So that the socket is taken away behind us. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = end};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int watch(genops_pipeline_tail *tail, const struct pipeline_options *chosen)
{
	struct genops_error err;
	genops_str line;
	for (int64_t n = 0; !is_over && (!chosen->limit || n < chosen->limit);) {
		int code = genops_pipeline_tail_next(tail, TICK_MS, &line, &err);
		if (code == GENOPS_OK && !chosen->as_json)
			code = genops_pipeline_tail_words(tail, &line, &err);
		if (code == GENOPS_TIMEOUT)
			continue;
		if (code != GENOPS_OK)
			return complain(&err);
		if (printf("%.*s\n", (int)line.len, line.ptr) < 0 || fflush(stdout) != 0)
			return EXIT_DONE; /* whoever read it is gone */
		n++;
	}
	return EXIT_DONE;
}

int verb_tail(const struct invocation *invocation)
{
	const struct pipeline_options *chosen = invocation->options;
	struct genops_error err;
	genops_pipeline_tail *tail =
	    genops_pipeline_tail_open(&invocation->engine, invocation->n_arguments > 1 ? invocation->arguments[1] : NULL, &err);
	if (!tail)
		return complain(&err);
	catch_signals();
	int code = watch(tail, chosen);
	genops_pipeline_tail_close(tail);
	return code;
}
