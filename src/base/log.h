/* SPDX-License-Identifier: Apache-2.0
 * base/log.h - lines for the embedder's log callback. The library itself never prints.
 * Only code that has no caller to report to logs (background threads, drain, reload); all else returns errors. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <genops/engine.h>

struct genops_log {
	genops_log_fn *on_log; /* NULL: silent */
	void *arg;
	enum genops_log_level level; /* lines above it are not built */
};

void genops_log_write(const struct genops_log *log, enum genops_log_level level, const char *format, ...)
    GENOPS_PRINTF(3, 4);

/* "file:line:column: message; fix" of an error, behind `what`. */
void genops_log_error(const struct genops_log *log, enum genops_log_level level, const char *what,
    const struct genops_error *err);

#endif
