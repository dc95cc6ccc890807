/* SPDX-License-Identifier: Apache-2.0
 * The type kafka: settings as they are written, OTLP cut into messages with keys, events with topic and key of their own, and what answers mean.
 * Against Apache Kafka itself: tests/e2e/destinations/test_out_kafka.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/str.h"
#include "codec/wire.h"
#include "export/kafka/kafka.h"
#include "failing_alloc.h"
#include "telemetry/otlp/otlp_json.h"
#include "telemetry/otlp/otlp_span.h"

#include <stdio.h>

struct fixture {
	struct genops_yaml *yaml;
	struct genops_arena settings_arena, arena;
	struct genops_kafka_settings own;
	struct genops_destination_settings settings;
	struct genops_request request;
	struct genops_error err;
};

static const char *get_variable(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "TOPIC") ? NULL : "from-env";
}

static const struct genops_yaml_variables variables = {get_variable, NULL};

static int read_own(struct fixture *f, const struct genops_destination_form *form, const char *text)
{
	const struct genops_yaml_rows in = {"test.yaml", &f->settings_arena, &variables, &f->err};
	assert_int_equal(genops_yaml_parse("test.yaml", genops_str_of(text), &f->yaml, &f->err), GENOPS_OK);
	static const struct genops_option common[] = {
	    {.name = "tls", .type = GENOPS_OPTION_CUSTOM}, {.name = "headers", .type = GENOPS_OPTION_CUSTOM}, {.name = NULL}}; /* engine/config's */
	int none = 0;
	const struct genops_yaml_part parts[] = {{form->rows, &f->own}, {common, &none}};
	int code = genops_yaml_rows_parts(&in, f->yaml->documents[0], "kafka", parts, 2);
	if (code == GENOPS_OK)
		code = form->read(&in, f->yaml->documents[0], &f->own);
	return code;
}

static void start(struct fixture *f)
{
	*f = (struct fixture){0};
	genops_arena_init(&f->settings_arena, 1 << 20);
	genops_arena_init(&f->arena, 1 << 24);
	f->settings.own = &f->own;
}

static void stop(struct fixture *f)
{
	if (genops_kafka_document_form.done)
		genops_kafka_document_form.done(&f->own);
	genops_buffer_done(&f->request.body);
	genops_arena_done(&f->arena);
	genops_arena_done(&f->settings_arena);
	genops_yaml_free(f->yaml);
}

static void start_with(struct fixture *f, const struct genops_destination_form *form, const char *text)
{
	start(f);
	if (read_own(f, form, text) != GENOPS_OK)
		fail_msg("%s", f->err.message);
}

static const char *property(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->own.n_properties; i++) {
		if (genops_str_is(f->own.properties[i].key, name))
			return f->own.properties[i].value.ptr;
	}
	return NULL;
}

static void test_settings_become_properties(void **state)
{
	(void)state;
	struct fixture f;
	start_with(&f, &genops_kafka_exporter_form,
	    "brokers: [a:9092, b:9092]\ntls: {ca_file: x}\nauth: {sasl: {username: u, password: p, mechanism: SCRAM-SHA-512}}\n"
	    "producer: {compression: zstd, compression_params: {level: 3}, max_message_bytes: 5000, linger: 20ms}\n"
	    "record_partitioner: {sticky_key: {hasher: murmur2}}\ntraces: {topic: t, encoding: otlp_json}\n");
	assert_string_equal(property(&f, "bootstrap.servers"), "a:9092,b:9092");
	assert_string_equal(property(&f, "security.protocol"), "sasl_ssl");
	assert_string_equal(property(&f, "sasl.mechanism"), "SCRAM-SHA-512");
	assert_string_equal(property(&f, "compression.codec"), "zstd");
	assert_string_equal(property(&f, "compression.level"), "3");
	assert_string_equal(property(&f, "linger.ms"), "20");
	assert_string_equal(property(&f, "acks"), "all");
	assert_string_equal(property(&f, "enable.idempotence"), "true");
	assert_string_equal(property(&f, "partitioner"), "murmur2_random");
	assert_true(f.own.is_json[GENOPS_SIGNAL_TRACES] && !f.own.is_json[GENOPS_SIGNAL_LOGS]);
	assert_true(genops_str_is(f.own.topics[GENOPS_SIGNAL_TRACES], "t") && genops_str_is(f.own.topics[GENOPS_SIGNAL_LOGS], "otlp_logs"));
	stop(&f);
	start_with(&f, &genops_kafka_exporter_form, "tls: {insecure: true}\nproducer: {required_acks: 1}\n");
	assert_string_equal(property(&f, "security.protocol"), "plaintext");
	assert_string_equal(property(&f, "enable.idempotence"), "false");
	assert_string_equal(property(&f, "partitioner"), "fnv1a_random");
	stop(&f);
}

static void test_settings_that_are_refused(void **state)
{
	(void)state;
	static const struct {
		bool is_document;
		const char *text, *says;
	} cases[] = {
	    {false, "producer: {required_acks: 0}", "would lose"},
	    {false, "producer: {compression: gzip, compression_params: {level: 10}}", "no level 10"},
	    {false, "producer: {compression: snappy, compression_params: {level: 1}}", "no level 1"},
	    {false, "brokers: ['http://a:9092']", "not an address"},
	    {false, "brokers: []", "there is none"},
	    {false, "topic: 'a b'", "is not one"},
	    {false, "logs: {topic: '..'}", "is not one"},
	    {false, "logs: {topik: x}", "topik"},
	    {false, "auth: {kerberos: {}}", "kerberos"},
	    {false, "auth: {sasl: {username: u, password: p, mechanism: OAUTHBEARER}}", "mechanism"},
	    {false, "auth: {sasl: {username: u, password: p}, plain_text: {username: u, password: p}}", "two ways"},
	    {false, "partition_logs_by_trace_id: true\npartition_logs_by_resource_attributes: true", "exclude"},
	    {false, "record_partitioner: {sticky_key: {}, round_robin: {}}", "one only"},
	    {false, "record_partitioner: {least_backup: {}}", "least_backup"},
	    {false, "headers: {a: b}", "record_headers"},
	    {true, "brokers: a:1", "topic"},
	    {true, "topic: '${team'", "topic"},
	    {true, "topic: '${UNSET_NAME}'", "not set"},
	    {true, "topic: 'a b'", "is not one"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f;
		start(&f);
		int code = read_own(&f, cases[i].is_document ? &genops_kafka_document_form : &genops_kafka_exporter_form, cases[i].text);
		if (code != GENOPS_CONFIG || !strstr(f.err.message, cases[i].says))
			fail_msg("%s: %d %s", cases[i].text, code, f.err.message);
		stop(&f);
	}
}

/* --- OTLP --- */

/* A request of spans s0, s1 ... of traces 1 .. n_traces by turns, each padded. */
static genops_str make_traces(struct genops_buffer *out, size_t n, size_t n_traces, size_t pad)
{
	char id[16] = {0}, text[16], *padding = calloc(1, pad + 1);
	memset(padding, 'x', pad);
	genops_buffer_init(out, 1 << 22);
	size_t group = genops_wire_begin(out, 1), scope = genops_wire_begin(out, 2);
	for (size_t i = 0; i < n; i++) {
		size_t span = genops_wire_begin(out, 2);
		id[0] = (char)(i % n_traces + 1);
		genops_wire_put_bytes(out, 1, (genops_str){id, 16});
		genops_wire_put_bytes(out, 2, (genops_str){id, 8});
		snprintf(text, sizeof text, "s%zu", i);
		genops_wire_put_text(out, 5, genops_str_of(text));
		genops_wire_put_text(out, 3, (genops_str){padding, pad});
		genops_wire_end(out, span);
	}
	genops_wire_end(out, scope);
	genops_wire_end(out, group);
	free(padding);
	return genops_buffer_view(out);
}

static const struct genops_destination_type *type(void)
{
	return genops_destination_type_find(GENOPS_STR("kafka"));
}

static int encode(struct fixture *f, const struct genops_destination_item *items, size_t n)
{
	const struct genops_destination_batch batch = {.items = items, .n_items = n};
	genops_arena_reset(&f->arena);
	return type()->encode(&f->settings, &batch, &f->arena, &f->request, &f->err);
}

static size_t count_spans(genops_str request)
{
	struct genops_otlp_reader reader;
	genops_str span;
	size_t n = 0;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	while (genops_otlp_reader_next(&reader, &span) > 0)
		n++;
	return n;
}

static void test_small_ones_share_a_message_large_ones_are_cut(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_buffer small, large;
	start_with(&f, &genops_kafka_exporter_form, "producer: {max_message_bytes: 10000}\n");
	const struct genops_destination_item items[] = {{.kind = GENOPS_ITEM_TRACES, .body = make_traces(&small, 3, 1, 10)},
	    {.kind = GENOPS_ITEM_TRACES, .body = genops_buffer_view(&small)}, {.kind = GENOPS_ITEM_TRACES, .body = make_traces(&large, 40, 3, 1000)}};
	assert_int_equal(encode(&f, items, 3), GENOPS_OK);
	const struct genops_kafka_request *kafka = f.request.kafka;
	assert_true(kafka->n_messages >= 6);
	assert_int_equal(kafka->messages[0].item, 0);
	assert_int_equal(kafka->messages[0].n_items, 2);
	assert_int_equal(count_spans(kafka->messages[0].value), 6);
	size_t n = 0;
	for (size_t i = 1; i < kafka->n_messages; i++) {
		assert_true(kafka->messages[i].item == 2 && kafka->messages[i].n_items == 1 && !kafka->messages[i].key.len);
		assert_true(kafka->messages[i].value.len < 10000);
		n += count_spans(kafka->messages[i].value);
	}
	assert_int_equal(n, 40);
	genops_buffer_done(&small);
	genops_buffer_done(&large);
	stop(&f);
}

static void test_json_is_cut_by_what_it_becomes(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_buffer many, back;
	start_with(&f, &genops_kafka_exporter_form, "encoding: otlp_json\nproducer: {max_message_bytes: 4000}\n");
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_TRACES, .body = make_traces(&many, 200, 7, 0)};
	assert_int_equal(encode(&f, &item, 1), GENOPS_OK);
	size_t n = 0;
	for (size_t i = 0; i < f.request.kafka->n_messages; i++) {
		genops_str value = f.request.kafka->messages[i].value;
		assert_true(value.len < 4000 && value.ptr[0] == '{');
		genops_buffer_init(&back, 1 << 20);
		assert_int_equal(genops_otlp_json_read(GENOPS_SIGNAL_TRACES, value, &back, &f.err), GENOPS_OK);
		n += count_spans(genops_buffer_view(&back));
		genops_buffer_done(&back);
	}
	assert_int_equal(n, 200);
	genops_buffer_done(&many);
	stop(&f);
}

static void test_a_trace_a_key(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_buffer many;
	start_with(&f, &genops_kafka_exporter_form, "partition_traces_by_id: true\n");
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_TRACES, .body = make_traces(&many, 10, 3, 0)};
	assert_int_equal(encode(&f, &item, 1), GENOPS_OK);
	assert_int_equal(f.request.kafka->n_messages, 3);
	size_t n = 0;
	for (size_t i = 0; i < 3; i++) {
		const struct genops_kafka_message *message = &f.request.kafka->messages[i];
		struct genops_otlp_reader reader;
		struct genops_otlp_span span;
		genops_str bytes;
		assert_int_equal(message->key.len, 32);
		genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, message->value);
		for (; genops_otlp_reader_next(&reader, &bytes) > 0; n++) {
			assert_int_equal(genops_otlp_span_read(bytes, &span), GENOPS_OK);
			assert_int_equal(span.trace_id.ptr[0], message->key.ptr[1] - '0');
		}
	}
	assert_int_equal(n, 10);
	genops_buffer_done(&many);
	stop(&f);
}

static void test_own_operations(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_record record = {.name = GENOPS_STR("ai.completion"), .end_unix_ns = 2, .start_unix_ns = 1, .trace_id = {1}, .span_id = {1}};
	const struct genops_destination_batch batch = {.records = &record, .n_records = 1};
	start_with(&f, &genops_kafka_exporter_form, "topic: all\n");
	assert_int_equal(type()->encode(&f.settings, &batch, &f.arena, &f.request, &f.err), GENOPS_OK);
	assert_int_equal(f.request.kafka->n_messages, 1);
	assert_int_equal(f.request.kafka->messages[0].n_items, 0);
	assert_true(genops_str_is(f.request.kafka->messages[0].topic, "all"));
	assert_int_equal(count_spans(f.request.kafka->messages[0].value), 1);
	stop(&f);
}

/* --- events --- */

static void test_events(void **state)
{
	(void)state;
	struct fixture f;
	start_with(&f, &genops_kafka_document_form, "topic: 'ai-${team}'\nkey: '${TOPIC}/${customer}'\n");
	const struct genops_destination_item items[] = {
	    {.kind = GENOPS_ITEM_EVENT, .id = 7, .body = GENOPS_STR("{\"team\":\"blue\",\"customer\":\"c\"}")},
	    {.kind = GENOPS_ITEM_EVENT, .id = 8, .body = GENOPS_STR("{\"team\":\"red\"}"), .payload = GENOPS_STR("{\"p\":1}")},
	    {.kind = GENOPS_ITEM_EVENT, .id = 9, .body = GENOPS_STR("{\"team\":\"no topic\"}")},
	};
	assert_int_equal(encode(&f, items, 2), GENOPS_OK);
	const struct genops_kafka_message *messages = f.request.kafka->messages;
	assert_true(genops_str_is(messages[0].topic, "ai-blue") && genops_str_is(messages[0].key, "from-env/c") && messages[0].id == 7);
	assert_true(genops_str_equal(messages[0].value, items[0].body));
	assert_true(genops_str_is(messages[1].topic, "ai-red") && genops_str_is(messages[1].value, "{\"p\":1}") && messages[1].item == 1);
	genops_buffer_done(&f.request.body);
	assert_int_equal(encode(&f, items, 3), GENOPS_SYNTAX); /* the pump narrows until only that one is left */
	assert_non_null(strstr(f.err.message, "no topic"));
	stop(&f);
}

static void test_without_memory(void **state)
{
	(void)state;
#if FAILING_ALLOC
	struct fixture f;
	struct genops_buffer many;
	start_with(&f, &genops_kafka_exporter_form, "partition_traces_by_id: true\nencoding: otlp_json\n");
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_TRACES, .body = make_traces(&many, 300, 3, 0)};
	int code = GENOPS_NOMEM;
	for (long n = 0; code != GENOPS_OK; n++) {
		genops_arena_done(&f.arena);
		genops_arena_init(&f.arena, 1 << 24);
		allocs_left = n;
		code = encode(&f, &item, 1);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
		genops_buffer_done(&f.request.body);
		f.request.body = (struct genops_buffer){0};
	}
	genops_buffer_done(&many);
	stop(&f);
#else
	skip();
#endif
}

static void test_verdicts(void **state)
{
	(void)state;
	static const uint8_t kinds[] = {GENOPS_SENT, GENOPS_RETRY, GENOPS_REJECTED};
	static const struct {
		int status;
		enum genops_verdict_kind kind;
		bool waits;
	} cases[] = {{200, GENOPS_SENT, false}, {0, GENOPS_RETRY, false}, {401, GENOPS_RETRY, true}, {413, GENOPS_REJECTED, false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_response response = {.status = cases[i].status, .network_error = GENOPS_STR("why\n"), .kinds = kinds, .n_kinds = 3};
		struct genops_send_verdict verdict;
		type()->judge(NULL, &response, &verdict);
		assert_int_equal(verdict.kind, cases[i].kind);
		assert_int_equal(verdict.retry_after_ns > 0, cases[i].waits);
		assert_int_equal(verdict.n_kinds, cases[i].status == 200 ? 0 : 3);
		assert_string_equal(verdict.reason, cases[i].status == 200 ? "" : "why ");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_settings_become_properties),
	    cmocka_unit_test(test_settings_that_are_refused),
	    cmocka_unit_test(test_small_ones_share_a_message_large_ones_are_cut),
	    cmocka_unit_test(test_json_is_cut_by_what_it_becomes),
	    cmocka_unit_test(test_a_trace_a_key),
	    cmocka_unit_test(test_own_operations),
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_without_memory),
	    cmocka_unit_test(test_verdicts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
