/* SPDX-License-Identifier: Apache-2.0
 * fuzz_otlp_out.c - what Elasticsearch, Kafka (protobuf and JSON) and remote write get of OTLP, by the row that the engine calls. Input: a byte
 * chooses destination and signal, the rest is a request in protobuf, twice in one batch. What the queue holds was checked when it came, but a
 * damaged disk is outside, too.
 * Properties: success, or an error of those that are told; Elasticsearch gets lines of JSON, two a document; Kafka's messages are requests in
 * which each item is as often as it was in the batch. */
#include "base/str.h"
#include "codec/json_scan.h"
#include "export/destination.h"
#include "telemetry/otlp/otlp_span.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *type, *text;
	unsigned signals; /* bits */
	bool is_json;
} kinds[] = {
    {"elasticsearch", "endpoint: http://e\ncompression: none\n", 5, true},
    {"kafka", "partition_traces_by_id: true\npartition_metrics_by_resource_attributes: true\npartition_logs_by_trace_id: true\n"
	      "topic_from_attribute: service.name\nproducer: {max_message_bytes: 2048}\n", 7, false},
    {"kafka", "encoding: otlp_json\nproducer: {max_message_bytes: 2048}\n", 7, true},
    {"prometheusremotewrite", "endpoint: http://p/api/v1/write\n", 2, false}};

struct out {
	const struct genops_destination_type *type;
	struct genops_destination_settings settings;
	struct genops_arena arena; /* of the settings */
	struct genops_yaml *yaml;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static struct out *open_out(size_t kind)
{
	static struct out outs[sizeof kinds / sizeof *kinds];
	struct out *out = &outs[kind];
	struct genops_error err;
	if (out->type)
		return out;
	const struct genops_yaml_rows in = {"fuzz.yaml", &out->arena, NULL, &err};
	out->type = genops_destination_type_find(genops_str_of(kinds[kind].type));
	check(out->type != NULL);
	const struct genops_destination_form *form = out->type->exporter;
	genops_arena_init(&out->arena, 1 << 20);
	check(genops_yaml_parse("fuzz.yaml", genops_str_of(kinds[kind].text), &out->yaml, &err) == GENOPS_OK);
	void *own = genops_arena_alloc(&out->arena, form->size);
	check(genops_yaml_rows_section(&in, out->yaml->documents[0], "fuzz", form->rows, own) == GENOPS_OK);
	check(form->read(&in, out->yaml->documents[0], own) == GENOPS_OK);
	out->settings = (struct genops_destination_settings){.name = GENOPS_STR("fuzz"), .own = own, .host = GENOPS_STR("host")};
	out->settings.session = out->type->session_size ? calloc(1, out->type->session_size) : NULL;
	return out;
}

static void check_json(genops_str text)
{
	struct genops_json_paths *paths = genops_json_paths_new(NULL, 0, NULL);
	struct genops_json_scan *scan = genops_json_scan_new(paths, NULL, NULL, NULL);
	check(genops_json_scan_feed(scan, text, NULL) == GENOPS_OK && genops_json_scan_end(scan, NULL) == GENOPS_OK);
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

/* -1: it is damaged. */
static int64_t count(enum genops_signal signal, genops_str request)
{
	struct genops_otlp_reader reader;
	genops_str item;
	int64_t n = 0;
	int code;
	genops_otlp_reader_init(&reader, signal, request);
	while ((code = genops_otlp_reader_next(&reader, &item)) > 0)
		n++;
	return code < 0 ? -1 : n;
}

static void check_request(const struct genops_request *request, enum genops_signal signal, genops_str body, bool is_json)
{
	const struct genops_kafka_request *kafka = request->kafka;
	int64_t n = 0, n_wanted = count(signal, body);
	size_t n_lines = 0;
	for (size_t i = 0; kafka && i < kafka->n_messages; i++) {
		if (is_json)
			check_json(kafka->messages[i].value);
		check(kafka->messages[i].item + kafka->messages[i].n_items <= 2);
		n += is_json ? 0 : count(signal, kafka->messages[i].value);
	}
	check(!kafka || is_json || n_wanted < 0 || n == 2 * n_wanted); /* two that are damaged may be one that is not */
	for (genops_str rest = genops_buffer_view(&request->body); is_json && !kafka && rest.len; n_lines++)
		check_json(genops_str_split(&rest, '\n'));
	check(n_lines % 2 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t kind = size ? data[0] % (sizeof kinds / sizeof *kinds) : 0;
	enum genops_signal signal = size ? (enum genops_signal)(data[0] / 16 % 3) : GENOPS_SIGNAL_TRACES;
	struct genops_request request = {0};
	struct genops_arena arena;
	struct genops_error err = {0};
	if (!size || size > 65536 || !(kinds[kind].signals & 1U << signal))
		return 0;
	struct out *out = open_out(kind);
	const struct genops_destination_item item = {
	    .kind = (enum genops_item_kind)signal, .n = 1, .time_unix_ns = 1, .body = {(const char *)data + 1, size - 1}};
	const struct genops_destination_item items[] = {item, item};
	const struct genops_destination_batch batch = {.items = items, .n_items = 2, .now_unix_ns = INT64_C(1800000000000000000)};
	genops_arena_init(&arena, (size_t)16 << 20);
	if (out->type->memory)
		out->settings.memory = out->type->memory->open(&out->settings, (genops_str){0});
	int code = out->type->encode(&out->settings, &batch, &arena, &request, &err);
	check(code == GENOPS_OK || code == GENOPS_LIMIT || code == GENOPS_CORRUPT || code == GENOPS_NOMEM);
	if (code == GENOPS_OK)
		check_request(&request, signal, item.body, kinds[kind].is_json);
	if (out->type->memory)
		out->type->memory->close(out->settings.memory);
	genops_buffer_done(&request.body);
	genops_arena_done(&arena);
	return 0;
}
