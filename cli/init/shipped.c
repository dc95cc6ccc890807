/* SPDX-License-Identifier: Apache-2.0
 * shipped.c - see shipped.h. All or nothing: what a failed attempt wrote is taken away again. */
#include "shipped.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MAX_LEN 4096

const char shipped_sections[] =
    "\n"
    "pipelines: pipelines/genops-*.yaml\n"
    "lookups: pipelines/lookups.yaml\n"
    "destinations: pipelines/destinations.yaml  # they write files until you name the real systems\n";

static bool join(char *out, const char *directory, const char *name)
{
	return snprintf(out, PATH_MAX_LEN, "%s/%s", directory, name) < PATH_MAX_LEN;
}

static int write_one(const char *path, const struct embedded_file *file)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return complain_text(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
	bool is_written = write(fd, file->text, file->len) == (ssize_t)file->len;
	if (close(fd) == 0 && is_written)
		return EXIT_DONE;
	int failure = errno;
	unlink(path);
	return complain_text(EXIT_FAILED, "cannot write %s: %s", path, strerror(failure));
}

static int make_directory(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return EXIT_DONE;
	return complain_text(EXIT_FAILED, "cannot make %s: %s", path, strerror(errno));
}

static void take_back(const char *directory, size_t n)
{
	char path[PATH_MAX_LEN];
	while (n-- > 0) {
		if (join(path, directory, shipped_pipelines[n].name))
			unlink(path);
	}
}

int shipped_write(const char *directory)
{
	char path[PATH_MAX_LEN];
	for (const struct embedded_file *file = shipped_pipelines; file->name; file++) {
		if (!join(path, directory, file->name))
			return complain_text(EXIT_WRONG_USE, "the path is too long");
		if (access(path, F_OK) == 0)
			return complain_text(EXIT_FAILED, "%s is there already; take it away, or go to another directory", path);
	}
	int code = make_directory(directory);
	if (code == EXIT_DONE)
		code = join(path, directory, "out") ? make_directory(path) : EXIT_WRONG_USE;
	for (size_t i = 0; shipped_pipelines[i].name && code == EXIT_DONE; i++) {
		(void)join(path, directory, shipped_pipelines[i].name);
		code = write_one(path, &shipped_pipelines[i]);
		if (code != EXIT_DONE)
			take_back(directory, i);
	}
	return code;
}
