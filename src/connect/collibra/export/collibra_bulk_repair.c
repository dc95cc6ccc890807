/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_bulk_repair.c - see collibra_bulk.h: where imports are not allowed, look what is there and add what is
 * missing.
 *
 * One listing for each kind and minute of the assets, one more call for each asset that was there already, then the two bulk calls for
 * what is missing. When a bulk is refused although nothing of it was there, one of its items is bad: then they go one by one. */
#include "codec/json_write.h"
#include "base/str.h"
#include "connect/collibra/export/collibra_bulk_calls.h"

#include <stdio.h>
#include <stdlib.h>

struct known { /* of one asset */
	struct genops_collibra_asset *asset;
	char id[GENOPS_COLLIBRA_ID_SIZE]; /* as the instance has it; "" : it is not there */
	bool was_there;
	uint32_t has;                     /* bit per value: its attribute is there */
};

struct repairing {
	struct genops_collibra_client *client;
	const struct genops_collibra_target *target;
	struct genops_collibra_assets *assets;
	char *reason;
	size_t n;
	struct known *known;              /* of all pending assets, by name */
	struct known *current;            /* whose attributes are read */
};

genops_str genops_collibra_bulk_prefix(genops_str name)
{
	size_t n = 0;
	for (int colons = 0; n < name.len; n++) {
		if (name.ptr[n] == ':' && ++colons == 3)
			break;
	}
	return (genops_str){name.ptr, n};
}

static int compare_names(genops_str a, genops_str b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
	return compare_names(((const struct known *)a)->asset->name, ((const struct known *)b)->asset->name);
}

static int by_key(const void *key, const void *item)
{
	return compare_names(*(const genops_str *)key, ((const struct known *)item)->asset->name);
}

static enum genops_collibra_progress failed(const struct repairing *repairing, const struct genops_error *err)
{
	snprintf(repairing->reason, GENOPS_COLLIBRA_REASON_SIZE, "%.255s%s%.120s", err->message, err->fix[0] ? "; " : "", err->fix);
	return err->code == GENOPS_DENIED ? GENOPS_COLLIBRA_HELD : GENOPS_COLLIBRA_AGAIN;
}

/* --- what is there --- */

static void on_asset(void *arg, genops_str id, genops_str name)
{
	struct repairing *repairing = arg;
	struct known *known = bsearch(&name, repairing->known, repairing->n, sizeof *repairing->known, by_key);
	if (!known)
		return;
	snprintf(known->id, sizeof known->id, "%.*s", GENOPS_STR_ARG(id));
	known->was_there = true;
}

static int on_assets(void *arg, genops_str body, struct genops_error *err)
{
	return genops_collibra_read_assets(body, on_asset, arg, err);
}

static void on_attribute(void *arg, genops_str id, genops_str type_id)
{
	struct repairing *repairing = arg;
	struct known *known = repairing->current;
	for (size_t i = 0; i < known->asset->n_values; i++) {
		const struct genops_collibra_value *value = &known->asset->values[i];
		if (genops_str_is(type_id, repairing->target->types.attributes[value->type].id))
			known->has |= 1U << i;
	}
	(void)id;
}

static int on_attributes(void *arg, genops_str body, struct genops_error *err)
{
	return genops_collibra_read_attributes(body, on_attribute, arg, err);
}

static int list(struct repairing *repairing, const char *path, const char *key, genops_str value, bool is_prefix,
    genops_collibra_page_fn *on_page, struct genops_error *err)
{
	struct genops_buffer query;
	genops_buffer_init(&query, 8192);
	if (is_prefix) {
		genops_collibra_query_add(&query, "domainId", genops_str_of(repairing->target->domain_id));
		genops_collibra_query_add(&query, "nameMatchMode", GENOPS_STR("START"));
	}
	genops_collibra_query_add(&query, key, value);
	int code = query.error ? genops_fail(err, query.error, "no memory for a query")
			       : genops_collibra_client_list(repairing->client, genops_str_of(path), genops_buffer_view(&query),
				     true, is_prefix ? "the exported assets" : "the attributes of an asset", on_page, repairing, err);
	genops_buffer_done(&query);
	return code;
}

/* `known` is sorted by name, so what has one prefix stands together. */
static int look(struct repairing *repairing, struct genops_error *err)
{
	for (size_t i = 0; i < repairing->n;) {
		genops_str prefix = genops_collibra_bulk_prefix(repairing->known[i].asset->name);
		GENOPS_TRY(list(repairing, "/assets", "name", prefix, true, on_assets, err));
		while (i < repairing->n && genops_str_starts(repairing->known[i].asset->name, prefix))
			i++;
	}
	for (size_t i = 0; i < repairing->n; i++) {
		repairing->current = &repairing->known[i];
		if (repairing->current->was_there)
			GENOPS_TRY(list(repairing, "/attributes", "assetId", genops_str_of(repairing->current->id), false,
			    on_attributes, err));
	}
	return GENOPS_OK;
}

/* --- what is missing --- */

static void reject(const struct repairing *repairing, struct genops_collibra_asset *asset)
{
	asset->fate = GENOPS_COLLIBRA_REJECTED;
	if (!genops_arena_dup(repairing->assets->arena, genops_str_of(repairing->reason), &asset->reason))
		asset->reason = GENOPS_STR("refused");
}

static enum genops_collibra_progress create(struct repairing *repairing, struct known *const *missing, size_t n)
{
	uint32_t picked[GENOPS_COLLIBRA_BULK_ASSETS] = {0};
	enum genops_collibra_outcome outcome;
	for (size_t i = 0; i < n; i++)
		picked[i] = (uint32_t)(missing[i]->asset - repairing->assets->items);
	enum genops_collibra_progress progress = genops_collibra_bulk_create(
	    repairing->client, repairing->target, repairing->assets, picked, n, repairing->reason, &outcome);
	for (size_t i = 0; progress == GENOPS_COLLIBRA_DONE && i < n; i++) {
		if (!genops_collibra_asset_id(
			genops_str_of(repairing->target->domain_id), missing[i]->asset->name, missing[i]->id))
			return GENOPS_COLLIBRA_DOUBTFUL;
	}
	if (outcome != GENOPS_COLLIBRA_REFUSED)
		return progress;
	if (n == 1) {
		reject(repairing, missing[0]->asset);
		return GENOPS_COLLIBRA_DONE;
	}
	for (size_t i = 0; i < n; i++) {
		progress = create(repairing, &missing[i], 1);
		if (progress != GENOPS_COLLIBRA_DONE)
			return progress;
	}
	return GENOPS_COLLIBRA_DONE;
}

static size_t n_missing_values(const struct known *known)
{
	size_t n = 0;
	for (size_t i = 0; i < known->asset->n_values; i++)
		n += !(known->has & 1U << i);
	return n;
}

static enum genops_collibra_progress describe(struct repairing *repairing, struct known *const *some, size_t n)
{
	enum genops_collibra_outcome outcome = GENOPS_COLLIBRA_OK;
	enum genops_collibra_progress progress = GENOPS_COLLIBRA_DONE;
	struct genops_json_writer json;
	struct genops_buffer body;
	size_t n_values = 0;
	genops_buffer_init(&body, GENOPS_COLLIBRA_BODY_MAX);
	genops_json_writer_init(&json, &body);
	genops_json_array_begin(&json);
	for (size_t i = 0; i < n; i++) {
		n_values += n_missing_values(some[i]);
		for (size_t j = 0; j < some[i]->asset->n_values; j++) {
			if (!(some[i]->has & 1U << j))
				genops_collibra_body_attribute(
				    &json, repairing->target, genops_str_of(some[i]->id), &some[i]->asset->values[j]);
		}
	}
	genops_json_array_end(&json);
	if (n_values)
		progress = genops_collibra_bulk_call(repairing->client, "/attributes/bulk", &body, repairing->reason, &outcome);
	genops_buffer_done(&body);
	for (size_t i = 0; progress == GENOPS_COLLIBRA_DONE && i < n; i++)
		some[i]->asset->fate = GENOPS_COLLIBRA_STORED;
	if (outcome != GENOPS_COLLIBRA_REFUSED)
		return progress;
	if (n == 1) {
		reject(repairing, some[0]->asset);
		return GENOPS_COLLIBRA_DONE;
	}
	for (size_t i = 0; i < n; i++) {
		progress = describe(repairing, &some[i], 1);
		if (progress != GENOPS_COLLIBRA_DONE)
			return progress;
	}
	return GENOPS_COLLIBRA_DONE;
}

/* A budget's window is set anew: all values of a type are replaced, one call each. */
static enum genops_collibra_progress set_values(struct repairing *repairing, struct known *known)
{
	for (size_t i = 0; i < known->asset->n_values; i++) {
		const struct genops_collibra_value *value = &known->asset->values[i];
		struct genops_collibra_answer answer;
		struct genops_error err;
		char path[128];
		struct genops_buffer body = {.ptr = NULL, .max = 65536};
		struct genops_json_writer json;
		genops_json_writer_init(&json, &body);
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "typeId", genops_str_of(repairing->target->types.attributes[value->type].id));
		genops_json_key(&json, GENOPS_STR("values"));
		genops_json_array_begin(&json);
		genops_json_string(&json, value->text);
		genops_json_array_end(&json);
		genops_json_object_end(&json);
		snprintf(path, sizeof path, "/assets/%s/attributes", known->id);
		struct genops_collibra_call call = {.method = "PUT",
		    .path = genops_str_of(path),
		    .body = genops_buffer_view(&body),
		    .repeat = GENOPS_COLLIBRA_IDEMPOTENT};
		int code = genops_collibra_client_call(repairing->client, &call, &answer, &err);
		genops_buffer_done(&body);
		if (code != GENOPS_OK)
			return failed(repairing, &err);
		if (answer.outcome != GENOPS_COLLIBRA_OK)
			return genops_collibra_job_refusal(&answer, repairing->reason, GENOPS_COLLIBRA_REASON_SIZE);
	}
	known->asset->fate = GENOPS_COLLIBRA_STORED;
	return GENOPS_COLLIBRA_DONE;
}

typedef bool wants_fn(const struct known *known);

static bool is_missing(const struct known *known)
{
	return !known->id[0];
}

static bool is_undescribed(const struct known *known)
{
	return known->id[0] && known->asset->type != GENOPS_COLLIBRA_BUDGET_TRACKING;
}

/* In pieces that fit into one call. */
static enum genops_collibra_progress each(struct repairing *repairing, wants_fn *wants,
    enum genops_collibra_progress (*use)(struct repairing *, struct known *const *, size_t))
{
	struct known *some[GENOPS_COLLIBRA_BULK_ASSETS];
	for (size_t i = 0; i < repairing->n;) {
		size_t n = 0, n_values = 0;
		for (; i < repairing->n && n < GENOPS_COLLIBRA_BULK_ASSETS; i++) {
			struct known *known = &repairing->known[i];
			if (known->asset->fate != GENOPS_COLLIBRA_PENDING || !wants(known))
				continue;
			if (n && n_values + n_missing_values(known) > GENOPS_COLLIBRA_BULK_ATTRIBUTES)
				break;
			n_values += n_missing_values(known);
			some[n++] = known;
		}
		enum genops_collibra_progress progress = n ? use(repairing, some, n) : GENOPS_COLLIBRA_DONE;
		if (progress != GENOPS_COLLIBRA_DONE)
			return progress;
	}
	return GENOPS_COLLIBRA_DONE;
}

/* Nothing at all was taken: then it is the set-up, not the assets. */
static enum genops_collibra_progress hold_if_all_were_refused(struct repairing *repairing, enum genops_collibra_progress progress)
{
	size_t n_rejected = 0;
	for (size_t i = 0; i < repairing->n; i++)
		n_rejected += repairing->known[i].asset->fate == GENOPS_COLLIBRA_REJECTED;
	if (!repairing->n || n_rejected < repairing->n)
		return progress;
	for (size_t i = 0; i < repairing->n; i++)
		repairing->known[i].asset->fate = GENOPS_COLLIBRA_PENDING;
	return GENOPS_COLLIBRA_HELD;
}

enum genops_collibra_progress genops_collibra_bulk_repair(struct genops_collibra_client *client,
    const struct genops_collibra_target *target, struct genops_collibra_assets *assets,
    char ret_reason[GENOPS_COLLIBRA_REASON_SIZE])
{
	struct repairing repairing = {.client = client, .target = target, .assets = assets, .reason = ret_reason};
	struct genops_error err;
	repairing.known = genops_arena_alloc(assets->arena, assets->n * sizeof *repairing.known + 1);
	if (!repairing.known) {
		genops_fail(&err, GENOPS_NOMEM, "no memory to look what is in Collibra");
		return failed(&repairing, &err);
	}
	for (size_t i = 0; i < assets->n; i++) {
		if (assets->items[i].fate == GENOPS_COLLIBRA_PENDING)
			repairing.known[repairing.n++].asset = &assets->items[i];
	}
	qsort(repairing.known, repairing.n, sizeof *repairing.known, by_name);
	if (look(&repairing, &err) != GENOPS_OK)
		return failed(&repairing, &err);
	enum genops_collibra_progress progress = each(&repairing, is_missing, create);
	if (progress == GENOPS_COLLIBRA_DONE)
		progress = each(&repairing, is_undescribed, describe);
	for (size_t i = 0; progress == GENOPS_COLLIBRA_DONE && i < repairing.n; i++) {
		struct known *known = &repairing.known[i];
		if (known->asset->type == GENOPS_COLLIBRA_BUDGET_TRACKING && known->asset->fate == GENOPS_COLLIBRA_PENDING)
			progress = set_values(&repairing, known);
	}
	return hold_if_all_were_refused(&repairing, progress);
}
