/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_status.c - what a pump says of itself: counted by its thread, read by the drain's under the pump's lock. */
#include "engine/pump/pump_state.h"

#include "base/clock.h"

#include <stdio.h>

#define GRPC_UNAUTHENTICATED   16
#define GRPC_PERMISSION_DENIED 7
#define GRPC_EXHAUSTED	       8

static bool is_refused_login(const struct genops_pump_answer *answer)
{
	return answer->status == 401 || answer->status == 403 || answer->status == 407 || answer->grpc_status == GRPC_UNAUTHENTICATED ||
	       answer->grpc_status == GRPC_PERMISSION_DENIED;
}

void genops_pump_status_failed(struct genops_pump *pump, const char *reason)
{
	struct genops_pump_status *status = &pump->status;
	const struct genops_pump_answer *answer = &pump->answer;
	bool is_unanswered = answer->is_sent && !answer->status;
	bool is_auth = answer->is_sent && is_refused_login(answer);
	bool is_throttled = answer->is_sent && (answer->status == 429 || answer->grpc_status == GRPC_EXHAUSTED);
	if (is_unanswered)
		genops_pump_count(pump, "genops_self_export_connection_errors_total", 1);
	if (is_auth)
		genops_pump_count(pump, "genops_self_export_auth_failures_total", 1);
	if (is_throttled)
		genops_pump_count(pump, "genops_self_export_throttled_total", 1);
	pthread_mutex_lock(&pump->lock);
	status->n_failures++;
	status->n_connection_errors += is_unanswered;
	status->n_auth_failures += is_auth;
	status->n_throttled += is_throttled;
	status->failed_unix_ns = genops_clock_unix_ns();
	snprintf(status->reason, sizeof status->reason, "%.255s", reason);
	pthread_mutex_unlock(&pump->lock);
}

void genops_pump_status_sent(struct genops_pump *pump, int64_t n, int64_t n_rejected, const char *reason)
{
	struct genops_pump_status *status = &pump->status;
	pthread_mutex_lock(&pump->lock);
	status->n_sent += (uint64_t)(n - n_rejected);
	status->n_rejected += (uint64_t)n_rejected;
	if (n > n_rejected)
		status->sent_unix_ns = genops_clock_unix_ns();
	else
		status->failed_unix_ns = genops_clock_unix_ns();
	snprintf(status->reason, sizeof status->reason, "%.255s", reason);
	pthread_mutex_unlock(&pump->lock);
}

void genops_pump_status_dropped(struct genops_pump *pump, int64_t n)
{
	genops_pump_count(pump, "genops_self_export_dropped_total", (double)n);
	pthread_mutex_lock(&pump->lock);
	pump->status.n_dropped += (uint64_t)n;
	pthread_mutex_unlock(&pump->lock);
}

void genops_pump_status_retried(struct genops_pump *pump)
{
	genops_pump_count(pump, "genops_self_export_retries_total", 1);
	pthread_mutex_lock(&pump->lock);
	pump->status.n_retries++;
	pthread_mutex_unlock(&pump->lock);
}

/* Of the endpoint only scheme, host and path of its first part are told: what follows may be a secret (a webhook's). */
static void tell_endpoint(genops_str endpoint, char *ret_text, size_t size)
{
	size_t at = genops_str_find(endpoint, GENOPS_STR("://"));
	genops_str scheme = {endpoint.ptr, at == SIZE_MAX ? 0 : at + 3};
	genops_str rest = genops_str_skip(endpoint, scheme.len);
	size_t end = at == SIZE_MAX ? SIZE_MAX : genops_str_find_char(rest, '/');
	genops_str host = end == SIZE_MAX ? rest : (genops_str){rest.ptr, end};
	size_t user = genops_str_find_char(host, '@');
	if (at != SIZE_MAX && user != SIZE_MAX)
		host = genops_str_skip(host, user + 1);
	snprintf(ret_text, size, "%.*s%.*s", GENOPS_STR_ARG(scheme), (int)(host.len > 200 ? 200 : host.len), host.len ? host.ptr : "");
}

void genops_pump_status_begin(struct genops_pump *pump)
{
	struct genops_pump_status *status = &pump->status;
	genops_pump_name(pump->settings.name, status->name);
	snprintf(status->type, sizeof status->type, "%s", pump->type->name);
	tell_endpoint(pump->settings.endpoint, status->endpoint, sizeof status->endpoint);
}

void genops_pump_status_update(struct genops_pump *pump)
{
	uint64_t bytes, entries, shared_bytes, shared_entries, own_bytes = 0;
	int64_t now_ns = genops_clock_unix_ns(), oldest_ns = pump->batch.oldest_unix_ns;
	genops_queue_cursor_behind(pump->cursor, &bytes, &entries);
	if (pump->cursor != pump->shared) {
		genops_queue_cursor_behind(pump->shared, &shared_bytes, &shared_entries);
		own_bytes = bytes;
		bytes += shared_bytes;
		entries += shared_entries;
	}
	pthread_mutex_lock(&pump->lock);
	pump->status.waiting_bytes = bytes;
	pump->status.waiting_entries = entries;
	pump->status.own_bytes = own_bytes;
	pump->status.lag_ns = pump->batch.n && oldest_ns && now_ns > oldest_ns ? now_ns - oldest_ns : 0;
	pump->status.n_failures_in_row = pump->retry.n_failures;
	pump->status.is_open = pump->retry.is_open;
	pump->status.is_blocking = genops_pump_is_set(&pump->own.is_blocking);
	pthread_mutex_unlock(&pump->lock);
}

void genops_pump_status(struct genops_pump *pump, struct genops_pump_status *ret_status)
{
	pthread_mutex_lock(&pump->lock);
	*ret_status = pump->status;
	pthread_mutex_unlock(&pump->lock);
}

void genops_pump_limit(struct genops_pump *pump, bool is_disk_full)
{
	__atomic_store_n(&pump->own.is_disk_full, is_disk_full, __ATOMIC_RELAXED);
}
