/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/lint_names.c - fields that nothing sets, and attributes of ours that are misspelt. An event has what event_span.h says at its
 * top and what functions before have set: any other name is undefined, always. Attributes of others are theirs to name. */
#include "base/hash.h"
#include "base/str.h"
#include "pipeline/event_span.h"
#include "pipeline/lint/lint_state.h"
#include "telemetry/conventions.h"

#include <stdio.h>

/* Of log records and data points, beside the parts of spans; and what a sampling before a pipeline may have left. */
static const char *const own[] = {"time_unix_nano", "observed_time_unix_nano", "body", "severity_number", "severity_text", "event_name", "metric", "value",
    "unit", "sampled", "sampling.rate"};
#define N_OWN (sizeof own / sizeof *own)

/* The guides' own, beside those that GenOps writes. A last * stands for anything. */
static const char *const guides[] = {"genops.policy.metadata.*", "genops.cost.metadata.*", "genops.eval.*", "genops.compliance.framework",
    "genops.compliance.audit_trail_required", "genops.compliance.data_classification", "genops.compliance.*", "genops.tag.*", "genops.session.*",
    "genops.wandb.*", "genops.budget.metadata.*"};

static bool is_own(genops_str name)
{
	if (name.len && genops_event_span_is_part(name))
		return true;
	for (size_t i = 0; i < N_OWN; i++) {
		if (genops_str_is(name, own[i]))
			return true;
	}
	return false;
}

/* Whether the name is set before this point, or ever. */
static bool is_set_later(struct genops_lint *lint, genops_str name)
{
	for (size_t i = 0; i < lint->n_names && lint->steps_left; i++) {
		lint->steps_left--;
		if (genops_str_equal(lint->names[i], name))
			return true;
	}
	return false;
}

static const char *nearest_field(const struct genops_lint *lint, genops_str name, char *out, size_t size)
{
	const char *names[256];
	char texts[256][64];
	size_t n = 0;
	for (size_t i = 0; i < GENOPS_EVENT_PARTS; i++)
		names[n++] = genops_event_span_parts[i];
	for (size_t i = 0; i < N_OWN; i++)
		names[n++] = own[i];
	for (size_t i = 0; i < lint->n_names && n < 256; i++) {
		if (lint->names[i].len >= sizeof *texts)
			continue;
		snprintf(texts[n], sizeof *texts, "%.*s", GENOPS_LINT_ARG(lint->names[i]));
		names[n] = texts[n];
		n++;
	}
	const char *nearest = genops_str_nearest(name, names, n);
	if (!nearest)
		return NULL;
	snprintf(out, size, "%s", nearest);
	return out;
}

/* genops.<name>, if we write such an attribute. */
static bool has_attribute(genops_str name, char *out, size_t size)
{
	for (int i = 0; i < GENOPS_CONVENTION_N; i++) {
		const char *known = genops_conventions[i].name.ptr;
		if (!strncmp(known, "genops.", 7) && genops_str_is(name, known + 7)) {
			snprintf(out, size, "%s", known);
			return true;
		}
	}
	return false;
}

/* A name is told where it stands first. */
static bool is_told(struct genops_lint *lint, genops_str name)
{
	uint64_t hash = genops_hash_checksum(name.ptr, name.len, 1);
	for (size_t i = 0; i < lint->n_told; i++) {
		if (lint->told[i] == hash)
			return true;
	}
	if (lint->n_told < sizeof lint->told / sizeof *lint->told)
		lint->told[lint->n_told++] = hash;
	return false;
}

void genops_lint_field_name(struct genops_lint *lint, genops_str name, const struct genops_place *place)
{
	char fix[200], found[80];
	if (is_own(name) || genops_lint_find(lint, name) || genops_str_find_char(name, '[') != SIZE_MAX || genops_str_find_char(name, '.') != SIZE_MAX ||
	    genops_str_find_char(name, '*') != SIZE_MAX || is_told(lint, name))
		return;
	if (is_set_later(lint, name)) {
		genops_lint_say(lint, place, "move what sets it before this", "field %.*s is set only further down: here it is undefined", GENOPS_LINT_ARG(name));
		return;
	}
	if (nearest_field(lint, name, found, sizeof found))
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", found);
	else if (has_attribute(name, found, sizeof found))
		snprintf(fix, sizeof fix, "write attributes['%s'], or set the field from it in an eval before", found);
	else
		snprintf(fix, sizeof fix, "set it in an eval before, or read an attribute: attributes['...']");
	genops_lint_say(lint, place, fix, "nothing sets field %.*s: it is always undefined", GENOPS_LINT_ARG(name));
}

static void check_attribute(struct genops_lint *lint, genops_str name, const struct genops_place *place)
{
	const char *names[GENOPS_CONVENTION_N + sizeof guides / sizeof *guides];
	size_t n = 0;
	char fix[120];
	if (!genops_str_starts(name, GENOPS_STR("genops.")))
		return;
	for (size_t i = 0; i < sizeof guides / sizeof *guides; i++) {
		if (genops_str_glob(genops_str_of(guides[i]), name, false))
			return;
		names[n++] = guides[i];
	}
	for (int i = 0; i < GENOPS_CONVENTION_N; i++) {
		names[n++] = genops_conventions[i].name.ptr;
		if (genops_str_is(name, names[n - 1]))
			return;
	}
	const char *nearest = genops_str_nearest(name, names, n);
	if (!nearest || is_told(lint, name))
		return; /* somebody's own */
	snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	genops_lint_say(lint, place, fix, "attribute %.*s is none that GenOps writes", GENOPS_LINT_ARG(name));
}

struct names {
	struct genops_lint *lint;
	const struct genops_place *place;
};

static void check_node(void *arg, const struct genops_tree *node)
{
	const struct names *names = arg;
	if (node->op == OP_FIELD || node->op == OP_FIELD_MEMBER)
		genops_lint_field_name(names->lint, node->key, names->place);
	if (node->op == OP_FIELD_MEMBER && genops_str_is(node->key, "attributes"))
		check_attribute(names->lint, node->member, names->place);
}

void genops_lint_names(struct genops_lint *lint, const struct genops_tree *tree, const struct genops_place *place)
{
	struct names names = {lint, place};
	genops_tree_each(tree, check_node, &names);
}
