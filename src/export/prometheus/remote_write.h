/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/remote_write.h - settings of remote write, and the parts of its row. */
#ifndef EXPORT_REMOTE_WRITE_H
#define EXPORT_REMOTE_WRITE_H

#include "export/prometheus/event_metrics.h"

struct genops_remote_write {
	genops_str endpoint, prefix;            /* prefix: of received metrics' names, with its underscore */
	genops_str username, password, bearer_token, tenant;
	struct genops_text_map external;        /* labels of all series that have no such one */
	int64_t push_interval_ns, resend_interval_ns, max_series;
	bool has_suffixes, has_resource, is_without_scope, has_metadata;
	struct genops_event_metrics events;
};

extern const struct genops_destination_memory genops_remote_write_memory;
int genops_remote_write_encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err);
void genops_remote_write_judge(
    const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict);
int genops_remote_write_probe(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request,
    struct genops_error *err);

#endif
