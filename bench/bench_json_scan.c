/* SPDX-License-Identifier: Apache-2.0
 * bench_json_scan.c - ns a document of the JSON scanner: chat requests of several sizes, as the
 * gateway reads them.
 *
 * Best of many rounds, whole and in pieces of 1460 bytes; "no text" asks for the model only. CPU
 * time.
 */
#include "base/buffer.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 25

static uint64_t told;

static void on_value(void *arg, const struct genops_json_value *value)
{
	(void)arg;
	told += value->text.len;
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void chat_request(struct genops_buffer *buf, size_t len)
{
	static const char *const sentences[] = {"Explain how the \"reserve\" step works.\n",
	    "Be brief, and name sources. ", "What does one call cost at peak time? ",
	    "Gr\xC3\xBC\xC3\x9F"
	    "e aus K\xC3\xB6ln. "};
	struct genops_json_writer json;
	genops_json_writer_init(&json, buf);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "model", GENOPS_STR("gpt-4o-mini"));
	genops_json_key_double(&json, "temperature", 0.7);
	genops_json_key_int(&json, "max_tokens", 512);
	genops_json_key_bool(&json, "stream", true);
	genops_json_key_string(&json, "user", GENOPS_STR("u-12345"));
	genops_json_key(&json, GENOPS_STR("messages"));
	genops_json_array_begin(&json);
	for (size_t i = 0; buf->len + 60 < len; i++) {
		char text[600] = "";
		for (size_t j = 0; strlen(text) < 160 && buf->len + strlen(text) + 60 < len; j++)
			strcat(text, sentences[(i + j) % 4]);
		genops_json_object_begin(&json);
		genops_json_key_string(
		    &json, "role", i ? GENOPS_STR("user") : GENOPS_STR("system"));
		genops_json_key_string(&json, "content", genops_str_of(text));
		genops_json_object_end(&json);
	}
	genops_json_array_end(&json);
	genops_json_object_end(&json);
}

static double measure(struct genops_json_scan *scan, genops_str doc, size_t step)
{
	size_t n = 20000000 / (doc.len + 1000) / ROUNDS + 1;
	double best = 1e300;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		for (size_t i = 0; i < n; i++) {
			int code = GENOPS_OK;
			genops_json_scan_reset(scan);
			for (size_t at = 0; at < doc.len && !code; at += step) {
				size_t len = doc.len - at < step ? doc.len - at : step;
				code = genops_json_scan_feed(
				    scan, (genops_str){doc.ptr + at, len}, NULL);
			}
			if (code || genops_json_scan_end(scan, NULL))
				abort();
		}
		double each = (now_ns() - start) / (double)n;
		best = each < best ? each : best;
	}
	return best;
}

int main(void)
{
	static const struct genops_json_path text_rows[] = {{"model", 1}, {"max_tokens", 2},
	    {"stream", 3}, {"messages[].content", 4}, {"messages[].content[].text", 5}};
	static const size_t sizes[] = {1024, 4096, 65536, 1048576};
	const struct genops_json_scan_options answers = {.allow_duplicates = true};
	struct genops_json_paths *text = genops_json_paths_new(text_rows, 5, NULL);
	struct genops_json_paths *no_text = genops_json_paths_new(text_rows, 3, NULL);
	struct genops_json_scan *scans[] = {genops_json_scan_new(text, NULL, on_value, NULL),
	    genops_json_scan_new(no_text, NULL, on_value, NULL),
	    genops_json_scan_new(no_text, &answers, on_value, NULL)};
	if (!scans[0] || !scans[1] || !scans[2])
		return 1;
	printf("%8s %10s %10s %14s %18s %8s\n", "bytes", "text", "in pieces", "no text",
	    "duplicates allowed", "MB/s");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct genops_buffer buf;
		genops_buffer_init(&buf, 2 << 20);
		chat_request(&buf, sizes[i]);
		genops_str doc = genops_buffer_view(&buf);
		double whole = measure(scans[0], doc, doc.len);
		printf("%8zu %7.0f ns %7.0f ns %11.0f ns %15.0f ns %8.0f\n", doc.len, whole,
		    measure(scans[0], doc, 1460), measure(scans[1], doc, doc.len),
		    measure(scans[2], doc, doc.len), (double)doc.len * 1000 / whole);
		genops_buffer_done(&buf);
	}
	for (size_t i = 0; i < 3; i++)
		genops_json_scan_free(scans[i]);
	genops_json_paths_free(text);
	genops_json_paths_free(no_text);
	return told == 0;
}
