/* SPDX-License-Identifier: Apache-2.0
 * genops/reference.h - the reference pages, made from the very rows that the library works by, so that they cannot differ from it.
 */
#ifndef GENOPS_REFERENCE_H
#define GENOPS_REFERENCE_H

#include <genops/error.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A page as Markdown: "configuration", "metrics", "attributes", "policies", "errors", "providers" or "destinations". The caller frees
 * *ret_text with free(). Errors: NOT_FOUND (the message names the pages), NOMEM. Any thread. */
GENOPS_API GENOPS_NODISCARD int genops_reference(
    const char *page, char **ret_text, size_t *ret_len, struct genops_error *err);

/* The names of the pages, NULL-ended. Static. */
GENOPS_API const char *const *genops_reference_pages(void);

#ifdef __cplusplus
}
#endif
#endif
