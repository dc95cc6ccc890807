/* SPDX-License-Identifier: Apache-2.0
 * base/error.c - error texts and the filling of struct genops_error. No heap, no globals, any thread. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Built aside: the arguments may come from the error that is filled ("reload: %s", err->message). */
static GENOPS_PRINTF(4, 0) void fill(struct genops_error *err, int code, const char *fix, const char *format,
    va_list args)
{
	struct genops_error filled = {.code = code};
	vsnprintf(filled.message, sizeof filled.message, format, args);
	if (fix)
		snprintf(filled.fix, sizeof filled.fix, "%s", fix);
	*err = filled;
}

int genops_fail(struct genops_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	va_list args;
	va_start(args, format);
	fill(err, code, NULL, format, args);
	va_end(args);
	return code;
}

int genops_fail_fix(struct genops_error *err, int code, const char *fix, const char *format, ...)
{
	if (!err)
		return code;
	va_list args;
	va_start(args, format);
	fill(err, code, fix, format, args);
	va_end(args);
	return code;
}

int genops_fail_errno(struct genops_error *err, int code, int errno_value, const char *format, ...)
{
	if (!err)
		return code;
	va_list args;
	va_start(args, format);
	fill(err, code, NULL, format, args);
	va_end(args);
	char text[128];
	size_t len = strlen(err->message);
	/* GNU strerror_r: thread-safe, may return a static text instead of filling the buffer. */
	snprintf(err->message + len, sizeof err->message - len, ": %s",
	    strerror_r(errno_value, text, sizeof text));
	return code;
}

void genops_error_place(struct genops_error *err, const char *file, int line, int column)
{
	if (!err || err->line)
		return;
	snprintf(err->file, sizeof err->file, "%s", file ? file : "");
	err->line = line;
	err->column = column;
}

const char *genops_error_text(int code)
{
	switch (code) {
	case GENOPS_OK:
		return "no error";
#define X(symbol, number, exit_code, text)                                                            \
	case number:                                                                                  \
		return text;
		GENOPS_ERRORS(X)
#undef X
	default:
		return "unknown error";
	}
}

int genops_error_exit_code(int code)
{
	switch (code) {
	case GENOPS_OK:
		return 0;
#define X(symbol, number, exit_code, text)                                                            \
	case number:                                                                                  \
		return exit_code;
		GENOPS_ERRORS(X)
#undef X
	default:
		return 1;
	}
}
