/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/prometheus.c - exporter type prometheus, the Collector's: metrics that came in as OTLP, to be scraped. Nothing is sent:
 * its memory is what a scrape shows (prometheus.h). Pure. */
#include "export/prometheus/prometheus.h"

#include "base/clock.h"
#include "base/str.h"
#include "export/prometheus/metric_store.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD "genops-metrics 1\n"
#define EXPIRE_EVERY_NS (10 * GENOPS_NS_PER_S)

struct memory {
	struct genops_metric_store store;
	struct genops_metric_refusal refusal; /* of the last batch */
	int64_t expired_at_ns, refused_before;
};

#define STORE_MAX (GENOPS_DESTINATION_MEMORY_MAX - ((size_t)1 << 20)) /* with the head it can be kept */

#define AT(field) offsetof(struct genops_prometheus_settings, field)
static const struct genops_option rows[] = {
    {.name = "endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(endpoint), .is_required = true, .text = "the address that is scraped, at /metrics"},
    {.name = "namespace", .type = GENOPS_OPTION_TEXT, .offset = AT(namespace_text), .text = "stands before every name: prod makes prod_genops_cost_total"},
    {.name = "const_labels", .type = GENOPS_OPTION_MAP, .offset = AT(const_labels), .text = "labels of every series"},
    {.name = "send_timestamps", .type = GENOPS_OPTION_BOOL, .offset = AT(with_times), .default_text = "false", .text = "true: received samples have the time at which they were measured"},
    {.name = "metric_expiration", .type = GENOPS_OPTION_DURATION, .offset = AT(expiration_ns), .default_text = "5m", .min = 1, .max = 2592000, .text = "how long a received series is shown after its last point"},
    {.name = "enable_open_metrics", .type = GENOPS_OPTION_BOOL, .offset = AT(has_open_metrics), .default_text = "true", .text = "OpenMetrics for whom asks for it"},
    {.name = "add_metric_suffixes", .type = GENOPS_OPTION_BOOL, .offset = AT(has_suffixes), .default_text = "true", .text = "units and _total behind names; names of GenOps' own metrics stay as the guides have them"},
    {.name = "resource_to_telemetry_conversion", .type = GENOPS_OPTION_CUSTOM, .text = "enabled: true makes every attribute of the resource a label"},
    {.name = "without_scope_info", .type = GENOPS_OPTION_BOOL, .offset = AT(is_without_scope), .default_text = "false", .text = "true: no labels otel_scope_name and otel_scope_version"},
    {.name = "auth", .type = GENOPS_OPTION_CUSTOM, .text = "none: whoever reaches the address may scrape it; unset: this machine, and keys with control: all"},
    {.name = "max_series", .type = GENOPS_OPTION_INT, .offset = AT(max_series), .default_text = "20000", .min = 1, .max = 200000, .text = "of received metrics; further ones are refused and counted"},
    {.name = NULL},
};

static int read_endpoint(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_prometheus_settings *settings)
{
	genops_str text = settings->endpoint;
	size_t colon = SIZE_MAX;
	int64_t port = -1;
	for (size_t i = 0; i < text.len; i++)
		colon = text.ptr[i] == ':' ? i : colon;
	settings->host = GENOPS_STR("0.0.0.0");
	if (colon != SIZE_MAX && colon)
		settings->host = (genops_str){text.ptr, colon};
	if (settings->host.len > 2 && settings->host.ptr[0] == '[')
		settings->host = (genops_str){settings->host.ptr + 1, settings->host.len - 2};
	if (colon == SIZE_MAX || !genops_str_to_int(genops_str_skip(text, colon + 1), &port) || port < 0 || port > 65535)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "endpoint"), "write 127.0.0.1:8889", "endpoint is no address to listen on");
	settings->port = (int)port;
	return GENOPS_OK;
}

static int read_conversion(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, bool *ret_is_enabled)
{
	static const struct genops_option conversion[] = {
	    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .default_text = "false", .text = "every attribute of the resource is a label"}, {.name = NULL}};
	return genops_yaml_rows_section(
	    in, genops_yaml_get(node, "resource_to_telemetry_conversion"), "resource_to_telemetry_conversion", conversion, ret_is_enabled);
}

static int read_own(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *own)
{
	static const char *const senders[] = {"headers", "timeout", "retry_on_failure", "sending_queue"};
	struct genops_prometheus_settings *settings = own;
	const struct genops_yaml_node *auth = genops_yaml_get(node, "auth");
	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
		if (genops_yaml_get(node, senders[i]))
			return genops_yaml_rows_fail(in, genops_yaml_get(node, senders[i]), "remove it", "%s: nothing is sent from here, others come and read", senders[i]);
	}
	if (auth && (auth->kind != GENOPS_YAML_SCALAR || !genops_str_is(auth->text, "none")))
		return genops_yaml_rows_fail(in, auth, "write auth: none, or give the scraper a key of governance.keys with control: all", "auth can only be none here");
	settings->is_open = auth != NULL;
	for (size_t i = 0; i < settings->const_labels.n; i++) {
		if (!genops_metric_label_is_valid(settings->const_labels.items[i].key))
			return genops_yaml_rows_fail(in, genops_yaml_get(node, "const_labels"), "letters, digits and _, no digit first",
			    "const_labels: \"%.*s\" is no name of a label", GENOPS_STR_ARG(settings->const_labels.items[i].key));
	}
	if (settings->namespace_text.len && !genops_metric_name_is_valid(settings->namespace_text))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "namespace"), "letters, digits and _, no digit first", "namespace cannot begin a name");
	GENOPS_TRY(read_conversion(in, node, &settings->has_resource));
	return read_endpoint(in, node, settings);
}

static const struct genops_destination_form form = {
    .rows = rows, .size = sizeof(struct genops_prometheus_settings), .read = read_own};

const struct genops_prometheus_settings *genops_prometheus_settings_of(genops_str type, const void *own)
{
	return genops_str_is(type, "prometheus") ? own : NULL;
}

/* --- gathering --- */

static void close_memory(void *arg)
{
	struct memory *memory = arg;
	genops_metric_store_done(&memory->store);
	free(memory);
}

static void *open_memory(const struct genops_destination_settings *settings, genops_str kept)
{
	const struct genops_prometheus_settings *own = settings->own;
	struct memory *memory = calloc(1, sizeof *memory);
	if (!memory || !genops_metric_store_init(&memory->store, (size_t)own->max_series, STORE_MAX)) {
		free(memory);
		return NULL;
	}
	if (genops_str_starts(kept, GENOPS_STR(HEAD)) && genops_metric_store_read(&memory->store, kept) != GENOPS_OK) {
		close_memory(memory);
		return NULL;
	}
	return memory;
}

static void keep_memory(const void *arg, struct genops_buffer *out)
{
	const struct memory *memory = arg;
	genops_buffer_add_text(out, HEAD);
	genops_metric_store_write(&memory->store, out);
}

static const struct genops_destination_memory memory_row = {.open = open_memory, .close = close_memory, .keep = keep_memory};

struct taking {
	struct genops_metric_store *store;
	int64_t arrived_unix_ns;
};

static int take(void *arg, const struct genops_metric_point *point)
{
	const struct taking *taking = arg;
	return genops_metric_store_take(taking->store, point, taking->arrived_unix_ns);
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct genops_prometheus_settings *own = settings->own;
	struct memory *memory = settings->memory;
	const struct genops_metric_rules rules = {own->has_suffixes, !own->is_without_scope, own->has_resource};
	memory->refusal = (struct genops_metric_refusal){0};
	memory->refused_before = memory->store.n_refused;
	for (size_t i = 0; i < batch->n_items; i++) {
		struct taking taking = {&memory->store, batch->items[i].time_unix_ns ? batch->items[i].time_unix_ns : batch->now_unix_ns};
		genops_arena_reset(arena);
		int code = genops_metric_points_each(batch->items[i].body, &rules, arena, take, &taking, &memory->refusal);
		if (code != GENOPS_OK)
			return genops_fail(err, code, "metrics cannot be read: %s", genops_error_text(code));
	}
	if (batch->now_unix_ns - memory->expired_at_ns >= EXPIRE_EVERY_NS) {
		memory->expired_at_ns = batch->now_unix_ns;
		genops_metric_store_expire(&memory->store, batch->now_unix_ns - own->expiration_ns);
	}
	*ret_request = (struct genops_request){.transport = GENOPS_TRANSPORT_NONE, .method = ""};
	return GENOPS_OK;
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	const struct memory *memory = settings->memory;
	int64_t n_over = memory->store.n_refused - memory->refused_before;
	*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
	if (!memory->refusal.n && !n_over)
		return;
	ret_verdict->kind = GENOPS_SENT_PARTLY;
	ret_verdict->n_rejected = memory->refusal.n + n_over;
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "%lld data points are not shown: %s", (long long)ret_verdict->n_rejected,
	    memory->refusal.n ? memory->refusal.why : "there are more series than max_series or memory allows, a name is used for two types, or a delta is negative or NaN");
}

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	return GENOPS_OK;
}

int genops_prometheus_expose(
    const struct genops_prometheus_settings *settings, genops_str kept, int64_t now_unix_ns, struct genops_buffer *out)
{
	struct genops_metric_store store;
	if (!genops_str_starts(kept, GENOPS_STR(HEAD)))
		return GENOPS_OK; /* nothing has come yet */
	if (!genops_metric_store_init(&store, (size_t)settings->max_series, STORE_MAX))
		return GENOPS_NOMEM;
	int code = genops_metric_store_read(&store, kept);
	if (code == GENOPS_OK)
		genops_metric_store_expose(&store, now_unix_ns - settings->expiration_ns, settings->with_times, out);
	genops_metric_store_done(&store);
	return code == GENOPS_OK ? out->error : code;
}

const struct genops_destination_type genops_destination_type_prometheus = {
    .name = "prometheus",
    .summary = "Prometheus, which scrapes an address of this service: received metrics, and GenOps' own",
    .exporter = &form,
    .takes = GENOPS_TAKES(GENOPS_ITEM_METRICS),
    .memory = &memory_row,
    .check = check,
    .encode = encode,
    .judge = judge,
};
