/* SPDX-License-Identifier: Apache-2.0
 * cmd_docs.c - genops docs: everything that is generated from rows, for the build and for docs/reference/. Not shown in help.
 */
#include "docs/docs.h"

#include <genops/config.h>

#include <stdlib.h>
#include <string.h>

static int print_reference(const char *page)
{
	struct genops_error err;
	char *text;
	size_t len;
	if (genops_reference(page, &text, &len, &err) != GENOPS_OK)
		return complain(&err);
	fwrite(text, 1, len, stdout);
	free(text);
	return EXIT_DONE;
}

static int list_pages(void)
{
	for (const char *const *page = genops_reference_pages(); *page; page++)
		puts(*page);
	puts("commands");
	return EXIT_DONE;
}

static int print_man(const char *name)
{
	const struct command *command = NULL;
	for (size_t i = 0; name && i < n_commands; i++) {
		if (!strcmp(commands[i]->name, name))
			command = commands[i];
	}
	if (name && !command)
		return complain_text(EXIT_WRONG_USE, "there is no command \"%s\"", name);
	docs_man(stdout, command);
	return EXIT_DONE;
}

static int run(const struct invocation *invocation)
{
	const char *page = invocation->n_arguments ? invocation->arguments[0] : "";
	const char *name = invocation->n_arguments > 1 ? invocation->arguments[1] : NULL;
	if (!page[0])
		return list_pages();
	if (!strcmp(page, "man"))
		return print_man(name);
	if (!strcmp(page, "completion"))
		return docs_completion(stdout, name ? name : "") ? EXIT_DONE
								   : complain_text(EXIT_WRONG_USE, "shells are bash, zsh, fish");
	if (!strcmp(page, "commands")) {
		docs_commands(stdout);
		return EXIT_DONE;
	}
	return print_reference(page);
}

const struct command command_docs = {
    .name = "docs",
    .summary = "print a reference page, a man page or shell completion",
    .usage = "[PAGE | man [COMMAND] | completion SHELL]",
    .details = "Without an argument: the names of the pages.",
    .is_hidden = true,
    .max_arguments = 2,
    .run = run,
};
