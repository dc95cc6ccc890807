/* SPDX-License-Identifier: Apache-2.0
 * export/otlp_verdict.h - what an OTLP server's answer means, over HTTP and over gRPC. Pure.
 *
 * The rules are the OTLP specification's, told beside the code that keeps them.
 */
#ifndef EXPORT_OTLP_VERDICT_H
#define EXPORT_OTLP_VERDICT_H

#include "export/destination.h"

void genops_otlp_verdict_http(const struct genops_response *response, struct genops_send_verdict *ret_verdict);
void genops_otlp_verdict_grpc(const struct genops_response *response, struct genops_send_verdict *ret_verdict);

#endif
