/* SPDX-License-Identifier: Apache-2.0
 * pipeline_eval.c - genops pipeline eval: what an expression of a pipeline says of an event. One expression by argument, or one question
 * a line on standard input, an answer a line, in order, each as soon as it is there. */
#include "verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_MAX ((size_t)16 << 20) /* bytes of an event's file, and of a line */

int verb_fixed(const struct pipeline_options *chosen, bool *ret_is_fixed, int64_t *ret_now_ms)
{
	char *end;
	*ret_is_fixed = chosen->now != NULL;
	if (!chosen->now)
		return chosen->seed ? complain_text(EXIT_WRONG_USE, "--seed goes with --now") : EXIT_DONE;
	errno = 0;
	long long now = strtoll(chosen->now, &end, 10);
	if (errno || *end || end == chosen->now)
		return complain_text(EXIT_WRONG_USE, "--now wants milliseconds since 1970, like 1700000000000, not \"%s\"", chosen->now);
	*ret_now_ms = now;
	return EXIT_DONE;
}

int verb_read_file(const char *name, size_t max, char **ret_text, size_t *ret_len)
{
	bool is_stdin = !strcmp(name, "-");
	FILE *file = is_stdin ? stdin : fopen(name, "rbe");
	if (!file)
		return complain_text(EXIT_WRONG_USE, "%s: %s", name, strerror(errno));
	char *text = malloc(max + 1);
	size_t len = text ? fread(text, 1, max + 1, file) : 0;
	bool is_bad = ferror(file) != 0;
	if (!is_stdin)
		fclose(file);
	if (!text || is_bad || len > max) {
		free(text);
		return complain_text(EXIT_FAILED, "%s: %s", name, is_bad ? "cannot be read" : text ? "is too large" : "no memory");
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
	int code = chosen->event ? verb_read_file(chosen->event, EVENT_MAX, &event, &len) : EXIT_DONE;
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

int verb_eval(const struct invocation *invocation)
{
	const struct pipeline_options *chosen = invocation->options;
	bool is_fixed;
	int64_t now_ms = 0;
	if (invocation->n_arguments < 2 && chosen->event)
		return complain_text(EXIT_WRONG_USE, "--event goes with one expression: genops pipeline eval 'cost > 1' --event event.json");
	int code = verb_fixed(chosen, &is_fixed, &now_ms);
	if (code != EXIT_DONE)
		return code;
	genops_pipeline_eval *eval = genops_pipeline_eval_new();
	if (!eval)
		return complain_text(EXIT_FAILED, "no memory");
	if (is_fixed)
		genops_pipeline_eval_fix(eval, now_ms, (uint64_t)chosen->seed);
	code = invocation->n_arguments > 1 ? eval_one(eval, chosen, invocation->arguments[1]) : eval_lines(eval);
	genops_pipeline_eval_free(eval);
	return code;
}
