/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake_answer.c - see snowflake_answer.h. */
#include "export/snowflake/snowflake_answer.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "export/http_verdict.h"

#include <stdio.h>

#define POLL_NS (500 * GENOPS_NS_PER_MS)
#define TEXT_MAX 110 /* leaves room for what to do about it */

enum { CODE = 1, STATE, MESSAGE, HANDLE };

struct said {
	char code[16], state[8], message[TEXT_MAX], handle[GENOPS_SNOWFLAKE_HANDLE_LEN + 1];
};

/* X(code, what to do about it) */
static const struct {
	const char *code, *remedy;
} remedies[] = {
    {"000606", "set warehouse, or give the user a default one"},
    {"002003", "create the table as docs/destinations.md has it, and grant the role INSERT and SELECT on it"},
    {"002043", "check database, schema and table"},
    {"003001", "grant the role INSERT and SELECT on the table"},
    {"000904", "the table needs the columns that docs/destinations.md has"},
    {"090105", "set database and schema, or write them before the table's name"},
    {"390144", "the public key that Snowflake has of the user is another one, or this machine's clock is wrong"},
    {"390318", "the token has expired"},
};

static bool is_handle(genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-'))
			return false;
	}
	return text.len == GENOPS_SNOWFLAKE_HANDLE_LEN;
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct said *said = arg;
	if (value->type != GENOPS_JSON_STRING)
		return;
	if (value->id == CODE)
		genops_http_verdict_text(said->code, sizeof said->code, value->text);
	else if (value->id == STATE)
		genops_http_verdict_text(said->state, sizeof said->state, value->text);
	else if (value->id == MESSAGE)
		genops_http_verdict_text(said->message, sizeof said->message, value->text);
	else if (value->id == HANDLE && is_handle(value->text)) /* it becomes part of an address */
		genops_http_verdict_text(said->handle, sizeof said->handle, value->text);
}

static void read_body(genops_str body, struct said *said)
{
	static const struct genops_json_path rows[] = {
	    {"code", CODE}, {"sqlState", STATE}, {"message", MESSAGE}, {"statementHandle", HANDLE}};
	const struct genops_json_scan_options options = {.text_max = TEXT_MAX, .allow_duplicates = true};
	struct genops_error ignored;
	struct genops_json_paths *paths = genops_json_paths_new(rows, sizeof rows / sizeof *rows, NULL);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, &options, on_value, said) : NULL;
	if (!scan || genops_json_scan_feed(scan, body, &ignored) != GENOPS_OK || genops_json_scan_end(scan, &ignored) != GENOPS_OK)
		*said = (struct said){0};
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

static const char *remedy_of(const struct said *said)
{
	for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
		if (strcmp(said->code, remedies[i].code) == 0)
			return remedies[i].remedy;
	}
	return "";
}

static void tell(const struct genops_response *response, const struct said *said, struct genops_send_verdict *verdict)
{
	const char *remedy = remedy_of(said);
	char line[512];
	snprintf(line, sizeof line, "HTTP %d, Snowflake's %s%s%s: %s%s%s", response->status, said->code[0] ? said->code : "error",
	    said->state[0] ? " " : "", said->state, said->message, remedy[0] ? "; " : "", remedy);
	genops_http_verdict_text(verdict->reason, sizeof verdict->reason, genops_str_of(line));
}

void genops_snowflake_answer(const struct genops_response *response, char ret_handle[GENOPS_SNOWFLAKE_HANDLE_LEN + 1],
    struct genops_send_verdict *ret_verdict)
{
	struct said said = {0};
	genops_http_verdict_api(response, ret_verdict);
	if (response->status)
		read_body(response->body, &said);
	if (ret_handle)
		ret_handle[0] = '\0';
	if (response->status == 200 && !said.code[0] && !said.handle[0]) {
		ret_verdict->kind = GENOPS_RETRY;
		ret_verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP 200, but the answer is none of Snowflake's; check account and endpoint");
		return;
	}
	if (response->status == 202) {
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_RETRY, .retry_after_ns = POLL_NS, .is_unfinished = true};
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "the statement is still running");
		if (ret_handle)
			memcpy(ret_handle, said.handle, sizeof said.handle);
		return;
	}
	/* Class 22 is data; 1000.. are functions' and conversions'. */
	bool is_data = strncmp(said.state, "22", 2) == 0 || strncmp(said.code, "1000", 4) == 0;
	if (response->status == 422 && is_data) {
		ret_verdict->is_divisible = true;
	} else if (response->status == 422) {
		ret_verdict->kind = GENOPS_RETRY;
		ret_verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	}
	if (said.message[0] && ret_verdict->kind != GENOPS_SENT)
		tell(response, &said, ret_verdict);
}
