/* SPDX-License-Identifier: Apache-2.0
 * main.c - the genops command: finds the command that was asked for and runs it. */
#include "command.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define X(name) extern const struct command command_##name;
COMMANDS(X)
#undef X

#define X(name) &command_##name,
const struct command *const commands[] = {COMMANDS(X)};
#undef X
const size_t n_commands = sizeof commands / sizeof commands[0];

int complain(const struct genops_error *err)
{
	fprintf(stderr, "genops: ");
	if (err->file[0] && err->line)
		fprintf(stderr, "%s:%d:%d: ", err->file, err->line, err->column);
	else if (err->file[0])
		fprintf(stderr, "%s: ", err->file);
	fprintf(stderr, "%s%s%s\n", err->message, err->fix[0] ? "; " : "", err->fix);
	return genops_error_exit_code(err->code);
}

int complain_text(int exit_code, const char *format, ...)
{
	va_list args;
	fprintf(stderr, "genops: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return exit_code;
}

static void on_log(void *arg, enum genops_log_level level, const char *line)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	const bool *is_verbose = arg;
	if (level <= GENOPS_LOG_WARN || *is_verbose)
		fprintf(stderr, "genops: %s: %s\n", names[level], line);
}

genops_engine *open_engine(const struct invocation *invocation, int *ret_exit_code)
{
	struct genops_error err;
	genops_engine *engine = genops_engine_open(&invocation->engine, &err);
	if (!engine)
		*ret_exit_code = complain(&err);
	return engine;
}

int main(int argc, char **argv)
{
	struct invocation invocation = {.engine = {.size = sizeof invocation.engine, .on_log = on_log}};
	invocation.engine.log_arg = &invocation.is_verbose;
	signal(SIGPIPE, SIG_IGN);
	int code = options_parse(argc - 1, argv + 1, &invocation);
	if (code < 0)
		code = invocation.command->run(&invocation);
	free(invocation.options);
	/* `genops cost | head` must end quietly, `genops cost > /dev/full` must not succeed. */
	if (fflush(stdout) != 0 && code == EXIT_DONE)
		code = EXIT_FAILED;
	return code;
}
