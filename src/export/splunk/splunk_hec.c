/* SPDX-License-Identifier: Apache-2.0
 * export/splunk/splunk_hec.c - destination type splunk_hec: events of pipelines to Splunk's HTTP Event Collector. Pure but for the session.
 *
 * A request is events behind one another, without brackets or commas. With `ack` a request is done when an indexer has acknowledged it:
 * encoded again, it is the question whether that has happened, until ack_timeout; then the events go again. One request at a time, so larger
 * batches are what makes it faster.
 */
#include "export/splunk/splunk_event.h"
#include "export/splunk/splunk_verdict.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "export/otlp_outgoing.h"
#include "export/outgoing_body.h"
#include "telemetry/propagation.h"

#include <inttypes.h>
#include <stdio.h>

#define EXAMPLE      "as endpoint: https://splunk.company.com:8088/services/collector"
#define BASE         "/services/collector"
#define ITEMS_MAX    GENOPS_VERDICT_ITEMS_MAX
#define ACK_EVERY_NS GENOPS_NS_PER_S
#define TOKEN_MAX    512
#define EVENT_ROOM   ((size_t)32 << 20)

struct own {
	genops_str endpoint, token, channel;
	struct genops_splunk_defaults defaults;
	int compression;
	bool has_ack;
	int64_t ack_timeout_ns, content_max;
	struct genops_template *template;
	genops_str url, ack_url, health_url; /* made of endpoint */
	bool is_raw;
};

/* What was sent last and is not acknowledged. */
struct session {
	bool is_waiting;
	uint64_t which;               /* events, by their ids */
	size_t n_items;               /* so many of them */
	int64_t ack_id, ack_until_ns; /* unix ns */
};

/* --- settings --- */

static const char *const compressions[] = {"gzip", "none", NULL};

#define AT(field) offsetof(struct own, field)
static const struct genops_option rows[] = {
    {.name = "endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(endpoint), .is_required = true, .text = "https://host:8088/services/collector; with /raw behind it lines are sent, not envelopes"},
    {.name = "token", .type = GENOPS_OPTION_TEXT, .offset = AT(token), .is_required = true, .is_secret = true, .text = "the collector's token, from ${SPLUNK_HEC_TOKEN} or ${file:/run/secrets/splunk}"},
    {.name = "source", .type = GENOPS_OPTION_TEXT, .offset = AT(defaults.source), .text = "of events whose template sets none"},
    {.name = "sourcetype", .type = GENOPS_OPTION_TEXT, .offset = AT(defaults.sourcetype), .text = "of events whose template sets none"},
    {.name = "index", .type = GENOPS_OPTION_TEXT, .offset = AT(defaults.index), .text = "of events whose template sets none"},
    {.name = "host", .type = GENOPS_OPTION_TEXT, .offset = AT(defaults.host), .text = "of events whose template sets none"},
    {.name = "event_template", .type = GENOPS_OPTION_CUSTOM, .text = "JSON: the envelope, or without a member \"event\" the event itself"},
    {.name = "ack", .type = GENOPS_OPTION_BOOL, .offset = AT(has_ack), .default_text = "false", .text = "wait until an indexer acknowledges; the token must have it enabled"},
    {.name = "ack_timeout", .type = GENOPS_OPTION_DURATION, .offset = AT(ack_timeout_ns), .default_text = "5m", .min = 1, .max = 86400, .text = "then it is sent again"},
    {.name = "channel", .type = GENOPS_OPTION_TEXT, .offset = AT(channel), .text = "a GUID, for acknowledgements and the raw endpoint; unset: a new one each start"},
    {.name = "max_content_length", .type = GENOPS_OPTION_SIZE, .offset = AT(content_max), .default_text = "1000000", .min = 1024, .max = 838860800, .text = "bytes of one request, before compression"},
    {.name = "compression", .type = GENOPS_OPTION_ENUM, .offset = AT(compression), .default_text = "gzip", .names = compressions, .text = "of requests over 2 KiB"},
    {.name = NULL}};

static bool is_guid(genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		if (!is_hex && !(c == '-' && (i == 8 || i == 13 || i == 18 || i == 23)))
			return false;
	}
	return text.len == 36;
}

static bool is_token(genops_str token)
{
	for (size_t i = 0; i < token.len; i++) {
		if ((unsigned char)token.ptr[i] <= 0x20 || (unsigned char)token.ptr[i] >= 0x7f)
			return false;
	}
	return token.len > 0 && token.len <= TOKEN_MAX;
}

static int make_channel(const struct genops_yaml_rows *in, struct own *own)
{
	uint8_t id[16];
	char hex[33], guid[40];
	genops_trace_id_new(id);
	genops_str_to_hex(id, sizeof id, hex);
	snprintf(guid, sizeof guid, "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
	return genops_arena_dup(in->arena, genops_str_of(guid), &own->channel) ? GENOPS_OK : genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
}

static void add_query(struct genops_buffer *url, const char *name, genops_str value)
{
	genops_str seen = genops_buffer_view(url);
	if (!value.len)
		return;
	genops_buffer_printf(url, "%c%s=", genops_str_find_char(seen, '?') == SIZE_MAX ? '?' : '&', name);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);
		genops_buffer_printf(url, is_plain ? "%c" : "%%%02X", c);
	}
}

static int keep_url(const struct genops_yaml_rows *in, struct genops_buffer *url, genops_str *ret_url)
{
	bool is_fine = !url->error && genops_arena_dup(in->arena, genops_buffer_view(url), ret_url);
	genops_buffer_clear(url);
	return is_fine ? GENOPS_OK : genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
}

/* The collector's own paths lie beside the one that is written down. A host alone means .../services/collector/event. */
static int make_urls(const struct genops_yaml_rows *in, struct own *own)
{
	struct genops_buffer url;
	genops_str base = own->endpoint;
	int code;
	size_t at = genops_str_find(base, GENOPS_STR(BASE)), path = genops_str_find_char(genops_str_skip(base, 8), '/');
	bool is_host = path == SIZE_MAX || base.len == 8 + path + 1;
	own->is_raw = genops_str_find(base, GENOPS_STR(BASE "/raw")) != SIZE_MAX;
	base.len = is_host ? (path == SIZE_MAX ? base.len : base.len - 1) : at == SIZE_MAX ? base.len : at + strlen(BASE);
	genops_buffer_init(&url, 8192);
	genops_buffer_add(&url, is_host ? base : own->endpoint);
	genops_buffer_add_text(&url, is_host ? BASE "/event" : "");
	if (own->is_raw) {
		add_query(&url, "host", own->defaults.host);
		add_query(&url, "source", own->defaults.source);
		add_query(&url, "sourcetype", own->defaults.sourcetype);
		add_query(&url, "index", own->defaults.index);
	}
	code = keep_url(in, &url, &own->url);
	genops_buffer_add(&url, base);
	genops_buffer_add_text(&url, is_host ? BASE "/ack" : "/ack");
	add_query(&url, "channel", own->channel);
	code = code == GENOPS_OK ? keep_url(in, &url, &own->ack_url) : code;
	genops_buffer_add(&url, base);
	genops_buffer_add_text(&url, is_host ? BASE "/health" : "/health");
	code = code == GENOPS_OK ? keep_url(in, &url, &own->health_url) : code;
	genops_buffer_done(&url);
	return code;
}

static const struct genops_yaml_node *key_of(const struct genops_yaml_node *node, const char *name)
{
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		if (genops_str_is(entry->key->text, name))
			return entry->key;
	}
	return NULL;
}

static int read(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *arg)
{
	struct own *own = arg;
	const struct genops_yaml_node *template = genops_yaml_rows_get(node, rows, "event_template");
	GENOPS_TRY(genops_yaml_rows_place(in, genops_yaml_get(node, "endpoint"), genops_otlp_outgoing_check_url(own->endpoint, EXAMPLE, in->err)));
	if (!is_token(own->token))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "token"), "look for a blank or a line break in it", "token is empty, or has characters that no token has");
	if (own->channel.len && !is_guid(own->channel))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "channel"), "like 0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba, or leave it out", "channel is no GUID");
	if (!own->channel.len)
		GENOPS_TRY(make_channel(in, own));
	GENOPS_TRY(make_urls(in, own));
	if (template)
		GENOPS_TRY(genops_event_template_read(in, key_of(node, "event_template"), template, "event_template", GENOPS_TEMPLATE_JSON, &own->template));
	return GENOPS_OK;
}

static void done(void *arg)
{
	genops_template_free(((struct own *)arg)->template);
}

/* --- requests --- */

static int add_headers(const struct genops_destination_settings *settings, struct genops_request *request, struct genops_arena *arena,
    struct genops_error *err)
{
	const struct own *own = settings->own;
	char text[TOKEN_MAX + 16];
	int len = snprintf(text, sizeof text, "Splunk %.*s", GENOPS_STR_ARG(own->token));
	genops_str value;
	if (!genops_arena_dup(arena, (genops_str){text, (size_t)len}, &value))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a request");
	explicit_bzero(text, sizeof text);
	GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("authorization"), value, arena, err));
	GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("content-type"), GENOPS_STR("application/json"), arena, err));
	if (own->has_ack || own->is_raw)
		GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("x-splunk-request-channel"), own->channel, arena, err));
	return genops_otlp_outgoing_headers(settings, request, arena, err);
}

/* As many as fit; one that is alone always does. */
static int write_events(const struct own *own, const struct genops_destination_batch *batch, struct genops_buffer *body, size_t *ret_n, struct genops_error *err)
{
	struct genops_event_template_run run;
	int code = GENOPS_OK;
	size_t n = 0;
	genops_event_template_run_init(&run, batch->now_unix_ns);
	for (; code == GENOPS_OK && n < batch->n_items; n++) {
		const struct genops_destination_item *item = &batch->items[n];
		size_t before = body->len;
		if (own->template || item->payload.len)
			code = genops_event_template_run_begin(&run, item, err); /* without a template nobody looks into it */
		if (code == GENOPS_OK)
			code = own->is_raw ? genops_splunk_event_write_raw(&run, item, own->template, body, err)
					   : genops_splunk_event_write(&run, item, own->template, &own->defaults, body, err);
		if (code == GENOPS_OK && n && body->len > (size_t)own->content_max) {
			body->len = before;
			break;
		}
	}
	genops_event_template_run_done(&run);
	*ret_n = n;
	return code;
}

/* Asks what has become of the events that were taken. */
static int encode_question(const struct genops_destination_settings *settings, struct genops_request *request, struct genops_error *err)
{
	const struct own *own = settings->own;
	const struct session *session = settings->session;
	request->url = own->ack_url;
	request->n_items = session->n_items;
	genops_buffer_init(&request->body, 64);
	genops_buffer_printf(&request->body, "{\"acks\":[%" PRId64 "]}", session->ack_id);
	return request->body.error ? genops_fail(err, request->body.error, "no memory for a request") : GENOPS_OK;
}

static int encode_events(const struct own *own, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *request, struct genops_error *err)
{
	genops_str encoding;
	genops_buffer_init(&request->body, (size_t)own->content_max + EVENT_ROOM);
	GENOPS_TRY(write_events(own, batch, &request->body, &request->n_items, err));
	GENOPS_TRY(genops_outgoing_body_compress(own->compression == 0 ? GENOPS_COMPRESS_GZIP : GENOPS_COMPRESS_NONE, &request->body, &encoding, err));
	return encoding.len ? genops_otlp_outgoing_header(request, GENOPS_STR("content-encoding"), encoding, arena, err) : GENOPS_OK;
}

static uint64_t which_of(const struct genops_destination_batch *batch)
{
	uint64_t which = batch->n_items;
	for (size_t i = 0; i < batch->n_items; i++)
		which = genops_hash_checksum(&batch->items[i].id, sizeof batch->items[i].id, which);
	return which;
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct own *own = settings->own;
	struct session *session = settings->session;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST", .url = own->url};
	uint64_t which = which_of(batch);
	session->is_waiting &= which == session->which;
	GENOPS_TRY(add_headers(settings, &request, arena, err));
	int code = session->is_waiting ? encode_question(settings, &request, err) : encode_events(own, batch, arena, &request, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&request.body);
		return code;
	}
	session->which = which;
	session->n_items = request.n_items;
	*ret_request = request;
	return GENOPS_OK;
}

/* Nothing is known of it yet: asked again, until it is not to be expected any more. Who does not answer the question has failed. */
static void wait_for_ack(
    const struct own *own, const struct genops_response *response, struct session *session, struct genops_send_verdict *verdict)
{
	int64_t left_ns = session->ack_until_ns - response->received_unix_ns;
	session->is_waiting = left_ns > 0 && left_ns <= 2 * own->ack_timeout_ns; /* so much is left only by a clock that was set back far */
	verdict->is_unfinished = session->is_waiting && response->status >= 200 && response->status < 300;
	verdict->kind = GENOPS_RETRY;
	verdict->n_kinds = 0;
	if (verdict->is_unfinished && verdict->retry_after_ns < ACK_EVERY_NS)
		verdict->retry_after_ns = ACK_EVERY_NS;
	if (!session->is_waiting)
		snprintf(verdict->reason, sizeof verdict->reason, "no indexer has acknowledged within ack_timeout: sent again");
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	const struct own *own = settings->own;
	struct session *session = settings->session;
	struct genops_splunk_answer answer;
	if (session->is_waiting) {
		bool is_known = genops_splunk_verdict_ack(response, ret_verdict);
		if (is_known)
			session->is_waiting = false;
		else
			wait_for_ack(own, response, session, ret_verdict);
		return;
	}
	genops_splunk_verdict_read(response->body, &answer);
	genops_splunk_verdict(response, &answer, session->n_items, ret_verdict);
	if (!own->has_ack || ret_verdict->kind != GENOPS_SENT)
		return;
	if (answer.ack_id < 0) {
		ret_verdict->kind = GENOPS_SENT_PARTLY; /* none of it rejected: for the log */
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "taken, but not to be acknowledged: enable acknowledgement for the token, or set ack: false");
		return;
	}
	session->ack_id = answer.ack_id;
	session->ack_until_ns = response->received_unix_ns + own->ack_timeout_ns;
	wait_for_ack(own, response, session, ret_verdict);
}

static int probe(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	const struct own *own = settings->own;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "GET", .url = own->health_url};
	GENOPS_TRY(add_headers(settings, &request, arena, err));
	*ret_request = request;
	return GENOPS_OK;
}

static void judge_probe(const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	struct genops_splunk_answer answer;
	genops_splunk_verdict_read(response->body, &answer);
	genops_splunk_verdict(response, &answer, 0, ret_verdict);
}

static int check_route(const void *own, genops_str key, genops_str value, struct genops_error *err)
{
	if (genops_str_is(key, "payload_template") || genops_str_is(value, "splunk_hec"))
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_CONFIG, "write splunk_hec, or leave it out", "output_format: events go out as the Event Collector takes them");
}

static const struct genops_destination_form document = {.rows = rows, .size = sizeof(struct own), .read = read, .done = done};
static const char *const route_keys[] = {"payload_template", "output_format", NULL};

const struct genops_destination_type genops_destination_type_splunk_hec = {
    .name = "splunk_hec",
    .summary = "Splunk's HTTP Event Collector",
    .document = &document,
    .route_keys = route_keys,
    .check_route = check_route,
    .takes = GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .items_max = ITEMS_MAX,
    .check = genops_otlp_outgoing_check,
    .session_size = sizeof(struct session),
    .encode = encode,
    .judge = judge,
    .probe = probe,
    .judge_probe = judge_probe,
};
