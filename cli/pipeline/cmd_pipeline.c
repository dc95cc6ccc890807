/* SPDX-License-Identifier: Apache-2.0
 * cmd_pipeline.c - genops pipeline eval: what an expression of a pipeline says of an event. One expression by argument, or one question
 * a line on standard input, an answer a line, in order, each as soon as it is there. */
#include "command.h"

#include <genops/pipeline.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_MAX ((size_t)16 << 20) /* bytes of an event's file, and of a line */

struct pipeline_options {
	const char *event, *now;
	int64_t seed;
	bool as_json;
};

static const struct command_option options[] = {
    {"event", 'e', OPTION_TEXT, offsetof(struct pipeline_options, event), "FILE", "the event, a JSON object; - is standard input ({})"},
    {"now", 0, OPTION_TEXT, offsetof(struct pipeline_options, now), "MS", "what Date.now() says, milliseconds since 1970 (the clock)"},
    {"seed", 0, OPTION_COUNT, offsetof(struct pipeline_options, seed), "N", "with --now: what Math.random() begins with (0)"},
    {"json", 'j', OPTION_FLAG, offsetof(struct pipeline_options, as_json), NULL, "print JSON: {\"value\": ...}"},
    {0},
};

/* --now and --seed, for results that can be repeated; an exit code. */
static int fix(genops_pipeline_eval *eval, const struct pipeline_options *chosen)
{
	char *end;
	if (!chosen->now)
		return chosen->seed ? complain_text(EXIT_WRONG_USE, "--seed goes with --now") : EXIT_DONE;
	errno = 0;
	long long now = strtoll(chosen->now, &end, 10);
	if (errno || *end || end == chosen->now)
		return complain_text(EXIT_WRONG_USE, "--now wants milliseconds since 1970, like 1700000000000, not \"%s\"", chosen->now);
	genops_pipeline_eval_fix(eval, now, (uint64_t)chosen->seed);
	return EXIT_DONE;
}

/* All of a file into memory that the caller frees; an exit code. */
static int read_file(const char *name, char **ret_text, size_t *ret_len)
{
	bool is_stdin = !strcmp(name, "-");
	FILE *file = is_stdin ? stdin : fopen(name, "rbe");
	if (!file)
		return complain_text(EXIT_WRONG_USE, "%s: %s", name, strerror(errno));
	char *text = malloc(EVENT_MAX + 1);
	size_t len = text ? fread(text, 1, EVENT_MAX + 1, file) : 0;
	bool is_bad = ferror(file) != 0;
	if (!is_stdin)
		fclose(file);
	if (!text || is_bad || len > EVENT_MAX) {
		free(text);
		return complain_text(EXIT_FAILED, "%s: %s", name, is_bad ? "cannot be read" : text ? "is over 16 MB; an event is smaller" : "no memory");
	}
	*ret_text = text;
	*ret_len = len;
	return EXIT_DONE;
}

static int complain_of_expression(const char *expression, const struct genops_error *err)
{
	char caret[512];
	int code = complain(err);
	genops_pipeline_eval_caret(genops_str_of(expression), err, caret, sizeof caret);
	if (caret[0])
		fprintf(stderr, "%s\n", caret);
	return code;
}

/* {"value":V} or {"value":V,"exact":"undefined"}: V, or the word for what JSON has none for. */
static void print_plain(genops_str answer)
{
	static const char exact[] = ",\"exact\":\"";
	genops_str value = {answer.ptr + 9, answer.len - 10};
	for (size_t i = value.len; i-- > 0 && value.len - i < 24;) {
		if (value.len - i > sizeof exact && !memcmp(value.ptr + i, exact, sizeof exact - 1) && value.ptr[value.len - 1] == '"') {
			printf("%.*s\n", (int)(value.len - i - sizeof exact), value.ptr + i + sizeof exact - 1);
			return;
		}
	}
	printf("%.*s\n", (int)value.len, value.ptr);
}

static int eval_one(genops_pipeline_eval *eval, const struct pipeline_options *chosen, const char *expression)
{
	struct genops_error err = {0};
	char *event = NULL;
	size_t len = 0;
	genops_str answer;
	int code = chosen->event ? read_file(chosen->event, &event, &len) : EXIT_DONE;
	if (code != EXIT_DONE)
		return code;
	if (genops_pipeline_eval_one(eval, genops_str_of(expression), (genops_str){event, len}, &answer, &err) != GENOPS_OK)
		code = complain_of_expression(expression, &err);
	else if (chosen->as_json)
		printf("%.*s\n", (int)answer.len, answer.ptr);
	else
		print_plain(answer);
	free(event);
	return code;
}

static int eval_lines(genops_pipeline_eval *eval)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int code = EXIT_DONE;
	struct genops_error err;
	genops_str answer;
	while (code == EXIT_DONE && (len = getline(&line, &room, stdin)) >= 0) {
		genops_str question = {line, (size_t)len};
		while (question.len && (question.ptr[question.len - 1] == '\n' || question.ptr[question.len - 1] == '\r'))
			question.len--;
		if (question.len > EVENT_MAX)
			code = complain_text(EXIT_FAILED, "a line is over 16 MB; an event is smaller");
		else if (!question.len)
			continue;
		else if (genops_pipeline_eval_line(eval, question, &answer, &err) != GENOPS_OK)
			code = complain(&err);
		else if (printf("%.*s\n", (int)answer.len, answer.ptr) < 0 || fflush(stdout) != 0)
			code = EXIT_FAILED;
	}
	free(line);
	return code;
}

static int run(const struct invocation *invocation)
{
	const struct pipeline_options *chosen = invocation->options;
	if (strcmp(invocation->arguments[0], "eval") != 0)
		return complain_text(EXIT_WRONG_USE, "genops pipeline can eval, not \"%s\"", invocation->arguments[0]);
	if (invocation->n_arguments < 2 && chosen->event)
		return complain_text(EXIT_WRONG_USE, "--event goes with one expression: genops pipeline eval 'cost > 1' --event event.json");
	genops_pipeline_eval *eval = genops_pipeline_eval_new();
	if (!eval)
		return complain_text(EXIT_FAILED, "no memory");
	int code = fix(eval, chosen);
	if (code == EXIT_DONE)
		code = invocation->n_arguments > 1 ? eval_one(eval, chosen, invocation->arguments[1]) : eval_lines(eval);
	genops_pipeline_eval_free(eval);
	return code;
}

const struct command command_pipeline = {
    .name = "pipeline",
    .summary = "ask what an expression of a pipeline says of an event",
    .usage = "eval [EXPRESSION] [--event FILE] [--json]",
    .details = "  genops pipeline eval \"parseFloat(attributes['genops.cost.total'] || '0') > 1\" --event event.json\n"
	       "  genops pipeline eval < questions\n"
	       "\n"
	       "A question is a line {\"expression\": \"...\", \"event\": {...}}, an answer a line\n"
	       "{\"value\": ...} or {\"error\": \"...\"}. With \"template\" instead of \"expression\" the value is\n"
	       "the payload that a JSON template makes of the event, as a text.\n"
	       "\n"
	       "Expressions are JavaScript's, within what docs/reference/expressions.md lists.\n"
	       "Where JSON has no word for a value (undefined, NaN, Infinity, -0) an answer has\n"
	       "\"exact\" beside \"value\".",
    .options = options,
    .options_size = sizeof(struct pipeline_options),
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};
