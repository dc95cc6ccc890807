/* SPDX-License-Identifier: Apache-2.0
 * docs_man.c - man pages: genops.1, and genops-NAME.1 for each command. */
#include "docs/docs.h"

#include <ctype.h>

/* Text as roff takes it: no escape, no request at a line's start, hyphens that can be copied. */
static void print_text(FILE *out, const char *text)
{
	bool is_start = true;
	for (; *text; text++) {
		if (is_start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
		is_start = *text == '\n';
	}
}

static void print_title(FILE *out, const char *name)
{
	fputs(".TH GENOPS", out);
	if (name) {
		fputs("\\-", out);
		for (; *name; name++)
			fputc(toupper((unsigned char)*name), out);
	}
	fprintf(out, " 1 \"\" \"genops %s\" \"GenOps\"\n.SH NAME\n", genops_version());
}

static void print_options(FILE *out, const struct command_option *rows)
{
	for (; rows->name; rows++) {
		fputs(".TP\n\\fB", out);
		if (rows->letter)
			fprintf(out, "\\-%c\\fR, \\fB", rows->letter);
		fputs("\\-\\-", out);
		print_text(out, rows->name);
		fputs("\\fR", out);
		if (rows->value)
			fprintf(out, " \\fI%s\\fR", rows->value);
		fputs("\n", out);
		print_text(out, rows->text);
		fputs("\n", out);
	}
}

static void print_common(FILE *out)
{
	fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
	print_options(out, options_global());
	fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nthe help of genops or of a command\n"
	      ".TP\n\\fB\\-\\-version\\fR\nthe version\n"
	      ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage or configuration, 3 refused by policy; \\fBgenops run\\fR passes its child's on.\n"
	      ".SH ENVIRONMENT\n\\fBGENOPS_CONFIG\\fR names the configuration file, \\fBGENOPS_STATE_DIR\\fR the state directory;\n"
	      "\\fBgenops validate \\-\\-reference\\fR lists the others.\n", out);
}

static void print_overview(FILE *out)
{
	print_title(out, NULL);
	fputs("genops \\- governance for AI work while it runs\n.SH SYNOPSIS\n\\fBgenops\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n"
	      ".SH DESCRIPTION\nPrices every AI call before it is made, decides by policies and budgets, meters it while it runs, settles\n"
	      "what it really cost, and keeps a tamper\\-evident record.\n.SH COMMANDS\n", out);
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i]->is_hidden)
			continue;
		fprintf(out, ".TP\n\\fBgenops\\-%s\\fR(1)\n", commands[i]->name);
		print_text(out, commands[i]->summary);
		fputs("\n", out);
	}
	print_common(out);
}

void docs_man(FILE *out, const struct command *command)
{
	if (!command) {
		print_overview(out);
		return;
	}
	print_title(out, command->name);
	fprintf(out, "genops\\-%s \\- ", command->name);
	print_text(out, command->summary);
	fprintf(out, "\n.SH SYNOPSIS\n\\fBgenops %s\\fR ", command->name);
	print_text(out, command->usage);
	fputs("\n", out);
	if (command->details) {
		fputs(".SH DESCRIPTION\n.nf\n", out);
		print_text(out, command->details);
		fputs("\n.fi\n", out);
	}
	if (command->options && command->options->name) {
		fputs(".SH OPTIONS\n", out);
		print_options(out, command->options);
	}
	print_common(out);
	fputs(".SH SEE ALSO\n\\fBgenops\\fR(1)\n", out);
}
