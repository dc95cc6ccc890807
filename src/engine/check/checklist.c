/* SPDX-License-Identifier: Apache-2.0
 * engine/check/checklist.c - see checklist.h. */
#include "engine/check/checklist.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX  ((size_t)8 << 20)
#define CHECKS_MAX 4096

struct genops_checklist_owned *genops_checklist_new(struct genops_error *err)
{
	struct genops_checklist_owned *owned = calloc(1, sizeof *owned);
	if (!owned) {
		genops_fail(err, GENOPS_NOMEM, "out of memory while checking the configuration");
		return NULL;
	}
	genops_arena_init(&owned->arena, ARENA_MAX);
	return owned;
}

void genops_checklist_free(struct genops_checklist_owned *owned)
{
	if (!owned)
		return;
	genops_arena_done(&owned->arena);
	free(owned);
}

struct genops_checklist_owned *genops_checklist_of(struct genops_checklist *list)
{
	return (struct genops_checklist_owned *)(void *)list;
}

static const char *keep(struct genops_checklist_owned *owned, const char *text)
{
	char *copy = genops_arena_dup_text(&owned->arena, genops_str_of(text));
	owned->is_out_of_memory |= copy == NULL;
	return copy ? copy : "";
}

static bool grow(struct genops_checklist_owned *owned)
{
	size_t cap = owned->cap ? 2 * owned->cap : 32;
	if (cap > CHECKS_MAX)
		return false;
	struct genops_check *checks = genops_arena_alloc(&owned->arena, cap * sizeof *checks);
	if (!checks) {
		owned->is_out_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < owned->list.n_checks; i++)
		checks[i] = owned->checks[i];
	owned->list.checks = owned->checks = checks;
	owned->cap = cap;
	return true;
}

void genops_checklist_add(struct genops_checklist_owned *owned, const struct genops_check *check)
{
	struct genops_checklist *list = &owned->list;
	if (list->n_checks == owned->cap && !grow(owned))
		return;
	list->n_passed += check->status == GENOPS_CHECK_PASSED;
	list->n_warnings += check->status == GENOPS_CHECK_WARNING;
	list->n_failed += check->status == GENOPS_CHECK_FAILED;
	list->n_skipped += check->status == GENOPS_CHECK_SKIPPED;
	struct genops_check *to = &owned->checks[list->n_checks++];
	*to = *check;
	to->name = keep(owned, check->name);
	to->message = keep(owned, check->message);
	to->fix = keep(owned, check->fix ? check->fix : "");
	to->file = keep(owned, check->file ? check->file : "");
}

void genops_checklist_say(struct genops_checklist_owned *owned, const char *name, enum genops_check_status status, const char *fix,
    const char *format, ...)
{
	char message[768];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	genops_checklist_add(owned, &(struct genops_check){.name = name, .status = status, .message = message, .fix = fix});
}

int genops_checklist_judge(struct genops_checklist_owned *owned, struct genops_error *err)
{
	owned->list.is_valid = owned->list.n_failed == 0;
	if (!owned->list.is_valid && !owned->list.exit_code)
		owned->list.exit_code = 1;
	return owned->is_out_of_memory ? genops_fail(err, GENOPS_NOMEM, "out of memory while checking the configuration") : GENOPS_OK;
}
