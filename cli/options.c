/* SPDX-License-Identifier: Apache-2.0
 * options.c - command lines by rows: long and short options, --name=value, "--", suggestions for what is mistyped. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- suggestions --- */

static size_t distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	size_t row[MAX + 1], n = strlen(a), m = strlen(b);
	if (n > MAX || m > MAX)
		return MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

static bool is_near(const char *a, const char *b)
{
	return distance(a, b) <= 1 + strlen(b) / 4;
}

/* --- options --- */

/* Those that every command takes; kept in the invocation. */
static const struct command_option globals[] = {
    {"config", 'c', OPTION_TEXT, offsetof(struct invocation, engine.config_file), "FILE",
	"configuration file (else $GENOPS_CONFIG, ./genops.yaml, ~/.genops/config.yaml)"},
    {"state", 's', OPTION_TEXT, offsetof(struct invocation, engine.state_dir), "DIR",
	"state directory (else the configuration's, $GENOPS_STATE_DIR, ~/.genops/state)"},
    {"verbose", 'v', OPTION_FLAG, offsetof(struct invocation, is_verbose), NULL, "say more on standard error"},
    {"quiet", 'q', OPTION_FLAG, offsetof(struct invocation, is_quiet), NULL, "say only what was asked for"},
    {0},
};

const struct command_option *options_global(void)
{
	return globals;
}

struct parser {
	struct invocation *invocation;
	char **argv;
	int argc, at;
};

static const struct command_option *find(
    const struct command_option *rows, const char *name, size_t len, char letter)
{
	for (; rows && rows->name; rows++) {
		if (letter ? rows->letter == letter : strlen(rows->name) == len && !memcmp(rows->name, name, len))
			return rows;
	}
	return NULL;
}

static const char *nearest_option(const struct command *command, const char *name)
{
	const struct command_option *const lists[] = {command ? command->options : NULL, globals};
	for (int i = 0; i < 2; i++) {
		for (const struct command_option *row = lists[i]; row && row->name; row++) {
			if (is_near(name, row->name))
				return row->name;
		}
	}
	return NULL;
}

static int store(const struct command_option *row, void *object, const char *value)
{
	void *field = (char *)object + row->offset;
	struct option_list *list = field;
	char *end;
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return -1;
	case OPTION_TEXT:
		*(const char **)field = value;
		return -1;
	case OPTION_LIST:
		if (list->n == OPTION_LIST_MAX)
			return complain_text(EXIT_WRONG_USE, "--%s is given more than %d times", row->name, OPTION_LIST_MAX);
		list->items[list->n++] = value;
		return -1;
	case OPTION_COUNT:
		errno = 0;
		*(int64_t *)field = strtoll(value, &end, 10);
		if (errno || *end || end == value || *(int64_t *)field < 0)
			return complain_text(EXIT_WRONG_USE, "--%s wants a whole number from 0 up, not \"%s\"", row->name, value);
		return -1;
	}
	return EXIT_FAILED;
}

static int parse_option(struct parser *parser, const char *text)
{
	struct invocation *invocation = parser->invocation;
	const struct command *command = invocation->command;
	bool is_long = text[1] == '-';
	const char *name = text + (is_long ? 2 : 1), *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	char letter = is_long ? 0 : name[0];
	if (!is_long && len > 1)
		return complain_text(EXIT_WRONG_USE, "\"%s\": short options stand alone, like -%c; long ones begin with --", text, letter);
	const struct command_option *row = command ? find(command->options, name, len, letter) : NULL;
	void *object = row ? invocation->options : invocation;
	if (!row)
		row = find(globals, name, len, letter);
	if (!row) {
		const char *near = is_long ? nearest_option(command, name) : NULL;
		return complain_text(EXIT_WRONG_USE, "unknown option %s%s%s%s; see genops %s%s--help", text, near ? ", did you mean --" : "",
		    near ? near : "", near ? "?" : "", command ? command->name : "", command ? " " : "");
	}
	if (row->kind == OPTION_FLAG)
		return equals ? complain_text(EXIT_WRONG_USE, "--%s takes no value", row->name) : store(row, object, NULL);
	if (equals)
		return store(row, object, equals + 1);
	if (parser->at >= parser->argc)
		return complain_text(EXIT_WRONG_USE, "--%s wants a value: --%s %s", row->name, row->name, row->value);
	return store(row, object, parser->argv[parser->at++]);
}

/* --- commands --- */

static int choose(struct invocation *invocation, const char *name)
{
	for (size_t i = 0; i < n_commands; i++) {
		if (!strcmp(commands[i]->name, name)) {
			invocation->command = commands[i];
			invocation->options = calloc(1, commands[i]->options_size + 1);
			return invocation->options ? -1 : complain_text(EXIT_FAILED, "out of memory");
		}
	}
	for (size_t i = 0; i < n_commands; i++) {
		if (is_near(name, commands[i]->name))
			return complain_text(EXIT_WRONG_USE, "unknown command \"%s\", did you mean \"%s\"? See genops --help", name,
			    commands[i]->name);
	}
	return complain_text(EXIT_WRONG_USE, "unknown command \"%s\"; see genops --help", name);
}

static int help(const struct invocation *invocation)
{
	if (invocation->command)
		help_command(stdout, invocation->command);
	else
		help_overview(stdout);
	return EXIT_DONE;
}

static int check_arguments(const struct invocation *invocation)
{
	const struct command *command = invocation->command;
	if (invocation->n_arguments < command->min_arguments)
		return complain_text(EXIT_WRONG_USE, "usage: genops %s %s", command->name, command->usage);
	if (command->max_arguments >= 0 && invocation->n_arguments > command->max_arguments)
		return complain_text(EXIT_WRONG_USE, "\"%s\" is one argument too many; usage: genops %s %s",
		    invocation->arguments[command->max_arguments], command->name, command->usage);
	return -1;
}

int options_parse(int argc, char **argv, struct invocation *ret_invocation)
{
	struct parser parser = {.invocation = ret_invocation, .argv = argv, .argc = argc};
	int n = 0, code = -1;
	bool is_rest = false;
	/* Arguments are gathered at the front of argv, which is ours. */
	while (parser.at < argc && code < 0) {
		char *text = argv[parser.at++];
		bool is_option = !is_rest && text[0] == '-' && text[1];
		if (is_option && !strcmp(text, "--")) {
			is_rest = true;
		} else if (is_option && (!strcmp(text, "--help") || !strcmp(text, "-h"))) {
			return help(ret_invocation);
		} else if (is_option && !strcmp(text, "--version")) {
			printf("genops %s\n", genops_version());
			return EXIT_DONE;
		} else if (is_option) {
			code = parse_option(&parser, text);
		} else if (!ret_invocation->command) {
			code = choose(ret_invocation, text);
		} else {
			argv[n++] = text;
			is_rest |= ret_invocation->command->takes_rest;
		}
	}
	if (code >= 0)
		return code;
	if (!ret_invocation->command) {
		help_overview(argc ? stderr : stdout);
		return argc ? EXIT_WRONG_USE : EXIT_DONE;
	}
	argv[n] = NULL; /* what `run` starts ends here, as execvp wants it */
	ret_invocation->arguments = argv;
	ret_invocation->n_arguments = n;
	return check_arguments(ret_invocation);
}
