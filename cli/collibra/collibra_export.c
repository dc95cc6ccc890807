/* SPDX-License-Identifier: Apache-2.0
 * collibra_export.c - genops collibra flush, and what status says of the export. */
#include "collibra/collibra.h"
#include "json_text.h"

#include <stdlib.h>

#define SECONDS_MAX     86400
#define SECONDS_DEFAULT 60

typedef unsigned long long wide;

void collibra_export_json(const struct genops_collibra_export_status *status)
{
	printf("{\"on\":%s,", status->is_on ? "true" : "false");
	json_text("mode", genops_str_of(status->mode));
	putchar(',');
	json_text("state", genops_str_of(status->state));
	putchar(',');
	json_text("reason", genops_str_of(status->reason));
	printf(",\"operations_waiting\":%llu,\"operations_exported\":%llu,\"assets_created\":%llu,\"assets_updated\":%llu,"
	       "\"assets_failed\":%llu,\"assets_rejected\":%llu,\"batches_sent\":%llu,\"urgent_sent\":%llu,\"calls_made\":%llu,"
	       "\"calls_repeated\":%llu,\"calls_limited\":%llu,\"average_export_time_ms\":%.3f,",
	    (wide)status->operations_waiting, (wide)status->operations_exported, (wide)status->assets_created, (wide)status->assets_updated,
	    (wide)status->assets_failed, (wide)status->assets_rejected, (wide)status->batches_sent, (wide)status->urgent_sent,
	    (wide)status->calls_made, (wide)status->calls_repeated, (wide)status->calls_limited, status->average_export_time_ms);
	printf("\"total_cost_nano_usd\":%lld,\"total_cost\":%.9g,\"last_export_unix_ns\":%lld,\"last_failure_unix_ns\":%lld}",
	    (long long)status->cost_nano_usd, (double)status->cost_nano_usd / 1e9, (long long)status->last_export_unix_ns,
	    (long long)status->last_failure_unix_ns);
}

void collibra_export_print(const struct genops_collibra_export_status *status)
{
	if (!status->is_on) {
		printf("export         off\n");
		return;
	}
	printf("export         %s, %s%s%s\n", status->mode, status->state, status->reason[0] ? ": " : "", status->reason);
	printf("operations     %llu exported, %llu waiting\n", (wide)status->operations_exported, (wide)status->operations_waiting);
	printf("assets         %llu created, %llu updated, %llu failed (%llu for ever)\n", (wide)status->assets_created,
	    (wide)status->assets_updated, (wide)status->assets_failed, (wide)status->assets_rejected);
	printf("deliveries     %llu, %llu of them urgent; %.1f ms each; %llu calls, %llu repeated, %llu answered with 429\n",
	    (wide)status->batches_sent, (wide)status->urgent_sent, status->average_export_time_ms, (wide)status->calls_made,
	    (wide)status->calls_repeated, (wide)status->calls_limited);
}

int collibra_flush(const struct invocation *invocation, genops_engine *engine)
{
	const struct collibra_options *chosen = invocation->options;
	struct genops_collibra_export_status status;
	struct genops_error err, failure;
	uint64_t n_created;
	if (chosen->timeout_s > SECONDS_MAX)
		return complain_text(EXIT_WRONG_USE, "--timeout is at most %d seconds", SECONDS_MAX);
	int64_t timeout_ms = 1000 * (chosen->timeout_s ? chosen->timeout_s : SECONDS_DEFAULT);
	int code = genops_collibra_flush(engine, timeout_ms, &n_created, &failure);
	if (genops_collibra_export_status(engine, &status, &err) != GENOPS_OK)
		return complain(&err);
	if (chosen->as_json) {
		printf("{\"exported\":%llu,\"export\":", (wide)n_created);
		collibra_export_json(&status);
		printf("}\n");
	} else if (code == GENOPS_OK) {
		printf("%llu assets exported\n", (wide)n_created);
	}
	return code == GENOPS_OK ? EXIT_DONE : complain(&failure);
}
