/* SPDX-License-Identifier: Apache-2.0
 * docs_commands.c - docs/reference/commands.md. */
#include "docs/docs.h"

/* A cell of a table: | would end it. */
static void print_cell(FILE *out, const char *text)
{
	for (; *text; text++)
		fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void print_options(FILE *out, const struct command_option *rows)
{
	fprintf(out, "| option | meaning |\n| --- | --- |\n");
	for (; rows->name; rows++) {
		fprintf(out, "| `--%s%s%s`", rows->name, rows->value ? " " : "", rows->value ? rows->value : "");
		if (rows->letter)
			fprintf(out, ", `-%c`", rows->letter);
		fprintf(out, rows->kind == OPTION_LIST ? " (again and again) | " : " | ");
		print_cell(out, rows->text);
		fprintf(out, " |\n");
	}
}

static void print_command(FILE *out, const struct command *command)
{
	fprintf(out, "\n## genops %s\n\n%s.\n\n```\ngenops %s %s\n```\n", command->name, command->summary, command->name,
	    command->usage);
	if (command->details)
		fprintf(out, "\n```text\n%s\n```\n", command->details);
	if (command->options && command->options->name) {
		fprintf(out, "\n");
		print_options(out, command->options);
	}
}

void docs_commands(FILE *out)
{
	fprintf(out, "# Commands\n\n"
		     "Made from the rows that the command line is parsed by; `genops COMMAND --help` says the same. Exit codes: 0 done,\n"
		     "1 failed, 2 wrong usage or configuration, 3 refused by policy; `run` passes on its child's.\n\n"
		     "| command | what it does |\n| --- | --- |\n");
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i]->is_hidden)
			continue;
		fprintf(out, "| [%s](#genops-%s) | ", commands[i]->name, commands[i]->name);
		print_cell(out, commands[i]->summary);
		fprintf(out, " |\n");
	}
	fprintf(out, "\n## Options of every command\n\n");
	print_options(out, options_global());
	fprintf(out, "| `--help`, `-h` | the help of genops or of a command |\n| `--version` | the version |\n");
	for (size_t i = 0; i < n_commands; i++) {
		if (!commands[i]->is_hidden)
			print_command(out, commands[i]);
	}
}
