/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_otlp_verdict.c - genops_http_verdict, genops_otlp_verdict_http/grpc and genops_grpc_status_*: whatever a server answers.
 * Input: one byte each for status, gRPC status and content type, then a length byte and the header text, then the body.
 * Properties: the reason is one printable, terminated line; a 2xx is never repeated; counts are not negative. */
#include "base/str.h"
#include "export/http_verdict.h"
#include "export/otlp_verdict.h"
#include "net/grpc_status.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_verdict(const struct genops_send_verdict *verdict)
{
	check(memchr(verdict->reason, '\0', sizeof verdict->reason) != NULL);
	for (const char *at = verdict->reason; *at; at++)
		check((unsigned char)*at >= 0x20 && *at != 0x7f);
	check(verdict->n_rejected >= 0 && verdict->retry_after_ns >= 0);
}

static void judge(struct genops_response *response, genops_str header)
{
	struct genops_send_verdict verdict;
	struct genops_grpc_status status;
	genops_grpc_status_init(&status);
	genops_grpc_status_header(&status, GENOPS_STR("grpc-message"), header);
	genops_grpc_status_header(&status, GENOPS_STR("grpc-status-details-bin"), header);
	genops_grpc_status_header(&status, GENOPS_STR("grpc-status"), header);
	genops_http_verdict(response, &verdict);
	check_verdict(&verdict);
	genops_otlp_verdict_http(response, &verdict);
	check_verdict(&verdict);
	check(response->status < 200 || response->status > 299 || verdict.kind == GENOPS_SENT ||
	      verdict.kind == GENOPS_SENT_PARTLY);
	response->grpc_message = genops_str_of(status.message);
	response->retry_info_ns = status.retry_info_ns;
	response->body = genops_grpc_status_message(response->body);
	genops_otlp_verdict_grpc(response, &verdict);
	check_verdict(&verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {
	    "application/x-protobuf", "application/json", "text/plain", ""};
	if (size < 4 || size - 4 < data[3])
		return 0;
	genops_str header = {(const char *)data + 4, data[3]};
	struct genops_response response = {
	    .status = data[0] ? 200 + data[0] * 2 % 400 : 0,
	    .grpc_status = data[1] % 20 - 1,
	    .content_type = genops_str_of(types[data[2] % 4]),
	    .retry_after = header,
	    .received_unix_ns = INT64_C(784111770000000000),
	    .body = {(const char *)data + 4 + data[3], size - 4 - data[3]},
	};
	judge(&response, header);
	return 0;
}
