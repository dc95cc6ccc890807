/* SPDX-License-Identifier: Apache-2.0
 * cmd_init.c - genops init: a commented configuration to start from, and the shipped pipelines. Never overwrites. */
#include "command.h"
#include "shipped.h"

#include <genops/config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct init_options {
	bool to_stdout, wants_pipelines;
};

static const struct command_option options[] = {
    {"stdout", 0, OPTION_FLAG, offsetof(struct init_options, to_stdout), NULL, "print it instead of writing a file"},
    {"pipelines", 0, OPTION_FLAG, offsetof(struct init_options, wants_pipelines), NULL,
	"also write the shipped pipelines, lookups and destinations to the directory pipelines beside it"},
    {0},
};

/* The file, and for pipelines what names them. */
static bool write_text(int fd, bool wants_pipelines)
{
	const char *text = genops_config_starter();
	size_t len = strlen(text);
	if (write(fd, text, len) != (ssize_t)len)
		return false;
	return !wants_pipelines || write(fd, shipped_sections, strlen(shipped_sections)) == (ssize_t)strlen(shipped_sections);
}

/* "pipelines" beside the file. */
static int write_pipelines(const char *path, bool is_quiet)
{
	char directory[4096];
	const char *slash = strrchr(path, '/');
	if (snprintf(directory, sizeof directory, "%.*spipelines", slash ? (int)(slash - path + 1) : 0, path) >= (int)sizeof directory)
		return complain_text(EXIT_WRONG_USE, "the path is too long");
	int code = shipped_write(directory);
	if (code == EXIT_DONE && !is_quiet)
		printf("wrote %s/: four pipelines, lookups, destinations\n", directory);
	return code;
}

static int run(const struct invocation *invocation)
{
	const struct init_options *chosen = invocation->options;
	const char *path = invocation->n_arguments ? invocation->arguments[0] : "genops.yaml";
	if (chosen->to_stdout) {
		fputs(genops_config_starter(), stdout);
		if (chosen->wants_pipelines)
			fputs(shipped_sections, stdout);
		return EXIT_DONE;
	}
	/* A configuration that is there stays; the pipelines may still be wanted. */
	if (chosen->wants_pipelines && access(path, F_OK) == 0) {
		int code = write_pipelines(path, invocation->is_quiet);
		if (code == EXIT_DONE && !invocation->is_quiet) {
			printf("%s stays as it is; to use them add:\n", path);
			fputs(shipped_sections, stdout);
		}
		return code;
	}
	int code = chosen->wants_pipelines ? write_pipelines(path, invocation->is_quiet) : EXIT_DONE;
	if (code != EXIT_DONE)
		return code;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain_text(EXIT_FAILED, "cannot write %s: %s%s", path, strerror(errno),
		    errno == EEXIST ? "; name another file: genops init FILE" : "");
	bool is_written = write_text(fd, chosen->wants_pipelines);
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
    .usage = "[FILE] [--stdout] [--pipelines]",
    .details = "FILE is genops.yaml unless given; a file that is there is never overwritten.\n"
	       "--pipelines writes the pipelines of the Cribl guide, with its traps mended, and what they\n"
	       "need: lookups with sample rows, and destinations that write JSON lines to files.",
    .options = options,
    .options_size = sizeof(struct init_options),
    .max_arguments = 1,
    .run = run,
};
