/* SPDX-License-Identifier: Apache-2.0
 * genops/error.h - how every function of the library says that it failed.
 *
 * A function that can fail returns `int`: GENOPS_OK or one of the negative codes below. What was asked
 * comes back through the last parameters but one, named ret_..., which are untouched on failure. The last
 * parameter is a `struct genops_error *` (may be NULL) that the caller owns; it is filled on failure only.
 * A decision (allowed, blocked, ...) is never an error: see genops/decision.h.
 */
#ifndef GENOPS_ERROR_H
#define GENOPS_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GENOPS_API         __attribute__((visibility("default")))
#define GENOPS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define GENOPS_NODISCARD   __attribute__((warn_unused_result))
#else
#define GENOPS_API
#define GENOPS_PRINTF(f, a)
#define GENOPS_NODISCARD
#endif

/* X(symbol, number, exit code of a command, short text). Numbers never change. */
#define GENOPS_ERRORS(X)                                                                              \
	X(NOMEM, -1, 1, "out of memory")                                                              \
	X(MISUSE, -2, 1, "a function was called with arguments it does not take")                     \
	X(SYNTAX, -3, 2, "input is not well formed")                                                  \
	X(CONFIG, -4, 2, "the configuration is wrong")                                                \
	X(LIMIT, -5, 1, "a stated maximum was reached")                                               \
	X(NOT_FOUND, -6, 1, "there is no such thing")                                                 \
	X(IO, -7, 1, "the operating system refused a read or a write")                                \
	X(FULL, -8, 1, "the disk or the queue is full")                                               \
	X(CORRUPT, -9, 1, "stored data does not match its checksum or its format")                    \
	X(BUSY, -10, 1, "somebody else holds it; try again")                                          \
	X(TIMEOUT, -11, 1, "it did not finish in time")                                               \
	X(REMOTE, -12, 1, "the far side answered with a failure")                                     \
	X(DENIED, -13, 1, "not authorised")                                                           \
	X(UNSUPPORTED, -14, 1, "not supported here")                                                  \
	X(EXISTS, -15, 1, "it is there already")                                                      \
	X(INTERNAL, -99, 1, "a fault of GenOps itself")

enum genops_code {
	GENOPS_OK = 0,
#define X(symbol, number, exit_code, text) GENOPS_##symbol = number,
	GENOPS_ERRORS(X)
#undef X
};

/* What went wrong, where, and what to do about it. Plain text, always NUL-terminated, never a secret. */
struct genops_error {
	int code;           /* enum genops_code */
	int line, column;   /* place in `file`, from 1; 0: no place */
	char file[192];     /* "" : not about a file */
	char message[512];  /* the cause, one line */
	char fix[256];      /* the remedy, one line; "" : none known */
};

/* The short text of a code ("out of memory"); "unknown error" for a number that is none. Static. */
GENOPS_API const char *genops_error_text(int code);

/* The exit code a command ends with for this error code (0 for GENOPS_OK). */
GENOPS_API int genops_error_exit_code(int code);

#ifdef __cplusplus
}
#endif
#endif
