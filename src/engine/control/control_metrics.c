/* SPDX-License-Identifier: Apache-2.0
 * engine/control/control_metrics.c - what a scrape gets: /metrics of the gateway, and the address of an exporter `prometheus`. */
#include "base/clock.h"
#include "base/str.h"
#include "engine/control/control.h"
#include "engine/pump/pump_memory.h"
#include "export/prometheus/prometheus.h"
#include "store/state_file.h"
#include "telemetry/metrics/exposition_text.h"

#include <genops/control.h>

#include <stdlib.h>

static const struct genops_prometheus_settings *find_exporter(const struct genops_config *config, genops_str name)
{
	for (size_t i = 0; i < config->telemetry.n_exporters; i++) {
		const struct genops_config_exporter *exporter = &config->telemetry.exporters[i];
		if (genops_str_equal(exporter->name, name))
			return genops_prometheus_settings_of(exporter->type, exporter->own);
	}
	return NULL;
}

/* This machine's scraper and the one with a key; others only where the configuration says so (docs/telemetry-in.md has the same rule for
 * receivers). */
static bool is_let_in(struct genops_control *control, const struct genops_prometheus_settings *exporter, const struct genops_metrics_request *request)
{
	if (exporter && (exporter->is_open || (request->is_local && !request->secret.len)))
		return true;
	if (exporter && !request->secret.len) {
		genops_control_fail(control, 401, "no key was sent",
		    "scrape with a key of governance.keys that has control: all, or set auth: none for this exporter");
		return false;
	}
	return genops_control_is_let_in(control, request->secret);
}

/* What the exporter gathered, behind GenOps' own. */
static int add_received(const struct genops_control *control, const struct genops_metrics_request *request,
    const struct genops_prometheus_settings *exporter, genops_str own, struct genops_buffer *out, struct genops_error *err)
{
	char file[GENOPS_PUMP_MEMORY_NAME_SIZE];
	struct genops_buffer kept, received;
	genops_pump_memory_file(request->exporter, file);
	genops_buffer_init(&received, GENOPS_CONTROL_ANSWER_MAX);
	int code = genops_state_file_read(control->engine->state_dir, file, GENOPS_DESTINATION_MEMORY_MAX, &kept, err);
	if (code == GENOPS_OK)
		code = genops_prometheus_expose(exporter, genops_buffer_view(&kept), genops_clock_unix_ns(), &received);
	if (code == GENOPS_OK || code == GENOPS_NOT_FOUND)
		code = genops_exposition_join(own, genops_buffer_view(&received), out);
	if (code != GENOPS_OK && code != GENOPS_IO)
		(void)genops_fail(err, code, "the received metrics cannot be shown: %s", genops_error_text(code));
	genops_buffer_done(&kept);
	genops_buffer_done(&received);
	return code;
}

static void answer(struct genops_control *control, const struct genops_metrics_request *request, const struct genops_prometheus_settings *exporter)
{
	struct genops_exposition_dress dress = {.is_open_metrics = genops_exposition_wants_open_metrics(request->accept)};
	struct genops_buffer joined;
	struct genops_error err;
	char *own = NULL;
	size_t len = 0;
	genops_buffer_init(&joined, GENOPS_CONTROL_ANSWER_MAX);
	int code = genops_engine_metrics(control->engine, &own, &len, &err);
	genops_str text = {own, len};
	if (code == GENOPS_OK && exporter) {
		code = add_received(control, request, exporter, text, &joined, &err);
		text = genops_buffer_view(&joined);
		dress.namespace_text = exporter->namespace_text;
		dress.labels = &exporter->const_labels;
		dress.is_open_metrics &= exporter->has_open_metrics;
	}
	if (code == GENOPS_OK && joined.error)
		code = genops_fail(&err, joined.error, "the metrics do not fit into an answer");
	control->content_type = dress.is_open_metrics ? GENOPS_EXPOSITION_OPEN_TYPE : GENOPS_EXPOSITION_TEXT_TYPE;
	if (code != GENOPS_OK)
		genops_control_fail_with(control, &err);
	else if (dress.is_open_metrics || exporter)
		genops_exposition_dress(text, &dress, &control->body);
	else
		genops_buffer_add(&control->body, text);
	genops_buffer_done(&joined);
	free(own);
}

void genops_control_metrics(struct genops_control *control)
{
	const struct genops_metrics_request request = {.accept = {0}};
	answer(control, &request, NULL);
}

static void route(struct genops_control *control, void *arg)
{
	const struct genops_metrics_request *request = arg;
	const struct genops_prometheus_settings *exporter = request->exporter.len ? find_exporter(control->config, request->exporter) : NULL;
	if (request->exporter.len && !exporter)
		genops_control_fail(control, 404, "this exporter is not configured any more", "scrape another address");
	else if (is_let_in(control, exporter, request))
		answer(control, request, exporter);
}

int genops_metrics_answer(genops_engine *engine, const struct genops_metrics_request *request, struct genops_control_answer *ret_answer,
    struct genops_error *err)
{
	struct genops_metrics_request copy = *request;
	return genops_control_run(engine, route, &copy, ret_answer, err);
}
