/* SPDX-License-Identifier: Apache-2.0
 * export/lake/lake_dataset.c - see lake_dataset.h. */
#include "export/lake/lake_dataset.h"

#include "base/str.h"
#include "codec/json_write.h"
#include "export/http_verdict.h"
#include "pipeline/value.h"

#include <stdio.h>

#define BODY_MAX    ((size_t)16 << 10)
#define ANSWER_MAX  ((size_t)256 << 10)
#define FIELDS_MAX  5 /* accelerated fields of a dataset */

static int64_t wanted_days(const struct genops_lake_settings *settings, const struct genops_lake_session *session, size_t i)
{
	return session->days[i] > settings->datasets[i].days ? session->days[i] : settings->datasets[i].days;
}

static void write_fields(struct genops_json_writer *json, const struct genops_lake_settings *settings, const struct genops_lake_dataset *dataset)
{
	const struct genops_texts *lists[] = {&dataset->partition_by, &settings->indexes};
	genops_str named[FIELDS_MAX];
	size_t n = 0;
	genops_json_key(json, GENOPS_STR("acceleratedFields"));
	genops_json_array_begin(json);
	for (size_t list = 0; list < 2; list++) {
		for (size_t i = 0; i < lists[list]->n && n < FIELDS_MAX; i++) {
			bool is_new = true;
			for (size_t j = 0; j < n; j++)
				is_new &= !genops_str_equal(named[j], lists[list]->items[i]);
			if (!is_new)
				continue;
			named[n++] = lists[list]->items[i];
			genops_json_string(json, named[n - 1]);
		}
	}
	genops_json_array_end(json);
}

static void write_body(const struct genops_lake_settings *settings, const struct genops_lake_session *session, size_t i, struct genops_buffer *body)
{
	const struct genops_lake_dataset *dataset = &settings->datasets[i];
	int64_t days = wanted_days(settings, session, i);
	struct genops_json_writer json;
	genops_json_writer_init(&json, body);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "id", dataset->name);
	if (days)
		genops_json_key_int(&json, "retentionPeriodInDays", days);
	if (session->states[i] == GENOPS_LAKE_MISSING) {
		if (dataset->description.len)
			genops_json_key_string(&json, "description", dataset->description);
		genops_json_key_string(&json, "format", settings->compression == GENOPS_LAKE_PARQUET ? GENOPS_STR("parquet") : GENOPS_STR("json"));
		genops_json_key_bool(&json, "httpDAUsed", true);
		write_fields(&json, settings, dataset);
	}
	genops_json_object_end(&json);
}

int genops_lake_dataset_prepare(const struct genops_lake_settings *settings, struct genops_lake_session *session,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	char url[1024], token[4096];
	genops_str kept_url, kept_token;
	size_t i = 0;
	while (i < settings->n_datasets && session->states[i] == GENOPS_LAKE_FINE)
		i++;
	if (!settings->api_url.len || i == settings->n_datasets)
		return 0;
	session->asked = i;
	enum genops_lake_state state = session->states[i];
	snprintf(url, sizeof url, "%.*s/api/v1/products/lake/lakes/%.*s/datasets%s%.*s", GENOPS_STR_ARG(settings->api_url), GENOPS_STR_ARG(settings->lake),
	    state == GENOPS_LAKE_MISSING ? "" : "/", state == GENOPS_LAKE_MISSING ? 0 : (int)settings->datasets[i].name.len, settings->datasets[i].name.ptr);
	snprintf(token, sizeof token, "Bearer %.*s", GENOPS_STR_ARG(settings->api_token));
	if (!genops_arena_dup(arena, genops_str_of(url), &kept_url) || !genops_arena_dup(arena, genops_str_of(token), &kept_token))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a request");
	*ret_request = (struct genops_request){.transport = GENOPS_TRANSPORT_HTTP, .url = kept_url, .answer_max = ANSWER_MAX, .n_headers = 2,
	    .method = state == GENOPS_LAKE_UNKNOWN ? "GET" : state == GENOPS_LAKE_MISSING ? "POST" : "PATCH",
	    .headers = {{GENOPS_STR("authorization"), kept_token}, {GENOPS_STR("accept"), GENOPS_STR("application/json")}}};
	genops_buffer_init(&ret_request->body, BODY_MAX);
	if (state == GENOPS_LAKE_UNKNOWN)
		return 1;
	ret_request->headers[ret_request->n_headers++] = (struct genops_text_pair){GENOPS_STR("content-type"), GENOPS_STR("application/json")};
	write_body(settings, session, i, &ret_request->body);
	if (!ret_request->body.error)
		return 1;
	genops_buffer_done(&ret_request->body);
	return genops_fail(err, GENOPS_NOMEM, "no memory for a request");
}

/* {"items": [{"id": ..., "retentionPeriodInDays": 30}]}; -1: not found in it. */
static int64_t days_of(genops_str body, struct genops_arena *arena)
{
	struct genops_value value;
	struct genops_value_key items_key = genops_value_key_of(GENOPS_STR("items")), days_key = genops_value_key_of(GENOPS_STR("retentionPeriodInDays"));
	if (genops_value_from_json(body, arena, &value, NULL) != GENOPS_OK || value.type != GENOPS_VALUE_OBJECT)
		return -1;
	const struct genops_value *items = genops_value_object_get(value.as.object, &items_key);
	if (items && items->type == GENOPS_VALUE_LIST && items->as.list->n && items->as.list->items[0].type == GENOPS_VALUE_OBJECT)
		value = items->as.list->items[0];
	const struct genops_value *days = genops_value_object_get(value.as.object, &days_key);
	return days && days->type == GENOPS_VALUE_NUMBER && days->as.number >= 0 && days->as.number < 1e6 ? (int64_t)days->as.number : -1;
}

void genops_lake_dataset_prepared(const struct genops_lake_settings *settings, struct genops_lake_session *session,
    const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	enum genops_lake_state *state = &session->states[session->asked];
	struct genops_arena arena;
	char reason[256];
	genops_http_verdict(response, ret_verdict);
	if (*state == GENOPS_LAKE_UNKNOWN && response->status == 404) {
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
		*state = GENOPS_LAKE_MISSING;
		return;
	}
	if (*state == GENOPS_LAKE_MISSING && response->status == 409) { /* somebody made it meanwhile */
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
		*state = GENOPS_LAKE_UNKNOWN;
		return;
	}
	if (ret_verdict->kind == GENOPS_SENT && *state == GENOPS_LAKE_UNKNOWN) {
		genops_arena_init(&arena, (size_t)4 << 20);
		int64_t days = days_of(response->body, &arena);
		genops_arena_done(&arena);
		*state = days >= 0 && days < wanted_days(settings, session, session->asked) ? GENOPS_LAKE_SHORT : GENOPS_LAKE_FINE;
	} else if (ret_verdict->kind == GENOPS_SENT) {
		*state = GENOPS_LAKE_FINE;
	} else {
		snprintf(reason, sizeof reason, "dataset %.*s: %.160s", (int)(settings->datasets[session->asked].name.len < 64 ? settings->datasets[session->asked].name.len : 64),
		    settings->datasets[session->asked].name.ptr, ret_verdict->reason);
		if (ret_verdict->retry_after_ns < GENOPS_HTTP_CREDENTIALS_HOLD_NS && response->status && response->status < 500 && response->status != 429)
			ret_verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
		memcpy(ret_verdict->reason, reason, sizeof reason);
	}
}
