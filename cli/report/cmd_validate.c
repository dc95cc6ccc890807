/* SPDX-License-Identifier: Apache-2.0
 * cmd_validate.c - genops validate: a checklist of what would be used, each failure with its fix.
 *
 * Changes nothing, so it can run beside a serving gateway.
 */
#include "command.h"
#include "json_text.h"

#include <genops/collibra.h>
#include <genops/config.h>

#include <stdlib.h>
#include <unistd.h>

struct validate_options {
	bool as_json, wants_reference, is_offline;
};

static const struct command_option options[] = {
    {"json", 'j', OPTION_FLAG, offsetof(struct validate_options, as_json), NULL, "print JSON"},
    {"reference", 0, OPTION_FLAG, offsetof(struct validate_options, wants_reference), NULL,
	"print the reference of all configuration keys (Markdown) instead"},
    {"offline", 0, OPTION_FLAG, offsetof(struct validate_options, is_offline), NULL, "ask nobody outside: Collibra is not looked at"},
    {0},
};

static void print_json(const struct genops_checklist *list)
{
	printf("{\"valid\":%s,\"passed\":%zu,\"warnings\":%zu,\"failed\":%zu,\"skipped\":%zu,\"checks\":[",
	    list->is_valid ? "true" : "false", list->n_passed, list->n_warnings, list->n_failed, list->n_skipped);
	for (size_t i = 0; i < list->n_checks; i++) {
		const struct genops_check *check = &list->checks[i];
		printf("%s{", i ? "," : "");
		json_text("name", genops_str_of(check->name));
		printf(",");
		json_text("status", genops_str_of(genops_config_check_status(check->status)));
		printf(",");
		json_text("message", genops_str_of(check->message));
		printf(",");
		json_text("fix", genops_str_of(check->fix));
		printf(",");
		json_text("file", genops_str_of(check->file));
		printf(",\"line\":%d,\"column\":%d}", check->line, check->column);
	}
	printf("]}\n");
}

static void print_text(const struct genops_checklist *list)
{
	static const char *const marks[] = {"ok  ", "warn", "FAIL", "skip"};
	static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m", ""};
	bool has_colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	for (size_t i = 0; i < list->n_checks; i++) {
		const struct genops_check *check = &list->checks[i];
		printf("%s%s%s  %-20s %s", has_colour ? colours[check->status] : "", marks[check->status],
		    has_colour ? "\033[0m" : "", check->name, check->message);
		if (check->line)
			printf(" (%s:%d:%d)", check->file, check->line, check->column);
		printf("\n");
		if (check->fix[0])
			printf("      %-20s fix: %s\n", "", check->fix);
	}
	printf("\n%zu passed, %zu warning%s, %zu failed", list->n_passed, list->n_warnings, list->n_warnings == 1 ? "" : "s", list->n_failed);
	if (list->n_skipped)
		printf(", %zu skipped", list->n_skipped);
	printf("\n");
}

static int print_reference(void)
{
	struct genops_error err;
	char *text;
	size_t len;
	if (genops_config_reference(&text, &len, &err) != GENOPS_OK)
		return complain(&err);
	fwrite(text, 1, len, stdout);
	free(text);
	return EXIT_DONE;
}

static int run(const struct invocation *invocation)
{
	const struct validate_options *chosen = invocation->options;
	struct genops_error err;
	if (chosen->wants_reference)
		return print_reference();
	struct genops_checklist *list = genops_config_check(&invocation->engine, &err);
	if (!list)
		return complain(&err);
	if (!chosen->is_offline && genops_collibra_check(&invocation->engine, list, &err) != GENOPS_OK) {
		genops_config_check_free(list);
		return complain(&err);
	}
	if (chosen->as_json)
		print_json(list);
	else
		print_text(list);
	int code = list->exit_code;
	genops_config_check_free(list);
	return code;
}

const struct command command_validate = {
    .name = "validate",
    .summary = "check configuration, state directory, prices, keys, addresses; each failure with its fix",
    .usage = "[--offline] [--json | --reference]",
    .details = "Exit code 0: everything is usable (warnings allowed), 1: something failed, 2: the configuration itself is wrong.",
    .options = options,
    .options_size = sizeof(struct validate_options),
    .max_arguments = 0,
    .run = run,
};
