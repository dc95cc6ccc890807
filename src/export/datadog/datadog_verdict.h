/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_verdict.h - what Datadog's intakes answer. Pure. */
#ifndef EXPORT_DATADOG_VERDICT_H
#define EXPORT_DATADOG_VERDICT_H

#include "export/destination.h"

/* 202 {"errors": [...]}: what it says of some series is told, all of it is done with. Else as http_verdict.h, with Datadog's own words. */
void genops_datadog_verdict(const struct genops_response *response, struct genops_send_verdict *ret_verdict);
/* GET /api/v1/validate: 200 {"valid": true}. */
void genops_datadog_verdict_probe(const struct genops_response *response, struct genops_send_verdict *ret_verdict);

#endif
