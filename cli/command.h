/* SPDX-License-Identifier: Apache-2.0
 * command.h - the row that each command fills. One file a command (cmd_<name>.c) ending in const struct command command_<name>,
 * plus one row in COMMANDS. The rows feed the parser, --help, shell completion and the man page.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <genops/engine.h>

#include <stdio.h>

/* In the order in which help shows them. */
#define COMMANDS(X)                                                                                   \
	X(serve)                                                                                      \
	X(run)                                                                                        \
	X(init)                                                                                       \
	X(validate)                                                                                   \
	X(status)                                                                                     \
	X(cost)                                                                                       \
	X(budget)                                                                                     \
	X(policy)                                                                                     \
	X(pipeline)                                                                                   \
	X(destination)                                                                                \
	X(audit)                                                                                      \
	X(collibra)                                                                                   \
	X(backup)                                                                                     \
	X(restore)                                                                                    \
	X(catalog)                                                                                    \
	X(demo)                                                                                       \
	X(docs)

enum option_kind {
	OPTION_FLAG,  /* --json: bool */
	OPTION_TEXT,  /* --by team: const char *; the last one wins */
	OPTION_LIST,  /* --where k=v, any number of times: struct option_list */
	OPTION_COUNT, /* --limit 10: int64_t, >= 0 */
};

#define OPTION_LIST_MAX 32

struct option_list {
	size_t n;
	const char *items[OPTION_LIST_MAX];
};

struct command_option {
	const char *name;     /* "json": --json; NULL ends the rows */
	char letter;          /* 'j': -j; 0: none */
	enum option_kind kind;
	size_t offset;        /* in the command's own struct of options */
	const char *value;    /* what help calls the value: "ATTRIBUTE" */
	const char *text;     /* one line of help; the default in it */
};

/* What every command gets. Global options stand before or behind the command's name. */
struct invocation {
	const struct command *command;
	struct genops_engine_options engine; /* --config, --state filled in; drain, log as main sets them */
	bool is_quiet, is_verbose;
	void *options;        /* the command's own struct, filled */
	int n_arguments;      /* what is no option */
	char **arguments;
};

struct command {
	const char *name;
	const char *summary;  /* one line */
	const char *usage;    /* behind "genops NAME": "[--by ATTRIBUTE]..." */
	const char *details;  /* paragraphs of help, examples; NULL: none */
	const struct command_option *options;
	size_t options_size;  /* of the command's own struct; zeroed before parsing */
	bool is_hidden;       /* not in help: for the build */
	bool takes_rest;      /* run: everything behind the first argument or "--" is the child's */
	int min_arguments, max_arguments; /* max -1: any number */
	int (*run)(const struct invocation *invocation); /* returns the exit code */
};

extern const struct command *const commands[];
extern const size_t n_commands;

/* Exit codes (DESIGN 5). */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_WRONG_USE = 2, EXIT_REFUSED = 3 };

/* One clear line on stderr: "genops: file:12:3: cause; fix". Returns the exit code for the error. */
int complain(const struct genops_error *err);
int complain_text(int exit_code, const char *format, ...) GENOPS_PRINTF(2, 3);

/* Opens the engine of an invocation, complaining if it cannot. NULL: *ret_exit_code says how to end. */
genops_engine *open_engine(const struct invocation *invocation, int *ret_exit_code);

/* help.c */
void help_overview(FILE *out);
void help_command(FILE *out, const struct command *command);

/* options.c: parses argv (without the program's name) into an invocation; -1: go on, else the exit code to end with. The caller
 * frees invocation->options. */
const struct command_option *options_global(void);
int options_parse(int argc, char **argv, struct invocation *ret_invocation);

#endif
