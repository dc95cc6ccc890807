/* SPDX-License-Identifier: Apache-2.0
 * base/error.h - filling a struct genops_error; the one way to fail in this library.
 *
 *   return genops_fail(err, GENOPS_CONFIG, "timezone \"%s\" is not known", name);
 *   return genops_fail_fix(err, GENOPS_FULL, "free some space or set state to another disk", "...");
 *
 * Both return the code, so that a failure is one line. `err` may be NULL.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <genops/error.h>

int genops_fail(struct genops_error *err, int code, const char *format, ...) GENOPS_PRINTF(3, 4);
int genops_fail_fix(struct genops_error *err, int code, const char *fix, const char *format, ...)
    GENOPS_PRINTF(4, 5);

/* Appends ": <strerror(errno_value)>" to the message. */
int genops_fail_errno(struct genops_error *err, int code, int errno_value, const char *format, ...)
    GENOPS_PRINTF(4, 5);

/* Says where in which file; call after genops_fail. Keeps a place that is already set. */
void genops_error_place(struct genops_error *err, const char *file, int line, int column);

/* Passes a failure on. The only macro that hides a return. */
#define GENOPS_TRY(call)                                                                              \
	do {                                                                                          \
		int try_code_ = (call);                                                               \
		if (try_code_ != GENOPS_OK)                                                           \
			return try_code_;                                                             \
	} while (0)

#endif
