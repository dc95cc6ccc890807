/* SPDX-License-Identifier: Apache-2.0
 * docs.h - what is written from the rows of commands and options, beside --help: the reference page, man pages, shell completion.
 */
#ifndef CLI_DOCS_H
#define CLI_DOCS_H

#include "command.h"

/* docs_commands.c: Markdown. */
void docs_commands(FILE *out);

/* docs_man.c: genops.1, or genops-NAME.1 for a command. */
void docs_man(FILE *out, const struct command *command);

/* docs_completion.c: "bash", "zsh" or "fish"; false: no other. */
bool docs_completion(FILE *out, const char *shell);

#endif
