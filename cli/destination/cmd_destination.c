/* SPDX-License-Identifier: Apache-2.0
 * cmd_destination.c - genops destination list|test: how destinations are doing, and whether one can be reached. */
#include "command.h"
#include "destination/destination_table.h"
#include "json_text.h"

#include <inttypes.h>
#include <string.h>

struct destination_options {
	bool as_json;
};

static const struct command_option options[] = {
    {"json", 'j', OPTION_FLAG, offsetof(struct destination_options, as_json), NULL, "print JSON"},
    {0},
};

static void print_trial(const struct genops_destination_trial *trial, bool as_json)
{
	if (!as_json) {
		printf("%s %s: %s", trial->is_good ? "ok   " : "FAIL ", trial->name, trial->message);
		printf(" (%s%.0f ms)\n", trial->is_checked ? "" : "not checked further, ", (double)trial->duration_ns / 1e6);
		return;
	}
	printf("{");
	json_text("name", genops_str_of(trial->name));
	putchar(',');
	json_text("type", genops_str_of(trial->type));
	printf(",\"good\":%s,\"checked\":%s,\"http_status\":%d,\"duration_ns\":%" PRId64 ",", trial->is_good ? "true" : "false",
	    trial->is_checked ? "true" : "false", trial->http_status, trial->duration_ns);
	json_text("message", genops_str_of(trial->message));
	printf("}");
}

struct testing {
	genops_engine *engine;
	bool as_json;
	int n, n_bad, code;
};

static int test_one(struct testing *testing, genops_str name)
{
	struct genops_destination_trial trial;
	struct genops_error err;
	if (genops_destination_test(testing->engine, name, &trial, &err) != GENOPS_OK) {
		testing->code = complain(&err);
		return GENOPS_MISUSE;
	}
	if (testing->as_json && testing->n)
		putchar(',');
	print_trial(&trial, testing->as_json);
	testing->n++;
	testing->n_bad += !trial.is_good;
	return GENOPS_OK;
}

static int on_destination(void *arg, const struct genops_destination_status *status)
{
	return test_one(arg, status->name);
}

static int test(genops_engine *engine, const char *name, bool as_json)
{
	struct testing testing = {.engine = engine, .as_json = as_json};
	struct genops_error err;
	if (as_json)
		printf("{\"tests\":[");
	int code = name ? test_one(&testing, genops_str_of(name)) : genops_destination_status_list(engine, on_destination, &testing, &err);
	if (as_json)
		printf("],\"failed\":%d}\n", testing.n_bad);
	if (testing.code || code != GENOPS_OK)
		return testing.code ? testing.code : complain(&err);
	if (!testing.n && !as_json)
		printf("the configuration has no destinations\n");
	return testing.n_bad ? EXIT_FAILED : EXIT_DONE;
}

static int list(genops_engine *engine, bool as_json)
{
	struct genops_error err;
	if (as_json)
		printf("{\"destinations\":");
	int code = as_json ? destination_table_json(engine, &err) : destination_table_print(engine, &err);
	if (as_json)
		printf("}\n");
	return code == GENOPS_OK ? EXIT_DONE : complain(&err);
}

static int run(const struct invocation *invocation)
{
	const struct destination_options *chosen = invocation->options;
	const char *verb = invocation->n_arguments ? invocation->arguments[0] : "list";
	bool is_test = !strcmp(verb, "test");
	int code = EXIT_DONE;
	if (!is_test && strcmp(verb, "list") != 0)
		return complain_text(EXIT_WRONG_USE, "genops destination can list or test, not \"%s\"", verb);
	if (!is_test && invocation->n_arguments > 1)
		return complain_text(EXIT_WRONG_USE, "genops destination list takes no name; genops destination test NAME asks one");
	struct invocation own = *invocation;
	own.engine.drain = GENOPS_DRAIN_NEVER; /* who looks sends nothing of what waits */
	genops_engine *engine = open_engine(&own, &code);
	if (!engine)
		return code;
	code = is_test ? test(engine, invocation->n_arguments > 1 ? invocation->arguments[1] : NULL, chosen->as_json) : list(engine, chosen->as_json);
	genops_engine_close(engine);
	return code;
}

const struct command command_destination = {
    .name = "destination",
    .summary = "where telemetry goes: how each destination is doing, and whether it can be reached",
    .usage = "[list | test [NAME]] [--json]",
    .details = "  genops destination list          what was sent, what waits and since when, what went wrong\n"
	       "  genops destination test NAME     asks it whether address and credentials are right, by the\n"
	       "                                   vendor's own check where there is one; nothing is stored\n"
	       "                                   there. Without NAME all of them. Exit code 1: one is not\n",
    .options = options,
    .options_size = sizeof(struct destination_options),
    .max_arguments = 2,
    .run = run,
};
