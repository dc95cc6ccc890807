/* SPDX-License-Identifier: Apache-2.0
 * report/timestamp.c - see timestamp.h. */
#include "report/timestamp.h"

#include <stdio.h>
#include <time.h>

genops_str genops_timestamp_seconds(int64_t unix_s, char out[GENOPS_TIMESTAMP_MAX])
{
	struct tm tm;
	time_t time = unix_s;
	size_t len = gmtime_r(&time, &tm) ? strftime(out, GENOPS_TIMESTAMP_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) : 0;
	return (genops_str){out, len};
}

genops_str genops_timestamp_nanoseconds(int64_t unix_ns, char out[GENOPS_TIMESTAMP_MAX])
{
	int64_t rest = unix_ns % 1000000000, seconds = unix_ns / 1000000000;
	if (rest < 0) {
		rest += 1000000000;
		seconds--;
	}
	genops_str text = genops_timestamp_seconds(seconds, out);
	if (!text.len)
		return text;
	int n = snprintf(out + text.len - 1, GENOPS_TIMESTAMP_MAX - text.len + 1, ".%09dZ", (int)rest);
	text.len += (size_t)n - 1;
	return text;
}
