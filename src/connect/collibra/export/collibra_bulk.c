/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_bulk.c - see collibra_bulk.h: the two calls. */
#include "connect/collibra/export/collibra_bulk.h"

#include "codec/json_write.h"
#include "connect/collibra/export/collibra_bulk_calls.h"

#include <stdio.h>

enum genops_collibra_progress genops_collibra_bulk_call(struct genops_collibra_client *client, const char *path,
    struct genops_buffer *body, char ret_reason[GENOPS_COLLIBRA_REASON_SIZE], enum genops_collibra_outcome *ret_outcome)
{
	struct genops_collibra_answer answer;
	struct genops_error err;
	struct genops_collibra_call call = {
	    .method = "POST",
	    .path = genops_str_of(path),
	    .body = genops_buffer_view(body),
	    .repeat = GENOPS_COLLIBRA_ONCE,
	};
	*ret_outcome = GENOPS_COLLIBRA_UNAVAILABLE;
	int code = body->error ? genops_fail(&err, body->error, "a batch of assets does not fit into memory")
			       : genops_collibra_client_call(client, &call, &answer, &err);
	if (code != GENOPS_OK) {
		snprintf(ret_reason, GENOPS_COLLIBRA_REASON_SIZE, "%.380s", err.message);
		return GENOPS_COLLIBRA_AGAIN;
	}
	*ret_outcome = answer.outcome;
	if (answer.outcome == GENOPS_COLLIBRA_OK)
		return GENOPS_COLLIBRA_DONE;
	enum genops_collibra_progress refused =
	    genops_collibra_job_refusal(&answer, ret_reason, GENOPS_COLLIBRA_REASON_SIZE);
	return refused == GENOPS_COLLIBRA_CANNOT ? GENOPS_COLLIBRA_HELD : refused;
}

enum genops_collibra_progress genops_collibra_bulk_create(struct genops_collibra_client *client,
    const struct genops_collibra_target *target, const struct genops_collibra_assets *assets, const uint32_t *picked,
    size_t n_picked, char ret_reason[GENOPS_COLLIBRA_REASON_SIZE], enum genops_collibra_outcome *ret_outcome)
{
	struct genops_buffer body;
	struct genops_error err;
	genops_buffer_init(&body, GENOPS_COLLIBRA_BODY_MAX);
	if (genops_collibra_body_assets(&body, target, assets, picked, n_picked, &err) != GENOPS_OK && !body.error)
		body.error = GENOPS_NOMEM;
	enum genops_collibra_progress progress =
	    genops_collibra_bulk_call(client, "/assets/bulk", &body, ret_reason, ret_outcome);
	genops_buffer_done(&body);
	return progress;
}

/* The attributes of assets that were just made, under the ids that we chose. */
static enum genops_collibra_progress describe(struct genops_collibra_client *client,
    const struct genops_collibra_target *target, const struct genops_collibra_assets *assets, const uint32_t *picked,
    size_t n_picked, char ret_reason[GENOPS_COLLIBRA_REASON_SIZE])
{
	enum genops_collibra_outcome outcome;
	struct genops_json_writer json;
	struct genops_buffer body;
	genops_buffer_init(&body, GENOPS_COLLIBRA_BODY_MAX);
	genops_json_writer_init(&json, &body);
	genops_json_array_begin(&json);
	for (size_t i = 0; i < n_picked; i++) {
		const struct genops_collibra_asset *asset = &assets->items[picked[i]];
		char id[GENOPS_COLLIBRA_ID_SIZE];
		if (!genops_collibra_asset_id(genops_str_of(target->domain_id), asset->name, id))
			body.error = GENOPS_NOMEM;
		for (size_t j = 0; j < asset->n_values && !body.error; j++)
			genops_collibra_body_attribute(&json, target, genops_str_of(id), &asset->values[j]);
	}
	genops_json_array_end(&json);
	enum genops_collibra_progress progress =
	    genops_collibra_bulk_call(client, "/attributes/bulk", &body, ret_reason, &outcome);
	genops_buffer_done(&body);
	/* The assets are there without them now: whatever came of it has to be looked at. */
	return progress == GENOPS_COLLIBRA_DONE || progress == GENOPS_COLLIBRA_STALE ? progress : GENOPS_COLLIBRA_DOUBTFUL;
}

size_t genops_collibra_bulk_pick(const struct genops_collibra_assets *assets, size_t *at, uint32_t *picked)
{
	size_t n = 0, n_values = 0;
	for (; *at < assets->n && n < GENOPS_COLLIBRA_BULK_ASSETS; (*at)++) {
		const struct genops_collibra_asset *asset = &assets->items[*at];
		if (asset->fate != GENOPS_COLLIBRA_PENDING || asset->type == GENOPS_COLLIBRA_BUDGET_TRACKING)
			continue;
		if (n && n_values + asset->n_values > GENOPS_COLLIBRA_BULK_ATTRIBUTES)
			break;
		n_values += asset->n_values;
		picked[n++] = (uint32_t)*at;
	}
	return n;
}

enum genops_collibra_progress genops_collibra_bulk_send(struct genops_collibra_client *client,
    const struct genops_collibra_target *target, struct genops_collibra_assets *assets,
    char ret_reason[GENOPS_COLLIBRA_REASON_SIZE])
{
	uint32_t picked[GENOPS_COLLIBRA_BULK_ASSETS];
	size_t at = 0, n;
	while ((n = genops_collibra_bulk_pick(assets, &at, picked))) {
		enum genops_collibra_outcome outcome;
		enum genops_collibra_progress progress =
		    genops_collibra_bulk_create(client, target, assets, picked, n, ret_reason, &outcome);
		/* 400 is also the answer to a name that is there already. */
		if (outcome == GENOPS_COLLIBRA_REFUSED)
			return GENOPS_COLLIBRA_DOUBTFUL;
		if (progress == GENOPS_COLLIBRA_DONE)
			progress = describe(client, target, assets, picked, n, ret_reason);
		if (progress != GENOPS_COLLIBRA_DONE)
			return progress;
		for (size_t i = 0; i < n; i++)
			assets->items[picked[i]].fate = GENOPS_COLLIBRA_STORED;
	}
	return GENOPS_COLLIBRA_DONE;
}
