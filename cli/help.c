/* SPDX-License-Identifier: Apache-2.0
 * help.c - help texts from the rows of commands and options. */
#include "command.h"

#include <stdbool.h>
#include <string.h>

#define LINE_MAX_SHOWN 80
#define OPTION_COLUMN  31

/* Words from column `at` on; further lines begin at `indent`. */
static void print_words(FILE *out, const char *text, size_t at, size_t indent)
{
	bool is_first = true;
	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, " ");
		if (!is_first && at + 1 + len > LINE_MAX_SHOWN) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!is_first) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)len, text);
		at += len;
		text += len;
		is_first = false;
	}
	fputc('\n', out);
}

/* Lines that begin with a space are examples and stay as they are; the others flow together into paragraphs. */
static void print_details(FILE *out, const char *text)
{
	char paragraph[4096] = "";
	for (bool is_last = false; !is_last;) {
		size_t len = strcspn(text, "\n"), n = strlen(paragraph);
		bool is_prose = len && text[0] != ' ';
		is_last = !text[len];
		if (is_prose && n + len + 2 < sizeof paragraph)
			snprintf(paragraph + n, sizeof paragraph - n, "%s%.*s", n ? " " : "", (int)len, text);
		if ((!is_prose || is_last) && paragraph[0]) {
			print_words(out, paragraph, 0, 0);
			paragraph[0] = '\0';
		}
		if (!is_prose)
			fprintf(out, "%.*s\n", (int)len, text);
		text += len + !is_last;
	}
}

static void print_options(FILE *out, const struct command_option *rows)
{
	for (; rows && rows->name; rows++) {
		char left[64];
		snprintf(left, sizeof left, "%c%c%s --%s%s%s", rows->letter ? '-' : ' ', rows->letter ? rows->letter : ' ',
		    rows->letter ? "," : " ", rows->name, rows->value ? " " : "", rows->value ? rows->value : "");
		size_t at = (size_t)fprintf(out, "  %-28s ", left);
		print_words(out, rows->text, at, OPTION_COLUMN);
	}
}

void help_overview(FILE *out)
{
	fprintf(out, "genops %s - governance for AI work while it runs\n\n", genops_version());
	fprintf(out, "usage: genops COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < n_commands; i++) {
		if (!commands[i]->is_hidden)
			print_words(out, commands[i]->summary, (size_t)fprintf(out, "  %-10s ", commands[i]->name), 13);
	}
	fprintf(out, "\noptions of every command:\n");
	print_options(out, options_global());
	fprintf(out, "  %-28s %s\n", "-h, --help", "this help, or a command's: genops cost --help");
	fprintf(out, "  %-28s %s\n", "    --version", "the version");
	fputc('\n', out);
	print_words(out, "To begin: genops demo shows what it does, without network or key; genops run -- python app.py governs a program as it "
			 "is; genops init writes a configuration; genops serve stands a gateway up.", 0, 0);
}

void help_command(FILE *out, const struct command *command)
{
	print_words(out, command->usage, (size_t)fprintf(out, "usage: genops %s ", command->name), 8);
	fputc('\n', out);
	print_words(out, command->summary, 0, 0);
	if (command->details) {
		fputc('\n', out);
		print_details(out, command->details);
	}
	if (command->options && command->options->name) {
		fprintf(out, "\noptions:\n");
		print_options(out, command->options);
	}
	fprintf(out, "\noptions of every command:\n");
	print_options(out, options_global());
}
