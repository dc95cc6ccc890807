/* SPDX-License-Identifier: Apache-2.0
 * backup_time.c - see backup_time.h. */
#include "backup/backup_time.h"

#include <time.h>

const char *backup_time(int64_t unix_ns, char *out)
{
	time_t seconds = (time_t)(unix_ns / 1000000000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}
