/* SPDX-License-Identifier: Apache-2.0
 * export/splunk/splunk_verdict.h - what the HTTP Event Collector answers. Pure. */
#ifndef EXPORT_SPLUNK_VERDICT_H
#define EXPORT_SPLUNK_VERDICT_H

#include "export/destination.h"

/* {"text", "code", "invalid-event-number", "ackId"}: what is not there is -1. */
struct genops_splunk_answer {
	int64_t code, invalid_event, ack_id;
	char text[120];
};
void genops_splunk_verdict_read(genops_str body, struct genops_splunk_answer *ret_answer);

/* Of n_items events that were sent. Codes that are about one event reject that one; those before it were taken. */
void genops_splunk_verdict(const struct genops_response *response, const struct genops_splunk_answer *answer, size_t n_items,
    struct genops_send_verdict *ret_verdict);

/* Of {"acks": [id]}: SENT, RETRY where the acknowledgement will never come. False: it says nothing yet, or nothing of it. */
bool genops_splunk_verdict_ack(const struct genops_response *response, struct genops_send_verdict *ret_verdict);

#endif
