/* SPDX-License-Identifier: Apache-2.0
 * test_otlp_pieces.c - requests are checked and cut: what is refused whole, what is rejected alone, what goes on as it came. */
#include "otlp_pieces_fixture.h"

#include "base/str.h"
#include "failing_alloc.h"

static void test_a_small_one_goes_on_as_it_came(void **state)
{
	(void)state;
	struct run run;
	begin(&run);
	size_t resource = genops_wire_begin(&run.request, 1);
	put_resource(&run.request, "shop");
	size_t scope = genops_wire_begin(&run.request, 2);
	put_scope(&run.request, "scope");
	put_span(&run.request, "one", 10);
	genops_wire_put_bytes(&run.request, 1000, GENOPS_STR("not known"));
	genops_wire_end(&run.request, scope);
	genops_wire_end(&run.request, resource);
	genops_wire_put_uint(&run.request, 1001, 5);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
	expect_count(&run, 1, 0);
	assert_int_equal(run.pieces.n, 1);
	assert_true(genops_str_equal(genops_buffer_view(&run.pieces.all), genops_buffer_view(&run.request)));
	/* The function's own failure is passed on. */
	run.pieces.fail_at = 1;
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_FULL);
	end(&run);
}

static void test_empty_ones_have_no_piece(void **state)
{
	(void)state;
	static const genops_str empties[] = {{"", 0}, {"\x0A\x00", 2}, {"\x0A\x02\x12\x00", 4}, {"\x08\x01", 2}};
	struct run run;
	begin(&run);
	for (size_t i = 0; i < 3; i++) {
		genops_buffer_clear(&run.request);
		genops_buffer_add(&run.request, empties[i]);
		for (int signal = 0; signal < GENOPS_SIGNAL_N; signal++) {
			assert_int_equal(cut(&run, (enum genops_signal)signal), GENOPS_OK);
			expect_count(&run, 0, 0);
			assert_int_equal(run.pieces.n, 0);
		}
	}
	genops_buffer_clear(&run.request);
	genops_buffer_add(&run.request, empties[3]);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_SYNTAX);
	end(&run);
}

/* Reads the pieces again: names of spans in order, each with its resource's service, "name@service ". */
static void list(genops_str request, struct genops_buffer *out)
{
	struct genops_otlp_reader reader;
	genops_str item;
	genops_buffer_clear(out);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	while (genops_otlp_reader_next(&reader, &item) > 0) {
		struct genops_otlp_attributes attributes;
		struct genops_otlp_attribute attribute = {0};
		struct genops_otlp_span span;
		assert_int_equal(genops_otlp_span_read(item, &span), GENOPS_OK);
		genops_otlp_attributes_init(&attributes, reader.resource.encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES);
		assert_int_equal(genops_otlp_attributes_next(&attributes, &attribute), 1);
		genops_buffer_add(out, span.name);
		genops_buffer_add_char(out, '@');
		genops_buffer_add(out, attribute.value.bytes);
		genops_buffer_add_char(out, '/');
		genops_buffer_add(out, reader.resource.scope_name);
		genops_buffer_add_char(out, ' ');
	}
}

static void test_a_large_one_is_cut(void **state)
{
	(void)state;
	struct run run;
	struct genops_buffer before, after;
	char name[32];
	begin(&run);
	genops_buffer_init(&before, 1 << 20);
	genops_buffer_init(&after, 1 << 20);
	for (int i = 0; i < 5; i++) {
		size_t resource = genops_wire_begin(&run.request, 1);
		size_t scope = genops_wire_begin(&run.request, 2);
		snprintf(name, sizeof name, "scope-%d", i);
		for (int j = 0; j < 1000; j++) {
			char span[32];
			snprintf(span, sizeof span, "%d.%d", i, j);
			put_span(&run.request, span, 600);
		}
		put_scope(&run.request, name);
		genops_wire_put_bytes(&run.request, 1000, GENOPS_STR("not known"));
		genops_wire_end(&run.request, scope);
		snprintf(name, sizeof name, "service-%d", i);
		put_resource(&run.request, name);
		genops_wire_end(&run.request, resource);
	}
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
	expect_count(&run, 5000, 0);
	assert_true(run.pieces.n >= 7 && run.pieces.n <= 8);
	assert_true(run.pieces.longest <= GENOPS_OTLP_PIECE_MAX);
	list(genops_buffer_view(&run.request), &before);
	list(genops_buffer_view(&run.pieces.all), &after);
	assert_true(genops_str_equal(genops_buffer_view(&before), genops_buffer_view(&after)));
	size_t n = 0;
	for (size_t at = 0; (at = genops_str_find(genops_str_skip(genops_buffer_view(&run.pieces.all), n), GENOPS_STR("not known"))) != SIZE_MAX;)
		n += at + 1;
	assert_true(n > 0);
	/* It stops where the function stops it. */
	run.pieces.fail_at = 3;
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_FULL);
	assert_int_equal(run.pieces.n, 3);
	genops_buffer_done(&before);
	genops_buffer_done(&after);
	end(&run);
}

static void test_rejected_items_do_not_spoil_their_neighbours(void **state)
{
	(void)state;
	static const struct {
		uint32_t field;
		genops_str id;
		const char *reason;
	} wrong[] = {
	    {1, {"short", 5}, "span 2: traceId has 5 bytes; send 16, or none"},
	    {2, {"much-too-long-for-a-span", 24}, "span 2: spanId has 24 bytes; send 8, or none"},
	    {4, {"1", 1}, "span 2: parentSpanId has 1 bytes; send 8, or none"},
	    {13, {"\x0A\x01t", 3}, "span 2: traceId has 1 bytes; send 16, or none"},
	    {5, {"\xFF", 1}, "span 2: a text (name) that is not UTF-8, as protobuf's texts have to be"},
	    {5, {"\xED\xA0\x80", 3}, "span 2: a text (name) that is not UTF-8, as protobuf's texts have to be"},
	    {9, {"\x0A\x01k\x12\x03\x0A\x01\x80", 8}, "span 2: a text (stringValue) that is not UTF-8, as protobuf's texts have to be"},
	    {9, {"\x0A\x02\xC3(\x12\x02\x18\x01", 8}, "span 2: a text (key) that is not UTF-8, as protobuf's texts have to be"},
	};
	struct run run;
	struct genops_buffer names;
	begin(&run);
	genops_buffer_init(&names, 1 << 16);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		genops_buffer_clear(&run.request);
		size_t resource = genops_wire_begin(&run.request, 1);
		put_resource(&run.request, "shop");
		size_t scope = genops_wire_begin(&run.request, 2);
		put_span(&run.request, "one", 10);
		size_t span = genops_wire_begin(&run.request, 2);
		put_span_content(&run.request, "two", 10);
		genops_wire_put_bytes(&run.request, wrong[i].field, wrong[i].id);
		genops_wire_end(&run.request, span);
		put_span(&run.request, "three", 10);
		genops_wire_end(&run.request, scope);
		genops_wire_end(&run.request, resource);
		assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
		expect_count(&run, 2, 1);
		assert_string_equal(run.count.reason, wrong[i].reason);
		list(genops_buffer_view(&run.pieces.all), &names);
		assert_true(genops_str_equal(genops_buffer_view(&names), GENOPS_STR("one@shop/ three@shop/ ")));
	}
	genops_buffer_done(&names);
	end(&run);
}

static void put_request_of_two(struct run *run, size_t resource_len, size_t span_len)
{
	char *service = malloc(resource_len + 1);
	assert_non_null(service);
	memset(service, 's', resource_len);
	service[resource_len] = '\0';
	genops_buffer_clear(&run->request);
	size_t resource = genops_wire_begin(&run->request, 1);
	put_resource(&run->request, service);
	size_t scope = genops_wire_begin(&run->request, 2);
	put_span(&run->request, "large", span_len);
	put_span(&run->request, "small", 10);
	genops_wire_end(&run->request, scope);
	genops_wire_end(&run->request, resource);
	free(service);
}

static void test_what_is_too_large_is_rejected(void **state)
{
	(void)state;
	struct run run;
	begin(&run);
	put_request_of_two(&run, 10, GENOPS_OTLP_ITEM_MAX - 1000);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
	expect_count(&run, 2, 0);
	assert_int_equal(run.pieces.n, 2);
	assert_true(run.pieces.longest <= GENOPS_OTLP_ITEM_MAX);
	put_request_of_two(&run, 10, GENOPS_OTLP_ITEM_MAX);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
	expect_count(&run, 1, 1);
	put_request_of_two(&run, 100000, GENOPS_OTLP_ITEM_MAX - 50000);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
	expect_count(&run, 1, 1);
	/* A resource that every piece would carry again. */
	put_request_of_two(&run, 600000, 10);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
	expect_count(&run, 0, 2);
	assert_int_equal(run.pieces.n, 0);
	/* Around the limits nothing is ever longer than promised. */
	for (size_t len = GENOPS_OTLP_ITEM_MAX - 300; len < GENOPS_OTLP_ITEM_MAX; len++) {
		put_request_of_two(&run, 10, len);
		assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
		assert_true(run.pieces.longest <= GENOPS_OTLP_ITEM_MAX);
		assert_true(run.count.n_accepted + run.count.n_rejected == 2);
	}
	end(&run);
}

/* Each is a span's content that no OTLP has. */
static void test_what_is_no_request(void **state)
{
	(void)state;
	static const genops_str wrong[] = {
	    {"\x08\x01", 2},		/* a trace id that is a number */
	    {"\x3A\x01t", 3},		/* a time that is a text */
	    {"\x30", 1},		/* cut off */
	    {"\x4A\x05", 2},		/* longer than there is */
	    {"\x4A\x04\x12\x02\x0A\x05", 6},
	    {"\x4A\x04\x12\x00\x12\x00", 6},	/* two values of one attribute */
	    {"\x7A\x00\x7A\x00", 4},		/* two statuses */
	    {"\x33\x34", 2},			/* a group */
	    {"\x00\x00", 2},			/* field 0 */
	    {"\x5A\x02\x08\x01", 4},		/* an event's time as varint */
	    {"\xA2\x06\x05" "a", 4},		/* an unknown field that is cut off */
	};
	struct run run;
	begin(&run);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		genops_buffer_clear(&run.request);
		size_t resource = genops_wire_begin(&run.request, 1), scope = genops_wire_begin(&run.request, 2);
		put_span(&run.request, "right", 10);
		genops_wire_put_bytes(&run.request, 2, wrong[i]);
		genops_wire_end(&run.request, scope);
		genops_wire_end(&run.request, resource);
		if (cut(&run, GENOPS_SIGNAL_TRACES) != GENOPS_SYNTAX)
			fail_msg("row %zu was taken", i);
		expect_untouched(&run);
		assert_true(run.err.message[0] && run.err.fix[0]);
	}
	end(&run);
}

static void put_nested(struct genops_buffer *buf, uint32_t field, int depth, bool is_list)
{
	size_t marks[3 * 200];
	size_t n = 0;
	marks[n++] = genops_wire_begin(buf, field);
	for (int i = 0; i < depth; i++) {
		if (i == 0 || is_list)
			marks[n++] = genops_wire_begin(buf, i == 0 ? 2 : 1);
		if (i > 0)
			marks[n++] = genops_wire_begin(buf, is_list ? 2 : 1);
		if (i + 1 < depth)
			marks[n++] = genops_wire_begin(buf, is_list ? 6 : 5);
	}
	while (n)
		genops_wire_end(buf, marks[--n]);
}

static void test_depth_is_bounded(void **state)
{
	(void)state;
	struct run run;
	begin(&run);
	for (int is_list = 0; is_list < 2; is_list++) {
		for (int depth = 1; depth < 150; depth++) {
			genops_buffer_clear(&run.request);
			size_t resource = genops_wire_begin(&run.request, 1), scope = genops_wire_begin(&run.request, 2),
			       span = genops_wire_begin(&run.request, 2);
			put_nested(&run.request, 9, depth, is_list);
			genops_wire_end(&run.request, span);
			genops_wire_end(&run.request, scope);
			genops_wire_end(&run.request, resource);
			assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
			expect_count(&run, depth <= GENOPS_OTLP_DEPTH_MAX, depth > GENOPS_OTLP_DEPTH_MAX);
			/* Of a resource all would be spoilt. */
			genops_buffer_clear(&run.request);
			resource = genops_wire_begin(&run.request, 1);
			size_t inner = genops_wire_begin(&run.request, 1);
			put_nested(&run.request, 1, depth, is_list);
			genops_wire_end(&run.request, inner);
			genops_wire_end(&run.request, resource);
			assert_int_equal(
			    cut(&run, GENOPS_SIGNAL_TRACES), depth <= GENOPS_OTLP_DEPTH_MAX ? GENOPS_OK : GENOPS_LIMIT);
		}
	}
	end(&run);
}

static int64_t count_spans(const struct run *run)
{
	struct genops_otlp_reader reader;
	genops_str item;
	int64_t n = 0;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, genops_buffer_view(&run->pieces.all));
	while (genops_otlp_reader_next(&reader, &item) > 0)
		n++;
	return n;
}

/* Small items are many: what is stored at once is bounded in their number, too. */
static void test_a_megabyte_of_empty_spans(void **state)
{
	(void)state;
	struct run run;
	begin(&run);
	size_t resource = genops_wire_begin(&run.request, 1), scope = genops_wire_begin(&run.request, 2);
	put_scope(&run.request, "scope");
	for (int i = 0; i < 500000; i++)
		genops_wire_put_bytes(&run.request, 2, (genops_str){0});
	genops_wire_end(&run.request, scope);
	genops_wire_end(&run.request, resource);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
	expect_count(&run, 500000, 0);
	assert_int_equal(run.pieces.n, (500000 + GENOPS_OTLP_PIECE_ITEMS - 1) / GENOPS_OTLP_PIECE_ITEMS);
	assert_true(count_spans(&run) == 500000);
	end(&run);
}

static void test_empty_resources_and_scopes_have_no_piece(void **state)
{
	(void)state;
	struct run run;
	begin(&run);
	for (int i = 0; i < 300000; i++)
		genops_wire_put_bytes(&run.request, 1, i % 2 ? GENOPS_STR("\x12\x00") : (genops_str){0});
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_OK);
	expect_count(&run, 0, 0);
	assert_int_equal(run.pieces.n, 0);
	end(&run);
}

/* No memory for the pieces, at any of the times it is asked for. */
static void test_no_memory(void **state)
{
	(void)state;
	struct run run;
	int code = GENOPS_NOMEM;
	begin(&run);
	put_request_of_two(&run, 10, 600000);
	for (long n = 0; FAILING_ALLOC && code == GENOPS_NOMEM && n < 100; n++) {
		genops_buffer_done(&run.scratch);
		genops_buffer_done(&run.pieces.all);
		(void)genops_buffer_reserve(&run.pieces.all, 1 << 20);
		allocs_left = n;
		code = cut(&run, GENOPS_SIGNAL_TRACES);
		allocs_left = -1;
	}
	if (FAILING_ALLOC)
		assert_int_equal(code, GENOPS_OK);
	genops_buffer_done(&run.scratch);
	genops_buffer_init(&run.scratch, 1000);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_LIMIT);
	end(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_small_one_goes_on_as_it_came),
	    cmocka_unit_test(test_empty_ones_have_no_piece),
	    cmocka_unit_test(test_a_large_one_is_cut),
	    cmocka_unit_test(test_rejected_items_do_not_spoil_their_neighbours),
	    cmocka_unit_test(test_what_is_too_large_is_rejected),
	    cmocka_unit_test(test_what_is_no_request),
	    cmocka_unit_test(test_depth_is_bounded),
	    cmocka_unit_test(test_a_megabyte_of_empty_spans),
	    cmocka_unit_test(test_empty_resources_and_scopes_have_no_piece),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
