/* SPDX-License-Identifier: Apache-2.0
 * net/read_file.c - see read_file.h. */
#include "net/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void read_all(int fd, const char *name, struct genops_incoming *incoming)
{
	struct stat is;
	char piece[16384];
	ssize_t n = 0;
	if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode)) {
		genops_incoming_fail(incoming, "%s is not a file", name);
		return;
	}
	do {
		n = read(fd, piece, sizeof piece);
	} while ((n > 0 && genops_incoming_body(incoming, (genops_str){piece, (size_t)n})) || (n < 0 && errno == EINTR));
	if (n < 0)
		genops_incoming_fail(incoming, "cannot read %s: %s", name, strerror(errno));
	else
		incoming->status = 200;
	explicit_bzero(piece, sizeof piece);
}

int genops_read_file(genops_str path, struct genops_incoming *incoming, struct genops_error *err)
{
	char *name = strndup(path.ptr, path.len);
	if (!name)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a file name");
	int fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* of a pipe nobody's other end is waited for */
	if (fd < 0)
		genops_incoming_fail(incoming, "cannot open %s: %s", name, strerror(errno));
	else
		read_all(fd, name, incoming);
	if (fd >= 0)
		close(fd);
	free(name);
	return GENOPS_OK;
}
