/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item.h - the items of a request (spans, metrics, log records), one after another: looked at, left out, or rewritten.
 *
 * An item is its bytes; what somebody asks for is looked for in them then. Values that processors make live in the run's arena until the
 * next item.
 */
#ifndef PIPELINE_COLLECTOR_ITEM_ITEM_H
#define PIPELINE_COLLECTOR_ITEM_ITEM_H

#include "codec/yaml_rows.h"
#include "pipeline/collector/service_run.h"
#include "telemetry/otlp/otlp_span.h"

struct genops_item {
	enum genops_signal signal;
	const struct genops_otlp_resource *resource;
	genops_str encoded; /* the Span, Metric or LogRecord message */
	genops_str part;    /* the Event or the data point that is asked about, if it is about one */
	uint32_t data;      /* of a data point: the field number of its Metric's data */
};

enum genops_item_outcome { GENOPS_ITEM_KEEP, GENOPS_ITEM_DROP, GENOPS_ITEM_CHANGE };

/* Says what becomes of an item; CHANGE: `out` (empty before) has it as it shall be. Any code but OK ends the walk and is passed on. */
typedef int genops_item_fn(
    void *arg, const struct genops_item *item, struct genops_buffer *out, enum genops_item_outcome *ret_outcome, struct genops_error *err);

/* Over all items of the request, in order, for genops_processor_type.apply. Counts in run->current. */
GENOPS_NODISCARD int genops_item_walk(struct genops_processor_run *run, const struct genops_envelope *envelope, genops_item_fn *fn, void *arg,
    struct genops_buffer *out, bool *ret_is_same, struct genops_error *err);

/* --- what is in a message --- */

/* The last field of that number; false: there is none. */
bool genops_item_field(genops_str message, uint32_t number, struct genops_wire_field *ret_field);
genops_str genops_item_text(genops_str message, uint32_t number); /* a field of bytes; "" : none */
uint64_t genops_item_number(genops_str message, uint32_t number); /* of any width; 0: none */
/* The first attribute of that key in a message whose attributes have that field number. */
bool genops_item_attribute(genops_str message, uint32_t field, genops_str key, struct genops_otlp_value *ret_value);

/* Attributes' field number in an item of this signal (0: metrics have none of their own), in a data point of such data. */
uint32_t genops_item_attributes_field(enum genops_signal signal);
uint32_t genops_item_point_attributes_field(uint32_t data);
/* The data of a Metric: its field number (gauge 5, sum 7, histogram 9, exponential histogram 10, summary 11) and message; 0: none. */
uint32_t genops_item_metric_data(genops_str metric, genops_str *ret_data);

/* --- values (item_value.c) --- */

/* As the Collector's AsString: texts as they are, lists and maps as JSON. In the arena if it must be made; NULL pointer: no memory. */
genops_str genops_item_value_text(const struct genops_otlp_value *value, struct genops_arena *arena);
/* Same type and content; maps in whatever order. Large maps of different order (a million entries passed over) count as different. */
bool genops_item_value_equal(const struct genops_otlp_value *a, const struct genops_otlp_value *b);
/* Appends an AnyValue in field `number`. */
void genops_item_value_put(struct genops_buffer *out, uint32_t number, const struct genops_otlp_value *value);
/* A KeyValue in field `number`. */
void genops_item_value_put_attribute(struct genops_buffer *out, uint32_t number, genops_str key, const struct genops_otlp_value *value);
/* A scalar of the configuration: without quotes true, 12 and 1.5 are no texts. */
GENOPS_NODISCARD int genops_item_value_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what, struct genops_otlp_value *ret_value);

#endif
