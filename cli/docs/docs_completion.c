/* SPDX-License-Identifier: Apache-2.0
 * docs_completion.c - shell completion: commands, each one's options, files for what takes a file. */
#include "docs/docs.h"

#include <string.h>

static const struct command_option help_rows[] = {
    {.name = "help", .letter = 'h', .kind = OPTION_FLAG, .text = "show help"},
    {0},
};

/* The rows of a command (NULL: of none), of every command, and --help. */
static void each_option(const struct command *command, void (*use)(FILE *, const struct command *, const struct command_option *),
    FILE *out)
{
	const struct command_option *const lists[] = {command ? command->options : NULL, options_global(), help_rows};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		for (const struct command_option *row = lists[i]; row && row->name; row++)
			use(out, command, row);
	}
}

static bool is_path(const struct command_option *row)
{
	return row->value && (!strcmp(row->value, "FILE") || !strcmp(row->value, "DIR"));
}

/* --- bash --- */

static void bash_option(FILE *out, const struct command *command, const struct command_option *row)
{
	fprintf(out, " --%s", row->name);
}

static void print_names(FILE *out)
{
	for (size_t i = 0; i < n_commands; i++) {
		if (!commands[i]->is_hidden)
			fprintf(out, " %s", commands[i]->name);
	}
}

static void bash(FILE *out)
{
	fputs("# bash completion of genops; written by `genops docs completion bash`\n"
	      "_genops()\n{\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= options i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t-c | -s | --config | --state) ((i++)) ;;\n\t\t-*) ;;\n\t\t*) command=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n"
	      "\tcase $before in\n\t-c | --config) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
	      "\t-s | --state) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n\tesac\n"
	      "\tcase $command in\n", out);
	for (size_t i = 0; i < n_commands; i++) {
		fprintf(out, "\t%s) options=\"", commands[i]->name);
		each_option(commands[i], bash_option, out);
		fputs("\" ;;\n", out);
	}
	fputs("\t*) options=\"", out);
	print_names(out);
	each_option(NULL, bash_option, out);
	fputs(" --version\" ;;\n\tesac\n"
	      "\tif [[ $word == -* || -z $command ]]; then\n\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
	      "\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n\tfi\n}\n"
	      "complete -o filenames -F _genops genops\n", out);
}

/* --- zsh --- */

/* Inside '...[...]': a quote would end the word, a bracket the text, a colon the message. */
static void print_zsh(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void zsh_option(FILE *out, const struct command *command, const struct command_option *row)
{
	fprintf(out, " \\\n\t\t\t'%s--%s%s[", row->kind == OPTION_LIST ? "*" : "", row->name, row->value ? "=" : "");
	print_zsh(out, row->text);
	fputs("]", out);
	if (row->value)
		fprintf(out, ":%s:%s", row->value, is_path(row) ? "_files" : "");
	fputs("'", out);
}

static void zsh(FILE *out)
{
	fputs("#compdef genops\n# zsh completion of genops; written by `genops docs completion zsh`\n_genops()\n{\n"
	      "\tlocal -a commands\n\tlocal context state line\n\tcommands=(\n", out);
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i]->is_hidden)
			continue;
		fprintf(out, "\t\t'%s:", commands[i]->name);
		print_zsh(out, commands[i]->summary);
		fputs("'\n", out);
	}
	fputs("\t)\n\tif ((CURRENT == 2)); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
	      "\tlocal command=$words[2]\n\tshift words\n\t((CURRENT--))\n\tcase $command in\n", out);
	for (size_t i = 0; i < n_commands; i++) {
		fprintf(out, "\t%s)\n\t\t_arguments -s", commands[i]->name);
		each_option(commands[i], zsh_option, out);
		fputs(" \\\n\t\t\t'*::argument:_files'\n\t\t;;\n", out);
	}
	fputs("\tesac\n}\n_genops \"$@\"\n", out);
}

/* --- fish --- */

static void print_fish(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void fish_option(FILE *out, const struct command *command, const struct command_option *row)
{
	fputs("complete -c genops", out);
	if (command)
		fprintf(out, " -n '__fish_seen_subcommand_from %s'", command->name);
	fprintf(out, " -l %s", row->name);
	if (row->letter)
		fprintf(out, " -s %c", row->letter);
	if (row->value)
		fputs(is_path(row) ? " -r -F" : " -x", out);
	fputs(" -d '", out);
	print_fish(out, row->text);
	fputs("'\n", out);
}

static void fish(FILE *out)
{
	fputs("# fish completion of genops; written by `genops docs completion fish`\n"
	      "complete -c genops -n __fish_use_subcommand -f\n", out);
	each_option(NULL, fish_option, out);
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i]->is_hidden)
			continue;
		fprintf(out, "complete -c genops -n __fish_use_subcommand -a %s -d '", commands[i]->name);
		print_fish(out, commands[i]->summary);
		fputs("'\n", out);
		for (const struct command_option *row = commands[i]->options; row && row->name; row++)
			fish_option(out, commands[i], row);
	}
}

bool docs_completion(FILE *out, const char *shell)
{
	static const struct {
		const char *name;
		void (*print)(FILE *out);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
		if (strcmp(shell, shells[i].name) == 0) {
			shells[i].print(out);
			return true;
		}
	}
	return false;
}
