/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_verdict.c - see datadog_verdict.h. */
#include "export/datadog/datadog_verdict.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "export/http_verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define MESSAGE_MAX 140

/* {"errors": ["...", ...]}, or of newer endpoints {"errors": [{"title", "detail"}]}; {"valid": true}. */
struct said {
	int64_t n_errors;
	bool is_valid;
	char message[MESSAGE_MAX]; /* of the first */
};

enum { ERROR = 1, DETAIL, VALID };

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct said *said = arg;
	if (value->id == VALID) {
		said->is_valid = value->type == GENOPS_JSON_TRUE;
		return;
	}
	/* an object is told at its begin and at its end */
	if (value->id == ERROR && (value->type != GENOPS_JSON_OBJECT || value->is_end))
		said->n_errors += said->n_errors < INT32_MAX;
	if (value->type == GENOPS_JSON_STRING && value->is_end && !said->message[0])
		genops_http_verdict_text(said->message, sizeof said->message, value->text);
}

static void read(genops_str body, struct said *ret_said)
{
	static const struct genops_json_path rows[] = {{"errors[]", ERROR}, {"errors[].detail", DETAIL}, {"errors[].title", DETAIL}, {"valid", VALID}};
	const struct genops_json_scan_options options = {.text_max = MESSAGE_MAX, .allow_duplicates = true};
	struct said said = {0};
	struct genops_json_paths *paths = genops_json_paths_new(rows, 4, NULL);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, &options, on_value, &said) : NULL;
	*ret_said = (struct said){0};
	if (scan && genops_json_scan_feed(scan, body, NULL) == GENOPS_OK && genops_json_scan_end(scan, NULL) == GENOPS_OK)
		*ret_said = said;
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

static void tell_key(const struct genops_response *response, const struct said *said, struct genops_send_verdict *verdict)
{
	snprintf(verdict->reason, sizeof verdict->reason,
	    "HTTP %d: Datadog refuses the API key%s%s; check api_key (DATADOG_API_KEY) and that it belongs to this site", response->status,
	    said->message[0] ? ": " : "", said->message);
}

void genops_datadog_verdict(const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	struct said said;
	genops_http_verdict_api(response, ret_verdict);
	if (!response->status)
		return;
	read(response->body, &said);
	if (response->status == 401 || response->status == 403) {
		tell_key(response, &said, ret_verdict);
	} else if (ret_verdict->kind == GENOPS_SENT && said.n_errors) {
		/* Which points it means is not said, and repeating would count the others twice. */
		ret_verdict->kind = GENOPS_SENT_PARTLY;
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "Datadog took it with %" PRId64 " errors, the first: %s", said.n_errors, said.message);
	} else if (ret_verdict->kind == GENOPS_REJECTED && said.message[0]) {
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP %d: %s", response->status, said.message);
	}
}

void genops_datadog_verdict_probe(const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	struct said said;
	genops_datadog_verdict(response, ret_verdict);
	if (ret_verdict->kind != GENOPS_SENT)
		return;
	read(response->body, &said);
	if (said.is_valid)
		return;
	ret_verdict->kind = GENOPS_REJECTED;
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP %d, but no {\"valid\": true}: is the endpoint Datadog's?", response->status);
}
