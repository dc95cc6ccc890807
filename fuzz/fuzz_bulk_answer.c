/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_bulk_answer.c - genops_elastic_bulk_answer: whatever answers a _bulk request.
 * Input: a byte for the number of items, two bits of each following byte up to that many for their documents, then the body.
 * Properties: the reason is one printable, terminated line of UTF-8; a kind an item or none; what is not sent has a reason; what nobody
 * told of is never sent. */
#include "base/str.h"
#include "export/elastic/bulk_answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct genops_send_verdict verdict;
	uint32_t documents[256];
	if (!size || size - 1 < data[0])
		return 0;
	size_t n = data[0];
	for (size_t i = 0; i < n; i++)
		documents[i] = data[1 + i] & 3;
	const struct genops_response response = {.status = 200, .grpc_status = -1, .body = {(const char *)data + 1 + n, size - 1 - n}};
	genops_elastic_bulk_answer(&response, documents, n, size & 1, &verdict);
	check(memchr(verdict.reason, '\0', sizeof verdict.reason) != NULL);
	for (const char *at = verdict.reason; *at; at++)
		check((unsigned char)*at >= 0x20 && *at != 0x7f);
	check(genops_str_is_utf8(genops_str_of(verdict.reason)));
	check(verdict.n_kinds == 0 || verdict.n_kinds == n);
	check(verdict.kind == GENOPS_SENT || verdict.reason[0]);
	bool is_again = false, is_rejected = false;
	for (size_t i = 0; i < verdict.n_kinds; i++) {
		check(verdict.kinds[i] == GENOPS_SENT || verdict.kinds[i] == GENOPS_RETRY || verdict.kinds[i] == GENOPS_REJECTED);
		is_again |= verdict.kinds[i] == GENOPS_RETRY;
		is_rejected |= verdict.kinds[i] == GENOPS_REJECTED;
	}
	check(!is_again || verdict.kind == GENOPS_RETRY);
	check(!is_rejected || verdict.kind != GENOPS_SENT);
	check(response.body.len || verdict.kind != GENOPS_SENT);
	return 0;
}
