/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_filter.c - `filter`: spans, span events, metrics, data points and log records that go no further.
 *
 * Both of the Collector's ways: include and exclude (which keep what they name, or drop it), and conditions (which drop what they hold
 * for). As there, the two do not mix for one signal. A whole resource is dropped by dropping all that is in it. Reading is in
 * processor_filter_read.c. */
#include "pipeline/collector/processor_filter.h"

#include "base/str.h"

/* --- conditions --- */

struct applying {
	const struct genops_processor *processor;
	const struct genops_filter_signal *filter;
	const struct genops_filter *settings;
	struct genops_processor_run *run;
};

/* Does one of the conditions hold? 1, 0, or the code of one that cannot be evaluated, if that shall be an error. */
static int holds_any(const struct applying *applying, const struct genops_filter_conditions *conditions, const struct genops_item *item,
    struct genops_error *err)
{
	for (size_t i = 0; i < conditions->n; i++) {
		const struct genops_filter_condition *condition = &conditions->items[i];
		struct genops_error why = {0};
		int holds = genops_condition_holds(&condition->condition, applying->run, item, &why);
		if (holds > 0)
			return 1;
		if (!holds)
			continue;
		struct genops_error told;
		genops_fail_fix(&told, holds, why.fix, "condition %.200s: %s", condition->condition.source.ptr, why.message);
		if (holds == GENOPS_NOMEM || condition->error_mode == GENOPS_FILTER_PROPAGATE) {
			if (err)
				*err = told;
			return holds;
		}
		if (condition->error_mode == GENOPS_FILTER_IGNORE)
			genops_service_run_fault(applying->run, applying->processor, &told);
	}
	return 0;
}

/* Copies a message without those of its parts (fields of that number) for which a condition holds. *ret_n_left, *ret_n_dropped count them. */
static int drop_parts(const struct applying *applying, struct genops_item item, genops_str message, uint32_t number,
    struct genops_buffer *out, size_t *ret_n_left, size_t *ret_n_dropped, struct genops_error *err)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	const char *start = message.ptr;
	genops_wire_reader_init(&in, message, 0);
	*ret_n_left = *ret_n_dropped = 0;
	while (genops_wire_next(&in, &field) > 0) {
		genops_str whole = {start, (size_t)(in.at - start)};
		int holds = 0;
		start = in.at;
		if (field.number == number && field.type == GENOPS_WIRE_BYTES) {
			item.part = field.bytes;
			holds = holds_any(applying, &applying->filter->parts, &item, err);
			if (holds < 0)
				return holds;
			*ret_n_left += !holds;
			*ret_n_dropped += (size_t)holds;
		}
		if (!holds)
			genops_buffer_add(out, whole);
	}
	return GENOPS_OK;
}

static int filter_events(const struct applying *applying, const struct genops_item *item, struct genops_buffer *out,
    enum genops_item_outcome *ret_outcome, struct genops_error *err)
{
	size_t n_left, n_dropped;
	GENOPS_TRY(drop_parts(applying, *item, item->encoded, 11, out, &n_left, &n_dropped, err));
	*ret_outcome = n_dropped ? GENOPS_ITEM_CHANGE : GENOPS_ITEM_KEEP;
	return GENOPS_OK;
}

/* A metric without data points goes, too. */
static int filter_points(const struct applying *applying, const struct genops_item *item, struct genops_buffer *out,
    enum genops_item_outcome *ret_outcome, struct genops_error *err)
{
	struct genops_item point = *item;
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_str data = {0};
	const char *start = item->encoded.ptr;
	size_t n_left = 0, n_dropped = 0;
	point.data = genops_item_metric_data(item->encoded, &data);
	genops_wire_reader_init(&in, item->encoded, 0);
	while (point.data && genops_wire_next(&in, &field) > 0) {
		genops_str whole = {start, (size_t)(in.at - start)};
		start = in.at;
		if (field.number != point.data || field.bytes.ptr != data.ptr) {
			genops_buffer_add(out, whole);
			continue;
		}
		size_t mark = genops_wire_begin(out, point.data);
		GENOPS_TRY(drop_parts(applying, point, data, 1, out, &n_left, &n_dropped, err));
		genops_wire_end(out, mark);
	}
	if (point.data && !n_left)
		*ret_outcome = GENOPS_ITEM_DROP;
	else if (n_dropped)
		*ret_outcome = GENOPS_ITEM_CHANGE;
	return GENOPS_OK;
}

/* --- an item --- */

static int filter_item(
    void *arg, const struct genops_item *item, struct genops_buffer *out, enum genops_item_outcome *ret_outcome, struct genops_error *err)
{
	const struct applying *applying = arg;
	const struct genops_filter_signal *filter = applying->filter;
	if (filter->include.is_set || filter->exclude.is_set) {
		int means = genops_item_match_means(&filter->include, &filter->exclude, applying->run, item, err);
		*ret_outcome = means == 1 ? GENOPS_ITEM_KEEP : GENOPS_ITEM_DROP;
		return means < 0 ? means : GENOPS_OK;
	}
	int holds = holds_any(applying, &filter->items, item, err);
	if (holds < 0)
		return holds;
	if (holds) {
		*ret_outcome = GENOPS_ITEM_DROP;
		return GENOPS_OK;
	}
	if (!filter->parts.n)
		return GENOPS_OK;
	return item->signal == GENOPS_SIGNAL_METRICS ? filter_points(applying, item, out, ret_outcome, err)
						     : filter_events(applying, item, out, ret_outcome, err);
}

static int apply(const struct genops_processor *processor, struct genops_processor_run *run, const struct genops_envelope *envelope,
    struct genops_buffer *out, bool *ret_is_same, struct genops_error *err)
{
	const struct genops_filter *filter = processor->settings;
	struct applying applying = {processor, &filter->signals[envelope->signal], filter, run};
	return genops_item_walk(run, envelope, filter_item, &applying, out, ret_is_same, err);
}

static void done(void *settings)
{
	struct genops_filter *filter = settings;
	for (int i = 0; i < GENOPS_SIGNAL_N; i++) {
		struct genops_filter_signal *signal = &filter->signals[i];
		genops_item_match_done(&signal->include);
		genops_item_match_done(&signal->exclude);
		for (size_t k = 0; k < signal->items.n; k++)
			genops_condition_done(&signal->items.items[k].condition);
		for (size_t k = 0; k < signal->parts.n; k++)
			genops_condition_done(&signal->parts.items[k].condition);
		signal->items.n = signal->parts.n = 0;
	}
}

const struct genops_processor_type genops_processor_type_filter = {
    .name = "filter",
    .summary = "Spans, span events, metrics, data points and log records that go no further.",
    .rows = genops_filter_rows,
    .parts = genops_filter_parts,
    .settings_size = sizeof(struct genops_filter),
    .signals = 1u << GENOPS_SIGNAL_TRACES | 1u << GENOPS_SIGNAL_METRICS | 1u << GENOPS_SIGNAL_LOGS,
    .compile = genops_filter_read,
    .done = done,
    .apply = apply,
};
