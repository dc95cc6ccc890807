/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/remote_write_settings.c - the row of remote write, and its settings in the Collector's format and in documents. */
#include "base/str.h"
#include "export/otlp_outgoing.h"
#include "export/prometheus/remote_write.h"

#include <string.h>

struct basic {
	genops_str username, password;
};

static const struct genops_option basic_rows[] = {
    {.name = "username", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct basic, username), .is_required = true, .text = "Grafana Cloud: the instance's number"},
    {.name = "password", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct basic, password), .is_secret = true, .text = "Grafana Cloud: an access policy's token"},
    {.name = NULL},
};

#define AT(field) offsetof(struct genops_remote_write, field)
#define ROWS                                                                                                                               \
	{.name = "endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(endpoint), .is_required = true, .aliases = (const char *const[]){"url", NULL}, \
	    .text = "the whole URL: http://prometheus:9090/api/v1/write, https://mimir/api/v1/push"},                                       \
	    {.name = "basic_auth", .type = GENOPS_OPTION_CUSTOM, .text = "username, password"},                                             \
	    {.name = "bearer_token", .type = GENOPS_OPTION_TEXT, .offset = AT(bearer_token), .is_secret = true, .text = "instead of basic_auth"}, \
	    {.name = "tenant", .type = GENOPS_OPTION_TEXT, .offset = AT(tenant), .text = "X-Scope-OrgID, of Mimir and Cortex"},             \
	    {.name = "external_labels", .type = GENOPS_OPTION_MAP, .offset = AT(external), .text = "of all series that have no such label"}, \
	    {.name = "send_metadata", .type = GENOPS_OPTION_BOOL, .offset = AT(has_metadata), .default_text = "true", .text = "types and help go along"}, \
	{                                                                                                                                  \
		.name = "max_series", .type = GENOPS_OPTION_INT, .offset = AT(max_series), .default_text = "10000", .min = 1, .max = 200000,   \
		.text = "that events make, or that deltas are added up in; further ones are refused and counted"                           \
	}

static const struct genops_option exporter_rows[] = {ROWS,
    {.name = "namespace", .type = GENOPS_OPTION_TEXT, .offset = AT(prefix), .text = "stands before every name, with an underscore"},
    {.name = "add_metric_suffixes", .type = GENOPS_OPTION_BOOL, .offset = AT(has_suffixes), .default_text = "true", .text = "units and _total behind names; names of GenOps' own metrics stay as the guides have them"},
    {.name = "resource_to_telemetry_conversion", .type = GENOPS_OPTION_CUSTOM, .text = "enabled: true makes every attribute of the resource a label"},
    {.name = "without_scope_info", .type = GENOPS_OPTION_BOOL, .offset = AT(is_without_scope), .default_text = "false", .text = "true: no labels otel_scope_name and otel_scope_version"},
    {.name = NULL}};

static const struct genops_option document_rows[] = {ROWS,
    {.name = "metrics", .type = GENOPS_OPTION_CUSTOM, .text = "prefix, labels, mappings: what events are as metrics; without, the guides' metrics"},
    {.name = "push_interval", .type = GENOPS_OPTION_DURATION, .offset = AT(push_interval_ns), .default_text = "15s", .min = 0.1, .max = 3600, .text = "how often what has changed is sent"},
    {.name = "resend_interval", .type = GENOPS_OPTION_DURATION, .offset = AT(resend_interval_ns), .default_text = "60s", .min = 1, .max = 240, .text = "how often counters are sent that have not: Prometheus forgets after five minutes"},
    {.name = NULL}};

static int read_common(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_remote_write *own)
{
	const struct genops_yaml_node *auth = genops_yaml_get(node, "basic_auth");
	struct basic basic = {.username = {0}};
	struct genops_error fault;
	if (genops_otlp_outgoing_check_url(own->endpoint, "as http://prometheus:9090/api/v1/write", &fault) != GENOPS_OK)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, genops_yaml_get(node, "url") ? "url" : "endpoint"), fault.fix, "%s", fault.message);
	if (auth)
		GENOPS_TRY(genops_yaml_rows_section(in, auth, "basic_auth", basic_rows, &basic));
	own->username = basic.username;
	own->password = basic.password;
	if (auth && own->bearer_token.len)
		return genops_yaml_rows_fail(in, auth, "remove one of them", "basic_auth and bearer_token are both set");
	for (size_t i = 0; i < own->external.n; i++) {
		if (!genops_metric_label_is_valid(own->external.items[i].key))
			return genops_yaml_rows_fail(in, genops_yaml_get(node, "external_labels"), "letters, digits and _, no digit first",
			    "external_labels: \"%.*s\" is no name of a label", GENOPS_STR_ARG(own->external.items[i].key));
	}
	return GENOPS_OK;
}

static int read_exporter(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *arg)
{
	static const struct genops_option conversion[] = {
	    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .default_text = "false", .text = "every attribute of the resource is a label"}, {.name = NULL}};
	struct genops_remote_write *own = arg;
	GENOPS_TRY(read_common(in, node, own));
	GENOPS_TRY(genops_yaml_rows_section(
	    in, genops_yaml_get(node, "resource_to_telemetry_conversion"), "resource_to_telemetry_conversion", conversion, &own->has_resource));
	if (!own->prefix.len)
		return GENOPS_OK;
	if (!genops_metric_name_is_valid(own->prefix))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "namespace"), "letters, digits and _, no digit first", "namespace cannot begin a name");
	char *text = genops_arena_alloc(in->arena, own->prefix.len + 2);
	if (!text)
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
	memcpy(text, own->prefix.ptr, own->prefix.len);
	text[own->prefix.len] = '_';
	own->prefix = (genops_str){text, own->prefix.len + 1};
	return GENOPS_OK;
}

static int read_document(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *arg)
{
	struct genops_remote_write *own = arg;
	GENOPS_TRY(read_common(in, node, own));
	return genops_event_metrics_read(in, genops_yaml_get(node, "metrics"), &own->events);
}

static void done(void *arg)
{
	struct genops_remote_write *own = arg;
	genops_event_metrics_done(&own->events);
}

static const struct genops_destination_form exporter = {.rows = exporter_rows, .size = sizeof(struct genops_remote_write), .read = read_exporter};
static const struct genops_destination_form document = {
    .rows = document_rows, .size = sizeof(struct genops_remote_write), .read = read_document, .done = done};

const struct genops_destination_type genops_destination_type_prometheus_remote_write = {
    .name = "prometheus_remote_write",
    .alias = "prometheusremotewrite",
    .summary = "Prometheus remote write 1.0: Prometheus, Grafana Cloud, Mimir, Cortex, Thanos, VictoriaMetrics",
    .exporter = &exporter,
    .document = &document,
    .takes = GENOPS_TAKES(GENOPS_ITEM_METRICS) | GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .bytes_max = (size_t)1 << 20,
    .memory = &genops_remote_write_memory,
    .check = genops_otlp_outgoing_check,
    .encode = genops_remote_write_encode,
    .judge = genops_remote_write_judge,
    .probe = genops_remote_write_probe,
};
