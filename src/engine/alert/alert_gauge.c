/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_gauge.c - see alert_gauge.h. /proc is read with bounded buffers; what is not there stays unknown. */
#include "engine/alert/alert_gauge.h"

#include "base/clock.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static double percent(double part, double whole)
{
	return whole > 0 ? part / whole * 100 : 0;
}

static double seconds_since(int64_t since_ns, int64_t now_ns)
{
	return since_ns && now_ns > since_ns ? (double)(now_ns - since_ns) / GENOPS_NS_PER_S : 0;
}

/* Down: nothing came for the configured silence, or all that came was refused for it. Who has never sent is not missed. */
static void tell_source(struct genops_alert_meter *meter, const struct genops_alert_counts *now, const struct genops_alert_counts *before,
    const struct genops_alert_inside *inside, struct genops_alert_gauges *gauges)
{
	bool has_taken = now->requests > before->requests, has_refused = now->refused > before->refused;
	if (has_taken) {
		meter->received_ns = now->monotonic_ns;
		meter->has_received = meter->has_heard = true;
	}
	if (has_taken)
		meter->trouble_ns = 0;
	else if (has_refused && !meter->trouble_ns)
		meter->trouble_ns = now->monotonic_ns;
	double silence = seconds_since(meter->received_ns, now->monotonic_ns), bound = (double)inside->silence_ns / GENOPS_NS_PER_S;
	bool is_silent = meter->has_received && silence >= bound;
	bool is_refusing = meter->trouble_ns && seconds_since(meter->trouble_ns, now->monotonic_ns) >= bound;
	gauges->values[GENOPS_ALERT_GAUGE_source_status] = is_silent || is_refusing ? 0 : 1;
	if (meter->has_received)
		gauges->values[GENOPS_ALERT_GAUGE_source_silence] = silence;
}

static void tell_rates(const struct genops_alert_counts *now, const struct genops_alert_counts *then, struct genops_alert_gauges *gauges)
{
	uint64_t taken = now->requests - then->requests, refused = now->refused - then->refused;
	double seconds = seconds_since(then->monotonic_ns, now->monotonic_ns);
	gauges->values[GENOPS_ALERT_GAUGE_error_rate] = percent((double)refused, (double)(taken + refused));
	gauges->values[GENOPS_ALERT_GAUGE_throughput] = seconds > 0 ? (double)(now->items - then->items) / seconds : 0;
	if (now->cpu_all > then->cpu_all)
		gauges->values[GENOPS_ALERT_GAUGE_cpu_utilization] =
		    percent((double)(now->cpu_busy - then->cpu_busy), (double)(now->cpu_all - then->cpu_all));
}

void genops_alert_gauge_take(struct genops_alert_meter *meter, const struct genops_alert_counts *counts,
    const struct genops_alert_inside *inside, struct genops_alert_gauges *ret_gauges)
{
	struct genops_alert_counts before = meter->n ? meter->samples[meter->at] : *counts;
	/* A tally that was begun anew is a beginning, not something that came. */
	if (counts->requests < before.requests || counts->refused < before.refused || counts->items < before.items) {
		meter->n = 0;
		before = *counts;
	}
	size_t oldest = meter->n < GENOPS_ALERT_WINDOW ? 0 : (meter->at + 1) % GENOPS_ALERT_WINDOW;
	if (!meter->n) {
		meter->received_ns = counts->monotonic_ns;
		meter->has_received |= counts->requests > 0; /* before this began */
		meter->samples[0] = *counts;
	}
	const struct genops_alert_counts then = meter->samples[oldest];
	if (inside->has_receivers) {
		tell_source(meter, counts, &before, inside, ret_gauges);
		tell_rates(counts, &then, ret_gauges);
	}
	meter->at = meter->n ? (meter->at + 1) % GENOPS_ALERT_WINDOW : 0;
	meter->n += meter->n < GENOPS_ALERT_WINDOW;
	meter->samples[meter->at] = *counts;
	double queue = percent((double)inside->queue_bytes, (double)inside->queue_max);
	double segments = percent((double)inside->segment_bytes, (double)inside->segment_max);
	ret_gauges->values[GENOPS_ALERT_GAUGE_queue_utilization] = queue;
	double disk = percent((double)inside->disk_bytes, (double)inside->disk_max), fuller = queue > segments ? queue : segments;
	ret_gauges->values[GENOPS_ALERT_GAUGE_buffer_utilization] = fuller > disk ? fuller : disk;
	ret_gauges->values[GENOPS_ALERT_GAUGE_pipeline_lag] = seconds_since(inside->behind_since_ns, counts->monotonic_ns);
	ret_gauges->values[GENOPS_ALERT_GAUGE_delivery_lag] = (double)inside->lag_ns / GENOPS_NS_PER_S;
	ret_gauges->values[GENOPS_ALERT_GAUGE_destinations_failing] = (double)inside->n_failing;
	memcpy(ret_gauges->failing, inside->failing, sizeof ret_gauges->failing);
}

void genops_alert_gauge_unheard(const struct genops_alert_meter *meter, struct genops_alert_gauges *gauges)
{
	if (meter->has_heard || isnan(gauges->values[GENOPS_ALERT_GAUGE_source_status]))
		return;
	gauges->values[GENOPS_ALERT_GAUGE_source_status] = 0;
	gauges->values[GENOPS_ALERT_GAUGE_source_silence] = (double)INFINITY;
}

void genops_alert_gauge_destination(struct genops_alert_inside *inside, const char *name, bool is_failing, int64_t lag_ns)
{
	size_t len = strlen(inside->failing);
	if (lag_ns > inside->lag_ns)
		inside->lag_ns = lag_ns;
	inside->n_failing += is_failing;
	if (is_failing)
		snprintf(inside->failing + len, sizeof inside->failing - len, "%s%s", len ? ", " : "", name);
}

/* --- the machine --- */

static bool read_head(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void read_processors(struct genops_alert_counts *counts)
{
	char text[512], *at = text + 4;
	uint64_t all = 0, idle = 0;
	if (!read_head("/proc/stat", text, sizeof text) || strncmp(text, "cpu ", 4) != 0)
		return;
	for (int i = 0; i < 8; i++) { /* user, nice, system, idle, iowait, irq, softirq, steal */
		char *end;
		uint64_t ticks = strtoull(at, &end, 10);
		if (end == at)
			return;
		all += ticks;
		idle += i == 3 || i == 4 ? ticks : 0;
		at = end;
	}
	counts->cpu_all = all;
	counts->cpu_busy = all - idle;
}

static double find_kib(const char *text, const char *name)
{
	const char *found = strstr(text, name);
	return found ? strtod(found + strlen(name), NULL) : -1;
}

void genops_alert_gauge_machine(struct genops_alert_counts *counts, const char *state_dir, struct genops_alert_gauges *gauges)
{
	char text[1024];
	struct statvfs disk;
	read_processors(counts);
	if (read_head("/proc/meminfo", text, sizeof text)) {
		double total = find_kib(text, "MemTotal:"), available = find_kib(text, "MemAvailable:");
		if (total > 0 && available >= 0)
			gauges->values[GENOPS_ALERT_GAUGE_memory_utilization] = percent(total - available, total);
	}
	if (statvfs(state_dir, &disk) == 0 && disk.f_blocks)
		gauges->values[GENOPS_ALERT_GAUGE_disk_utilization] =
		    percent((double)(disk.f_blocks - disk.f_bfree), (double)(disk.f_blocks - disk.f_bfree + disk.f_bavail));
}
