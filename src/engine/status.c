/* SPDX-License-Identifier: Apache-2.0
 * engine/status.c - how GenOps itself is doing (genops/status.h): configuration, counters, drain, disk. */
#include "engine/drain/drain.h"

#include "base/str.h"

#include <genops/status.h>

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static uint64_t own_bytes(const char *path)
{
	char file[4096 + 600];
	struct stat info;
	uint64_t bytes = 0;
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		if (stat(file, &info) == 0 && S_ISREG(info.st_mode))
			bytes += (uint64_t)info.st_size;
	}
	if (folder)
		closedir(folder);
	return bytes;
}

static uint64_t folder_bytes(const char *state_dir, const char *name)
{
	char path[4096 + 300];
	struct stat info;
	uint64_t bytes = 0;
	snprintf(path, sizeof path, "%s/%s", state_dir, name);
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		snprintf(path, sizeof path, "%s/%s/%s", state_dir, name, entry->d_name);
		if (stat(path, &info) == 0 && S_ISREG(info.st_mode))
			bytes += (uint64_t)info.st_size;
		else if (genops_str_ends(genops_str_of(entry->d_name), GENOPS_STR(".own"))) /* a destination's own queue */
			bytes += own_bytes(path);
	}
	if (folder)
		closedir(folder);
	return bytes;
}

static uint64_t file_bytes(const char *state_dir, const char *name)
{
	char path[4096 + 64];
	struct stat info;
	snprintf(path, sizeof path, "%s/%s", state_dir, name);
	return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static int64_t count_lines(const char *state_dir, const char *name)
{
	char path[4096 + 64], piece[65536];
	int64_t n = 0;
	size_t got;
	snprintf(path, sizeof path, "%s/%s", state_dir, name);
	FILE *file = fopen(path, "r");
	while (file && (got = fread(piece, 1, sizeof piece, file)) > 0) {
		for (size_t i = 0; i < got; i++)
			n += piece[i] == '\n';
	}
	if (file)
		fclose(file);
	return n;
}

static void fill_config(const struct genops_config *config, struct genops_status *status)
{
	snprintf(status->config_file, sizeof status->config_file, "%.*s", (int)config->file.len, config->file.ptr ? config->file.ptr : "");
	snprintf(status->mode, sizeof status->mode, "%s", genops_mode_name(config->mode));
	snprintf(status->node, sizeof status->node, "%.*s", (int)config->node.len, config->node.len ? config->node.ptr : "");
	status->worker_memory = (uint64_t)config->gateway.worker_memory;
	status->buffer_bytes = genops_config_buffer_bytes(config);
	status->disk_bytes = (uint64_t)config->telemetry.queue_disk_size;
	status->connections = config->gateway.connections_max;
	status->events = config->telemetry.events_max;
	status->n_policies = config->n_policies;
	status->n_budgets = config->n_budgets;
	status->n_keys = config->n_keys;
	status->n_prices = genops_prices_count(config->prices);
	status->n_providers = config->gateway.n_providers;
	status->n_exporters = config->telemetry.n_exporters;
	status->n_warnings = config->n_warnings;
}

int genops_engine_status(genops_engine *engine, struct genops_status *ret_status, struct genops_error *err)
{
	struct genops_status status = {0};
	struct genops_counters_stats counters;
	struct statvfs disk;
	struct genops_config *config = genops_engine_config(engine);
	fill_config(config, &status);
	genops_config_unref(config);
	snprintf(status.state_dir, sizeof status.state_dir, "%s", engine->state_dir);
	genops_counters_stats(engine->counters, &counters);
	status.n_processes = counters.n_processes;
	status.n_in_flight = counters.n_leases;
	status.n_repairs = counters.n_repairs;
	status.is_drained_by_us = atomic_load(&engine->is_draining);
	GENOPS_TRY(genops_drain_is_behind(engine->state_dir, &status.is_behind, err));
	status.segment_bytes = genops_segment_bytes(engine->state_dir);
	status.queue_bytes = folder_bytes(engine->state_dir, "queue");
	status.ledger_bytes = file_bytes(engine->state_dir, "ledger.db");
	status.n_dead_letters = count_lines(engine->state_dir, "dead-letter.jsonl");
	if (statvfs(engine->state_dir, &disk) == 0)
		status.free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	*ret_status = status;
	return GENOPS_OK;
}
