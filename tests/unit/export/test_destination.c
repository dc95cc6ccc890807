/* SPDX-License-Identifier: Apache-2.0
 * The destination types: finding them, what they refuse, what they send; endpoint rules of OTLP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "codec/compress.h"
#include "export/destination.h"

#include <stdlib.h>

struct fixture {
	struct genops_arena arena;
	struct genops_destination_settings settings;
	struct genops_record record;
	struct genops_request request;
	struct genops_error err;
};

static void start(struct fixture *f, const char *type, const char *endpoint)
{
	memset(f, 0, sizeof *f);
	genops_arena_init(&f->arena, 1 << 20);
	f->settings.type = genops_str_of(type);
	f->settings.endpoint = genops_str_of(endpoint);
	f->record.trace_id[0] = f->record.span_id[0] = 1;
	f->record.name = GENOPS_STR("ai.completion");
	f->record.end_unix_ns = INT64_C(1700000002000000000);
	f->record.start_unix_ns = INT64_C(1700000000000000000);
}

static void stop(struct fixture *f)
{
	genops_buffer_done(&f->request.body);
	genops_arena_done(&f->arena);
}

static const struct genops_destination_type *type_of(const struct fixture *f)
{
	const struct genops_destination_type *type = genops_destination_type_find(f->settings.type);
	assert_non_null(type);
	return type;
}

static void encode(struct fixture *f)
{
	struct genops_destination_batch batch = {&f->record, 1};
	int code = type_of(f)->check(&f->settings, &f->err);
	if (code == GENOPS_OK)
		code = type_of(f)->encode(&f->settings, &batch, &f->arena, &f->request, &f->err);
	if (code != GENOPS_OK)
		fail_msg("%s", f->err.message);
}

static const char *header(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->request.n_headers; i++) {
		if (genops_str_is(f->request.headers[i].key, name))
			return f->request.headers[i].value.ptr;
	}
	return NULL;
}

static void test_find(void **state)
{
	(void)state;
	static const char *const names[] = {"otlp", "otlp/tempo", "otlphttp", "otlphttp/cribl/2",
	    "debug", "console", "file/x", "otlp_grpc", "otlp_http"};
	static const char *const unknown[] = {"", "otl", "otlphttpx", "/otlp", "OTLP"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_non_null(genops_destination_type_find(genops_str_of(names[i])));
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		assert_null(genops_destination_type_find(genops_str_of(unknown[i])));
	for (size_t i = 0; genops_destination_types()[i]; i++) {
		const struct genops_destination_type *type = genops_destination_types()[i];
		assert_ptr_equal(genops_destination_type_find(genops_str_of(type->name)), type);
		assert_true(type->check && type->encode && type->judge && type->summary);
	}
}

/* proves OTL-071 in part: a base endpoint gets the path, a signal's URL is taken as it is */
static void test_http_url(void **state)
{
	(void)state;
	static const struct {
		const char *endpoint;
		bool is_signal_url;
		const char *url;
	} rows[] = {
	    {"http://localhost:4318", false, "http://localhost:4318/v1/traces"},
	    {"http://localhost:4318/", false, "http://localhost:4318/v1/traces"},
	    {"https://h/otlp/", false, "https://h/otlp/v1/traces"},
	    {"http://tempo:4318/v1/traces", false, "http://tempo:4318/v1/traces"},
	    {"https://h/custom", true, "https://h/custom"},
	    {"https://h/", true, "https://h/"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		start(&f, "otlphttp", rows[i].endpoint);
		f.settings.is_signal_url = rows[i].is_signal_url;
		encode(&f);
		assert_int_equal(f.request.transport, GENOPS_TRANSPORT_HTTP);
		if (!genops_str_is(f.request.url, rows[i].url))
			fail_msg("%s became %.*s", rows[i].endpoint, GENOPS_STR_ARG(f.request.url));
		stop(&f);
	}
}

/* proves OTL-069: host:port as the guide writes it means TLS */
static void test_grpc_url(void **state)
{
	(void)state;
	static const struct {
		const char *endpoint;
		bool is_insecure;
		const char *url;
	} rows[] = {
	    {"api.honeycomb.io:443", false, "https://api.honeycomb.io:443"},
	    {"localhost:4317", true, "http://localhost:4317"},
	    {"http://127.0.0.1:14317", false, "http://127.0.0.1:14317"},
	    {"https://h:4317/", true, "https://h:4317"},
	    {"dns:///h:4317", true, "http://h:4317"},
	    {"[::1]:4317", true, "http://[::1]:4317"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		start(&f, "otlp", rows[i].endpoint);
		f.settings.is_insecure = rows[i].is_insecure;
		encode(&f);
		assert_int_equal(f.request.transport, GENOPS_TRANSPORT_GRPC);
		assert_true(genops_str_is(f.request.grpc_path,
		    "/opentelemetry.proto.collector.trace.v1.TraceService/Export"));
		if (!genops_str_is(f.request.url, rows[i].url))
			fail_msg("%s became %.*s", rows[i].endpoint, GENOPS_STR_ARG(f.request.url));
		stop(&f);
	}
}

static void assert_refused(struct fixture *f, const char *why)
{
	assert_int_equal(type_of(f)->check(&f->settings, &f->err), GENOPS_CONFIG);
	if (!strstr(f->err.message, why))
		fail_msg("\"%s\" does not say %s", f->err.message, why);
	stop(f);
}

static void test_refused_endpoints(void **state)
{
	(void)state;
	static const char *const http[] = {"", "localhost:4318", "ftp://h", "http://", "http:///v1",
	    "http://:80", "http://a b", "http://a\n"};
	static const char *const grpc[] = {
	    "", "http://", "http://h:4317/v1/traces", "unix:///tmp/x", "h /x"};
	struct fixture f;
	for (size_t i = 0; i < sizeof http / sizeof *http; i++) {
		start(&f, "otlphttp", http[i]);
		assert_refused(&f, "endpoint");
	}
	for (size_t i = 0; i < sizeof grpc / sizeof *grpc; i++) {
		start(&f, "otlp", grpc[i]);
		assert_refused(&f, "endpoint");
	}
	start(&f, "otlp", "h:4317");
	f.settings.is_json = true;
	assert_refused(&f, "protobuf");
	start(&f, "file", "");
	assert_refused(&f, "path");
}

static void test_refused_settings(void **state)
{
	(void)state;
	static const struct genops_text_pair bad[] = {{{"", 0}, {"x", 1}}, {{"a b", 3}, {"x", 1}},
	    {{"a:", 2}, {"x", 1}}, {{"x-key", 5}, {"geheim\n", 7}},
	    {{"Content-Type", 12}, {"x", 1}}, {{"grpc-timeout", 12}, {"x", 1}},
	    {{"Host", 4}, {"x", 1}}};
	struct fixture f;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct genops_text_pair pair = bad[i];
		start(&f, "otlphttp", "http://h");
		f.settings.headers = (struct genops_text_map){1, &pair};
		assert_refused(&f, "headers");
		assert_null(strstr(f.err.message, "geheim"));
	}
	static struct genops_text_pair many[GENOPS_DESTINATION_HEADERS_MAX + 1];
	start(&f, "otlphttp", "http://h");
	f.settings.headers = (struct genops_text_map){GENOPS_DESTINATION_HEADERS_MAX + 1, many};
	assert_refused(&f, "headers");
	start(&f, "otlphttp", "http://h");
	f.settings.compression = GENOPS_STR("rar");
	assert_refused(&f, "compression");
	start(&f, "otlphttp", "http://h");
	f.settings.certificate_file = GENOPS_STR("c.pem");
	assert_refused(&f, "tls");
}

static void test_http_request(void **state)
{
	(void)state;
	struct genops_text_pair pair = {GENOPS_STR("Authorization"), GENOPS_STR("Bearer x")};
	struct fixture f;
	start(&f, "otlphttp", "http://h");
	f.settings.headers = (struct genops_text_map){1, &pair};
	encode(&f);
	assert_string_equal(f.request.method, "POST");
	assert_string_equal(header(&f, "content-type"), "application/x-protobuf");
	assert_string_equal(header(&f, "authorization"), "Bearer x");
	assert_null(header(&f, "content-encoding"));
	assert_true(f.request.body.len > 100);
	assert_int_equal(f.request.body.ptr[0], 0x0a);
	genops_buffer_done(&f.request.body);
	f.settings.is_json = true;
	encode(&f);
	assert_string_equal(header(&f, "content-type"), "application/json");
	assert_memory_equal(f.request.body.ptr, "{\"resourceSpans\":[", 18);
	stop(&f);
}

static void test_compression(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum genops_compress_kind kind;
	} rows[] = {{"gzip", GENOPS_COMPRESS_GZIP}, {"zstd", GENOPS_COMPRESS_ZSTD}};
	for (size_t i = 0; i < 2; i++) {
		struct fixture plain, small;
		struct genops_buffer again;
		start(&plain, "otlphttp", "http://h");
		plain.settings.compression = GENOPS_STR("none");
		encode(&plain);
		start(&small, "otlphttp", "http://h");
		small.settings.compression = genops_str_of(rows[i].name);
		encode(&small);
		assert_string_equal(header(&small, "content-encoding"), rows[i].name);
		genops_buffer_init(&again, 1 << 20);
		assert_int_equal(genops_compress_decode(rows[i].kind,
				     genops_buffer_view(&small.request.body), &again, &small.err),
		    GENOPS_OK);
		assert_true(genops_str_equal(
		    genops_buffer_view(&again), genops_buffer_view(&plain.request.body)));
		genops_buffer_done(&again);
		stop(&plain);
		stop(&small);
		start(&small, "otlp", "http://h:1");
		small.settings.compression = genops_str_of(rows[i].name);
		encode(&small);
		assert_string_equal(header(&small, "grpc-encoding"), rows[i].name);
		assert_true(small.request.is_compressed);
		stop(&small);
	}
}

static void test_file_and_debug(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, "file", "/tmp/x.jsonl");
	encode(&f);
	assert_int_equal(f.request.transport, GENOPS_TRANSPORT_FILE);
	assert_true(genops_str_is(f.request.url, "/tmp/x.jsonl"));
	assert_true(genops_str_ends(genops_buffer_view(&f.request.body), GENOPS_STR("]}]}]}\n")));
	stop(&f);
	start(&f, "debug", "");
	f.record.provider = GENOPS_STR("openai\x1b[2J");
	f.record.request_model = GENOPS_STR("gpt-4");
	f.record.actual_nano_usd = 3200000;
	encode(&f);
	assert_true(genops_str_is(f.request.url, "-"));
	genops_buffer_add_char(&f.request.body, '\0');
	assert_string_equal(f.request.body.ptr,
	    "2023-11-14T22:13:22.000Z name=ai.completion result=allowed outcome=ok provider=openai?[2J model=gpt-4 "
	    "cost_usd=0.0032 input_tokens=0 output_tokens=0 ms=2000 trace_id=01000000000000000000000000000000\n");
	stop(&f);
}

static void test_judge_file(void **state)
{
	(void)state;
	struct genops_send_verdict verdict;
	struct genops_response response = {.status = 200};
	genops_destination_judge_file(&response, &verdict);
	assert_int_equal(verdict.kind, GENOPS_SENT);
	response = (struct genops_response){
	    .network_error = GENOPS_STR("cannot write: No space left on device")};
	genops_destination_judge_file(&response, &verdict);
	assert_int_equal(verdict.kind, GENOPS_RETRY); /* nothing is lost for a full disk */
	assert_string_equal(verdict.reason, "cannot write: No space left on device");
}

/* Whatever runs out on the way, nothing is leaked (LeakSanitizer) and the request is untouched. */
static void test_without_memory(void **state)
{
	(void)state;
	static const char *const types[] = {"otlphttp", "otlp"};
	for (size_t i = 0; i < 2; i++) {
		bool is_done = false;
		for (size_t max = 0; max < 2048 && !is_done; max += 16) {
			struct genops_text_pair pair = {GENOPS_STR("x-key"), GENOPS_STR("v")};
			struct fixture f;
			start(&f, types[i], "http://h:1");
			f.settings.headers = (struct genops_text_map){1, &pair};
			f.settings.compression = GENOPS_STR("gzip");
			f.arena.max = max;
			struct genops_destination_batch batch = {&f.record, 1};
			int code =
			    type_of(&f)->encode(&f.settings, &batch, &f.arena, &f.request, &f.err);
			is_done = code == GENOPS_OK;
			if (!is_done) {
				assert_int_equal(code, GENOPS_NOMEM);
				assert_null(f.request.body.ptr);
			}
			stop(&f);
		}
		assert_true(is_done);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_http_url),
	    cmocka_unit_test(test_grpc_url),
	    cmocka_unit_test(test_refused_endpoints),
	    cmocka_unit_test(test_refused_settings),
	    cmocka_unit_test(test_http_request),
	    cmocka_unit_test(test_compression),
	    cmocka_unit_test(test_file_and_debug),
	    cmocka_unit_test(test_judge_file),
	    cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
