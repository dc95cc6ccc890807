/* SPDX-License-Identifier: Apache-2.0
 * engine/check/checklist.h - a checklist while it is written (genops/config.h shows it when it is done). Texts live in its own arena. One thread. */
#ifndef ENGINE_CHECK_CHECKLIST_H
#define ENGINE_CHECK_CHECKLIST_H

#include "base/arena.h"
#include "base/error.h"

#include <genops/config.h>

struct genops_checklist_owned {
	struct genops_checklist list; /* first: what the caller sees */
	struct genops_arena arena;
	struct genops_check *checks;
	size_t cap;
	const char *file;             /* of the configuration, for warnings */
	bool is_out_of_memory;
};

struct genops_checklist_owned *genops_checklist_new(struct genops_error *err); /* NULL: NOMEM */
void genops_checklist_free(struct genops_checklist_owned *owned);                /* NULL is fine */
struct genops_checklist_owned *genops_checklist_of(struct genops_checklist *list);

/* A copy of `check` at the end of the list. */
void genops_checklist_add(struct genops_checklist_owned *owned, const struct genops_check *check);
/* One without a place. `fix` may be NULL. */
void genops_checklist_say(struct genops_checklist_owned *owned, const char *name, enum genops_check_status status, const char *fix,
    const char *format, ...) GENOPS_PRINTF(5, 6);

/* Sets is_valid and exit_code. NOMEM: something did not fit in. */
GENOPS_NODISCARD int genops_checklist_judge(struct genops_checklist_owned *owned, struct genops_error *err);

#endif
