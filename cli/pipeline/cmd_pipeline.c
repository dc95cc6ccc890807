/* SPDX-License-Identifier: Apache-2.0
 * cmd_pipeline.c - genops pipeline VERB: pipelines looked at, tried out, watched, taken elsewhere. */
#include "verbs.h"

#include <string.h>

static const struct command_option options[] = {
    {"event", 'e', OPTION_TEXT, offsetof(struct pipeline_options, event), "FILE", "eval: the event, a JSON object; - is standard input ({})"},
    {"input", 'i', OPTION_TEXT, offsetof(struct pipeline_options, input), "FILE",
	"test: the events, OTLP in JSON or JSON objects; - is standard input"},
    {"lookups", 0, OPTION_TEXT, offsetof(struct pipeline_options, lookups), "FILE", "test: lookups instead of the configuration's"},
    {"now", 0, OPTION_TEXT, offsetof(struct pipeline_options, now), "MS", "what Date.now() says, milliseconds since 1970 (the clock)"},
    {"seed", 0, OPTION_COUNT, offsetof(struct pipeline_options, seed), "N", "with --now: what Math.random() begins with (0)"},
    {"limit", 0, OPTION_COUNT, offsetof(struct pipeline_options, limit), "N", "tail: end after so many (0: never)"},
    {"cribl", 0, OPTION_FLAG, offsetof(struct pipeline_options, is_cribl), NULL, "export: as a Cribl pack"},
    {"name", 0, OPTION_TEXT, offsetof(struct pipeline_options, name), "NAME", "export: the pack's id (genops-governance)"},
    {"output", 'o', OPTION_TEXT, offsetof(struct pipeline_options, output), "DIRECTORY", "import: where to (pack)"},
    {"json", 'j', OPTION_FLAG, offsetof(struct pipeline_options, as_json), NULL, "print JSON"},
    {0},
};

static const struct verb {
	const char *name;
	int min, max; /* arguments behind it */
	int (*run)(const struct invocation *invocation);
} verbs[] = {{"list", 0, 0, verb_list}, {"tail", 0, 1, verb_tail}, {"test", 0, 1, verb_test}, {"eval", 0, 1, verb_eval}, {"export", 0, 1, verb_export},
    {"import", 1, 1, verb_import}};

static int run(const struct invocation *invocation)
{
	const char *name = invocation->arguments[0];
	int n = invocation->n_arguments - 1;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(name, verbs[i].name) != 0)
			continue;
		if (n < verbs[i].min || n > verbs[i].max)
			return complain_text(EXIT_WRONG_USE, "genops pipeline %s takes %d to %d arguments, not %d; see genops pipeline --help", name,
			    verbs[i].min, verbs[i].max, n);
		return verbs[i].run(invocation);
	}
	return complain_text(EXIT_WRONG_USE, "genops pipeline can list, tail, test, eval, export, import, not \"%s\"", name);
}

const struct command command_pipeline = {
    .name = "pipeline",
    .summary = "list pipelines, watch them, try them out, ask an expression",
    .usage = "VERB [ARGUMENT] [OPTION]...",
    .details = "  genops pipeline list [--json]                      all of them, with counts by rule and route\n"
	       "  genops pipeline tail [PIPELINE] [--json]           what goes through a running serve, live\n"
	       "  genops pipeline test [FILE] --input spans.json     before and after, rule by rule\n"
	       "  genops pipeline eval [EXPRESSION] [--event FILE]\n"
	       "  genops pipeline export --cribl [FILE.crbl]         as a Cribl pack\n"
	       "  genops pipeline import FILE.crbl [-o DIRECTORY]    a Cribl pack as documents\n"
	       "\n"
	       "test runs events through the pipelines of FILE (or a pattern, or the configuration's) with\n"
	       "the lookups of the configuration; nothing is sent. At the end come counts by rule and route,\n"
	       "and what looks wrong in the documents.\n"
	       "\n"
	       "tail shows what routes took and what was dropped. Serving never waits for it: what is not\n"
	       "taken in time is left out, and the next line says how much.\n"
	       "\n"
	       "export and import tell, line by line, what the other side cannot say.\n"
	       "\n"
	       "eval: an expression by argument, or questions on standard input: a line is {\"expression\":\n"
	       "\"...\", \"event\": {...}}, its answer a line {\"value\": ...} or {\"error\": \"...\"}. With \"template\"\n"
	       "instead of \"expression\" the value is the payload that a JSON template makes of the event, as a\n"
	       "text. Where JSON has no word for a value (undefined, NaN, Infinity, -0) an answer has \"exact\"\n"
	       "beside \"value\". Expressions are JavaScript's, within what docs/reference/expressions.md lists.",
    .options = options,
    .options_size = sizeof(struct pipeline_options),
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};
