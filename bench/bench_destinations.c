/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_destinations.c - CPU time and bytes an event to encode a batch of 500 for each destination: parse, template, write, compress.
 * One row a type. Median of rounds; bytes as they are sent. Arguments: names of rows. */
#include "base/str.h"
 * bench/bench_destinations.c - CPU time and bytes on the wire an event for what each destination's encode does: a batch of events of a
 * pipeline, or of spans, into one request or as many as it takes. Settings as docs/destinations.md has them; one row a type (and form). Median
 * of many rounds. */
#include "base/clock.h"
#include "base/str.h"
#include "codec/wire.h"
 * bench/bench_destinations.c - CPU time and bytes of destinations' requests, an event or a span: what encode takes for batches of 500.
 * A destination is a row of `cases`. No sockets, no disks. `bench_destinations ROUNDS`; the median of eleven. */
#include "base/str.h"
#include "codec/wire.h"
#include "codec/yaml_rows.h"
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
};

static char events[BATCH][2048];
static struct genops_destination_item items[BATCH];

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
#define EVENTS 500
#define ROUNDS 41
#define T0     INT64_C(1700000000000000000)

/* `settings`: YAML; those of exporters begin with '!'. `endpoint`: of types that have no settings of their own. */
static const struct {
	const char *label, *type, *settings, *endpoint;
	enum genops_item_kind kind;
} rows[] = {
    {"file", "file", NULL, "/dev/null", GENOPS_ITEM_EVENT},
    {"otlphttp, spans", "otlphttp", NULL, "http://h:4318", GENOPS_ITEM_TRACES},
    {"elasticsearch", "elasticsearch", "endpoint: http://h:9200\ncompression: none", NULL, GENOPS_ITEM_EVENT},
    {"elasticsearch, gzip", "elasticsearch", "endpoint: http://h:9200", NULL, GENOPS_ITEM_EVENT},
    {"elasticsearch, index a team and day", "elasticsearch", "endpoint: http://h:9200\ncompression: none\nindex: \"g-${team}-${_time:%Y.%m.%d}\"", NULL,
	GENOPS_ITEM_EVENT},
    {"elasticsearch, spans", "elasticsearch", "!endpoint: http://h:9200\ncompression: none\nindex: genops-ai-traces", NULL, GENOPS_ITEM_TRACES},
    {"snowflake", "snowflake", "account: a\ntoken: t", NULL, GENOPS_ITEM_EVENT},
    {"splunk_hec", "splunk_hec", "endpoint: https://h:8088/services/collector\ntoken: 11111111-2222-3333-4444-555555555555", NULL, GENOPS_ITEM_EVENT},
    {"datadog_metrics", "datadog_metrics",
	"api_key: k\nendpoint: https://api.datadoghq.com\nmetrics:\n  prefix: genops.\n  tags: [\"team:${team}\", \"project:${project}\"]\n  mappings:\n"
	"    - {name: cost.total, type: gauge, value: \"${cost_total}\", unit: USD}\n    - {name: tokens.total, type: count, value: \"${tokens_total}\"}",
	NULL, GENOPS_ITEM_EVENT},
    {"webhook", "webhook", "url: https://h/hook", NULL, GENOPS_ITEM_EVENT},
    {"slack", "slack", "url: https://hooks.slack.com/services/T/B/X", NULL, GENOPS_ITEM_EVENT},
    {"pagerduty", "pagerduty", "routing_key: 0123456789abcdef0123456789abcdef", NULL, GENOPS_ITEM_EVENT},
};

/* Ids, costs and who pays differ, as they do. */
static void put_event(struct genops_buffer *out, uint64_t n)
{
	static const char *const teams[] = {"ml-platform", "nlp-team", "search", "support", "vision-team"};
	uint64_t id = n * UINT64_C(0x9E3779B97F4A7C15);
	unsigned input = (unsigned)(id >> 40) % 4000, output = (unsigned)(id >> 20) % 900;
	double cost = (input * 0.15 + output * 0.6) / 1e6;
	const char *team = teams[n % 5];
	genops_buffer_printf(out,
	    "{\"__inputId\":\"genops_otlp_source\",\"_time\":%u.%03u,\"name\":\"chat gpt-4o-mini\",\"kind\":3,\"trace_id\":\"%016llx%016llx\","
	    "\"span_id\":\"%016llx\",\"start_time_unix_nano\":1700000000%09u,\"end_time_unix_nano\":1700000001%09u,\"duration_ms\":1000,"
	    "\"status\":{\"code\":0},\"attributes\":{\"gen_ai.operation.name\":\"chat\",\"gen_ai.provider.name\":\"openai\",\"gen_ai.request.model\":\"gpt-4o-mini\","
	    "\"gen_ai.usage.input_tokens\":%u,\"gen_ai.usage.output_tokens\":%u,\"genops.team\":\"%s\",\"genops.project\":\"chat-service\","
	    "\"genops.customer_id\":\"customer-%03u\",\"genops.environment\":\"production\",\"genops.cost.total\":%.7f},\"resource\":{\"attributes\":{\"service.name\":\"app\"}},"
	    "\"scope\":{\"attributes\":{}},\"events\":[],\"cost_total\":%.7f,\"tokens_total\":%u,\"team\":\"%s\",\"project\":\"chat-service\",\"customer_id\":\"customer-%03u\"}",
	    1700000000 + (unsigned)n, input % 1000, (unsigned long long)id, (unsigned long long)(id * 31), (unsigned long long)(id * 17), input * 217, output * 977,
	    input, output, team, (unsigned)(id >> 50) % 200, cost, cost, input + output, team, (unsigned)(id >> 50) % 200);
}

static void put_attribute(struct genops_buffer *out, const char *key, const char *text)
{
	size_t mark = genops_wire_begin(out, 9);
	genops_wire_put_text(out, 1, genops_str_of(key));
	size_t value = genops_wire_begin(out, 2);
	genops_wire_put_text(out, 1, genops_str_of(text));
	genops_wire_end(out, value);
	genops_wire_end(out, mark);
}

/* Ten attributes, as the event has. */
static void put_request(struct genops_buffer *out, uint64_t n)
{
	static const char *const attributes[][2] = {{"gen_ai.operation.name", "chat"}, {"gen_ai.provider.name", "openai"},
	    {"gen_ai.request.model", "gpt-4o-mini"}, {"gen_ai.usage.input_tokens", "1520"}, {"gen_ai.usage.output_tokens", "850"},
	    {"genops.team", "ml-platform"}, {"genops.project", "chat-service"}, {"genops.customer_id", "acme"}, {"genops.environment", "production"},
	    {"genops.cost.total", "0.0032"}};
	char id[17];
	snprintf(id, sizeof id, "%016llx", (unsigned long long)(n * UINT64_C(0x9E3779B97F4A7C15)));
	size_t resource = genops_wire_begin(out, 1), scope = genops_wire_begin(out, 2), span = genops_wire_begin(out, 2);
	genops_wire_put_text(out, 1, (genops_str){id, 16});
	genops_wire_put_text(out, 2, (genops_str){id, 8});
	genops_wire_put_text(out, 5, GENOPS_STR("chat gpt-4o-mini"));
	genops_wire_put_fixed64(out, 7, (uint64_t)T0);
	genops_wire_put_fixed64(out, 8, (uint64_t)T0 + GENOPS_NS_PER_S);
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
		put_attribute(out, attributes[i][0], attributes[i][1]);
	genops_wire_end(out, span);
	genops_wire_end(out, scope);
	genops_wire_end(out, resource);
}

static void die(const char *label, const struct genops_error *err)
{
	fprintf(stderr, "%s: %s\n", label, err->message);
	exit(1);
}

static void read_settings(size_t row, const struct genops_destination_type *type, struct genops_arena *arena, struct genops_destination_settings *settings)
{
	struct genops_error err = {0};
	struct genops_yaml *yaml = NULL;
	bool is_exporter = rows[row].settings && rows[row].settings[0] == '!';
	const struct genops_destination_form *form = is_exporter ? type->exporter : type->document;
	*settings = (struct genops_destination_settings){.name = genops_str_of(rows[row].label), .type = genops_str_of(rows[row].type)};
	settings->endpoint = genops_str_of(rows[row].endpoint ? rows[row].endpoint : "");
	settings->session = calloc(1, type->session_size + 1);
	if (!rows[row].settings)
		return;
	void *own = genops_arena_alloc(arena, form->size);
	const struct genops_yaml_rows in = {"bench", arena, &(const struct genops_yaml_variables){0}, &err};
	if (genops_yaml_parse("bench", genops_str_of(rows[row].settings + is_exporter), &yaml, &err) != GENOPS_OK ||
	    genops_yaml_rows_section(&in, yaml->documents[0], "settings", form->rows, own) != GENOPS_OK ||
	    (form->read && form->read(&in, yaml->documents[0], own) != GENOPS_OK))
		die(rows[row].label, &err);
	genops_yaml_free(yaml);
	settings->own = own;
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

/* The type's own settings, as engine/config reads them. */
static void *read_own(const struct row *row, const struct genops_destination_form *form, struct genops_yaml **yaml, struct genops_arena *arena)
{
	struct genops_error err;
	const struct genops_yaml_rows in = {.file = row->name, .arena = arena, .err = &err};
	void *own = genops_arena_alloc(arena, form->size + 1);
	int code = genops_yaml_parse(row->name, genops_str_of(row->settings), yaml, &err);
	if (code == GENOPS_OK)
		code = genops_yaml_rows_section(&in, (*yaml)->documents[0], row->name, form->rows, own);
	if (code == GENOPS_OK && form->read)
		code = form->read(&in, (*yaml)->documents[0], own);
	if (code != GENOPS_OK) {
		fprintf(stderr, "%s: %s\n", row->name, err.message);
#define REPEAT 11

static const struct {
	const char *type, *what, *settings; /* the document's keys; of an exporter where it takes OTLP */
	bool is_otlp;
} cases[] = {
    {"file", "events as lines", "path: /x/a.jsonl", false},
    {"file", "events as lines, gzip", "path: /x/a.jsonl.gz\ncompression: gzip", false},
    {"file", "events as lines, zstd", "path: /x/a.jsonl.zst\ncompression: zstd", false},
    {"file", "events as Parquet, snappy", "path: /x/a.parquet\nformat: parquet", false},
    {"kafka", "events", "topic: events", false},
    {"kafka", "events, topic and key of their fields", "topic: 'ai-${team}'\nkey: '${customer_id}'", false},
    {"kafka", "spans, otlp_proto", "topic: spans", true},
    {"kafka", "spans, otlp_proto, a message a trace", "topic: spans\npartition_traces_by_id: true", true},
    {"kafka", "spans, otlp_json", "topic: spans\nencoding: otlp_json", true},
    {"otlphttp", "spans", NULL, true},
};

static struct genops_destination_item items[BATCH];
static size_t n_items;

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *read_settings(const struct genops_destination_form *form, const char *text, struct genops_arena *arena)
{
	static const struct genops_yaml_variables variables = {NULL, NULL};
	struct genops_error err = {0};
	const struct genops_yaml_rows in = {"bench", arena, &variables, &err};
	struct genops_yaml *yaml;
	void *own = genops_arena_alloc(arena, form->size);
	int code = genops_yaml_parse("bench", genops_str_of(text), &yaml, &err);
	if (code == GENOPS_OK)
		code = genops_yaml_rows_section(&in, yaml->documents[0], "bench", form->rows, own);
	if (code == GENOPS_OK)
		code = form->read(&in, yaml->documents[0], own);
	if (code != GENOPS_OK) {
		fprintf(stderr, "%s\n", err.message);
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
	if (type->partition && type->partition(settings, items, BATCH, arena, parts, NULL) != GENOPS_OK)
		exit(1);
	while (sent < BATCH) {
		struct genops_destination_batch batch = {.items = items + sent, .n_items = BATCH - sent, .now_unix_ns = now_unix_ns};
		struct genops_request request = {0};
		struct genops_error err;
		genops_arena_reset(arena);
		if (type->encode(settings, &batch, arena, &request, &err) != GENOPS_OK) {
			fprintf(stderr, "%s: %s\n", type->name, err.message);
			exit(1);
		}
		bytes += request.body.len;
		sent += request.n_items ? request.n_items : batch.n_items;
	return (int64_t)now.tv_sec * GENOPS_NS_PER_S + now.tv_nsec;
static void make_events(void)
{
	static char texts[BATCH][1024];
	for (size_t i = 0; i < BATCH; i++) {
		int n = snprintf(texts[i], sizeof texts[i],
		    "{\"_time\":1700000000.%03zu,\"__inputId\":\"genops_otlp_source\",\"name\":\"ai.completion\",\"trace_id\":\"%032zx\",\"span_id\":\"%016zx\","
		    "\"team\":\"team-%zu\",\"project\":\"ranking\",\"customer_id\":\"cust-%05zu\",\"cost_total\":%zu.%03zu,\"tokens_input\":%zu,\"tokens_output\":%zu,"
		    "\"cost_provider\":\"openai\",\"cost_model\":\"gpt-4o-mini\",\"attributes\":{\"genops.team\":\"team-%zu\",\"genops.cost.total\":%zu.%03zu,"
		    "\"genops.environment\":\"production\",\"gen_ai.request.model\":\"gpt-4o-mini\",\"genops.policy.result\":\"allowed\"}}",
		    i, i, i, i % 9, i % 77, i % 3, i, 100 + i, 7 * i, i % 9, i % 3, i);
		items[i] = (struct genops_destination_item){.kind = GENOPS_ITEM_EVENT, .n = 1, .id = i + 1, .body = {texts[i], (size_t)n}};
	}
	n_items = BATCH;
}

/* Ten requests of fifty spans of 16 attributes. */
static void make_spans(void)
{
	static struct genops_buffer requests[10];
	char id[16] = {0}, key[32], value[32];
	for (size_t r = 0; r < 10; r++) {
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

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* All of the batch, in as many requests as the type wants. */
static size_t encode_all(size_t row, const struct genops_destination_type *type, const struct genops_destination_settings *settings,
    const struct genops_destination_item *items, struct genops_arena *arena)
{
	size_t bytes = 0;
	for (size_t at = 0; at < EVENTS;) {
		size_t n = type->items_max && type->items_max < EVENTS - at ? type->items_max : EVENTS - at;
		const struct genops_destination_batch batch = {.items = items + at, .n_items = n, .now_unix_ns = T0};
		struct genops_request request = {0};
		struct genops_error err = {0};
		genops_arena_reset(arena);
		if (type->encode(settings, &batch, arena, &request, &err) != GENOPS_OK)
			die(rows[row].label, &err);
		bytes += request.body.len;
		at += request.n_items ? request.n_items : n;
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
	struct genops_destination_settings settings = {.type = genops_str_of(row->type), .endpoint = GENOPS_STR("/dev/null"), .host = GENOPS_STR("bench")};
	int64_t times[ROUNDS];
	size_t bytes = 0;
	genops_arena_init(&kept, 1 << 20);
	genops_arena_init(&scratch, (size_t)64 << 20);
	if (row->settings)
		settings.own = read_own(row, form, &yaml, &kept);
	settings.session = type->session_size ? calloc(1, type->session_size) : NULL;
	settings.memory = type->memory ? type->memory->open(&settings, (genops_str){0}) : NULL;
	for (int i = -3; i < ROUNDS; i++) {
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
	double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

static void run(size_t number, int rounds)
{
	const struct genops_destination_type *type = genops_destination_type_find(genops_str_of(cases[number].type));
	struct genops_arena settings_arena, arena;
	struct genops_error err = {0};
	double times[REPEAT];
	size_t bytes = 0;
	genops_arena_init(&settings_arena, 1 << 20);
	genops_arena_init(&arena, 64 << 20);
	struct genops_destination_settings settings = {.endpoint = GENOPS_STR("http://127.0.0.1:4318")};
	if (cases[number].settings)
		settings.own = read_settings(cases[number].is_otlp ? type->exporter : type->document, cases[number].settings, &settings_arena);
	(cases[number].is_otlp ? make_spans : make_events)();
	const struct genops_destination_batch batch = {.items = items, .n_items = n_items, .now_unix_ns = INT64_C(1700000000000000000)};
	for (int repeat = 0; repeat < REPEAT; repeat++) {
		double start = cpu_ns();
		for (int i = 0; i < rounds; i++) {
			struct genops_request request = {0};
			genops_arena_reset(&arena);
			if (type->encode(&settings, &batch, &arena, &request, &err) != GENOPS_OK) {
				fprintf(stderr, "%s: %s\n", cases[number].what, err.message);
				exit(1);
			}
			bytes = request.body.len;
			genops_buffer_done(&request.body);
		}
		times[repeat] = (cpu_ns() - start) / rounds / BATCH;
	}
	qsort(times, REPEAT, sizeof *times, compare);
	printf("%-10s %-40s %8.0f ns  %6.0f bytes\n", cases[number].type, cases[number].what, times[REPEAT / 2], (double)bytes / BATCH);
	genops_arena_done(&arena);
	genops_arena_done(&settings_arena);
}

int main(int argc, char **argv)
{
	make_events();
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		bool is_wanted = argc < 2;
		for (int k = 1; k < argc; k++)
			is_wanted |= strcmp(argv[k], table[i].name) == 0;
		if (is_wanted)
			measure(&table[i]);
	}
static void measure(size_t row, const struct genops_destination_item *items)
{
	const struct genops_destination_type *type = genops_destination_type_find(genops_str_of(rows[row].type));
	struct genops_destination_settings settings;
	struct genops_arena kept, arena;
	int64_t times[ROUNDS];
	size_t bytes = 0;
	genops_arena_init(&kept, (size_t)1 << 20);
	genops_arena_init(&arena, (size_t)64 << 20);
	read_settings(row, type, &kept, &settings);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start = cpu_ns();
		bytes = encode_all(row, type, &settings, items, &arena);
		times[i] = cpu_ns() - start;
	}
	qsort(times, ROUNDS, sizeof *times, compare);
	printf("%-36s %7lld ns %6zu bytes an event\n", rows[row].label, (long long)(times[ROUNDS / 2] / EVENTS), bytes / EVENTS);
	const struct genops_destination_form *form = rows[row].settings && rows[row].settings[0] == '!' ? type->exporter : type->document;
	if (settings.own && form->done)
		form->done((void *)(uintptr_t)settings.own);
	free(settings.session);
	genops_arena_done(&arena);
	genops_arena_done(&kept);
}

int main(void)
{
	static struct genops_destination_item events[EVENTS], spans[EVENTS];
	struct genops_buffer bytes;
	size_t starts[2 * EVENTS + 1] = {0};
	genops_buffer_init(&bytes, (size_t)16 << 20);
	for (size_t i = 0; i < EVENTS; i++) {
		put_request(&bytes, i + 1);
		starts[2 * i + 1] = bytes.len;
		put_event(&bytes, i + 1);
		starts[2 * i + 2] = bytes.len;
	}
	for (size_t i = 0; i < EVENTS; i++) {
		const size_t *at = &starts[2 * i];
		spans[i] = (struct genops_destination_item){.kind = GENOPS_ITEM_TRACES, .n = 1, .time_unix_ns = T0, .body = {bytes.ptr + at[0], at[1] - at[0]}};
		events[i] = (struct genops_destination_item){.kind = GENOPS_ITEM_EVENT, .n = 1, .time_unix_ns = T0 + (int64_t)i * GENOPS_NS_PER_MS, .id = i + 1,
		    .body = {bytes.ptr + at[1], at[2] - at[1]}, .pipeline = GENOPS_STR("genops-cost-governance"), .route = GENOPS_STR("all")};
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		measure(i, rows[i].kind == GENOPS_ITEM_EVENT ? events : spans);
	genops_buffer_done(&bytes);
	int rounds = argc > 1 ? atoi(argv[1]) : 20;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		run(i, rounds > 0 ? rounds : 1);
	return 0;
}
