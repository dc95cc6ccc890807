/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/elasticsearch.c - destination type elasticsearch: documents into Elasticsearch or OpenSearch by POST /_bulk.
 *
 * Every document is created under an id of its own (elastic_document.h), so a request that comes again adds nothing: what is there answers 409.
 * A data stream takes `create` only, an index takes it too. Each document's verdict is read from the answer (bulk_answer.h).
 * Several endpoints: the next one is taken when one does not answer. Pure; the session belongs to one pump. */
#include "export/elastic/elastic_settings.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "export/elastic/bulk_answer.h"
#include "export/elastic/elastic_document.h"
#include "export/event_template.h"
#include "export/http_verdict.h"
#include "export/otlp_outgoing.h"
#include "export/outgoing_body.h"

#include <stdio.h>

#define BYTES_MAX   ((size_t)2 << 20) /* JSON is two to three times as long as protobuf, and 5 MB are what a node likes at once */
#define SCRATCH_MAX ((size_t)64 << 20)
#define INDEX_MAX   255 /* bytes of a name, over there */

struct session {
	unsigned endpoint;
	size_t n_items;                              /* of the request that is under way */
	uint32_t documents[GENOPS_VERDICT_ITEMS_MAX]; /* of each */
};

/* What writing one request needs. */
struct bulk {
	const struct genops_elastic_settings *own;
	struct session *session;
	struct genops_arena scratch;          /* of one document */
	struct genops_buffer *body, name;
	struct genops_event_template_run run;
	struct genops_error *err;
};

/* --- the index --- */

/* A name that no index can have would be refused document by document: what cannot be in it becomes '_'. */
static void mend(struct genops_buffer *name)
{
	for (size_t i = 0; i < name->len; i++) {
		char *c = &name->ptr[i];
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
		else if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("\\/*?\"<>|,#:", *c) || (!i && strchr("-_+.", *c)))
			*c = i ? '_' : 'x';
	}
	for (size_t at = INDEX_MAX; name->len > INDEX_MAX; at--) { /* between two characters */
		if (!at || ((unsigned char)name->ptr[at] & 0xC0) != 0x80)
			name->len = at;
	}
	if (!name->len)
		genops_buffer_add_char(name, 'x');
}

static int find_index(struct bulk *bulk, const struct genops_elastic_index *index, const struct genops_elastic_document *document, genops_str *ret)
{
	*ret = index->text;
	if (!index->template)
		return GENOPS_OK;
	if (index->reads_event)
		GENOPS_TRY(genops_event_template_run_begin(&bulk->run, document->event, bulk->err));
	bulk->run.expression.now_ms = document->time_unix_ns / GENOPS_NS_PER_MS;
	genops_buffer_clear(&bulk->name);
	GENOPS_TRY(genops_event_template_render(&bulk->run, index->template, &bulk->name, bulk->err));
	mend(&bulk->name);
	*ret = genops_buffer_view(&bulk->name);
	return GENOPS_OK;
}

/* --- the body --- */

static int add_document(struct bulk *bulk, const struct genops_elastic_index *index, const struct genops_elastic_document *document)
{
	genops_str name;
	genops_arena_reset(&bulk->scratch);
	GENOPS_TRY(find_index(bulk, index, document, &name));
	genops_buffer_add_text(bulk->body, "{\"create\":{\"_index\":");
	genops_json_add_string(bulk->body, name);
	genops_buffer_add_text(bulk->body, ",\"_id\":\"");
	genops_buffer_add_text(bulk->body, document->id);
	genops_buffer_add_text(bulk->body, "\"}}\n");
	GENOPS_TRY(genops_elastic_document_write(document, index->data_stream, &bulk->scratch, bulk->body, bulk->err));
	genops_buffer_add_char(bulk->body, '\n');
	return GENOPS_OK;
}

static int add_telemetry(struct bulk *bulk, enum genops_item_kind kind, genops_str request, genops_str tenant, int64_t received_unix_ns,
    uint32_t *ret_n)
{
	bool is_logs = kind == GENOPS_ITEM_LOGS;
	struct genops_otlp_reader reader;
	struct genops_elastic_document document;
	genops_str item;
	int code;
	*ret_n = 0;
	genops_otlp_reader_init(&reader, is_logs ? GENOPS_SIGNAL_LOGS : GENOPS_SIGNAL_TRACES, request);
	while ((code = genops_otlp_reader_next(&reader, &item)) > 0) {
		GENOPS_TRY(genops_elastic_document_of_telemetry(kind, &reader.resource, item, tenant, *ret_n, &document, bulk->err));
		if (!document.time_unix_ns)
			document.time_unix_ns = received_unix_ns;
		GENOPS_TRY(add_document(bulk, is_logs ? &bulk->own->logs : &bulk->own->traces, &document));
		++*ret_n;
	}
	return code < 0 ? genops_fail(bulk->err, GENOPS_CORRUPT, "telemetry in the queue is damaged") : GENOPS_OK;
}

static int add_items(struct bulk *bulk, const struct genops_destination_batch *batch)
{
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct genops_destination_item *item = &batch->items[i];
		struct genops_elastic_document document;
		uint32_t n = 1;
		if (item->kind == GENOPS_ITEM_EVENT) {
			genops_elastic_document_of_event(item, &document);
			GENOPS_TRY(add_document(bulk, &bulk->own->events, &document));
		} else {
			GENOPS_TRY(add_telemetry(bulk, item->kind, item->body, item->tenant, item->time_unix_ns, &n));
		}
		if (i < GENOPS_VERDICT_ITEMS_MAX)
			bulk->session->documents[i] = n;
	}
	return GENOPS_OK;
}

/* The engine's own operations are the spans that OTLP has of them. */
static int add_records(struct bulk *bulk, const struct genops_destination_settings *settings, const struct genops_destination_batch *batch)
{
	struct genops_buffer request;
	uint32_t n;
	genops_buffer_init(&request, GENOPS_DESTINATION_BODY_MAX);
	int code = genops_otlp_outgoing_encode(settings, batch, false, &request, bulk->err);
	if (code == GENOPS_OK)
		code = add_telemetry(bulk, GENOPS_ITEM_TRACES, genops_buffer_view(&request), (genops_str){0}, batch->now_unix_ns, &n);
	genops_buffer_done(&request);
	return code;
}

static int make_body(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_buffer *body, struct genops_error *err)
{
	struct bulk bulk = {.own = settings->own, .session = settings->session, .body = body, .err = err};
	genops_arena_init(&bulk.scratch, SCRATCH_MAX);
	genops_buffer_init(&bulk.name, 4096);
	genops_event_template_run_init(&bulk.run, batch->now_unix_ns);
	bulk.session->n_items = batch->n_items;
	int code = batch->n_items ? add_items(&bulk, batch) : add_records(&bulk, settings, batch);
	genops_event_template_run_done(&bulk.run);
	genops_buffer_done(&bulk.name);
	genops_arena_done(&bulk.scratch);
	if (code == GENOPS_OK && body->error)
		code = genops_fail(err, body->error, "a batch of documents: %s", body->error == GENOPS_LIMIT ? "larger than 256 MiB" : "out of memory");
	return code;
}

/* --- the type --- */

static int add_headers(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *request,
    struct genops_error *err)
{
	const struct genops_elastic_settings *own = settings->own;
	if (own->authorization.len)
		GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("authorization"), own->authorization, arena, err));
	return genops_otlp_outgoing_headers(settings, request, arena, err);
}

static genops_str url_of(const struct genops_destination_settings *settings)
{
	const struct genops_elastic_settings *own = settings->own;
	const struct session *session = settings->session;
	return own->urls.items[session->endpoint % own->urls.n];
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	const struct genops_elastic_settings *own = settings->own;
	struct genops_request request = {
	    .transport = GENOPS_TRANSPORT_HTTP, .method = "POST", .url = url_of(settings), .answer_max = GENOPS_ELASTIC_ANSWER_MAX};
	genops_str encoding = {0};
	GENOPS_TRY(genops_otlp_outgoing_header(
	    &request, GENOPS_STR("content-type"), GENOPS_STR("application/x-ndjson"), arena, err));
	GENOPS_TRY(add_headers(settings, arena, &request, err));
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	int code = make_body(settings, batch, &request.body, err);
	if (code == GENOPS_OK && own->is_compressed)
		code = genops_outgoing_body_compress(GENOPS_COMPRESS_GZIP, &request.body, &encoding, err);
	if (code == GENOPS_OK && encoding.len)
		code = genops_otlp_outgoing_header(&request, GENOPS_STR("content-encoding"), encoding, arena, err);
	if (code == GENOPS_OK)
		*ret_request = request;
	else
		genops_buffer_done(&request.body);
	return code;
}

/* Another node may be there when this one is not. */
static void turn(const struct genops_destination_settings *settings, const struct genops_response *response)
{
	struct session *session = settings->session;
	if (response->status == 0 || response->status == 502 || response->status == 503 || response->status == 504)
		session->endpoint++;
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	const struct genops_elastic_settings *own = settings->own;
	const struct session *session = settings->session;
	turn(settings, response);
	if (response->status >= 200 && response->status < 300)
		genops_elastic_bulk_answer(response, session->documents, session->n_items <= GENOPS_VERDICT_ITEMS_MAX ? session->n_items : 0,
		    own->events.reads_event, ret_verdict);
	else
		genops_http_verdict_api(response, ret_verdict);
	/* One of them may be at fault; the others are told apart by their ids, so trying halves makes nothing twice. */
	if (response->status == 400)
		ret_verdict->is_divisible = true;
}

static int probe(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request,
    struct genops_error *err)
{
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "GET", .url = url_of(settings)};
	request.url.len = genops_str_find(request.url, GENOPS_STR("/_bulk")) + 1;
	GENOPS_TRY(add_headers(settings, arena, &request, err));
	*ret_request = request;
	return GENOPS_OK;
}

/* Who may only write into an index is known, and not allowed to ask what cluster this is. */
static void judge_probe(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	genops_http_verdict(response, ret_verdict);
	if (response->status == 403)
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
}

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	return genops_otlp_outgoing_check(settings, err);
}

static const char *const route_keys[] = {"payload_template", NULL};

const struct genops_destination_type genops_destination_type_elasticsearch = {
    .name = "elasticsearch",
    .alias = "elastic",
    .summary = "Elasticsearch and OpenSearch: documents into an index or data stream by _bulk, each stored once",
    .exporter = &genops_elastic_exporter_form,
    .document = &genops_elastic_document_form,
    .route_keys = route_keys,
    .takes = GENOPS_TAKES_RECORDS | GENOPS_TAKES(GENOPS_ITEM_TRACES) | GENOPS_TAKES(GENOPS_ITEM_LOGS) | GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .items_max = GENOPS_VERDICT_ITEMS_MAX,
    .bytes_max = BYTES_MAX,
    .session_size = sizeof(struct session),
    .check = check,
    .encode = encode,
    .judge = judge,
    .probe = probe,
    .judge_probe = judge_probe,
};
