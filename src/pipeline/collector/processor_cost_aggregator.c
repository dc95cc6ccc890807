/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_cost_aggregator.c - `genops/cost_aggregator`: what all AI calls have cost so far, by dimensions, as metrics.
 *
 * The sums are the ledger's own, of every call that GenOps knows of (proxied, recorded by a program, observed in spans), each once, whatever
 * a pipeline's filter or sampling does to its span. So they are exact, survive restarts and reloads, and the processor has nothing to
 * remember. The metric is cumulative and monotonic: an export that is lost or repeated changes nothing. */
#include "pipeline/collector/processor.h"

#include "base/str.h"
#include "codec/wire.h"
#include "govern/attributes.h"
#include "govern/money.h"
#include "pipeline/collector/item/item.h"
#include "telemetry/conventions.h"

#include <stdio.h>

#define DIMENSIONS_MAX 4 /* what the ledger groups by */

struct aggregator {
	struct genops_texts dimensions;
	int64_t export_interval_ns;
	genops_str by[DIMENSIONS_MAX]; /* the ledger's names of the dimensions */
};

static const struct genops_option rows[] = {
    {.name = "dimensions",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct aggregator, dimensions),
	.is_required = true,
	.text = "attributes, 1 to 4: a sum for each combination of their values; genops.team, ..., gen_ai.request.model, gen_ai.provider.name are "
		"read from roll-ups, others by a scan of the ledger"},
    {.name = "export_interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = offsetof(struct aggregator, export_interval_ns),
	.default_text = "60s",
	.min = 1,
	.max = 86400,
	.text = "how often they are exported"},
    {.name = NULL},
};

/* --- reading --- */

/* Other names of what the ledger has as columns. */
static const char *column_of(genops_str dimension)
{
	static const struct {
		enum genops_convention row;
		const char *column;
	} columns[] = {{GENOPS_CONVENTION_AI_PROVIDER, "provider"}, {GENOPS_CONVENTION_GEN_AI_PROVIDER, "provider"},
	    {GENOPS_CONVENTION_COST_PROVIDER, "provider"}, {GENOPS_CONVENTION_AI_MODEL, "model"}, {GENOPS_CONVENTION_GEN_AI_REQUEST_MODEL, "model"},
	    {GENOPS_CONVENTION_COST_MODEL, "model"}, {GENOPS_CONVENTION_KEY_NAME, "key_name"}, {GENOPS_CONVENTION_POLICY_RESULT, "result"},
	    {GENOPS_CONVENTION_OPERATION_NAME, "operation"}, {GENOPS_CONVENTION_OPERATION_TYPE, "type"}, {GENOPS_CONVENTION_OUTCOME, "outcome"}};
	static const char *const standard[GENOPS_ATTRIBUTE_N_STANDARD] = {
#define X(symbol, name, key, header) name,
	    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	};
	int key = genops_attributes_standard_key(dimension);
	if (key >= 0)
		return standard[key];
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		if (genops_str_equal(dimension, genops_conventions[columns[i].row].name))
			return columns[i].column;
	}
	return NULL;
}

static int compile(struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in)
{
	struct aggregator *settings = processor->settings;
	const struct genops_texts *dimensions = &settings->dimensions;
	const struct genops_yaml_node *list = genops_yaml_rows_get(node, rows, "dimensions");
	if (!dimensions->n || dimensions->n > DIMENSIONS_MAX)
		return genops_yaml_rows_fail(in, list ? list : node, "name the attributes, as genops.team",
		    "processor \"%.100s\" takes 1 to %d dimensions", processor->name.ptr, DIMENSIONS_MAX);
	for (size_t i = 0; i < dimensions->n; i++) {
		genops_str dimension = dimensions->items[i];
		const char *column = column_of(dimension);
		char *name = column ? NULL : genops_arena_alloc(in->arena, dimension.len + sizeof "attribute:");
		if (!column && !name)
			return genops_fail(in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
		if (name)
			snprintf(name, dimension.len + sizeof "attribute:", "attribute:%.*s", GENOPS_STR_ARG(dimension));
		settings->by[i] = genops_str_of(column ? column : name);
		for (size_t k = 0; k < i; k++) {
			if (genops_str_equal(settings->by[k], settings->by[i]))
				return genops_yaml_rows_fail(in, list, "name it once", "processor \"%.100s\": dimension \"%.*s\" is there twice",
				    processor->name.ptr, GENOPS_STR_ARG(dimension));
		}
	}
	return GENOPS_OK;
}

/* --- metrics --- */

struct writing {
	const struct aggregator *settings;
	struct genops_buffer *out;
	int64_t now_unix_ns;
	size_t n;
};

/* NumberDataPoint. Its beginning is not known yet. */
static int add_point(void *arg, const genops_str *values, int64_t cost_nano_usd)
{
	struct writing *writing = arg;
	struct genops_buffer *out = writing->out;
	size_t mark = genops_wire_begin(out, 1);
	for (size_t i = 0; i < writing->settings->dimensions.n; i++) {
		const struct genops_otlp_value value = {.type = GENOPS_OTLP_STRING, .bytes = values[i]};
		if (values[i].len)
			genops_item_value_put_attribute(out, 7, writing->settings->dimensions.items[i], &value);
	}
	genops_wire_put_fixed64(out, 3, (uint64_t)writing->now_unix_ns);
	genops_wire_put_double(out, 4, genops_money_to_usd(cost_nano_usd));
	genops_wire_end(out, mark);
	writing->n++;
	return out->error;
}

/* The data points once more, with their beginning. */
static void put_sum(genops_str points, int64_t begin_unix_ns, struct genops_buffer *out)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	size_t sum = genops_wire_begin(out, 7);
	genops_wire_reader_init(&in, points, 1);
	while (genops_wire_next(&in, &field) > 0) {
		size_t point = genops_wire_begin(out, 1);
		genops_wire_put_fixed64(out, 2, (uint64_t)begin_unix_ns);
		genops_buffer_add(out, field.bytes);
		genops_wire_end(out, point);
	}
	genops_wire_put_uint(out, 2, 2); /* cumulative */
	genops_wire_put_bool(out, 3, true);
	genops_wire_end(out, sum);
}

static void put_request(const struct genops_processor *processor, genops_str points, int64_t begin_unix_ns, struct genops_buffer *out)
{
	const struct genops_otlp_value service = {.type = GENOPS_OTLP_STRING, .bytes = GENOPS_STR("genops")};
	size_t resource_metrics = genops_wire_begin(out, 1), resource = genops_wire_begin(out, 1);
	genops_item_value_put_attribute(out, 1, genops_conventions[GENOPS_CONVENTION_SERVICE_NAME].name, &service);
	genops_wire_end(out, resource);
	size_t scope_metrics = genops_wire_begin(out, 2), scope = genops_wire_begin(out, 1);
	genops_wire_put_text(out, 1, processor->name); /* tells two instances apart */
	genops_wire_end(out, scope);
	size_t metric = genops_wire_begin(out, 2);
	genops_wire_put_text(out, 1, genops_conventions[GENOPS_CONVENTION_COST_TOTAL].name);
	genops_wire_put_text(out, 2, GENOPS_STR("What AI calls have cost."));
	genops_wire_put_text(out, 3, GENOPS_STR("{USD}"));
	put_sum(points, begin_unix_ns, out);
	genops_wire_end(out, metric);
	genops_wire_end(out, scope_metrics);
	genops_wire_end(out, resource_metrics);
}

static int tick(const struct genops_processor *processor, struct genops_processor_run *run, int64_t now_unix_ns, struct genops_buffer *out,
    struct genops_error *err)
{
	const struct aggregator *settings = processor->settings;
	const struct genops_service_asks *asks = &run->asks;
	struct writing writing = {.settings = settings, .out = &run->part, .now_unix_ns = now_unix_ns};
	int64_t begin_unix_ns = now_unix_ns;
	genops_buffer_clear(&run->part);
	if (!asks->costs)
		return GENOPS_OK;
	GENOPS_TRY(asks->costs(asks->arg, settings->by, settings->dimensions.n, add_point, &writing, &begin_unix_ns, err));
	if (run->part.error)
		return genops_fail(err, run->part.error, "its metrics are too long: use fewer dimensions");
	if (writing.n)
		put_request(processor, genops_buffer_view(&run->part), begin_unix_ns, out);
	return GENOPS_OK;
}

static int64_t interval_ns(const struct genops_processor *processor)
{
	return ((const struct aggregator *)processor->settings)->export_interval_ns;
}

const struct genops_processor_type genops_processor_type_cost_aggregator = {
    .name = "genops/cost_aggregator",
    .summary = "What all AI calls have cost, by dimensions, as the metric genops.cost.total.",
    .rows = rows,
    .settings_size = sizeof(struct aggregator),
    .signals = 1u << GENOPS_SIGNAL_TRACES | 1u << GENOPS_SIGNAL_METRICS | 1u << GENOPS_SIGNAL_LOGS,
    .compile = compile,
    .interval_ns = interval_ns,
    .tick = tick,
};
