/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/policy/policy_set.c - see policy_set.h. */
#include "connect/collibra/policy/policy_set.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"
#include "connect/collibra/collibra_answer.h"
#include "store/counters.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION   1
#define TRIAL_MAX ((size_t)64 << 20)

struct genops_collibra_policy *genops_collibra_policy_set_find(const struct genops_collibra_policy_set *set, genops_str id)
{
	for (size_t i = 0; i < set->n; i++) {
		if (genops_str_equal(set->policies[i].id, id))
			return &set->policies[i];
	}
	return NULL;
}

int genops_collibra_policy_set_add(struct genops_collibra_policy_set *set, genops_str id, struct genops_arena *arena,
    struct genops_collibra_policy **ret_policy, struct genops_error *err)
{
	if (set->n == GENOPS_COLLIBRA_POLICIES_MAX)
		return genops_fail_fix(err, GENOPS_LIMIT, "keep policies that are off in another domain", "the domain has more than %d policies",
		    GENOPS_COLLIBRA_POLICIES_MAX);
	if ((set->n & (set->n - 1)) == 0) { /* full at each power of two */
		struct genops_collibra_policy *policies = genops_arena_alloc(arena, (set->n ? 2 * set->n : 1) * sizeof *policies);
		if (!policies)
			return genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's policies");
		for (size_t i = 0; i < set->n; i++)
			policies[i] = set->policies[i];
		set->policies = policies;
	}
	struct genops_collibra_policy *policy = &set->policies[set->n];
	*policy = (struct genops_collibra_policy){0};
	if (!genops_arena_dup(arena, id, &policy->id))
		return genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's policies");
	set->n++;
	*ret_policy = policy;
	return GENOPS_OK;
}

/* --- kept --- */

static void write_policy(struct genops_json_writer *json, const struct genops_collibra_policy *policy)
{
	genops_json_object_begin(json);
	genops_json_key_string(json, "id", policy->id);
	genops_json_key_string(json, "name", policy->name);
	genops_json_key_string(json, "type", genops_str_of(genops_collibra_asset_rows[policy->type].public_id));
	genops_json_key_string(json, "status", policy->status);
	genops_json_key(json, GENOPS_STR("attributes"));
	genops_json_object_begin(json);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if (!policy->values[i].n)
			continue;
		genops_json_key(json, genops_str_of(genops_collibra_attribute_rows[i].name));
		genops_json_array_begin(json);
		for (size_t j = 0; j < policy->values[i].n; j++)
			genops_json_string(json, policy->values[i].items[j]);
		genops_json_array_end(json);
	}
	genops_json_object_end(json);
	genops_json_object_end(json);
}

void genops_collibra_policy_set_write(const struct genops_collibra_policy_set *set, struct genops_buffer *out)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key_int(&json, "version", VERSION);
	genops_json_key_string(&json, "url", set->url);
	genops_json_key_string(&json, "domain_id", set->domain_id);
	genops_json_key_string(&json, "domain_name", set->domain_name);
	genops_json_key_int(&json, "changed_unix_ns", set->changed_unix_ns);
	genops_json_key(&json, GENOPS_STR("policies"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < set->n; i++)
		write_policy(&json, &set->policies[i]);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
}

enum { KEPT_VERSION, KEPT_URL, KEPT_DOMAIN_ID, KEPT_DOMAIN_NAME, KEPT_CHANGED, POLICY, POLICY_ID, POLICY_NAME, POLICY_TYPE, POLICY_STATUS,
	POLICY_VALUE };

static const struct genops_json_path kept_paths[] = {{"version", KEPT_VERSION}, {"url", KEPT_URL}, {"domain_id", KEPT_DOMAIN_ID},
    {"domain_name", KEPT_DOMAIN_NAME}, {"changed_unix_ns", KEPT_CHANGED}, {"policies[]", POLICY}, {"policies[].id", POLICY_ID},
    {"policies[].name", POLICY_NAME}, {"policies[].type", POLICY_TYPE}, {"policies[].status", POLICY_STATUS},
#define X(symbol, name, kind, of, text) {"policies[].attributes." name "[]", POLICY_VALUE + GENOPS_COLLIBRA_ATTRIBUTE_##symbol},
    GENOPS_COLLIBRA_ATTRIBUTE_TYPES(X)
#undef X
};

struct kept {
	struct genops_arena *arena;
	struct genops_collibra_policy_set set;
	struct genops_collibra_policy *policy; /* the one being read */
	int64_t version;
	bool has_type;
	int code;
	struct genops_error *err;
};

static void keep(struct kept *kept, genops_str text, genops_str *ret_text)
{
	if (!genops_arena_dup(kept->arena, text, ret_text))
		kept->code = genops_fail(kept->err, GENOPS_NOMEM, "no memory for Collibra's policies");
}

static void on_policy(struct kept *kept, const struct genops_json_value *value)
{
	if (value->type != GENOPS_JSON_OBJECT)
		kept->code = genops_fail(kept->err, GENOPS_SYNTAX, "a policy is no object");
	else if (!value->is_end)
		kept->code = genops_collibra_policy_set_add(&kept->set, (genops_str){0}, kept->arena, &kept->policy, kept->err);
	else if (!kept->has_type || !kept->policy->id.len)
		kept->code = genops_fail(kept->err, GENOPS_SYNTAX, "a policy has no id or no type");
	kept->has_type = kept->has_type && value->is_end;
}

static void on_type(struct kept *kept, genops_str text)
{
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if (genops_str_is(text, genops_collibra_asset_rows[i].public_id) && genops_collibra_asset_rows[i].policy_type) {
			kept->policy->type = (enum genops_collibra_asset_type)i;
			kept->has_type = true;
		}
	}
}

static void on_kept_text(struct kept *kept, int id, genops_str text)
{
	switch (id) {
	case KEPT_URL:
		keep(kept, text, &kept->set.url);
		break;
	case KEPT_DOMAIN_ID:
		keep(kept, text, &kept->set.domain_id);
		break;
	case KEPT_DOMAIN_NAME:
		keep(kept, text, &kept->set.domain_name);
		break;
	case POLICY_ID:
		keep(kept, text, &kept->policy->id);
		break;
	case POLICY_NAME:
		keep(kept, text, &kept->policy->name);
		break;
	case POLICY_STATUS:
		keep(kept, text, &kept->policy->status);
		break;
	case POLICY_TYPE:
		on_type(kept, text);
		break;
	default:
		if (id >= POLICY_VALUE)
			kept->code = genops_collibra_policy_add(kept->policy, (enum genops_collibra_attribute_type)(id - POLICY_VALUE), text,
			    kept->arena, kept->err);
	}
}

static void on_kept(void *arg, const struct genops_json_value *value)
{
	struct kept *kept = arg;
	if (kept->code != GENOPS_OK)
		return;
	if (value->id == POLICY)
		on_policy(kept, value);
	else if (value->type == GENOPS_JSON_STRING && value->is_cut)
		kept->code = genops_fail(kept->err, GENOPS_SYNTAX, "a text is too long");
	else if (value->type == GENOPS_JSON_STRING)
		on_kept_text(kept, value->id, value->text);
	else if (value->id == KEPT_VERSION && value->is_integer)
		kept->version = value->integer;
	else if (value->id == KEPT_CHANGED && value->is_integer)
		kept->set.changed_unix_ns = value->integer;
}

int genops_collibra_policy_set_read(genops_str text, struct genops_arena *arena, struct genops_collibra_policy_set *ret_set, struct genops_error *err)
{
	struct genops_error own;
	struct kept kept = {.arena = arena, .err = err ? err : &own};
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_VALUE_MAX};
	struct genops_json_paths *compiled = genops_json_paths_new(kept_paths, sizeof kept_paths / sizeof *kept_paths, kept.err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_kept, &kept) : NULL;
	int code = scan ? genops_json_scan_feed(scan, text, kept.err) : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's policies");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, kept.err);
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	if (code == GENOPS_OK)
		code = kept.code;
	if (code == GENOPS_OK && kept.version != VERSION)
		code = genops_fail(err, GENOPS_SYNTAX, "it was written by another version of GenOps");
	if (code == GENOPS_OK)
		*ret_set = kept.set;
	return code;
}

/* --- difference --- */

static void tell(struct genops_collibra_changes *changes, const struct genops_collibra_policy *policy, bool is_kept,
    const struct genops_error *cause)
{
	char name[120], id[GENOPS_COLLIBRA_ID_SIZE], text[200], line[GENOPS_COLLIBRA_ERROR_MAX];
	changes->n_failed++;
	if (changes->n_errors == GENOPS_COLLIBRA_ERRORS_MAX)
		return;
	genops_collibra_answer_line(policy->name, name, sizeof name);
	genops_collibra_answer_line(policy->id, id, sizeof id);
	genops_collibra_answer_line(genops_str_of(cause->message), text, sizeof text);
	snprintf(line, sizeof line, "%s \"%s\" (%s): %s%s%.80s%s", genops_collibra_asset_rows[policy->type].name, name, id, text,
	    cause->fix[0] ? "; " : "", cause->fix, is_kept ? "; its last good version stays in force" : "");
	genops_collibra_answer_line(genops_str_of(line), changes->errors[changes->n_errors++], sizeof changes->errors[0]);
}

/* Can it be used? What compiling takes is given back at once. */
static int try_build(const struct genops_collibra_policy *policy, struct genops_error *err)
{
	struct genops_policy built;
	struct genops_arena arena;
	genops_arena_init(&arena, TRIAL_MAX);
	int code = genops_collibra_policy_build(policy, &arena, &built, err);
	if (code == GENOPS_OK && built.type->release)
		built.type->release(built.settings);
	genops_arena_done(&arena);
	return code;
}

static bool is_in_force(const struct genops_collibra_policy *policy)
{
	return policy && !genops_collibra_policy_is_off(policy);
}

/* A copy in the arena. */
static int take(struct genops_collibra_policy_set *after, const struct genops_collibra_policy *from, struct genops_arena *arena,
    struct genops_error *err)
{
	struct genops_collibra_policy *to;
	bool ok = true;
	GENOPS_TRY(genops_collibra_policy_set_add(after, from->id, arena, &to, err));
	to->type = from->type;
	ok = genops_arena_dup(arena, from->name, &to->name) && genops_arena_dup(arena, from->status, &to->status);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES && ok; i++) {
		to->values[i].n = from->values[i].n;
		to->values[i].items = genops_arena_alloc(arena, (from->values[i].n + 1) * sizeof(genops_str));
		ok = to->values[i].items != NULL;
		for (size_t j = 0; j < from->values[i].n && ok; j++)
			ok = genops_arena_dup(arena, from->values[i].items[j], &to->values[i].items[j]);
	}
	return ok ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's policies");
}

/* A budget that every call is held against. */
static bool is_for_all(const struct genops_collibra_policy *policy)
{
	return is_in_force(policy) && policy->type == GENOPS_COLLIBRA_BUDGET_CONSTRAINT &&
	       !policy->values[GENOPS_COLLIBRA_ATTRIBUTE_APPLIES_TO_TEAMS].n && !policy->values[GENOPS_COLLIBRA_ATTRIBUTE_APPLIES_TO_PROJECTS].n &&
	       !policy->values[GENOPS_COLLIBRA_ATTRIBUTE_APPLIES_TO_ENVIRONMENTS].n;
}

/* Those that were for all before and still are keep their room. */
static size_t count_for_all(const struct genops_collibra_policy_set *before, const struct genops_collibra_policy_set *found)
{
	size_t n = 0;
	for (size_t i = 0; i < found->n; i++)
		n += is_for_all(&found->policies[i]) && is_for_all(genops_collibra_policy_set_find(before, found->policies[i].id));
	return n;
}

static int try_use(const struct genops_collibra_policy *found, const struct genops_collibra_policy *old, size_t *n_for_all,
    struct genops_error *cause)
{
	GENOPS_TRY(try_build(found, cause));
	if (!is_for_all(found) || is_for_all(old))
		return GENOPS_OK;
	if (*n_for_all >= GENOPS_RESERVATION_BUDGETS_MAX)
		return genops_fail_fix(cause, GENOPS_CONFIG, "give it applies_to_teams, or another one",
		    "a call can be held against %d budgets, and so many are for all calls already", GENOPS_RESERVATION_BUDGETS_MAX);
	++*n_for_all;
	return GENOPS_OK;
}

static int diff_one(const struct genops_collibra_policy_set *before, const struct genops_collibra_policy *found,
    struct genops_arena *arena, struct genops_collibra_policy_set *after, size_t *n_for_all, struct genops_collibra_changes *changes,
    bool *is_changed, struct genops_error *err)
{
	const struct genops_collibra_policy *old = genops_collibra_policy_set_find(before, found->id);
	bool was_on = is_in_force(old), is_on = is_in_force(found);
	struct genops_error cause = {0};
	int code = is_on ? try_use(found, old, n_for_all, &cause) : GENOPS_OK;
	if (code == GENOPS_NOMEM)
		return genops_fail(err, code, "%s", cause.message);
	if (code != GENOPS_OK) {
		tell(changes, found, was_on, &cause);
		return was_on ? take(after, old, arena, err) : GENOPS_OK;
	}
	changes->n_imported += is_on && !was_on;
	changes->n_removed += was_on && !is_on;
	if (!old || !genops_collibra_policy_equal(old, found)) {
		changes->n_updated += is_on && was_on;
		*is_changed = true;
	}
	*is_changed |= !old || !genops_str_equal(old->status, found->status);
	return take(after, found, arena, err);
}

int genops_collibra_policy_set_diff(const struct genops_collibra_policy_set *before, const struct genops_collibra_policy_set *found,
    struct genops_arena *arena, struct genops_collibra_policy_set *ret_after, struct genops_collibra_changes *ret_changes,
    bool *ret_is_changed, struct genops_error *err)
{
	struct genops_collibra_policy_set after = {.url = found->url, .domain_id = found->domain_id, .domain_name = found->domain_name};
	struct genops_collibra_changes changes = {0};
	bool is_changed = false;
	size_t n_for_all = count_for_all(before, found);
	for (size_t i = 0; i < found->n; i++) {
		/* Pages of a listing that changes meanwhile may overlap. */
		if (genops_collibra_policy_set_find(found, found->policies[i].id) == &found->policies[i])
			GENOPS_TRY(diff_one(before, &found->policies[i], arena, &after, &n_for_all, &changes, &is_changed, err));
	}
	for (size_t i = 0; i < before->n; i++) {
		if (genops_collibra_policy_set_find(found, before->policies[i].id))
			continue;
		changes.n_removed += is_in_force(&before->policies[i]);
		is_changed = true;
	}
	*ret_after = after;
	*ret_changes = changes;
	*ret_is_changed = is_changed;
	return GENOPS_OK;
}
