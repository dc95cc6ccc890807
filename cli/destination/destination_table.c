/* SPDX-License-Identifier: Apache-2.0
 * destination_table.c - see destination_table.h. */
#include "destination/destination_table.h"

#include "json_text.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>

static int add_json(void *arg, const struct genops_destination_status *status)
{
	bool *is_first = arg;
	const struct {
		const char *name;
		int64_t value;
	} numbers[] = {{"sent", status->sent}, {"rejected", status->rejected}, {"dropped", status->dropped}, {"failures", status->failures},
	    {"retries", status->retries}, {"connection_errors", status->connection_errors},
	    {"authentication_failures", status->authentication_failures}, {"throttled", status->throttled}, {"waiting", status->waiting},
	    {"waiting_bytes", status->waiting_bytes}, {"last_sent_unix_ns", status->last_sent_unix_ns},
	    {"last_failed_unix_ns", status->last_failed_unix_ns}};
	printf("%s{", *is_first ? "" : ",");
	*is_first = false;
	json_text("name", status->name);
	putchar(',');
	json_text("type", status->type);
	putchar(',');
	json_text("endpoint", status->endpoint);
	putchar(',');
	json_text("state", status->state);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		printf(",\"%s\":%" PRId64, numbers[i].name, numbers[i].value);
	printf(",\"lag_seconds\":%.3f,\"breaker\":\"%s\",\"is_blocking\":%s,", status->lag_seconds, status->is_open ? "open" : "closed",
	    status->is_blocking ? "true" : "false");
	json_text("reason", status->reason);
	putchar('}');
	return GENOPS_OK;
}

int destination_table_json(genops_engine *engine, struct genops_error *err)
{
	bool is_first = true;
	putchar('[');
	int code = genops_destination_status_list(engine, add_json, &is_first, err);
	putchar(']');
	return code;
}

static void add_number(struct table *table, int64_t value)
{
	char text[32];
	snprintf(text, sizeof text, "%" PRId64, value);
	table_add(table, text);
}

static int add_row(void *arg, const struct genops_destination_status *status)
{
	struct table *table = arg;
	char lag[32];
	snprintf(lag, sizeof lag, "%.0f s", status->lag_seconds);
	table_begin_row(table);
	table_add_view(table, status->name);
	table_add_view(table, status->type);
	table_add_view(table, status->state);
	add_number(table, status->sent);
	add_number(table, status->waiting);
	table_add(table, lag);
	add_number(table, status->retries);
	add_number(table, status->connection_errors);
	add_number(table, status->authentication_failures);
	add_number(table, status->throttled);
	add_number(table, status->rejected + status->dropped);
	return GENOPS_OK;
}

static int say_reason(void *arg, const struct genops_destination_status *status)
{
	(void)arg;
	if (status->reason.len)
		printf("%.*s: %.*s\n", (int)status->name.len, status->name.ptr, (int)status->reason.len, status->reason.ptr);
	if (status->is_blocking)
		printf("%.*s: as much waits as may, and senders of telemetry are refused until there is room\n", (int)status->name.len,
		    status->name.ptr);
	return GENOPS_OK;
}

int destination_table_print(genops_engine *engine, struct genops_error *err)
{
	static const struct table_column columns[] = {{"destination", false}, {"type", false}, {"state", false}, {"sent", true}, {"waiting", true},
	    {"lag", true}, {"retried", true}, {"no answer", true}, {"auth", true}, {"429", true}, {"lost", true}, {0}};
	struct table *table = table_new(columns);
	int code = genops_destination_status_list(engine, add_row, table, err);
	if (code == GENOPS_OK && !table_is_empty(table))
		table_print(table, stdout);
	table_free(table);
	return code == GENOPS_OK ? genops_destination_status_list(engine, say_reason, NULL, err) : code;
}
