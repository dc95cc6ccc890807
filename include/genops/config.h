/* SPDX-License-Identifier: Apache-2.0
 * genops/config.h - a configuration looked at without opening anything: the checklist of `genops validate`, the
 * reference page, and the file that `genops init` writes.
 *
 * Nothing here creates, locks or changes a file, opens a socket, or says a secret. Any thread.
 */
#ifndef GENOPS_CONFIG_H
#define GENOPS_CONFIG_H

#include <genops/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

enum genops_check_status {
	GENOPS_CHECK_PASSED,
	GENOPS_CHECK_WARNING, /* works, but not as one might think */
	GENOPS_CHECK_FAILED,
	GENOPS_CHECK_SKIPPED, /* cannot be looked at because something before it failed */
};

/* One line of the checklist. Texts are one line each, "" where there is nothing to say. */
struct genops_check {
	const char *name;     /* "state directory" */
	enum genops_check_status status;
	const char *message;  /* what was found */
	const char *fix;      /* what to do about it */
	const char *file;     /* the place it is about, or "" */
	int line, column;     /* from 1; 0: none */
};

struct genops_checklist {
	size_t n_checks;
	const struct genops_check *checks;
	size_t n_passed, n_warnings, n_failed, n_skipped;
	bool is_valid;        /* nothing failed */
	int exit_code;        /* for a command: 0, 1, or 2 where the configuration itself is wrong */
};

/* Checks what genops_engine_open would use with these options (may be NULL: defaults): the configuration, the state
 * directory, prices, policies, budgets, keys, providers, addresses, exporters, nginx. Returns the owned list (release
 * with genops_config_check_free), or NULL with *err: NOMEM. A wrong configuration is no error here but a failed check. */
GENOPS_API struct genops_checklist *genops_config_check(
    const struct genops_engine_options *options, struct genops_error *err);
GENOPS_API void genops_config_check_free(struct genops_checklist *checklist); /* NULL is fine */

/* "passed", "warning", "failed", "skipped". Static. */
GENOPS_API const char *genops_config_check_status(enum genops_check_status status);

/* The reference of all sections, keys and environment variables as Markdown, made from the rows that the parser itself
 * uses. The caller frees *ret_text with free(). Errors: NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_config_reference(char **ret_text, size_t *ret_len, struct genops_error *err);

/* The reference pages, each made from the very rows that the library works by: "configuration" (as above), "metrics", "attributes",
 * "policies", "errors", "providers", "destinations", "expressions". As Markdown; the caller frees *ret_text with free(). Errors:
 * NOT_FOUND (the fix names the pages), NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_reference(
    const char *page, char **ret_text, size_t *ret_len, struct genops_error *err);
/* The names of the pages, NULL-ended. Static. */
GENOPS_API const char *const *genops_reference_pages(void);

/* A commented genops.yaml to start from; it loads as it is. Static. */
GENOPS_API const char *genops_config_starter(void);

#ifdef __cplusplus
}
#endif
#endif
