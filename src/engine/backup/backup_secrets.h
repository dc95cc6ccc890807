/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_secrets.h - secrets that stand in a document become ${VARIABLES} in its copy. Pure.
 *
 * A secret is what stands under a secret's name (password, api_key, token, a header Authorization ...) and is no ${...}. What cannot be replaced exactly
 * fails: better no archive than one with a secret in it. */
#ifndef ENGINE_BACKUP_BACKUP_SECRETS_H
#define ENGINE_BACKUP_BACKUP_SECRETS_H

#include "base/buffer.h"
#include "base/error.h"

typedef void genops_backup_secret_fn(void *arg, const char *variable, int line, genops_str key);

/* Appends the document `text` of YAML to `out`, without its secrets; on_secret is told of each. *n numbers their variables and goes on counting. CONFIG
 * (with place): one stands where it cannot be replaced. SYNTAX, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_backup_secrets_mask(const char *file, genops_str text, uint64_t *n, genops_backup_secret_fn *on_secret, void *arg,
    struct genops_buffer *out, struct genops_error *err);

#endif
