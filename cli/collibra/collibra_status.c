/* SPDX-License-Identifier: Apache-2.0
 * collibra_status.c - genops collibra status: what is kept in the state directory; Collibra itself is not asked. */
#include "collibra/collibra.h"
#include "json_text.h"

#include <time.h>

static void print_json(const struct genops_collibra_sync_stats *stats, const struct genops_collibra_export_status *export)
{
	printf("{\"policies\":{\"in_force\":%zu,\"off\":%zu,\"imported\":%lld,\"updated\":%lld,\"removed\":%lld,\"failed\":%lld,"
	       "\"syncs\":%lld,\"failed_syncs\":%lld,\"last_sync_unix_ns\":%lld,\"last_attempt_unix_ns\":%lld,\"changed_unix_ns\":%lld,",
	    stats->n_policies, stats->n_off, (long long)stats->policies_imported, (long long)stats->policies_updated,
	    (long long)stats->policies_removed, (long long)stats->policies_failed, (long long)stats->n_syncs,
	    (long long)stats->n_failed_syncs, (long long)stats->last_sync_unix_ns, (long long)stats->last_attempt_unix_ns,
	    (long long)stats->policies_changed_unix_ns);
	json_text("last_error", genops_str_of(stats->last_error));
	putchar(',');
	json_text("last_fix", genops_str_of(stats->last_fix));
	printf(",\"errors\":[");
	for (size_t i = 0; i < stats->n_errors; i++) {
		printf("%s", i ? "," : "");
		json_string(genops_str_of(stats->errors[i]));
	}
	printf("]},\"export\":");
	collibra_export_json(export);
	printf("}\n");
}

static void print_time(const char *what, int64_t unix_ns)
{
	char text[32] = "never";
	time_t at = (time_t)(unix_ns / 1000000000);
	struct tm tm;
	if (unix_ns && gmtime_r(&at, &tm))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf("%s %s", what, text);
}

static void print_policies(const struct genops_collibra_sync_stats *stats)
{
	printf("policies       %zu in force, %zu off; ", stats->n_policies, stats->n_off);
	print_time("last import", stats->last_sync_unix_ns);
	print_time(", last change", stats->policies_changed_unix_ns);
	printf("\nimports        %lld done, %lld failed: %lld policies imported, %lld updated, %lld removed, %lld not usable\n",
	    (long long)stats->n_syncs, (long long)stats->n_failed_syncs, (long long)stats->policies_imported,
	    (long long)stats->policies_updated, (long long)stats->policies_removed, (long long)stats->policies_failed);
	if (stats->last_error[0])
		printf("last failure   %s%s%s\n", stats->last_error, stats->last_fix[0] ? "; " : "", stats->last_fix);
	for (size_t i = 0; i < stats->n_errors; i++)
		printf("not imported   %s\n", stats->errors[i]);
}

int collibra_status(const struct invocation *invocation, genops_engine *engine)
{
	static struct genops_collibra_sync_stats stats; /* large */
	const struct collibra_options *chosen = invocation->options;
	struct genops_collibra_export_status export;
	struct genops_error err;
	int code = genops_collibra_sync_stats(engine, &stats, &err);
	if (code == GENOPS_OK)
		code = genops_collibra_export_status(engine, &export, &err);
	if (code != GENOPS_OK)
		return complain(&err);
	if (chosen->as_json) {
		print_json(&stats, &export);
	} else {
		print_policies(&stats);
		collibra_export_print(&export);
	}
	return EXIT_DONE;
}
