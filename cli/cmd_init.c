/* SPDX-License-Identifier: Apache-2.0
 * cmd_init.c - genops init: a commented configuration to start from. Never overwrites. */
#include "command.h"

#include <genops/config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct init_options {
	bool to_stdout;
};

static const struct command_option options[] = {
    {"stdout", 0, OPTION_FLAG, offsetof(struct init_options, to_stdout), NULL, "print it instead of writing a file"},
    {0},
};

static int run(const struct invocation *invocation)
{
	const struct init_options *chosen = invocation->options;
	const char *path = invocation->n_arguments ? invocation->arguments[0] : "genops.yaml";
	const char *text = genops_config_starter();
	if (chosen->to_stdout) {
		fputs(text, stdout);
		return EXIT_DONE;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain_text(EXIT_FAILED, "cannot write %s: %s%s", path, strerror(errno),
		    errno == EEXIST ? "; name another file: genops init FILE" : "");
	size_t len = strlen(text);
	bool is_written = write(fd, text, len) == (ssize_t)len;
	if (close(fd) != 0 || !is_written) {
		unlink(path);
		return complain_text(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
	}
	if (!invocation->is_quiet)
		printf("wrote %s; change what you need, then: genops validate, genops serve\n", path);
	return EXIT_DONE;
}

const struct command command_init = {
    .name = "init",
    .summary = "write a commented configuration to start from",
    .usage = "[FILE] [--stdout]",
    .details = "FILE is genops.yaml unless given; a file that is there is never overwritten.",
    .options = options,
    .options_size = sizeof(struct init_options),
    .max_arguments = 1,
    .run = run,
};
