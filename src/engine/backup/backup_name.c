/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_name.c - see backup_name.h. */
#include "engine/backup/backup_name.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define SUFFIX      ".tar.zst"
#define DAY_NS      (INT64_C(86400) * GENOPS_NS_PER_S)
#define WEEK_NS     (7 * DAY_NS)
#define RETRY_NS    GENOPS_NS_PER_MIN
#define RETRIES_MAX 6 /* doublings: about an hour */

const char *genops_backup_kind_name(enum genops_backup_kind kind)
{
	return kind == GENOPS_BACKUP_STATE ? "state" : "config";
}

void genops_backup_name(enum genops_backup_kind kind, int64_t unix_ns, char ret_name[GENOPS_BACKUP_NAME_SIZE])
{
	time_t seconds = (time_t)(unix_ns / GENOPS_NS_PER_S);
	struct tm tm;
	char date[32];
	gmtime_r(&seconds, &tm);
	strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &tm);
	snprintf(ret_name, GENOPS_BACKUP_NAME_SIZE, "%s-%s" SUFFIX, genops_backup_kind_name(kind), date);
}

static bool read_number(genops_str digits, int *ret)
{
	int value = 0;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return false;
		value = value * 10 + (digits.ptr[i] - '0');
	}
	*ret = value;
	return true;
}

bool genops_backup_name_read(genops_str name, enum genops_backup_kind *ret_kind, int64_t *ret_unix_ns)
{
	char again[GENOPS_BACKUP_NAME_SIZE];
	for (int kind = 0; kind < GENOPS_BACKUP_KINDS; kind++) {
		genops_str prefix = genops_str_of(genops_backup_kind_name((enum genops_backup_kind)kind));
		struct tm tm = {0};
		if (!genops_str_starts(name, prefix) || name.len != prefix.len + 1 + 16 + sizeof SUFFIX - 1)
			continue;
		const char *at = name.ptr + prefix.len + 1;
		bool ok = read_number((genops_str){at, 4}, &tm.tm_year) && read_number((genops_str){at + 4, 2}, &tm.tm_mon) &&
			  read_number((genops_str){at + 6, 2}, &tm.tm_mday) && read_number((genops_str){at + 9, 2}, &tm.tm_hour) &&
			  read_number((genops_str){at + 11, 2}, &tm.tm_min) && read_number((genops_str){at + 13, 2}, &tm.tm_sec);
		if (!ok || tm.tm_year < 1970 || tm.tm_year > 2200)
			continue;
		tm.tm_year -= 1900;
		tm.tm_mon -= 1;
		int64_t unix_ns = (int64_t)timegm(&tm) * GENOPS_NS_PER_S;
		genops_backup_name((enum genops_backup_kind)kind, unix_ns, again); /* nothing else than what is written here */
		if (!genops_str_is(name, again))
			continue;
		*ret_kind = (enum genops_backup_kind)kind;
		*ret_unix_ns = unix_ns;
		return true;
	}
	return false;
}

bool genops_backup_is_expired(int64_t unix_ns, int64_t newest_unix_ns, int64_t retention_ns, int64_t now_unix_ns)
{
	return retention_ns > 0 && unix_ns < newest_unix_ns && unix_ns < now_unix_ns && now_unix_ns - unix_ns > retention_ns;
}

/* Where the period that a time lies in began. Weeks begin on Monday; 1970 began on a Thursday. */
static int64_t period_begin(int64_t every_ns, int64_t unix_ns)
{
	int64_t shift = every_ns == WEEK_NS ? 3 * DAY_NS : 0;
	return (unix_ns + shift) / every_ns * every_ns - shift;
}

int64_t genops_backup_next(int64_t every_ns, int64_t last_unix_ns, int64_t failed_unix_ns, int64_t n_failures, int64_t now_unix_ns)
{
	/* A clock that was put back: what is of a time to come says nothing. */
	int64_t next = last_unix_ns > 0 && last_unix_ns <= now_unix_ns ? period_begin(every_ns, last_unix_ns) + every_ns : now_unix_ns;
	if (n_failures <= 0 || failed_unix_ns <= 0 || failed_unix_ns > now_unix_ns)
		return next;
	int64_t doublings = n_failures - 1 < RETRIES_MAX ? n_failures - 1 : RETRIES_MAX;
	int64_t again = failed_unix_ns + (RETRY_NS << doublings), regular = period_begin(every_ns, failed_unix_ns) + every_ns;
	if (again > regular && regular > failed_unix_ns)
		again = regular;
	return again > next ? again : next;
}
