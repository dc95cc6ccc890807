/* SPDX-License-Identifier: Apache-2.0
 * cmd_status.c - genops status: how GenOps itself is doing on this state directory. */
#include "backup/backup_time.h"
#include "command.h"
#include "destination/destination_table.h"
#include "json_text.h"

#include <genops/backup.h>
#include <genops/status.h>

struct status_options {
	bool as_json;
};

static const struct command_option options[] = {
    {"json", 'j', OPTION_FLAG, offsetof(struct status_options, as_json), NULL, "print JSON"},
    {0},
};

static void print_backup_json(const struct genops_backup_status *status)
{
	char text[32];
	printf("{\"kind\":\"%s\",\"scheduled\":%s,", genops_backup_kind_name(status->kind), status->is_scheduled ? "true" : "false");
	json_text("place", genops_str_of(status->place));
	putchar(',');
	json_text("last", genops_str_of(status->last.name));
	printf(",\"last_time\":\"%s\",\"last_bytes\":%llu,", status->last.unix_ns ? backup_time(status->last.unix_ns, text) : "",
	    (unsigned long long)status->last.bytes);
	printf("\"next_time\":\"%s\",\"made\":%lld,\"failures\":%lld,", status->next_unix_ns ? backup_time(status->next_unix_ns, text) : "",
	    (long long)status->n_made, (long long)status->n_failures);
	json_text("reason", genops_str_of(status->reason));
	putchar('}');
}

static void print_backup(const struct genops_backup_status *status)
{
	char text[32];
	const char *kind = genops_backup_kind_name(status->kind);
	if (!status->is_scheduled && !status->last.unix_ns && !status->n_failures)
		return;
	if (status->last.unix_ns)
		printf("backup         %s: %s/%s, %.1f KiB", kind, status->last.place, status->last.name, (double)status->last.bytes / 1024);
	else
		printf("backup         %s: none yet", kind);
	printf("%s%s\n", status->next_unix_ns ? "; next " : "", status->next_unix_ns ? backup_time(status->next_unix_ns, text) : "");
	if (status->n_failures)
		printf("               failed %lld times since: %s\n", (long long)status->n_failures, status->reason);
}

static void print_backups(genops_engine *engine, bool as_json)
{
	struct genops_backup_status status;
	struct genops_error err;
	for (int kind = 0; kind < GENOPS_BACKUP_KINDS; kind++) {
		if (genops_backup_status(engine, (enum genops_backup_kind)kind, &status, &err) != GENOPS_OK)
			continue;
		if (as_json && kind)
			putchar(',');
		if (as_json)
			print_backup_json(&status);
		else
			print_backup(&status);
	}
}

static int print_json(genops_engine *engine, const struct genops_status *status)
{
	struct genops_error err;
	printf("{");
	json_text("state_dir", genops_str_of(status->state_dir));
	putchar(',');
	json_text("config_file", genops_str_of(status->config_file));
	putchar(',');
	json_text("mode", genops_str_of(status->mode));
	putchar(',');
	json_text("node", genops_str_of(status->node));
	printf(",\"role\":%s,", status->node[0] ? "\"worker\"" : "\"\"");
	printf("\"limits\":{\"max_memory_per_worker\":%llu,\"max_connections\":%lld,\"max_concurrent_events\":%lld,\"memory_size\":%llu,\"disk_size\":%llu},",
	    (unsigned long long)status->worker_memory, (long long)status->connections, (long long)status->events,
	    (unsigned long long)status->buffer_bytes, (unsigned long long)status->disk_bytes);
	printf("\"processes\":%u,\"in_flight\":%u,\"repairs\":%llu,\"behind\":%s,", status->n_processes, status->n_in_flight,
	    (unsigned long long)status->n_repairs, status->is_behind ? "true" : "false");
	printf("\"policies\":%zu,\"budgets\":%zu,\"keys\":%zu,\"prices\":%zu,\"providers\":%zu,\"exporters\":%zu,\"warnings\":%zu,",
	    status->n_policies, status->n_budgets, status->n_keys, status->n_prices, status->n_providers, status->n_exporters,
	    status->n_warnings);
	printf("\"segment_bytes\":%llu,\"queue_bytes\":%llu,\"ledger_bytes\":%llu,\"free_bytes\":%llu,\"dead_letters\":%lld,\"destinations\":",
	    (unsigned long long)status->segment_bytes, (unsigned long long)status->queue_bytes,
	    (unsigned long long)status->ledger_bytes, (unsigned long long)status->free_bytes,
	    (long long)status->n_dead_letters);
	int code = destination_table_json(engine, &err);
	printf(",\"backups\":[");
	print_backups(engine, true);
	printf("]}\n");
	return code == GENOPS_OK ? EXIT_DONE : complain(&err);
}

static double mib(uint64_t bytes)
{
	return (double)bytes / 1048576;
}

/* 0: any. */
static void print_limit(const char *before, double value, const char *after)
{
	if (value > 0)
		printf("%s%.0f%s", before, value, after);
}

static void print_limits(const struct genops_status *status)
{
	if (status->node[0])
		printf("node           %s, worker\n", status->node);
	printf("limits         buffer %.0f MiB, disk %.0f MiB", mib(status->buffer_bytes), mib(status->disk_bytes));
	print_limit(", ", mib(status->worker_memory), " MiB a worker");
	print_limit(", ", (double)status->connections, " connections");
	print_limit(", ", (double)status->events, " events in pipelines at once");
	putchar('\n');
}

static int print_text(genops_engine *engine, const struct genops_status *status)
{
	struct genops_error err;
	printf("state          %s (%.1f MiB free)\n", status->state_dir, mib(status->free_bytes));
	printf("configuration  %s, mode %s\n", status->config_file[0] ? status->config_file : "(defaults)", status->mode);
	printf("in force       %zu policies, %zu budgets, %zu keys, %zu prices, %zu providers, %zu exporters\n", status->n_policies,
	    status->n_budgets, status->n_keys, status->n_prices, status->n_providers, status->n_exporters);
	printf("running        %u process%s attached, %u call%s in flight\n", status->n_processes, status->n_processes == 1 ? "" : "es",
	    status->n_in_flight, status->n_in_flight == 1 ? "" : "s");
	print_limits(status);
	printf("stored         ledger %.1f MiB, segments %.1f MiB, export queue %.1f MiB; %s\n", mib(status->ledger_bytes),
	    mib(status->segment_bytes), mib(status->queue_bytes),
	    status->is_behind ? "the ledger is catching up" : "the ledger has everything");
	if (status->n_repairs)
		printf("repaired       %llu counter transactions whose process died in them\n", (unsigned long long)status->n_repairs);
	if (status->n_dead_letters)
		printf("rejected       %lld records for ever by a destination, see %s/dead-letter.jsonl\n",
		    (long long)status->n_dead_letters, status->state_dir);
	print_backups(engine, false);
	if (status->n_warnings)
		printf("warnings       %zu in the configuration, see genops validate\n", status->n_warnings);
	return destination_table_print(engine, &err) == GENOPS_OK ? EXIT_DONE : complain(&err);
}

static int run(const struct invocation *invocation)
{
	const struct status_options *chosen = invocation->options;
	struct genops_status status;
	struct genops_error err;
	int code = EXIT_DONE;
	genops_engine *engine = open_engine(invocation, &code);
	if (!engine)
		return code;
	if (genops_engine_status(engine, &status, &err) != GENOPS_OK)
		code = complain(&err);
	else if (chosen->as_json)
		code = print_json(engine, &status);
	else
		code = print_text(engine, &status);
	genops_engine_close(engine);
	return code;
}

const struct command command_status = {
    .name = "status",
    .summary = "how GenOps itself is doing: processes, queue, disk",
    .usage = "[--json]",
    .options = options,
    .options_size = sizeof(struct status_options),
    .max_arguments = 0,
    .run = run,
};
