/* SPDX-License-Identifier: Apache-2.0
 * fuzz_processor.c - requests, whole or damaged, through processors that filter, change and redact: what comes out can be read again.
 *
 * The first byte chooses signal and processor, the rest is the request. */
#include "pipeline/collector/service.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] =
    "filter: {spans: {include: {match_type: regexp, services: ['.*'], attributes: [{key: k}]}}, metrics: {datapoint: ['attributes[\"k\"] == \"v\"']},"
    " logs: {log_record: ['IsMatch(body, \"x\")']}}\n"
    "filter/parts: {error_mode: ignore, traces: {span: ['attributes[\"a\"][\"b\"] == nil and kind == 2'], spanevent: ['name == \"e\"']}}\n"
    "attributes: {actions: [{key: k, action: hash}, {key: new, value: 1, action: upsert}, {pattern: '^d', action: delete},"
    " {key: s, action: extract, pattern: '(?P<first>.)(?P<rest>.*)'}, {key: n, action: convert, converted_type: string}]}\n"
    "genops/policy_evaluator: {policies: [{name: p, pattern: '.*SSN.*', action: redact}, {name: d, pattern: 'drop', action: drop}]}\n"
    "genops/budget_enforcer: {budgets: [{team: a, limit: 1}]}\n";

#define N 5
static struct genops_processor processors[N];
static struct genops_processor_run *run;

static bool budget(void *arg, genops_str name, int64_t now_unix_ns, int64_t *ret_limit_nano_usd, int64_t *ret_consumed_nano_usd)
{
	*ret_limit_nano_usd = *ret_consumed_nano_usd = 1;
	return true;
}

static const char *get(void *arg, const char *name)
{
	return NULL;
}

static void load(void)
{
	static const struct genops_yaml_variables variables = {get, NULL};
	static const struct genops_service_asks asks = {.budget = budget};
	static struct genops_arena arena;
	static struct genops_yaml *tree;
	struct genops_error err = {0};
	const struct genops_yaml_rows in = {"fuzz", &arena, &variables, &err};
	size_t i = 0;
	genops_arena_init(&arena, (size_t)4 << 20);
	if (genops_yaml_parse("fuzz", genops_str_of(yaml), &tree, &err) != GENOPS_OK || genops_service_run_new(&asks, &run, &err) != GENOPS_OK)
		abort();
	for (const struct genops_yaml_entry *entry = tree->documents[0]->first; entry; entry = entry->next, i++) {
		const struct genops_processor_type *type = genops_processor_type_find(entry->key->text);
		processors[i] = (struct genops_processor){entry->key->text, type, genops_arena_alloc(&arena, type->settings_size), true};
		if (genops_yaml_rows_section(&in, entry->value, "it", type->rows, processors[i].settings) != GENOPS_OK ||
		    type->compile(&processors[i], entry->value, &in) != GENOPS_OK)
			abort();
	}
}

static int emit(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_envelope *envelope, int64_t n_items,
    struct genops_error *err)
{
	if (n_items != genops_service_count(envelope->signal, envelope->request))
		abort();
	return GENOPS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_error err;
	if (!run)
		load();
	if (!size)
		return 0;
	const struct genops_processor *chosen[1] = {&processors[data[0] / 8 % N]};
	genops_str otlp = GENOPS_STR("otlp");
	struct genops_service_pipeline pipeline = {.name = otlp,
	    .signal = (enum genops_signal)(data[0] % 3),
	    .receivers = {1, &otlp},
	    .n_processors = 1,
	    .processors = chosen,
	    .items_max = data[0] / 64};
	if (!(chosen[0]->type->signals & 1u << pipeline.signal))
		pipeline.signal = GENOPS_SIGNAL_TRACES;
	const struct genops_service service = {N, processors, 1, &pipeline};
	const struct genops_envelope envelope = {
	    .signal = pipeline.signal, .receiver = otlp, .request = {(const char *)data + 1, size - 1}};
	if (genops_service_take(&service, run, &envelope, 1, emit, NULL, &err) != GENOPS_OK)
		abort();
	return 0;
}
