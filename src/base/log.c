/* SPDX-License-Identifier: Apache-2.0
 * base/log.c - see log.h. Lines are built on the stack and cut at LINE_MAX bytes. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LOG_LINE_MAX 1280

void genops_log_write(const struct genops_log *log, enum genops_log_level level, const char *format, ...)
{
	if (!log || !log->on_log || level > log->level)
		return;
	char line[LOG_LINE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	for (char *c = line; *c; c++) {
		if ((unsigned char)*c < 0x20)
			*c = ' '; /* one line is one line, whatever a name contained */
	}
	log->on_log(log->arg, level, line);
}

void genops_log_error(const struct genops_log *log, enum genops_log_level level, const char *what,
    const struct genops_error *err)
{
	char place[256] = "";
	if (err->file[0])
		snprintf(place, sizeof place, " (%s:%d:%d)", err->file, err->line, err->column);
	genops_log_write(log, level, "%s%s: %s%s%s", what, place, err->message, err->fix[0] ? "; " : "",
	    err->fix);
}
