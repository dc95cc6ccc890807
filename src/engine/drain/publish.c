/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/publish.c - see publish.h; and genops_engine_metrics, which puts file and live figures together. */
#include "engine/drain/publish.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPOSITION_MAX ((size_t)64 << 20)

/* --- the drain's side --- */

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static void store(const struct genops_engine *engine, genops_str text)
{
	char path[4096], aside[4112];
	snprintf(path, sizeof path, "%s/metrics.prom", engine->state_dir);
	snprintf(aside, sizeof aside, "%s.%u", path, engine->pid);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool is_written = fd >= 0 && write_all(fd, text.ptr, text.len);
	if (fd >= 0)
		close(fd);
	if (!is_written || rename(aside, path) != 0) {
		genops_log_write(&engine->log, GENOPS_LOG_WARN, "metrics cannot be written to %s: %s", path, strerror(errno));
		unlink(aside);
	}
}

void genops_publish_metrics(genops_engine *engine, struct genops_metrics *metrics, struct genops_queue *queue)
{
	struct genops_queue_stats stats;
	struct genops_buffer text;
	genops_queue_stats(queue, &stats);
	genops_metrics_set(metrics, "genops_self_queue_bytes", "", (double)stats.bytes);
	genops_metrics_set(metrics, "genops_self_queue_waiting", "", (double)stats.n_waiting_entries);
	genops_metrics_set(metrics, "genops_self_queue_full_total", "", (double)stats.n_full);
	genops_metrics_set(metrics, "genops_self_queue_damaged_blocks_total", "", (double)stats.n_corrupt_blocks);
	genops_buffer_init(&text, EXPOSITION_MAX);
	genops_metrics_expose(metrics, &text);
	if (!text.error)
		store(engine, genops_buffer_view(&text));
	genops_buffer_done(&text);
}

/* --- whoever serves /metrics --- */

static void add_file(const struct genops_engine *engine, struct genops_buffer *text)
{
	char path[4096], piece[16384];
	ssize_t n;
	snprintf(path, sizeof path, "%s/metrics.prom", engine->state_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* nothing has been drained yet */
	while ((n = read(fd, piece, sizeof piece)) > 0)
		genops_buffer_add(text, (genops_str){piece, (size_t)n});
	close(fd);
}

static void add_gauge(struct genops_buffer *text, const char *name, const char *help, double value)
{
	genops_buffer_printf(text, "# HELP %s %s\n# TYPE %s gauge\n%s %.17g\n", name, help, name, name, value);
}

int genops_engine_metrics(genops_engine *engine, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_counters_stats stats;
	struct genops_buffer text;
	genops_buffer_init(&text, EXPOSITION_MAX);
	add_file(engine, &text);
	genops_counters_stats(engine->counters, &stats);
	add_gauge(&text, "genops_self_processes", "Processes attached to the state directory.", stats.n_processes);
	add_gauge(&text, "genops_self_operations_in_flight", "Governed calls that run now, in all processes.", stats.n_leases);
	add_gauge(&text, "genops_self_counter_repairs", "Transactions undone because their process died in them.",
	    (double)stats.n_repairs);
	char *out = genops_buffer_take(&text, ret_len);
	int code = text.error;
	genops_buffer_done(&text);
	if (!out)
		return genops_fail(err, code ? code : GENOPS_NOMEM, "no memory for the metrics");
	*ret_text = out;
	return GENOPS_OK;
}
