/* SPDX-License-Identifier: Apache-2.0
 * when.h - points in time as people write them on a command line. All of it is UTC. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* What help says of --since and --until. */
#define WHEN_HELP "24h, 7d, 2w (ago), today, yesterday, 2026-11-01, 2026-11, 2026-11-01T12:00[:00][Z]; UTC"

/* Reads one. A day or a month is a span: is_end false gives its first second, true the first second behind it, so that an end named by
 * its date is inclusive. False: not understood. */
bool when_parse(const char *text, int64_t now_unix_s, bool is_end, int64_t *ret_unix_s);

/* Both options of a command; NULL: not given. Complains and returns an exit code, or -1 to go on. */
int when_range(const char *since, const char *until, int64_t *ret_since_unix_s, int64_t *ret_until_unix_s);

#endif
