/* SPDX-License-Identifier: Apache-2.0
 * export/alert/pagerduty.c - destination type pagerduty: Events API v2, one event a request.
 *
 * What a template makes is brought to what the API takes: a routing key, an action, a severity of its four, lengths within its bounds, and
 * a deduplication key that is the same whenever the event is tried again. An alert of our own rules has the rules' key in any case, so that
 * what says that it is over closes what it opened. Pure; facts: PagerDuty/api-schema, reference/events-v2. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"
#include "export/alert/alert_message.h"
#include "export/http_verdict.h"
#include "export/otlp_outgoing.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#define SUMMARY_MAX   1024 /* characters */
#define DEDUP_KEY_MAX 255  /* characters */
#define EVENT_MAX     ((size_t)512 << 10)
#define SAID_MAX      160

struct pagerduty {
	genops_str routing_key, url, source, client, client_url;
	struct genops_template *payload, *dedup_key; /* NULL: none */
};

#define AT(field) offsetof(struct pagerduty, field)
static const struct genops_option rows[] = {
    {.name = "routing_key", .type = GENOPS_OPTION_TEXT, .offset = AT(routing_key), .is_secret = true, .aliases = (const char *const[]){"integration_key", NULL}, .text = "of the service's integration \"Events API V2\": 32 characters; unset: PAGERDUTY_ROUTING_KEY of the environment, else the payload has it"},
    {.name = "url", .type = GENOPS_OPTION_TEXT, .offset = AT(url), .default_text = "https://events.pagerduty.com/v2/enqueue", .aliases = (const char *const[]){"endpoint", NULL}, .text = "https://events.eu.pagerduty.com/v2/enqueue for accounts in Europe"},
    {.name = "payload_template", .type = GENOPS_OPTION_CUSTOM, .text = "the event, with ${...}; a route's own goes before it"},
    {.name = "dedup_key", .type = GENOPS_OPTION_CUSTOM, .text = "a text with ${...}, where the payload has none; unset: one of the event's own"},
    {.name = "source", .type = GENOPS_OPTION_TEXT, .offset = AT(source), .default_text = "genops", .text = "where the payload has none"},
    {.name = "client", .type = GENOPS_OPTION_TEXT, .offset = AT(client), .text = "name of the link in an incident"},
    {.name = "client_url", .type = GENOPS_OPTION_TEXT, .offset = AT(client_url), .text = "where it leads"},
    {.name = NULL},
};

/* --- settings --- */

static int read_own(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *own)
{
	struct pagerduty *pagerduty = own;
	const struct genops_yaml_node *key = genops_yaml_rows_get(node, rows, "routing_key");
	const char *usual = in->variables && in->variables->get ? in->variables->get(in->variables->arg, "PAGERDUTY_ROUTING_KEY") : NULL;
	if (!pagerduty->routing_key.len && usual && !genops_arena_dup(in->arena, genops_str_of(usual), &pagerduty->routing_key))
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for a routing key");
	GENOPS_TRY(genops_alert_event_url(in, node, genops_yaml_get(node, "url") ? "url" : "endpoint", pagerduty->url, "write https://events.pagerduty.com/v2/enqueue"));
	if (pagerduty->routing_key.len && pagerduty->routing_key.len != 32)
		return genops_yaml_rows_fail(in, key ? key : node, "copy it from the service's integration \"Events API V2\"",
		    "routing_key has %zu characters, not 32", pagerduty->routing_key.len);
	GENOPS_TRY(genops_alert_event_template(in, node, "payload_template", GENOPS_TEMPLATE_JSON, &pagerduty->payload));
	GENOPS_TRY(genops_alert_event_template(in, node, "dedup_key", GENOPS_TEMPLATE_TEXT, &pagerduty->dedup_key));
	return GENOPS_OK;
}

static void done(void *own)
{
	struct pagerduty *pagerduty = own;
	genops_template_free(pagerduty->payload);
	genops_template_free(pagerduty->dedup_key);
}

static const struct genops_destination_form form = {rows, sizeof(struct pagerduty), read_own, done};

/* --- the event --- */

/* What is written: the payload's own parts where it has some. */
struct outgoing {
	const struct pagerduty *settings;
	const struct genops_alert_event *event;
	struct genops_arena *arena;
	struct genops_value whole, payload; /* what a template made; undefined: there is none */
	genops_str routing_key, action, dedup_key;
	bool is_shortened;                  /* custom_details does not fit */
};

static genops_str text_of(struct genops_value object, const char *name)
{
	const struct genops_value *value = genops_alert_event_get(object, name);
	return value && value->type == GENOPS_VALUE_TEXT ? genops_value_str(*value) : GENOPS_STR("");
}

/* At most so many characters, cut between two. */
static genops_str cut(genops_str text, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (((unsigned char)text.ptr[i] & 0xc0) != 0x80 && n++ == max)
			return (genops_str){text.ptr, i};
	}
	return text;
}

/* Contract A-014: the vocabularies of the guides, Cribl and W&B. */
static const char *severity_of(genops_str text)
{
	static const struct {
		const char *name, *severity;
	} names[] = {{"critical", "critical"}, {"error", "error"}, {"warning", "warning"}, {"info", "info"}, {"high", "error"},
	    {"medium", "warning"}, {"low", "info"}, {"exhausted", "critical"}, {"fatal", "critical"}, {"warn", "warning"}, {"notice", "info"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (genops_str_is_nocase(genops_str_trim(text), names[i].name))
			return names[i].severity;
	}
	return "error";
}

/* Within 255 characters, and different for what is different. */
static int fit_key(genops_str key, struct genops_arena *arena, genops_str *ret, struct genops_error *err)
{
	genops_str head = cut(key, DEDUP_KEY_MAX);
	char mark[24];
	if (head.len == key.len) {
		*ret = key;
		return GENOPS_OK;
	}
	int n = snprintf(mark, sizeof mark, "-%016" PRIx64, genops_hash_checksum(key.ptr, key.len, 0));
	head = cut(key, DEDUP_KEY_MAX - (size_t)n);
	char *text = genops_arena_alloc(arena, head.len + (size_t)n + 1);
	if (!text)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an event");
	memcpy(text, head.ptr, head.len);
	memcpy(text + head.len, mark, (size_t)n);
	*ret = (genops_str){text, head.len + (size_t)n};
	return GENOPS_OK;
}

static int make_key(struct outgoing *out, struct genops_error *err)
{
	const struct genops_alert_event *event = out->event;
	genops_str key = event->is_rule ? genops_alert_event_text(event, "alert_key", out->arena) : text_of(out->whole, "dedup_key");
	struct genops_buffer text;
	bool is_fit = false;
	int code = GENOPS_OK;
	if (key.len)
		return fit_key(key, out->arena, &out->dedup_key, err);
	genops_buffer_init(&text, GENOPS_ALERT_BODY_MAX);
	if (out->settings->dedup_key)
		code = genops_alert_event_render(event, out->settings->dedup_key, out->arena, &text, &is_fit, err);
	if (code == GENOPS_OK && !text.len)
		genops_buffer_printf(&text, "genops-%016" PRIx64, event->item->id);
	if (code == GENOPS_OK && (text.error || !genops_arena_dup(out->arena, genops_buffer_view(&text), &key)))
		code = genops_fail(err, GENOPS_NOMEM, "no memory for an event");
	genops_buffer_done(&text);
	return code == GENOPS_OK ? fit_key(key, out->arena, &out->dedup_key, err) : code;
}

static int read_payload(struct outgoing *out, struct genops_error *err)
{
	const struct genops_value *payload;
	genops_str text = out->event->item->payload;
	struct genops_buffer rendered;
	bool is_fit = false;
	int code = GENOPS_OK;
	genops_buffer_init(&rendered, GENOPS_ALERT_BODY_MAX);
	if (!text.len && out->settings->payload)
		code = genops_alert_event_render(out->event, out->settings->payload, out->arena, &rendered, &is_fit, err);
	if (code == GENOPS_OK && is_fit && !genops_arena_dup(out->arena, genops_buffer_view(&rendered), &text))
		code = genops_fail(err, GENOPS_NOMEM, "no memory for an event");
	if (code == GENOPS_OK && text.len)
		code = genops_value_from_json(text, out->arena, &out->whole, err);
	genops_buffer_done(&rendered);
	if (code != GENOPS_OK)
		return code;
	if (text.len && out->whole.type != GENOPS_VALUE_OBJECT)
		return genops_fail(err, GENOPS_SYNTAX, "the payload_template makes no object: an event of PagerDuty is one");
	payload = genops_alert_event_get(out->whole, "payload");
	if (payload && payload->type == GENOPS_VALUE_OBJECT)
		out->payload = *payload;
	return GENOPS_OK;
}

static int make_head(struct outgoing *out, struct genops_error *err)
{
	static const char *const actions[] = {"trigger", "acknowledge", "resolve"};
	out->routing_key = text_of(out->whole, "routing_key");
	if (!out->routing_key.len)
		out->routing_key = out->settings->routing_key;
	if (!out->routing_key.len)
		return genops_fail_fix(err, GENOPS_CONFIG, "set routing_key: ${PAGERDUTY_ROUTING_KEY}", "neither the destination nor the payload has a routing key");
	out->action = text_of(out->whole, "event_action");
	if (out->event->is_rule)
		out->action = out->event->is_resolved ? GENOPS_STR("resolve") : GENOPS_STR("trigger");
	else if (!out->action.len)
		out->action = GENOPS_STR("trigger");
	bool is_known = false;
	for (size_t i = 0; i < 3; i++)
		is_known |= genops_str_is(out->action, actions[i]);
	if (!is_known)
		return genops_fail(err, GENOPS_SYNTAX, "event_action is trigger, acknowledge or resolve, not \"%.*s\"",
		    (int)(out->action.len > 40 ? 40 : out->action.len), out->action.ptr);
	return make_key(out, err);
}

static void write_value(struct genops_json_writer *json, const char *key, struct genops_value value)
{
	genops_json_key(json, genops_str_of(key));
	struct genops_buffer text;
	genops_buffer_init(&text, GENOPS_ALERT_BODY_MAX);
	if (genops_value_to_json(value, &text) && !text.error)
		genops_json_raw(json, genops_buffer_view(&text));
	else
		genops_json_null(json);
	if (text.error)
		json->buf->error = text.error;
	genops_buffer_done(&text);
}

/* What the event says of itself, where no template does: its own fields, without the attributes of its span. */
static void write_details(const struct outgoing *out, struct genops_json_writer *json)
{
	const struct genops_value_object *object = genops_value_object_whole(out->event->event.as.object);
	genops_json_key(json, GENOPS_STR("custom_details"));
	genops_json_object_begin(json);
	for (uint32_t i = 0; object && i < object->n && i < 64; i++) {
		const struct genops_value_member *member = &object->members[i];
		genops_str key = member->key.text;
		if (member->value.type < GENOPS_VALUE_BOOLEAN || member->value.type > GENOPS_VALUE_TEXT || genops_str_starts(key, GENOPS_STR("_")) ||
		    genops_str_is(key, "alert_key") || genops_str_is(key, "text"))
			continue;
		genops_json_key(json, key);
		if (member->value.type == GENOPS_VALUE_TEXT)
			genops_json_string(json, cut(genops_value_str(member->value), 8192));
		else if (member->value.type == GENOPS_VALUE_NUMBER)
			genops_json_double(json, member->value.as.number);
		else
			genops_json_bool(json, member->value.as.boolean);
	}
	genops_json_object_end(json);
}

static void write_time(const struct outgoing *out, struct genops_json_writer *json)
{
	char text[40];
	struct tm parts;
	time_t seconds = (time_t)(out->event->item->time_unix_ns / GENOPS_NS_PER_S);
	if (seconds <= 0 || !gmtime_r(&seconds, &parts) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
		return;
	genops_json_key_string(json, "timestamp", genops_str_of(text));
}

/* ISO 8601, by its beginning; what a template made of something else is no reason to lose an alert. */
static bool is_date(genops_str text)
{
	static const char shape[] = "dddd-dd-dd";
	for (size_t i = 0; i < sizeof shape - 1; i++) {
		if (i >= text.len || (shape[i] == 'd' ? text.ptr[i] < '0' || text.ptr[i] > '9' : text.ptr[i] != shape[i]))
			return false;
	}
	return true;
}

static void write_payload(const struct outgoing *out, struct genops_json_writer *json)
{
	static const char *const texts[] = {"component", "group", "class"};
	const struct genops_value *details = genops_alert_event_get(out->payload, "custom_details");
	genops_str summary = text_of(out->payload, "summary"), source = text_of(out->payload, "source");
	genops_str severity = text_of(out->payload, "severity");
	genops_json_key(json, GENOPS_STR("payload"));
	genops_json_object_begin(json);
	genops_json_key_string(json, "summary",
	    cut(summary.len ? summary : genops_alert_message_title(out->event, out->arena), SUMMARY_MAX));
	if (!severity.len)
		severity = genops_alert_event_text(out->event, "alert_severity", out->arena);
	genops_json_key_string(json, "severity", genops_str_of(severity_of(severity)));
	genops_json_key_string(json, "source", source.len ? source : out->settings->source);
	if (is_date(text_of(out->payload, "timestamp")))
		genops_json_key_string(json, "timestamp", text_of(out->payload, "timestamp"));
	else
		write_time(out, json);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		genops_str text = text_of(out->payload, texts[i]);
		if (text.len)
			genops_json_key_string(json, texts[i], text);
	}
	if (out->is_shortened) {
		genops_json_key(json, GENOPS_STR("custom_details"));
		genops_json_raw(json, GENOPS_STR("{\"left_out\":\"the details are over what PagerDuty takes (512 KB)\"}"));
	} else if (details) {
		write_value(json, "custom_details", *details);
	} else if (out->whole.type != GENOPS_VALUE_OBJECT) {
		write_details(out, json);
	}
	genops_json_object_end(json);
}

static void write_event(const struct outgoing *out, struct genops_buffer *body)
{
	static const char *const more[] = {"links", "images"};
	struct genops_json_writer json;
	genops_str client = text_of(out->whole, "client"), client_url = text_of(out->whole, "client_url");
	genops_json_writer_init(&json, body);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "routing_key", out->routing_key);
	genops_json_key_string(&json, "event_action", out->action);
	genops_json_key_string(&json, "dedup_key", out->dedup_key);
	if (genops_str_is(out->action, "trigger")) { /* the others need none, and say nothing with one */
		write_payload(out, &json);
		for (size_t i = 0; i < 2; i++) {
			const struct genops_value *value = genops_alert_event_get(out->whole, more[i]);
			if (value && value->type == GENOPS_VALUE_LIST && !out->is_shortened)
				write_value(&json, more[i], *value);
		}
		client = client.len ? client : out->settings->client;
		client_url = client_url.len ? client_url : out->settings->client_url;
		if (client.len)
			genops_json_key_string(&json, "client", client);
		if (client_url.len)
			genops_json_key_string(&json, "client_url", client_url);
	}
	genops_json_object_end(&json);
}

static int write_body(struct outgoing *out, struct genops_buffer *body, struct genops_error *err)
{
	write_event(out, body);
	if (body->error == GENOPS_LIMIT || body->len > EVENT_MAX) {
		genops_buffer_clear(body);
		out->is_shortened = true;
		write_event(out, body);
	}
	if (body->error)
		return genops_fail(err, body->error, "the event is over %zu bytes, or there is no memory for it", GENOPS_ALERT_BODY_MAX);
	if (body->len > EVENT_MAX)
		return genops_fail_fix(err, GENOPS_LIMIT, "shorten the fields of its payload", "the event has %zu bytes; PagerDuty takes 512 KB", body->len);
	return GENOPS_OK;
}

/* Of the last request. */
struct session {
	bool is_own_key; /* the destination's routing key, not one that only the payload has */
};

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	struct genops_alert_event event;
	struct outgoing out = {.settings = settings->own, .event = &event, .arena = arena};
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST", .url = out.settings->url, .n_items = 1};
	GENOPS_TRY(genops_alert_event_read(batch, arena, &event, err));
	GENOPS_TRY(read_payload(&out, err));
	GENOPS_TRY(make_head(&out, err));
	GENOPS_TRY(genops_alert_event_headers(settings, &request, arena, err));
	((struct session *)settings->session)->is_own_key = genops_str_equal(out.routing_key, out.settings->routing_key);
	genops_buffer_init(&request.body, GENOPS_ALERT_BODY_MAX);
	int code = write_body(&out, &request.body, err);
	if (code == GENOPS_OK)
		*ret_request = request;
	else
		genops_buffer_done(&request.body);
	return code;
}

/* --- answers --- */

struct said {
	char text[SAID_MAX];
	size_t len;
};

static void on_json(void *arg, const struct genops_json_value *value)
{
	struct said *said = arg;
	char line[SAID_MAX];
	if (value->type != GENOPS_JSON_STRING || said->len + 3 >= sizeof said->text)
		return;
	genops_http_verdict_text(line, sizeof line, value->text);
	int n = snprintf(said->text + said->len, sizeof said->text - said->len, "%s%s", said->len ? "; " : "", line);
	said->len = said->len + (size_t)n < sizeof said->text ? said->len + (size_t)n : sizeof said->text - 1;
}

/* {"status": "invalid event", "message": "...", "errors": ["...", ...]} */
static void read_errors(genops_str body, struct said *ret_said)
{
	static const struct genops_json_path paths_of[] = {{"errors[]", 1}, {"message", 2}};
	const struct genops_json_scan_options options = {.text_max = SAID_MAX, .allow_duplicates = true};
	struct said said = {.len = 0};
	struct genops_error ignored;
	struct genops_json_paths *paths = genops_json_paths_new(paths_of, 2, NULL);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, &options, on_json, &said) : NULL;
	if (scan && genops_json_scan_feed(scan, body, &ignored) == GENOPS_OK && genops_json_scan_end(scan, &ignored) == GENOPS_OK)
		*ret_said = said;
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

/* PagerDuty answers 400 for a key that it does not know (any more), too: the alert is good then, and somebody has to renew the key. */
static bool is_about_key(const struct genops_destination_settings *settings, const struct said *said)
{
	const struct session *session = settings->session;
	return session->is_own_key && (strcasestr(said->text, "routing key") || strcasestr(said->text, "routing_key"));
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	struct said said = {.len = 0};
	genops_http_verdict_api(response, ret_verdict);
	if (response->status != 400)
		return;
	read_errors(response->body, &said);
	if (!said.text[0])
		return;
	while (said.len && !genops_str_is_utf8((genops_str){said.text, said.len}))
		said.text[--said.len] = '\0';
	if (!is_about_key(settings, &said)) {
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP 400: %s; check the payload_template and routing_key", said.text);
		return;
	}
	ret_verdict->kind = GENOPS_RETRY;
	ret_verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP 400: %s; what waits is kept: check routing_key", said.text);
}

static genops_str address(const struct genops_destination_settings *settings)
{
	return ((const struct pagerduty *)settings->own)->url;
}

const struct genops_destination_type genops_destination_type_pagerduty = {
    .name = "pagerduty",
    .alias = "pagerduty_events",
    .summary = "PagerDuty, Events API v2: opens incidents, and closes them",
    .document = &form,
    .is_message = true,
    .has_incidents = true,
    .route_keys = genops_alert_event_route_keys,
    .takes = GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .items_max = 1,
    .is_repeatable = true,
    .check = genops_alert_event_check,
    .session_size = sizeof(struct session),
    .encode = encode,
    .judge = judge,
    .address = address,
};
