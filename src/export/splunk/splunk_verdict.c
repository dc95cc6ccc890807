/* SPDX-License-Identifier: Apache-2.0
 * export/splunk/splunk_verdict.c - see splunk_verdict.h. */
#include "export/splunk/splunk_verdict.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "export/http_verdict.h"

#include <inttypes.h>
#include <stdio.h>

enum { TEXT = 1, CODE, INVALID, ACK_ID, ACKS };

struct said {
	struct genops_splunk_answer answer;
	bool is_acked;
};

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct said *said = arg;
	int64_t n = value->is_integer && value->integer >= 0 ? value->integer : -1;
	if (value->id == TEXT && value->type == GENOPS_JSON_STRING)
		genops_http_verdict_text(said->answer.text, sizeof said->answer.text, value->text);
	else if (value->id == CODE)
		said->answer.code = n;
	else if (value->id == INVALID)
		said->answer.invalid_event = n;
	else if (value->id == ACK_ID)
		said->answer.ack_id = n;
	said->is_acked |= value->id == ACKS && value->type == GENOPS_JSON_TRUE;
}

/* "acks.**" are its members, whatever they are called: one id was asked for. */
static void read(genops_str body, struct said *ret_said)
{
	static const struct genops_json_path rows[] = {
	    {"text", TEXT}, {"code", CODE}, {"invalid-event-number", INVALID}, {"ackId", ACK_ID}, {"acks.**", ACKS}};
	const struct genops_json_scan_options options = {.text_max = sizeof ret_said->answer.text, .allow_duplicates = true};
	const struct said none = {.answer = {-1, -1, -1, ""}};
	struct said said = none;
	struct genops_json_paths *paths = genops_json_paths_new(rows, sizeof rows / sizeof *rows, NULL);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, &options, on_value, &said) : NULL;
	*ret_said = none;
	if (scan && genops_json_scan_feed(scan, body, NULL) == GENOPS_OK && genops_json_scan_end(scan, NULL) == GENOPS_OK)
		*ret_said = said;
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

void genops_splunk_verdict_read(genops_str body, struct genops_splunk_answer *ret_answer)
{
	struct said said;
	read(body, &said);
	*ret_answer = said.answer;
}

/* What to do about codes that are about our settings, not about the events, which are kept. NULL: another code. */
static const char *remedy(int64_t code)
{
	switch (code) {
	case 1:
		return "enable the token in Splunk";
	case 2:
	case 3:
	case 4:
	case 21:
	case 22:
		return "check token (SPLUNK_HEC_TOKEN)";
	case 10:
	case 11:
		return "the token wants acknowledgements: set ack: true";
	case 14:
		return "set ack: false, or enable acknowledgement for the token";
	case 16:
		return "the token stands in the address: set it as token";
	}
	return NULL;
}

static bool is_about_an_event(int64_t code)
{
	return code == 6 || code == 7 || code == 12 || code == 13 || code == 15;
}

/* Splunk tells how many it had read: where the index is not allowed, one more, as it looks at the index behind reading. */
static size_t culprit_of(const struct genops_splunk_answer *answer)
{
	return (size_t)(answer->code == 7 && answer->invalid_event > 0 ? answer->invalid_event - 1 : answer->invalid_event);
}

/* Those before it were taken; this one gets `kind`; those behind it come with the next request. False: it is none of the request's. */
static bool tell_apart(
    const struct genops_splunk_answer *answer, size_t n_items, enum genops_verdict_kind kind, struct genops_send_verdict *verdict)
{
	size_t at = culprit_of(answer);
	if (answer->invalid_event < 0 || at >= n_items || at >= GENOPS_VERDICT_ITEMS_MAX)
		return false;
	memset(verdict->kinds, GENOPS_SENT, at);
	verdict->kinds[at] = (uint8_t)kind;
	verdict->n_kinds = at + 1;
	return true;
}

void genops_splunk_verdict(const struct genops_response *response, const struct genops_splunk_answer *answer, size_t n_items,
    struct genops_send_verdict *ret_verdict)
{
	const char *what = remedy(answer->code);
	genops_http_verdict_api(response, ret_verdict);
	if (!response->status || ret_verdict->kind == GENOPS_SENT)
		return;
	bool is_elsewhere = answer->code < 0 && (response->status == 404 || response->status == 405);
	if (answer->code >= 0)
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP %d, Splunk's code %" PRId64 ": %s%s%s", response->status, answer->code,
		    answer->text, what ? "; " : "", what ? what : "");
	if (is_elsewhere)
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP %d: there is no Event Collector; check endpoint, which ends in /services/collector",
		    response->status);
	if (what || is_elsewhere) {
		ret_verdict->kind = GENOPS_RETRY;
		ret_verdict->retry_after_ns = ret_verdict->retry_after_ns ? ret_verdict->retry_after_ns : GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	} else if (is_about_an_event(answer->code)) {
		/* Where it is not told which one it is, halving finds out: its neighbours would be lost, which is worse than to come twice. */
		ret_verdict->is_divisible = !tell_apart(answer, n_items, GENOPS_REJECTED, ret_verdict);
	} else if (ret_verdict->kind == GENOPS_RETRY && answer->invalid_event > 0) {
		(void)tell_apart(answer, n_items, GENOPS_RETRY, ret_verdict);
	}
}

bool genops_splunk_verdict_ack(const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	struct said said;
	genops_http_verdict(response, ret_verdict);
	read(response->body, &said);
	if (ret_verdict->kind == GENOPS_SENT)
		return said.is_acked;
	if (said.answer.code == 10 || said.answer.code == 11) {
		ret_verdict->kind = GENOPS_RETRY; /* the channel is gone, and what it knew with it */
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "Splunk has forgotten the channel: sent again");
		return true;
	}
	if (said.answer.code != 14)
		return false;
	ret_verdict->kind = GENOPS_SENT_PARTLY; /* taken; more will not be known */
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP %d, Splunk's code 14: %s; set ack: false, or enable acknowledgement for the token",
	    response->status, said.answer.text);
	return true;
}
