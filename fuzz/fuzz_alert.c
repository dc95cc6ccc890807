/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_alert.c - what a route's template made, an event and an answer, through the types webhook, slack and pagerduty; and conditions of
 * alert rules. Three lines: the event, the payload ("" : none), the answer's body; all of it is a condition, too.
 * Properties: what is encoded is JSON (strictly) and within PagerDuty's bounds; a refusal has a message; a verdict's reason is one line. */
#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/yaml_rows.h"
#include "engine/alert/alert_rule.h"
#include "export/destination.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool is_json(genops_str text)
{
	const struct genops_json_scan_options options = {.max_depth = 1024, .allow_duplicates = true};
	struct genops_json_paths *paths = genops_json_paths_new(NULL, 0, NULL);
	struct genops_json_scan *scan = genops_json_scan_new(paths, &options, NULL, NULL);
	bool is_fine = genops_json_scan_feed(scan, text, NULL) == GENOPS_OK && genops_json_scan_end(scan, NULL) == GENOPS_OK;
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	return is_fine;
}

static void *read_form(const struct genops_destination_type *type, const char *text, struct genops_arena *arena)
{
	struct genops_yaml *yaml;
	struct genops_error err = {0};
	const struct genops_yaml_variables variables = {NULL, NULL};
	struct genops_yaml_rows in = {"f", arena, &variables, &err};
	void *own = genops_arena_alloc(arena, type->document->size);
	check(genops_yaml_parse("f", genops_str_of(text), &yaml, &err) == GENOPS_OK);
	check(genops_yaml_rows_section(&in, yaml->documents[0], "f", type->document->rows, own) == GENOPS_OK);
	check(type->document->read(&in, yaml->documents[0], own) == GENOPS_OK);
	genops_yaml_free(yaml);
	return own;
}

static void try_type(const char *name, const char *text, const struct genops_destination_item *item, genops_str answer, int status)
{
	const struct genops_destination_type *type = genops_destination_type_find(genops_str_of(name));
	const struct genops_destination_batch batch = {.items = item, .n_items = 1};
	struct genops_destination_settings settings = {.type = genops_str_of(name)};
	struct genops_response response = {.status = status, .grpc_status = -1, .body = answer};
	struct genops_send_verdict verdict;
	struct genops_request request = {0};
	struct genops_arena arena, scratch;
	struct genops_error err = {0};
	genops_arena_init(&arena, 1 << 20);
	genops_arena_init(&scratch, 64 << 20);
	settings.own = read_form(type, text, &arena);
	settings.session = calloc(1, type->session_size + 1);
	check(settings.session != NULL);
	if (type->encode(&settings, &batch, &scratch, &request, &err) == GENOPS_OK) {
		genops_str body = {request.body.ptr, request.body.len};
		check(is_json(body) || item->payload.len);
		check(!type->has_incidents || (is_json(body) && body.len <= 512 << 10));
	} else {
		check(err.message[0] != '\0');
	}
	type->judge(&settings, &response, &verdict);
	check(memchr(verdict.reason, '\0', sizeof verdict.reason) != NULL);
	for (const char *at = verdict.reason; *at; at++)
		check((unsigned char)*at >= 0x20 && *at != 0x7f);
	free(settings.session);
	genops_buffer_done(&request.body);
	if (type->document->done)
		type->document->done((void *)(uintptr_t)settings.own);
	genops_arena_done(&arena);
	genops_arena_done(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str rest = {(const char *)data, size}, whole = rest, event = genops_str_split(&rest, '\n');
	genops_str payload = genops_str_split(&rest, '\n');
	struct genops_expression *expression = NULL;
	struct genops_error err = {0};
	struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT, .n = 1, .id = 7, .time_unix_ns = INT64_C(1700000000000000000), .body = event,
	    .payload = payload, .pipeline = size % 2 ? GENOPS_STR("p") : GENOPS_STR(""), .route = GENOPS_STR("r")};
	int status = size ? 200 + data[size - 1] * 2 % 400 : 0;
	try_type("webhook", "{url: 'http://h/'}", &item, rest, status);
	try_type("slack", "{url: 'http://h/', payload_template: '{\"text\": \"${budget_name}\", \"n\": ${a}}'}", &item, rest, status);
	try_type("pagerduty", "{routing_key: 0123456789abcdef0123456789abcdef, dedup_key: 'k-${a}'}", &item, rest, status);
	if (genops_alert_rule_compile(whole, &expression, &err) == GENOPS_OK)
		genops_expression_free(expression);
	else
		check(err.message[0] != '\0');
	return 0;
}
