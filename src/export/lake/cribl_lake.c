/* SPDX-License-Identifier: Apache-2.0
 * export/lake/cribl_lake.c - destination type cribl_lake: Cribl Lake's Direct Access (HTTP), one JSON event a line to the address of a dataset.
 *
 * The Lake has no ids: an answer that got lost means that events come twice. Each has genops_event_id, by which a search tells. Pure. */
#include "base/hash.h"
#include "base/str.h"
#include "codec/compress.h"
#include "codec/json_write.h"
#include "export/http_verdict.h"
#include "export/lake/lake_dataset.h"
#include "pipeline/value.h"

#include <stdio.h>
#include <time.h>

#define BODY_MAX ((size_t)4 << 20)
#define HEADERS_MAX 8
#define EVENT_MAX ((size_t)64 << 20) /* of one event's values */

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	if (settings->headers.n > HEADERS_MAX)
		return genops_fail_fix(err, GENOPS_CONFIG, "leave some of them out", "headers: at most %d", HEADERS_MAX);
	return GENOPS_OK;
}

static int check_route(const void *own, genops_str key, genops_str value, struct genops_error *err)
{
	const struct genops_lake_settings *settings = own;
	int64_t days;
	if (genops_str_is(key, "dataset") && !genops_lake_dataset_is_name(value))
		return genops_fail_fix(err, GENOPS_CONFIG, "letters, digits, _ and -, a letter first", "\"%.*s\" is not a dataset's name", (int)(value.len < 80 ? value.len : 80), value.ptr);
	if (genops_str_is(key, "dataset") && settings->n_datasets && !genops_lake_dataset_find(settings, value))
		return genops_fail_fix(err, GENOPS_CONFIG, "add it to datasets", "there is no dataset \"%.*s\"", (int)(value.len < 80 ? value.len : 80), value.ptr);
	if (genops_str_is(key, "retention") && !genops_lake_days(value, &days))
		return genops_fail_fix(err, GENOPS_CONFIG, "write 1 day to 3650 days", "retention: \"%.*s\" is not one that Cribl Lake has", (int)(value.len < 80 ? value.len : 80), value.ptr);
	return GENOPS_OK;
}

/* --- events --- */

static const struct genops_value *member(struct genops_value event, const char *name, size_t len)
{
	struct genops_value_key key = genops_value_key_of((genops_str){name, len});
	return event.type == GENOPS_VALUE_OBJECT ? genops_value_object_get(event.as.object, &key) : NULL;
}

/* What a route says beside its template; "" : nothing. */
static genops_str route_text(struct genops_value settings, const char *name)
{
	const struct genops_value *value = member(settings, name, strlen(name));
	return value && value->type == GENOPS_VALUE_TEXT ? genops_value_str(*value) : (genops_str){0};
}

static struct genops_value read(genops_str json, struct genops_arena *arena)
{
	struct genops_value value = {0};
	return json.len && genops_value_from_json(json, arena, &value, NULL) == GENOPS_OK ? value : (struct genops_value){0};
}

static genops_str body_of(const struct genops_destination_item *item)
{
	return item->payload.len ? item->payload : item->body;
}

static void year_of(const struct genops_destination_item *item, struct genops_value event, char ret_year[16])
{
	const struct genops_value *at = member(event, "_time", 5);
	double seconds = at && at->type == GENOPS_VALUE_NUMBER && at->as.number > -1e11 && at->as.number < 1e11 ? at->as.number : (double)item->time_unix_ns / 1e9;
	time_t whole = (time_t)seconds;
	struct tm tm = {0};
	gmtime_r(&whole, &tm);
	snprintf(ret_year, 16, "%d", tm.tm_year + 1900);
}

static uint64_t hash_field(const struct genops_destination_item *item, struct genops_value event, genops_str field, uint64_t sum, struct genops_buffer *scratch)
{
	const struct genops_value *value = member(event, field.ptr, field.len);
	char year[16];
	genops_buffer_clear(scratch);
	if (value) {
		genops_value_to_json(*value, scratch);
	} else if (genops_str_is(field, "year")) {
		year_of(item, event, year);
		genops_buffer_add_text(scratch, year);
	}
	return genops_hash_checksum(scratch->ptr, scratch->len, sum * 31 + 1);
}

/* What a route wants kept for longer than the document says. */
static void note_retention(const struct genops_destination_settings *settings, struct genops_value route, genops_str dataset)
{
	const struct genops_lake_settings *own = settings->own;
	struct genops_lake_session *session = settings->session;
	const struct genops_lake_dataset *found = genops_lake_dataset_find(own, dataset);
	int64_t days;
	if (!found || !session || !genops_lake_days(route_text(route, "retention"), &days))
		return;
	size_t i = (size_t)(found - own->datasets);
	if (days <= session->days[i] || days <= found->days)
		return;
	session->days[i] = days;
	session->states[i] = GENOPS_LAKE_UNKNOWN;
}

static genops_str dataset_of(const struct genops_lake_settings *own, struct genops_value route)
{
	genops_str named = route_text(route, "dataset");
	return named.len ? named : own->dataset;
}

static int partition(const struct genops_destination_settings *settings, const struct genops_destination_item *items, size_t n_items,
    struct genops_arena *scratch, uint64_t *ret_parts, struct genops_error *err)
{
	const struct genops_lake_settings *own = settings->own;
	struct genops_buffer text;
	genops_buffer_init(&text, (size_t)1 << 20);
	for (size_t i = 0; i < n_items; i++) {
		genops_arena_reset(scratch);
		struct genops_value route = read(items[i].settings, scratch);
		genops_str name = dataset_of(own, route);
		const struct genops_lake_dataset *dataset = genops_lake_dataset_find(own, name);
		note_retention(settings, route, name);
		ret_parts[i] = genops_hash_checksum(name.ptr, name.len, 0);
		if (!dataset || !dataset->partition_by.n)
			continue;
		struct genops_value event = read(body_of(&items[i]), scratch);
		for (size_t field = 0; field < dataset->partition_by.n; field++)
			ret_parts[i] = hash_field(&items[i], event, dataset->partition_by.items[field], ret_parts[i], &text);
	}
	genops_buffer_done(&text);
	return GENOPS_OK;
}

static bool is_named(const struct genops_texts *list, const char *name)
{
	for (size_t i = 0; list && i < list->n; i++) {
		if (genops_str_is(list->items[i], name))
			return true;
	}
	return false;
}

/* The event, with what the Lake wants and it has not: a time that is a number, the id, the fields that are searched by. */
static void add_event(const struct genops_lake_settings *own, const struct genops_lake_dataset *dataset, const struct genops_destination_item *item,
    struct genops_arena *arena, struct genops_buffer *out)
{
	genops_str json = genops_str_trim(body_of(item));
	struct genops_value event = read(json, arena);
	const struct genops_value *at = member(event, "_time", 5);
	bool is_text = at && at->type != GENOPS_VALUE_NUMBER;
	const struct genops_texts *partition_by = dataset ? &dataset->partition_by : NULL;
	const struct genops_texts *lists[] = {partition_by, &own->indexes};
	char text[64], year[16];
	size_t start = out->len;
	if (event.type != GENOPS_VALUE_OBJECT) { /* a template that is no object */
		genops_buffer_printf(out, "{\"genops_event_id\":\"%016llx\",\"_time\":%.3f,\"_raw\":", (unsigned long long)item->id, (double)item->time_unix_ns / 1e9);
		genops_json_add_string(out, json);
		genops_buffer_add(out, GENOPS_STR("}\n"));
		return;
	}
	snprintf(text, sizeof text, "{\"genops_event_id\":\"%016llx\"", (unsigned long long)item->id);
	genops_buffer_add_text(out, text);
	if (!at)
		genops_buffer_printf(out, ",\"_time\":%.3f", (double)item->time_unix_ns / 1e9);
	year_of(item, event, year);
	if (!member(event, "year", 4) && (is_named(partition_by, "year") || is_named(&own->indexes, "year")))
		genops_buffer_printf(out, ",\"year\":\"%s\"", year);
	for (size_t list = 0; list < 2; list++) {
		for (size_t i = 0; lists[list] && i < lists[list]->n; i++) {
			genops_str field = lists[list]->items[i];
			bool is_there = member(event, field.ptr, field.len) || genops_str_is(field, "year") || (list && is_named(partition_by, field.ptr));
			if (is_there)
				continue;
			genops_buffer_add_char(out, ',');
			genops_json_add_string(out, field);
			genops_buffer_add(out, GENOPS_STR(":null"));
		}
	}
	genops_buffer_add_text(out, event.as.object->n ? "," : "");
	if (is_text) /* the Lake's has to be a number */
		(void)genops_value_object_put(arena, event.as.object, genops_value_key_of(GENOPS_STR("_time")), genops_value_number((double)item->time_unix_ns / 1e9));
	size_t at_event = out->len;
	if (is_text)
		(void)genops_value_to_json(event, out);
	else
		genops_buffer_add(out, json);
	if (!out->error) { /* without the bracket that is there already */
		memmove(out->ptr + at_event, out->ptr + at_event + 1, out->len - at_event - 1);
		out->len--;
	}
	for (size_t i = start; !out->error && i < out->len; i++) {
		if (out->ptr[i] == '\n' || out->ptr[i] == '\r')
			out->ptr[i] = ' ';
	}
	genops_buffer_add_char(out, '\n');
}

/* --- the request --- */

static int finish(const struct genops_lake_settings *own, struct genops_buffer *lines, struct genops_request *request, struct genops_error *err)
{
	if (lines->error)
		return genops_fail(err, lines->error, "a request to Cribl Lake does not fit into memory");
	request->headers[request->n_headers++] = (struct genops_text_pair){GENOPS_STR("content-type"), GENOPS_STR("application/x-ndjson")};
	if (own->compression == GENOPS_LAKE_NONE) {
		request->body = *lines;
		genops_buffer_init(lines, 1);
		return GENOPS_OK;
	}
	request->headers[request->n_headers++] = (struct genops_text_pair){GENOPS_STR("content-encoding"), GENOPS_STR("gzip")};
	genops_buffer_init(&request->body, GENOPS_DESTINATION_BODY_MAX);
	int code = genops_compress_encode(GENOPS_COMPRESS_GZIP, 0, genops_buffer_view(lines), &request->body, err);
	if (code != GENOPS_OK)
		genops_buffer_done(&request->body);
	return code;
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	const struct genops_lake_settings *own = settings->own;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST"};
	struct genops_value route = read(batch->items[0].settings, arena);
	genops_str dataset = dataset_of(own, route);
	struct genops_buffer lines;
	struct genops_arena values; /* of one event */
	char url[1024];
	int code = GENOPS_OK;
	if (!dataset.len)
		return genops_fail_fix(err, GENOPS_CONFIG, "write dataset: in the route, or in the destination", "route %.*s to Cribl Lake names no dataset",
		    GENOPS_STR_ARG(batch->items[0].route));
	snprintf(url, sizeof url, "%.*s/datasets/%.*s", (int)(own->url.len < 800 ? own->url.len : 800), own->url.ptr, GENOPS_STR_ARG(dataset));
	if (!genops_arena_dup(arena, genops_str_of(url), &request.url))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a request");
	request.headers[request.n_headers++] = (struct genops_text_pair){GENOPS_STR("authorization"), own->token};
	for (size_t i = 0; i < settings->headers.n; i++)
		request.headers[request.n_headers++] = settings->headers.items[i];
	genops_buffer_init(&lines, GENOPS_DESTINATION_BODY_MAX);
	genops_arena_init(&values, EVENT_MAX);
	for (size_t i = 0; i < batch->n_items; i++) {
		genops_arena_reset(&values);
		add_event(own, genops_lake_dataset_find(own, dataset), &batch->items[i], &values, &lines);
	}
	code = finish(own, &lines, &request, err);
	genops_arena_done(&values);
	genops_buffer_done(&lines);
	if (code == GENOPS_OK)
		*ret_request = request;
	return code;
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	genops_http_verdict(response, ret_verdict);
	if (response->status != 404)
		return;
	ret_verdict->kind = GENOPS_RETRY; /* somebody has to switch it on; what waits is good */
	ret_verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason,
	    "HTTP 404: a dataset that Direct Access (HTTP) does not take; select it there, in Cribl Lake, or check url and dataset");
}

static int prepare(const struct genops_destination_settings *settings, int64_t now_unix_ns, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	return genops_lake_dataset_prepare(settings->own, settings->session, arena, ret_request, err);
}

static void prepared(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	genops_lake_dataset_prepared(settings->own, settings->session, response, ret_verdict);
}

static const char *const route_keys[] = {"payload_template", "dataset", "retention", NULL};

static genops_str address(const struct genops_destination_settings *settings)
{
	return ((const struct genops_lake_settings *)settings->own)->url;
}

const struct genops_destination_type genops_destination_type_cribl_lake = {
    .name = "cribl_lake",
    .summary = "Cribl Lake through Direct Access (HTTP), one JSON event a line; datasets through its management API",
    .document = &genops_lake_form,
    .route_keys = route_keys,
    .check_route = check_route,
    .takes = GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .bytes_max = BODY_MAX,
    .check = check,
    .partition = partition,
    .session_size = sizeof(struct genops_lake_session),
    .prepare = prepare,
    .prepared = prepared,
    .encode = encode,
    .judge = judge,
    .address = address,
};
