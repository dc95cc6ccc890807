/* SPDX-License-Identifier: Apache-2.0
 * export/alert/webhook.c - destination types webhook and slack: one request an event.
 *
 * The body is the route's payload, else the destination's payload_template, else for a webhook the event as JSON and for Slack a message.
 * The guide's slack_webhook is of type webhook with Slack's address, so answers in Slack's words are understood from both. Pure. */
#include "base/base64.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "export/alert/alert_message.h"
#include "export/http_verdict.h"
#include "export/otlp_outgoing.h"

#include <stddef.h>
#include <stdio.h>

struct webhook {
	genops_str url;
	int method;
	struct genops_text_pair auth;     /* a header; key "" : none */
	struct genops_template *payload;  /* NULL: none */
};

struct auth {
	int type;
	genops_str token, username, password, header;
};

static const char *const methods[] = {"POST", "PUT", "PATCH", NULL};

static const struct genops_option webhook_rows[] = {
    {.name = "url", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct webhook, url), .is_required = true, .is_secret = true, .text = "where to; may be a secret, as Slack's are"},
    {.name = "method", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct webhook, method), .default_text = "POST", .names = methods, .text = "of the request"},
    {.name = "auth", .type = GENOPS_OPTION_CUSTOM, .text = "type: bearer (token), basic (username, password) or header (header, token)"},
    {.name = "payload_template", .type = GENOPS_OPTION_CUSTOM, .text = "the body, with ${...}; a route's own goes before it; unset: the event as JSON"},
    {.name = NULL},
};

static const struct genops_option slack_rows[] = {
    {.name = "url", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct webhook, url), .is_required = true, .is_secret = true, .text = "of the incoming webhook"},
    {.name = "payload_template", .type = GENOPS_OPTION_CUSTOM, .text = "the message, with ${...}; a route's own goes before it; unset: text and the fields that the event has"},
    {.name = NULL},
};

static const struct genops_option auth_rows[] = {
    {.name = "type", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct auth, type), .default_text = "none", .names = (const char *const[]){"none", "bearer", "basic", "header", NULL}, .text = "how"},
    {.name = "token", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct auth, token), .is_secret = true, .text = "of bearer and header"},
    {.name = "username", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct auth, username), .text = "of basic"},
    {.name = "password", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct auth, password), .is_secret = true, .text = "of basic"},
    {.name = "header", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct auth, header), .default_text = "x-api-key", .text = "of header: its name"},
    {.name = NULL},
};

/* --- settings --- */

static int set_basic(const struct genops_yaml_rows *in, const struct auth *auth, genops_str *ret)
{
	struct genops_buffer plain, text;
	genops_buffer_init(&plain, 65536);
	genops_buffer_init(&text, 131072);
	genops_buffer_printf(&plain, "%.*s:%.*s", GENOPS_STR_ARG(auth->username), GENOPS_STR_ARG(auth->password));
	genops_buffer_add_text(&text, "Basic ");
	genops_base64_add(&text, genops_buffer_view(&plain));
	bool is_fine = !plain.error && !text.error && genops_arena_dup(in->arena, genops_buffer_view(&text), ret);
	if (plain.ptr)
		explicit_bzero(plain.ptr, plain.cap);
	if (text.ptr)
		explicit_bzero(text.ptr, text.cap);
	genops_buffer_done(&plain);
	genops_buffer_done(&text);
	return is_fine ? GENOPS_OK : genops_fail(in->err, GENOPS_NOMEM, "no memory for auth");
}

static int set_bearer(const struct genops_yaml_rows *in, genops_str token, genops_str *ret)
{
	char *text = genops_arena_alloc(in->arena, token.len + 8);
	if (!text)
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for auth");
	memcpy(text, "Bearer ", 7);
	memcpy(text + 7, token.ptr, token.len);
	*ret = (genops_str){text, token.len + 7};
	return GENOPS_OK;
}

static int read_auth(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct webhook *webhook)
{
	struct auth auth = {0};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_section(in, node, "auth", auth_rows, &auth));
	bool is_basic = auth.type == 2;
	if (auth.type && !(is_basic ? auth.username.len : auth.token.len))
		return genops_yaml_rows_fail(in, node, is_basic ? "write username: and password:" : "write token: ${WEBHOOK_TOKEN}",
		    "auth: %s is missing", is_basic ? "username" : "token");
	if (auth.type)
		webhook->auth.key = auth.type == 3 ? auth.header : GENOPS_STR("authorization");
	if (!auth.type)
		return GENOPS_OK;
	webhook->auth.value = auth.token;
	if (auth.type == 1)
		GENOPS_TRY(set_bearer(in, auth.token, &webhook->auth.value));
	if (is_basic)
		GENOPS_TRY(set_basic(in, &auth, &webhook->auth.value));
	return genops_yaml_rows_place(in, node, genops_alert_event_check_header("auth", &webhook->auth, in->err));
}

/* A text that is not JSON where the headers say so. */
static enum genops_template_kind kind_of(const struct genops_yaml_node *node)
{
	const struct genops_yaml_node *headers = genops_yaml_get(node, "headers");
	for (const struct genops_yaml_entry *entry = headers && headers->kind == GENOPS_YAML_MAPPING ? headers->first : NULL; entry; entry = entry->next) {
		if (genops_str_is_nocase(entry->key->text, "content-type") && entry->value->kind == GENOPS_YAML_SCALAR)
			return genops_str_find(entry->value->text, GENOPS_STR("json")) == SIZE_MAX ? GENOPS_TEMPLATE_TEXT : GENOPS_TEMPLATE_JSON;
	}
	return GENOPS_TEMPLATE_JSON;
}

static int read_webhook(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *own)
{
	struct webhook *webhook = own;
	GENOPS_TRY(genops_alert_event_url(in, node, "url", webhook->url, "write https://hooks.example.com/..."));
	GENOPS_TRY(read_auth(in, genops_yaml_rows_get(node, webhook_rows, "auth"), webhook));
	return genops_alert_event_template(in, node, "payload_template", kind_of(node), &webhook->payload);
}

static int read_slack(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *own)
{
	struct webhook *webhook = own;
	GENOPS_TRY(genops_alert_event_url(in, node, "url", webhook->url, "write https://hooks.slack.com/services/..."));
	return genops_alert_event_template(in, node, "payload_template", GENOPS_TEMPLATE_JSON, &webhook->payload);
}

static void done(void *own)
{
	genops_template_free(((struct webhook *)own)->payload);
}

static const struct genops_destination_form webhook_form = {webhook_rows, sizeof(struct webhook), read_webhook, done};
static const struct genops_destination_form slack_form = {slack_rows, sizeof(struct webhook), read_slack, done};

/* --- requests --- */

static int write_body(const struct webhook *webhook, const struct genops_alert_event *event, bool is_chat, struct genops_arena *arena,
    struct genops_buffer *body, struct genops_error *err)
{
	bool is_written = false;
	if (event->item->payload.len) {
		genops_buffer_add(body, event->item->payload);
		is_written = true;
	} else if (webhook->payload) {
		GENOPS_TRY(genops_alert_event_render(event, webhook->payload, arena, body, &is_written, err));
		is_chat = true; /* whoever has a template of a message takes another message, too */
	}
	if (!is_written && is_chat)
		genops_alert_message_write(event, arena, body);
	else if (!is_written)
		genops_buffer_add(body, event->item->body);
	if (body->error)
		return genops_fail(err, body->error, "a payload is over %zu bytes, or there is no memory for it", GENOPS_ALERT_BODY_MAX);
	return GENOPS_OK;
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, bool is_chat,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	const struct webhook *webhook = settings->own;
	struct genops_alert_event event;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = methods[webhook->method], .url = webhook->url, .n_items = 1};
	GENOPS_TRY(genops_alert_event_read(batch, arena, &event, err));
	GENOPS_TRY(genops_alert_event_headers(settings, &request, arena, err));
	if (webhook->auth.key.len)
		GENOPS_TRY(genops_otlp_outgoing_header(&request, webhook->auth.key, webhook->auth.value, arena, err));
	genops_buffer_init(&request.body, GENOPS_ALERT_BODY_MAX);
	int code = write_body(webhook, &event, is_chat, arena, &request.body, err);
	if (code == GENOPS_OK)
		*ret_request = request;
	else
		genops_buffer_done(&request.body);
	return code;
}

static int encode_webhook(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	return encode(settings, batch, false, arena, ret_request, err);
}

static int encode_slack(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	return encode(settings, batch, true, arena, ret_request, err);
}

/* --- answers --- */

static void judge_webhook(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	genops_http_verdict(response, ret_verdict);
	genops_alert_message_judge(response, ret_verdict);
}

static void on_yes(void *arg, const struct genops_json_value *value)
{
	*(bool *)arg = value->type == GENOPS_JSON_TRUE;
}

/* In Slack's word, or as those say it who take its webhooks: {"ok": true}, {"success": true}. */
static bool is_yes(genops_str body)
{
	static const struct genops_json_path rows[] = {{"ok", 1}, {"success", 2}};
	const struct genops_json_scan_options options = {.text_max = 16, .allow_duplicates = true};
	struct genops_error ignored;
	bool is_said = false;
	if (genops_str_is(body, "ok"))
		return true;
	struct genops_json_paths *paths = genops_json_paths_new(rows, 2, NULL);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, &options, on_yes, &is_said) : NULL;
	bool is_json = scan && genops_json_scan_feed(scan, body, &ignored) == GENOPS_OK && genops_json_scan_end(scan, &ignored) == GENOPS_OK;
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	return is_json && is_said;
}

/* A proxy's page with 200 is no delivery. */
static void judge_slack(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	genops_str body = genops_str_trim(response->body);
	judge_webhook(settings, response, ret_verdict);
	if (ret_verdict->kind != GENOPS_SENT || is_yes(body))
		return;
	ret_verdict->kind = GENOPS_RETRY;
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP %d without Slack's \"ok\"; check that url is that of an incoming webhook",
	    response->status);
}

static genops_str address(const struct genops_destination_settings *settings)
{
	return ((const struct webhook *)settings->own)->url;
}

const struct genops_destination_type genops_destination_type_webhook = {
    .name = "webhook",
    .summary = "Any HTTP endpoint, one request an event: chat, incidents, automation",
    .document = &webhook_form,
    .is_message = true,
    .route_keys = genops_alert_event_route_keys,
    .takes = GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .items_max = 1,
    .is_repeatable = true,
    .check = genops_alert_event_check,
    .encode = encode_webhook,
    .judge = judge_webhook,
    .address = address,
};

const struct genops_destination_type genops_destination_type_slack = {
    .name = "slack",
    .alias = "slack_webhook",
    .summary = "Slack, through an incoming webhook",
    .document = &slack_form,
    .is_message = true,
    .route_keys = genops_alert_event_route_keys,
    .takes = GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .items_max = 1,
    .is_repeatable = true,
    .check = genops_alert_event_check,
    .encode = encode_slack,
    .judge = judge_slack,
    .address = address,
};
