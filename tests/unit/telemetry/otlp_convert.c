/* SPDX-License-Identifier: Apache-2.0
 * otlp_convert.c - src/telemetry/otlp/ as a program, for tests/e2e/receiving/test_otlp_json.py, where Python's protobuf is the oracle.
 *
 * One question a line, "read|write|pieces SIGNAL HEX"; one answer a line: "ok HEX", for pieces "ok ACCEPTED REJECTED HEX,HEX,...", or
 * "error CODE MESSAGE". */
#include "base/str.h"
#include "telemetry/otlp/otlp_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MAX ((size_t)256 << 20)

static void print_hex(genops_str bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		printf("%02x", (unsigned)(unsigned char)bytes.ptr[i]);
}

struct list {
	struct genops_buffer bytes;
	size_t ends[65536], n;
};

static int keep(void *arg, genops_str piece, struct genops_error *err)
{
	struct list *list = arg;
	genops_buffer_add(&list->bytes, piece);
	if (list->bytes.error || list->n == sizeof list->ends / sizeof *list->ends)
		return genops_fail(err, GENOPS_LIMIT, "too many pieces for a test");
	list->ends[list->n++] = list->bytes.len;
	return GENOPS_OK;
}

static int pieces(enum genops_signal signal, genops_str bytes, struct genops_error *err)
{
	static struct list list;
	struct genops_buffer scratch;
	struct genops_otlp_count count;
	genops_buffer_init(&scratch, ANSWER_MAX);
	genops_buffer_init(&list.bytes, ANSWER_MAX);
	list.n = 0;
	int code = genops_otlp_request_pieces(signal, bytes, &scratch, keep, &list, &count, err);
	if (code == GENOPS_OK) {
		printf("ok %" PRId64 " %" PRId64 " ", count.n_accepted, count.n_rejected);
		for (size_t i = 0, from = 0; i < list.n; from = list.ends[i++]) {
			print_hex((genops_str){list.bytes.ptr + from, list.ends[i] - from});
			printf(i + 1 < list.n ? "," : "");
		}
		printf("\n");
	}
	genops_buffer_done(&scratch);
	genops_buffer_done(&list.bytes);
	return code;
}

static int convert(bool is_read, enum genops_signal signal, genops_str bytes, struct genops_error *err)
{
	struct genops_buffer out;
	genops_buffer_init(&out, ANSWER_MAX);
	int code = is_read ? genops_otlp_json_read(signal, bytes, &out, err) : genops_otlp_json_write(signal, bytes, &out, err);
	if (code == GENOPS_OK) {
		printf("ok ");
		print_hex(genops_buffer_view(&out));
		printf("\n");
	}
	genops_buffer_done(&out);
	return code;
}

static int answer(genops_str line, struct genops_error *err)
{
	genops_str question = genops_str_split(&line, ' '), name = genops_str_split(&line, ' ');
	int signal = 0;
	while (signal < GENOPS_SIGNAL_N && !genops_str_is(name, genops_signal_name((enum genops_signal)signal)))
		signal++;
	size_t len = line.len / 2;
	uint8_t *bytes = malloc(len + !len);
	if (!bytes || signal == GENOPS_SIGNAL_N || !genops_str_from_hex(line, bytes, len))
		abort();
	genops_str view = {(const char *)bytes, len};
	int code = genops_str_is(question, "pieces")
		       ? pieces((enum genops_signal)signal, view, err)
		       : convert(genops_str_is(question, "read"), (enum genops_signal)signal, view, err);
	free(bytes);
	return code;
}

int main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	while ((len = getline(&line, &cap, stdin)) > 0) {
		struct genops_error err = {0};
		int code = answer((genops_str){line, (size_t)len - (line[len - 1] == '\n')}, &err);
		if (code != GENOPS_OK)
			printf("error %d %s\n", code, err.message);
		fflush(stdout);
	}
	free(line);
	return 0;
}
