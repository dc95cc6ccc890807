/* SPDX-License-Identifier: Apache-2.0
 * export/alert/alert_message.c - see alert_message.h. Slack's answers: api.slack.com/messaging/webhooks. */
#include "export/alert/alert_message.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "export/http_verdict.h"

#include <stdio.h>

#define TEXT_MAX 3000 /* of one text: longer ones are folded or refused */

/* What is shown, in this order, if the event has it: the guide's own fields. */
static const struct {
	const char *title, *field;
	bool is_long;
} fields[] = {
    {"Budget Name", "budget_name", false}, {"Period", "budget_period", false}, {"Policy", "policy_name", false},
    {"Team", "team", false}, {"Project", "project", false}, {"Customer", "customer_id", false}, {"Utilization", "utilization", false},
    {"Status", "budget_status", false}, {"Used", "used", false}, {"Remaining", "remaining", false}, {"Reason", "policy_reason", true},
    {"Severity", "alert_severity", false}, {"Environment", "environment", false}, {"What happens", "alert_message", true},
    {"What to do", "alert_remedy", true}};

/* Slack's three control characters, and no more of it than can be shown. */
static genops_str escape(genops_str text, struct genops_arena *arena)
{
	struct genops_buffer out;
	genops_str ret = {"", 0};
	genops_buffer_init(&out, 6 * TEXT_MAX);
	bool is_cut = text.len > TEXT_MAX;
	size_t len = is_cut ? TEXT_MAX : text.len;
	while (is_cut && len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
		len--;
	for (size_t i = 0; i < len; i++) {
		char c = text.ptr[i];
		if (c == '&' || c == '<' || c == '>')
			genops_buffer_add_text(&out, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
		else
			genops_buffer_add_char(&out, c);
	}
	if (is_cut)
		genops_buffer_add_text(&out, "...");
	if (out.error || !genops_arena_dup(arena, genops_buffer_view(&out), &ret))
		ret = GENOPS_STR("");
	genops_buffer_done(&out);
	return ret;
}

genops_str genops_alert_message_title(const struct genops_alert_event *event, struct genops_arena *arena)
{
	static const char *const names[] = {"alert_title", "title", "message", "name"};
	genops_str policy = genops_alert_event_text(event, "policy_name", arena);
	genops_str result = genops_alert_event_text(event, "policy_result", arena), text = {"", 0};
	char line[512];
	text = genops_alert_event_text(event, "alert_title", arena);
	if (!text.len && policy.len && result.len) {
		snprintf(line, sizeof line, "%.*s: %.*s", (int)(policy.len > 200 ? 200 : policy.len), policy.ptr,
		    (int)(result.len > 100 ? 100 : result.len), result.ptr);
		if (!genops_arena_dup(arena, genops_str_of(line), &text))
			text = GENOPS_STR("");
	}
	for (size_t i = 1; !text.len && i < sizeof names / sizeof *names; i++)
		text = genops_alert_event_text(event, names[i], arena);
	if (text.len)
		return text;
	genops_str pipeline = event->item->pipeline.len ? event->item->pipeline : GENOPS_STR("alert");
	genops_str route = event->item->route.len ? event->item->route : GENOPS_STR("event");
	snprintf(line, sizeof line, "GenOps: %.*s, %.*s", (int)(pipeline.len > 200 ? 200 : pipeline.len), pipeline.ptr,
	    (int)(route.len > 200 ? 200 : route.len), route.ptr);
	return genops_arena_dup(arena, genops_str_of(line), &text) ? text : GENOPS_STR("GenOps");
}

static const char *colour_of(const struct genops_alert_event *event, struct genops_arena *arena)
{
	genops_str severity = genops_alert_event_text(event, "alert_severity", arena);
	genops_str status = genops_alert_event_text(event, "budget_status", arena);
	genops_str result = genops_alert_event_text(event, "policy_result", arena);
	if (event->is_resolved)
		return "good";
	if (genops_str_is(status, "exhausted") || genops_str_is_nocase(severity, "critical") || genops_str_is(result, "blocked"))
		return "danger";
	if (genops_str_is(status, "critical") || genops_str_is_nocase(severity, "high") || genops_str_is_nocase(severity, "error"))
		return "warning";
	return "#ffcc00";
}

void genops_alert_message_write(const struct genops_alert_event *event, struct genops_arena *arena, struct genops_buffer *out)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "text", escape(genops_alert_message_title(event, arena), arena));
	genops_json_key(&json, GENOPS_STR("attachments"));
	genops_json_array_begin(&json);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "color", genops_str_of(colour_of(event, arena)));
	genops_json_key(&json, GENOPS_STR("fields"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		genops_str value = genops_alert_event_text(event, fields[i].field, arena);
		if (!value.len)
			continue;
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "title", genops_str_of(fields[i].title));
		genops_json_key_string(&json, "value", escape(value, arena));
		genops_json_key_bool(&json, "short", !fields[i].is_long);
		genops_json_object_end(&json);
	}
	genops_json_array_end(&json);
	genops_json_key_string(&json, "footer", GENOPS_STR("GenOps"));
	genops_json_key_int(&json, "ts", event->item->time_unix_ns / GENOPS_NS_PER_S);
	genops_json_object_end(&json);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
}

/* Words of Slack, what becomes of the message, and what to do. What an administrator can mend keeps the message for a minute. */
static const struct {
	const char *word;
	bool is_kept;
	const char *remedy;
} words[] = {
    {"invalid_payload", false, "the payload_template makes no message that Slack takes"},
    {"no_text", false, "the payload_template needs text, attachments or blocks"},
    {"too_many_attachments", false, "a message has at most 100 attachments"},
    {"user_not_found", false, "correct channel in the payload_template, or leave it out"},
    {"posting_to_general_channel_denied", true, "choose another channel for the webhook"},
    {"invalid_token", true, "the webhook's address is wrong or was revoked: make a new one and set url"},
    {"no_service", true, "the webhook was removed or switched off: make a new one and set url"},
    {"no_service_id", true, "the webhook's address is wrong: set url"},
    {"no_active_hooks", true, "the webhook was switched off: switch it on, or make a new one and set url"},
    {"no_team", true, "the webhook's address is wrong, or the workspace is gone: set url"},
    {"team_disabled", true, "the workspace is disabled"},
    {"action_prohibited", true, "an administrator of the workspace has restricted webhooks"},
    {"channel_not_found", true, "the webhook's channel is gone: make a new webhook and set url"},
    {"channel_is_archived", true, "the webhook's channel is archived: unarchive it, or make a new webhook and set url"}};

void genops_alert_message_judge(const struct genops_response *response, struct genops_send_verdict *verdict)
{
	genops_str body = genops_str_trim(response->body);
	if (response->status < 400 || response->status >= 500 || response->status == 429)
		return;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!genops_str_is(body, words[i].word))
			continue;
		verdict->kind = words[i].is_kept ? GENOPS_RETRY : GENOPS_REJECTED;
		verdict->retry_after_ns = words[i].is_kept ? GENOPS_HTTP_CREDENTIALS_HOLD_NS : 0;
		snprintf(verdict->reason, sizeof verdict->reason, "HTTP %d: %s; %s%s", response->status, words[i].word,
		    words[i].is_kept ? "what waits is kept: " : "", words[i].remedy);
		return;
	}
}
