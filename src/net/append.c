/* SPDX-License-Identifier: Apache-2.0
 * net/append.c - see append.h. A batch that does not fit is taken back, so that no line is left torn. The file is opened for
 * each batch: whoever rotates it needs to tell nobody. */
#include "net/append.h"

#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void append(int fd, genops_str path, genops_str bytes, struct genops_incoming *incoming)
{
	struct stat before;
	bool is_regular = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
	if (genops_write_all(fd, bytes)) {
		incoming->status = 200;
		return;
	}
	int why = errno;
	/* Best effort: if this fails too, a reader finds one torn line. */
	if (is_regular && ftruncate(fd, before.st_size) != 0)
		why = errno;
	genops_incoming_fail(
	    incoming, "cannot write to %.*s: %s", (int)path.len, path.ptr, strerror(why));
}

int genops_append_file(
    genops_str path, genops_str bytes, struct genops_incoming *incoming, struct genops_error *err)
{
	if (path.len == 1 && path.ptr[0] == '-') {
		append(STDOUT_FILENO, GENOPS_STR("standard output"), bytes, incoming);
		return GENOPS_OK;
	}
	char *name = strndup(path.ptr, path.len);
	if (!name)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a file name");
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) {
		genops_incoming_fail(incoming, "cannot open %s: %s", name, strerror(errno));
	} else {
		append(fd, path, bytes, incoming);
		close(fd);
	}
	free(name);
	return GENOPS_OK;
}
