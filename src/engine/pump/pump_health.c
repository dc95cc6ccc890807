/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_health.c - health_check: a destination for which nothing has come for an interval is asked whether it is there, so that
 * one that is down is known before something waits for it. Only where the configuration says health_check. The pump's thread.
 *
 * What a check finds shows in status and metrics and opens or closes the circuit breaker; it is no reason for what comes to wait: that is
 * tried at once. A check that stopping broke off says nothing. */
#include "engine/pump/pump_probe.h"
#include "engine/pump/pump_state.h"

#include "base/clock.h"

static bool is_due(struct genops_pump *pump)
{
	/* What types without a probe remember is of what was sent: an empty batch would change it. */
	return pump->health_interval_ns && !(pump->type->memory && !pump->type->probe) && !genops_pump_is_flushing(pump) &&
	       genops_clock_monotonic_ns() - pump->asked_ns >= pump->health_interval_ns;
}

static void failed(struct genops_pump *pump, const struct genops_pump_probe *probe)
{
	genops_retry_failed(&pump->retry, 0, 0, genops_clock_monotonic_ns());
	pump->retry.next_at_ns = 0;
	genops_pump_count(pump, "genops_self_export_failures_total", 1);
	genops_pump_status_failed(pump, probe->message);
	genops_pump_complain(pump, probe->message);
}

static void recovered(struct genops_pump *pump)
{
	genops_retry_succeeded(&pump->retry);
	pump->failing_since_ns = 0;
	genops_pump_complain(pump, "is reachable again");
	pump->complaint[0] = '\0';
	pthread_mutex_lock(&pump->lock);
	pump->status.reason[0] = '\0';
	pthread_mutex_unlock(&pump->lock);
}

void genops_pump_check_health(struct genops_pump *pump)
{
	struct genops_destination_settings settings = pump->settings;
	struct genops_pump_probe probe;
	if (!is_due(pump))
		return;
	settings.timeout_ns = pump->health_timeout_ns;
	genops_pump_probe(pump->type, &settings, pump->client, &pump->arena, &pump->must_stop, &probe);
	pump->asked_ns = genops_clock_monotonic_ns();
	if (!probe.is_asked || genops_pump_is_set(&pump->must_stop))
		return;
	pump->answer = (struct genops_pump_answer){true, probe.status, probe.grpc_status};
	if (!probe.is_good)
		failed(pump, &probe);
	else if (pump->retry.n_failures)
		recovered(pump);
}
