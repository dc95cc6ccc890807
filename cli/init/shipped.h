/* SPDX-License-Identifier: Apache-2.0
 * shipped.h - data/pipelines inside of the command, and writing it to a directory. */
#ifndef CLI_INIT_SHIPPED_H
#define CLI_INIT_SHIPPED_H

#include <stddef.h>

struct embedded_file {
	const char *name, *text; /* name NULL: the last */
	size_t len;
};

extern const struct embedded_file shipped_pipelines[];

/* What genops.yaml says to use them from the directory pipelines beside it. */
extern const char shipped_sections[];

/* Writes all of them into `directory`, which is made if need be; nothing that is there is touched. An exit code; has complained. */
int shipped_write(const char *directory);

#endif
