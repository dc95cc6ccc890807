/* SPDX-License-Identifier: Apache-2.0
 * report/report_text.h - how a report's text leaves the library: one block that the caller frees. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "base/buffer.h"

/* Hands the buffer's bytes over, NUL-terminated, and ends the buffer. LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_report_text_take(
    struct genops_buffer *buf, char **ret_text, size_t *ret_len, struct genops_error *err);

#endif
