/* SPDX-License-Identifier: Apache-2.0
 * help.c - help texts from the rows of commands and options. */
#include "command.h"

#include <string.h>

static void print_options(FILE *out, const struct command_option *rows)
{
	for (; rows && rows->name; rows++) {
		char left[64];
		snprintf(left, sizeof left, "%c%c%s --%s%s%s", rows->letter ? '-' : ' ', rows->letter ? rows->letter : ' ',
		    rows->letter ? "," : " ", rows->name, rows->value ? " " : "", rows->value ? rows->value : "");
		fprintf(out, "  %-28s %s\n", left, rows->text);
	}
}

void help_overview(FILE *out)
{
	fprintf(out, "genops %s - governance for AI work while it runs\n\n", genops_version());
	fprintf(out, "usage: genops COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < n_commands; i++) {
		if (!commands[i]->is_hidden)
			fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	}
	fprintf(out, "\noptions of every command:\n");
	print_options(out, options_global());
	fprintf(out, "  %-28s %s\n", "-h, --help", "this help, or a command's: genops cost --help");
	fprintf(out, "  %-28s %s\n", "    --version", "the version");
	fprintf(out, "\nTo begin: genops demo shows what it does, without network or key; genops run -- python app.py governs\n"
		     "a program as it is; genops init writes a configuration; genops serve stands a gateway up.\n");
}

void help_command(FILE *out, const struct command *command)
{
	fprintf(out, "usage: genops %s %s\n\n%s\n", command->name, command->usage, command->summary);
	if (command->details)
		fprintf(out, "\n%s\n", command->details);
	if (command->options && command->options->name) {
		fprintf(out, "\noptions:\n");
		print_options(out, command->options);
	}
	fprintf(out, "\noptions of every command:\n");
	print_options(out, options_global());
}
