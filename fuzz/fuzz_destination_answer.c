/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_destination_answer.c - what Datadog and Splunk answer: genops_datadog_verdict, genops_splunk_verdict, genops_splunk_verdict_ack.
 * Input: a byte for the status, the rest is the body.
 * Properties: the reason is one printable, terminated line; a 2xx is never a rejection; kinds are within their bounds; no wait is negative. */
#include "base/str.h"
#include "export/datadog/datadog_verdict.h"
#include "export/splunk/splunk_verdict.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_verdict(const struct genops_response *response, const struct genops_send_verdict *verdict)
{
	bool is_success = response->status >= 200 && response->status < 300;
	check(memchr(verdict->reason, '\0', sizeof verdict->reason) != NULL);
	for (const char *at = verdict->reason; *at; at++)
		check((unsigned char)*at >= 0x20 && *at != 0x7f);
	check(verdict->retry_after_ns >= 0 && verdict->n_rejected >= 0 && verdict->n_kinds <= GENOPS_VERDICT_ITEMS_MAX);
	check(!is_success || verdict->kind != GENOPS_REJECTED);
	check(!is_success || !verdict->n_kinds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_splunk_answer answer;
	struct genops_send_verdict verdict;
	if (!size)
		return 0;
	const struct genops_response response = {
	    .status = data[0] ? 200 + data[0] * 2 % 400 : 0, .grpc_status = -1, .body = {(const char *)data + 1, size - 1}};
	genops_datadog_verdict(&response, &verdict);
	check_verdict(&response, &verdict);
	genops_splunk_verdict_read(response.body, &answer);
	check(answer.code >= -1 && answer.invalid_event >= -1 && answer.ack_id >= -1);
	genops_splunk_verdict(&response, &answer, GENOPS_VERDICT_ITEMS_MAX, &verdict);
	check_verdict(&response, &verdict);
	(void)genops_splunk_verdict_ack(&response, &verdict);
	check_verdict(&response, &verdict);
	return 0;
}
