/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_destinations.c - CPU time and bytes an event to encode a batch of 500 for each destination: parse, template, write, compress.
 * One row a type. Median of rounds; bytes as they are sent. Arguments: names of rows. */
#include "base/str.h"
#include "codec/wire.h"
#include "export/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH  500
#define ROUNDS 41

struct row {
	const char *name, *type;
	bool is_exporter;             /* the Collector's format; else a document */
	enum genops_item_kind kind;
	const char *settings;         /* without id and what all types have; NULL: the type reads none itself */
};

static const struct row table[] = {
    {"file", "file", false, GENOPS_ITEM_EVENT, NULL},
    {"datadog_metrics", "datadog_metrics", false, GENOPS_ITEM_EVENT,
	"endpoint: http://d\napi_key: k\nmetrics:\n  tags: ['team:${team}', 'project:${project}', 'environment:${environment}', 'source:cribl']\n"
	"  mappings: [{name: cost.total, type: gauge, value: '${cost_total}', unit: USD}, {name: tokens.total, type: count, value: '${tokens_total}'},\n"
	"    {name: budget.utilization, type: gauge, value: '${utilization_percent}', unit: percent},\n"
	"    {name: policy.violations, type: count, value: '${is_violation ? 1 : 0}'}]\n"},
    {"splunk_hec", "splunk_hec", false, GENOPS_ITEM_EVENT,
	"endpoint: https://s:8088/services/collector\ntoken: t\nsource: genops_ai\nindex: security\nevent_template: '{\"time\": ${timestamp}, \"host\": "
	"\"${environment}\", \"event\": {\"policy_name\": \"${policy_name}\", \"policy_reason\": \"${policy_reason}\", \"team\": \"${team}\", "
	"\"requires_investigation\": ${requires_investigation}}}'\n"},
    {"slack, a template", "slack", false, GENOPS_ITEM_EVENT,
	"url: https://s/x\npayload_template: '{\"text\": \"${policy_name}\", \"attachments\": [{\"color\": \"${is_violation ? \"danger\" : \"good\"}\", \"fields\": "
	"[{\"title\": \"Team\", \"value\": \"${team}\", \"short\": true}, {\"title\": \"Reason\", \"value\": \"${policy_reason}\", \"short\": false}]}]}'\n"},
    {"slack", "slack", false, GENOPS_ITEM_EVENT, "url: https://s/x\n"},
    {"webhook", "webhook", false, GENOPS_ITEM_EVENT, "url: https://s/x\n"},
    {"pagerduty", "pagerduty", false, GENOPS_ITEM_EVENT, "routing_key: 0123456789abcdef0123456789abcdef\n"},
    {"splunk_hec, whole events", "splunk_hec", false, GENOPS_ITEM_EVENT, "endpoint: https://s:8088/services/collector\ntoken: t\n"},
    {"s3, lines, gzip", "s3", false, GENOPS_ITEM_EVENT, "bucket: bbb\nregion: r\naccess_key_id: a\nsecret_access_key: b\n"},
    {"s3, lines", "s3", false, GENOPS_ITEM_EVENT, "bucket: bbb\nregion: r\naccess_key_id: a\nsecret_access_key: b\ncompression: none\n"},
    {"s3, Parquet", "s3", false, GENOPS_ITEM_EVENT, "bucket: bbb\nregion: r\naccess_key_id: a\nsecret_access_key: b\nformat: parquet\n"},
    {"cribl_lake", "cribl_lake", false, GENOPS_ITEM_EVENT, "url: http://l\ntoken: t\ndatasets: [{name: d, partition_by: environment}]\n"},
    {"file, gzip", "file", false, GENOPS_ITEM_EVENT, "path: /x/a.jsonl.gz\ncompression: gzip\n"},
    {"file, zstd", "file", false, GENOPS_ITEM_EVENT, "path: /x/a.jsonl.zst\ncompression: zstd\n"},
    {"file, Parquet", "file", false, GENOPS_ITEM_EVENT, "path: /x/a.parquet\nformat: parquet\n"},
    {"kafka", "kafka", false, GENOPS_ITEM_EVENT, "topic: events\n"},
    {"kafka, topic and key", "kafka", false, GENOPS_ITEM_EVENT, "topic: 'ai-${team}'\nkey: '${project}'\n"},
    {"kafka, spans", "kafka", true, GENOPS_ITEM_TRACES, "topic: spans\n"},
    {"kafka, spans by trace", "kafka", true, GENOPS_ITEM_TRACES, "topic: spans\npartition_traces_by_id: true\n"},
    {"kafka, spans, otlp_json", "kafka", true, GENOPS_ITEM_TRACES, "topic: spans\nencoding: otlp_json\n"},
    {"otlphttp, spans", "otlphttp", true, GENOPS_ITEM_TRACES, NULL},
    {"elasticsearch", "elasticsearch", false, GENOPS_ITEM_EVENT, "endpoint: http://h:9200\ncompression: none\n"},
    {"elasticsearch, gzip", "elasticsearch", false, GENOPS_ITEM_EVENT, "endpoint: http://h:9200\n"},
    {"elasticsearch, index of fields", "elasticsearch", false, GENOPS_ITEM_EVENT,
	"endpoint: http://h:9200\ncompression: none\nindex: 'g-${team}-${_time:%Y.%m.%d}'\n"},
    {"elasticsearch, spans", "elasticsearch", true, GENOPS_ITEM_TRACES, "endpoint: http://h:9200\ncompression: none\nindex: genops-ai-traces\n"},
    {"snowflake", "snowflake", false, GENOPS_ITEM_EVENT, "account: a\ntoken: t\n"},
    {"prometheus_remote_write", "prometheus_remote_write", false, GENOPS_ITEM_EVENT, "url: http://p/api/v1/write\n"},
};

static char events[BATCH][2048];
static struct genops_destination_item items[BATCH];
static size_t n_items;

static void make_events(void)
{
	for (int i = 0; i < BATCH; i++) {
		int n = snprintf(events[i], sizeof events[i],
		    "{\"__inputId\":\"genops_otlp_source\",\"_time\":1800000000.%03d,\"name\":\"chat gpt-4o-mini\",\"trace_id\":\"%032x\",\"span_id\":\"%016x\","
		    "\"attributes\":{\"genops.cost.total\":0.%04d,\"genops.team\":\"team-%d\",\"genops.project\":\"project-%d\",\"genops.customer_id\":\"customer-%d\","
		    "\"genops.tokens.total\":%d,\"genops.policy.name\":\"max-call-cost\",\"genops.policy.result\":\"warning\",\"genops.environment\":\"production\","
		    "\"gen_ai.request.model\":\"gpt-4o-mini\",\"gen_ai.system\":\"openai\"},\"resource\":{\"attributes\":{\"service.name\":\"shop\"}},"
		    "\"cost_total\":0.%04d,\"tokens_total\":%d,\"team\":\"team-%d\",\"project\":\"project-%d\",\"environment\":\"production\",\"utilization_percent\":%d,"
		    "\"is_violation\":true,\"policy_name\":\"max-call-cost\",\"policy_result\":\"warning\",\"policy_reason\":\"over its limit by \\\"%d\\\" %%\","
		    "\"requires_investigation\":false}",
		    i, i * 7919, i, i, i % 20, i % 50, i, 100 + i, i, 100 + i, i % 20, i % 50, i % 100, i);
		items[i] = (struct genops_destination_item){.kind = GENOPS_ITEM_EVENT,
		    .n = 1,
		    .id = (uint64_t)i + 1,
		    .time_unix_ns = INT64_C(1800000000000000000) + i,
		    .body = {events[i], (size_t)n},
		    .pipeline = GENOPS_STR("p"),
		    .route = GENOPS_STR("r")};
	}
	n_items = BATCH;
}

/* Ten requests of fifty spans of 16 attributes. */
static void make_spans(void)
{
	static struct genops_buffer requests[10];
	char id[16] = {0}, key[32], value[32];
	for (size_t r = 0; r < 10; r++) {
		genops_buffer_done(&requests[r]);
		genops_buffer_init(&requests[r], 1 << 20);
		size_t group = genops_wire_begin(&requests[r], 1), scope = genops_wire_begin(&requests[r], 2);
		for (size_t i = 0; i < BATCH / 10; i++) {
			size_t span = genops_wire_begin(&requests[r], 2);
			id[0] = (char)(r + 1), id[1] = (char)(i / 5 + 1), id[2] = (char)i;
			genops_wire_put_bytes(&requests[r], 1, (genops_str){id, 16});
			genops_wire_put_bytes(&requests[r], 2, (genops_str){id, 8});
			genops_wire_put_text(&requests[r], 5, GENOPS_STR("ai.completion"));
			for (int a = 0; a < 16; a++) {
				size_t attribute = genops_wire_begin(&requests[r], 9);
				snprintf(key, sizeof key, "genops.attribute.%d", a);
				snprintf(value, sizeof value, "value-%d-%zu", a, i);
				genops_wire_put_text(&requests[r], 1, genops_str_of(key));
				size_t any = genops_wire_begin(&requests[r], 2);
				genops_wire_put_text(&requests[r], 1, genops_str_of(value));
				genops_wire_end(&requests[r], any);
				genops_wire_end(&requests[r], attribute);
			}
			genops_wire_end(&requests[r], span);
		}
		genops_wire_end(&requests[r], scope);
		genops_wire_end(&requests[r], group);
		items[r] = (struct genops_destination_item){.kind = GENOPS_ITEM_TRACES, .n = BATCH / 10, .body = genops_buffer_view(&requests[r])};
	}
	n_items = 10;
}

static int64_t cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static const char *unset(void *arg, const char *name)
{
	(void)arg, (void)name;
	return NULL;
}

/* The type's own settings, as engine/config reads them. */
static void *read_own(const struct row *row, const struct genops_destination_form *form, struct genops_yaml **yaml, struct genops_arena *arena)
{
	static const struct genops_yaml_variables none = {unset, NULL};
	struct genops_error err;
	const struct genops_yaml_rows in = {.file = row->name, .arena = arena, .err = &err, .variables = &none};
	void *own = genops_arena_alloc(arena, form->size + 1);
	int code = genops_yaml_parse(row->name, genops_str_of(row->settings), yaml, &err);
	if (code == GENOPS_OK)
		code = genops_yaml_rows_section(&in, (*yaml)->documents[0], row->name, form->rows, own);
	if (code == GENOPS_OK && form->read)
		code = form->read(&in, (*yaml)->documents[0], own);
	if (code != GENOPS_OK) {
		fprintf(stderr, "%s: %s\n", row->name, err.message);
		exit(1);
	}
	return own;
}

/* All of the batch, in as many requests as it takes; returns the bytes of their bodies. */
static size_t encode_all(const struct genops_destination_type *type, const struct genops_destination_settings *settings, struct genops_arena *arena,
    int64_t now_unix_ns)
{
	static uint64_t parts[BATCH];
	size_t sent = 0, bytes = 0;
	if (type->partition && type->partition(settings, items, n_items, arena, parts, NULL) != GENOPS_OK)
		exit(1);
	while (sent < n_items) {
		size_t n = type->items_max && type->items_max < n_items - sent ? type->items_max : n_items - sent;
		struct genops_destination_batch batch = {.items = items + sent, .n_items = n, .now_unix_ns = now_unix_ns};
		struct genops_request request = {0};
		struct genops_error err;
		genops_arena_reset(arena);
		if (type->encode(settings, &batch, arena, &request, &err) != GENOPS_OK) {
			fprintf(stderr, "%s: %s\n", type->name, err.message);
			exit(1);
		}
		bytes += request.body.len;
		sent += request.n_items ? request.n_items : batch.n_items;
		genops_buffer_done(&request.body);
	}
	/* What it says by itself, behind the batch. */
	if (type->memory && type->memory->due) {
		const struct genops_destination_batch nothing = {.now_unix_ns = now_unix_ns};
		struct genops_request request = {0};
		genops_arena_reset(arena);
		if (type->encode(settings, &nothing, arena, &request, NULL) == GENOPS_OK)
			bytes += request.body.len;
		genops_buffer_done(&request.body);
	}
	return bytes;
}

static void measure(const struct row *row)
{
	const struct genops_destination_type *type = genops_destination_type_find(genops_str_of(row->type));
	const struct genops_destination_form *form = !type ? NULL : row->is_exporter ? type->exporter : type->document;
	struct genops_arena kept, scratch;
	struct genops_yaml *yaml = NULL;
	struct genops_destination_settings settings = {.type = genops_str_of(row->type), .endpoint = genops_str_of(row->is_exporter ? "http://h:4318" : "/dev/null"), .host = GENOPS_STR("bench")};
	int64_t times[ROUNDS];
	size_t bytes = 0;
	genops_arena_init(&kept, 1 << 20);
	genops_arena_init(&scratch, (size_t)64 << 20);
	if (row->settings)
		settings.own = read_own(row, form, &yaml, &kept);
	settings.session = type->session_size ? calloc(1, type->session_size) : NULL;
	settings.memory = type->memory ? type->memory->open(&settings, (genops_str){0}) : NULL;
	(row->kind == GENOPS_ITEM_TRACES ? make_spans : make_events)();
	for (int i = -3; i < ROUNDS; i++) {
		for (size_t k = 0; k < n_items; k++)
			items[k].id += BATCH; /* other events, for types that know what they have had */
		int64_t before = cpu_ns();
		bytes = encode_all(type, &settings, &scratch, INT64_C(1800000000000000000) + i * INT64_C(1000000000));
		if (i >= 0)
			times[i] = cpu_ns() - before;
	}
	qsort(times, ROUNDS, sizeof *times, ascending);
	printf("%-28s %7lld ns CPU an event, %7.1f bytes sent (batches of %d, median of %d)\n", row->name, (long long)times[ROUNDS / 2] / BATCH,
	    (double)bytes / BATCH, BATCH, ROUNDS);
	if (settings.memory)
		type->memory->close(settings.memory);
	free(settings.session);
	genops_arena_done(&kept);
	genops_arena_done(&scratch);
	genops_yaml_free(yaml);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		bool is_wanted = argc < 2;
		for (int k = 1; k < argc; k++)
			is_wanted |= strcmp(argv[k], table[i].name) == 0;
		if (is_wanted)
			measure(&table[i]);
	}
	return 0;
}
