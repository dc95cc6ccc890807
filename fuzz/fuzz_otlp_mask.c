/* SPDX-License-Identifier: Apache-2.0
 * fuzz_otlp_mask.c - requests, whole or damaged, through masks: what comes out is a request whenever a request went in, and says nothing of
 * what was looked for.
 *
 * The first byte chooses the signal, the rest is the request. */
#include "pipeline/protect/otlp_mask.h"
#include "telemetry/otlp/otlp_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct genops_otlp_mask mask;
static struct genops_otlp_masking masking;

static void load(void)
{
	static const char *const patterns[] = {"s[a-z]{2}", "\\d{3}-\\d{2}"};
	struct genops_error err;
	genops_otlp_masking_init(&masking, (size_t)16 << 20);
	for (mask.n = 0; mask.n < 2; mask.n++) {
		if (genops_regex_compile(genops_str_of(patterns[mask.n]), GENOPS_STR("gi"), &mask.patterns[mask.n], &err) != GENOPS_OK)
			abort();
	}
}

static bool is_request(enum genops_signal signal, genops_str request)
{
	static struct genops_buffer json;
	struct genops_error err;
	if (!json.max)
		genops_buffer_init(&json, (size_t)16 << 20);
	genops_buffer_clear(&json);
	return genops_otlp_json_write(signal, request, &json, &err) == GENOPS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_error err;
	genops_str masked, again;
	if (!mask.n)
		load();
	if (!size)
		return 0;
	enum genops_signal signal = (enum genops_signal)(data[0] % GENOPS_SIGNAL_N);
	const genops_str request = {(const char *)data + 1, size - 1};
	if (genops_otlp_mask_request(&mask, &masking, signal, request, &masked, &err) != GENOPS_OK)
		return 0;
	if (is_request(signal, request) && !is_request(signal, masked))
		abort();
	char *copy = malloc(masked.len + 1);
	if (!copy)
		return 0;
	if (masked.len)
		memcpy(copy, masked.ptr, masked.len);
	again = (genops_str){copy, masked.len};
	if (genops_otlp_mask_request(&mask, &masking, signal, again, &masked, &err) != GENOPS_OK || masked.len != again.len)
		abort(); /* nothing is left to be found */
	free(copy);
	return 0;
}
