/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/publish_destinations.c - how each destination is doing, for others: gauges of /metrics, <state>/destinations.json for
 * `genops status` and `genops destination`, and <state>/queue/blocked, at which receivers refuse. The drain's thread. */
#include "engine/drain/drain_state.h"
#include "engine/drain/publish.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/write.h"
#include "codec/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)8 << 20)

static void put_file(const struct genops_drain *drain, const char *name, genops_str text)
{
	char path[4096], aside[4112];
	snprintf(path, sizeof path, "%s/%s", drain->engine->state_dir, name);
	snprintf(aside, sizeof aside, "%s.%u", path, drain->engine->pid);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool is_written = fd >= 0 && genops_write_all(fd, text);
	if (fd >= 0)
		close(fd);
	if (is_written && rename(aside, path) == 0)
		return;
	genops_log_write(&drain->engine->log, GENOPS_LOG_WARN, "%s cannot be written: %s", path, strerror(errno));
	unlink(aside);
}

static const char *state_of(const struct genops_pump_status *status)
{
	if (status->n_failures_in_row)
		return status->is_open ? "down" : "failing";
	return status->reason[0] ? "rejecting" : status->sent_unix_ns ? "up" : "idle";
}

static void add_json(struct genops_json_writer *json, const struct genops_pump_status *status)
{
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {{"sent", (int64_t)status->n_sent}, {"rejected", (int64_t)status->n_rejected}, {"dropped", (int64_t)status->n_dropped},
	    {"failures", (int64_t)status->n_failures}, {"retries", (int64_t)status->n_retries},
	    {"connection_errors", (int64_t)status->n_connection_errors}, {"authentication_failures", (int64_t)status->n_auth_failures},
	    {"throttled", (int64_t)status->n_throttled}, {"waiting", (int64_t)status->waiting_entries},
	    {"waiting_bytes", (int64_t)status->waiting_bytes}, {"last_sent_unix_ns", status->sent_unix_ns},
	    {"last_failed_unix_ns", status->failed_unix_ns}};
	genops_json_object_begin(json);
	genops_json_key_string(json, "name", genops_str_of(status->name));
	genops_json_key_string(json, "type", genops_str_of(status->type));
	genops_json_key_string(json, "endpoint", genops_str_of(status->endpoint));
	genops_json_key_string(json, "state", genops_str_of(state_of(status)));
	genops_json_key_string(json, "breaker", status->is_open ? GENOPS_STR("open") : GENOPS_STR("closed"));
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		genops_json_key_int(json, numbers[i].key, numbers[i].value);
	genops_json_key(json, GENOPS_STR("lag_seconds"));
	genops_json_double(json, (double)(status->lag_ns / GENOPS_NS_PER_MS) / 1000);
	genops_json_key(json, GENOPS_STR("is_blocking"));
	genops_json_bool(json, status->is_blocking);
	genops_json_key_string(json, "reason", genops_str_of(status->reason));
	genops_json_object_end(json);
}

static void set_gauges(struct genops_metrics *metrics, const struct genops_pump_status *status)
{
	char labels[160];
	bool is_up = !status->n_failures_in_row;
	snprintf(labels, sizeof labels, "destination=\"%.120s\"", status->name);
	genops_metrics_set(metrics, "genops_self_destination_waiting", labels, (double)status->waiting_entries);
	genops_metrics_set(metrics, "genops_self_destination_waiting_bytes", labels, (double)status->waiting_bytes);
	genops_metrics_set(metrics, "genops_self_destination_lag_seconds", labels, (double)status->lag_ns / (double)GENOPS_NS_PER_S);
	genops_metrics_set(metrics, "genops_self_destination_up", labels, is_up);
	genops_metrics_set(metrics, "genops_self_destination_breaker_open", labels, status->is_open);
}

void genops_publish_destinations(struct genops_drain *drain)
{
	struct genops_buffer text;
	struct genops_json_writer json;
	struct genops_pump_status status;
	genops_buffer_init(&text, TEXT_MAX);
	genops_json_writer_init(&json, &text);
	genops_json_object_begin(&json);
	genops_json_key_int(&json, "published_unix_ns", genops_clock_unix_ns());
	genops_json_key(&json, GENOPS_STR("destinations"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < drain->n_pumps; i++) {
		genops_pump_status(drain->pumps[i], &status);
		set_gauges(drain->metrics, &status);
		add_json(&json, &status);
	}
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	if (!text.error)
		put_file(drain, "destinations.json", genops_buffer_view(&text));
	genops_buffer_done(&text);
}

/* --- full --- */

void genops_publish_blocked(struct genops_drain *drain)
{
	struct genops_queue_stats stats;
	struct genops_pump_status status;
	char blocking[GENOPS_PUMP_NAME_SIZE] = "", text[400], path[4096];
	genops_queue_stats(drain->queue, &stats);
	uint64_t bytes = stats.bytes, sum = 0;
	for (size_t i = 0; i < drain->n_pumps; i++) {
		genops_pump_status(drain->pumps[i], &status);
		bytes += status.own_bytes;
		sum = sum * 31 + status.n_sent + status.n_failures + status.n_dropped + status.is_open;
		if (status.is_blocking)
			snprintf(blocking, sizeof blocking, "%s", status.name);
	}
	for (size_t i = 0; i < drain->n_pumps; i++)
		genops_pump_limit(drain->pumps[i], bytes > (uint64_t)drain->config->telemetry.queue_disk_size);
	drain->is_changed |= sum != drain->status_sum;
	drain->status_sum = sum;
	if (!strcmp(blocking, drain->blocking) && drain->is_blocking_known)
		return;
	drain->is_blocking_known = true;
	memcpy(drain->blocking, blocking, sizeof blocking);
	snprintf(path, sizeof path, "%s/queue/blocked", drain->engine->state_dir);
	if (!blocking[0]) {
		unlink(path);
		return;
	}
	snprintf(text, sizeof text, "as much waits for destination %s as may (queue: max_size)", blocking);
	put_file(drain, "queue/blocked", genops_str_of(text));
	genops_log_write(&drain->engine->log, GENOPS_LOG_WARN,
	    "%s: received telemetry is refused until there is room; overflow: drop_oldest or drop_newest would lose some in its place", text);
}
