/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_output.c - see flow_output.h. */
#include "engine/flow/flow_output.h"

#include "base/str.h"

#include <stdlib.h>

#define OUTPUT_MAX ((size_t)256 << 20)

void genops_flow_output_init(struct genops_flow_output *output, const genops_str *destinations, size_t n)
{
	*output = (struct genops_flow_output){.destinations = destinations, .n_destinations = n};
	for (size_t i = 0; i < n; i++)
		output->audience |= genops_queue_audience(destinations[i]);
	genops_buffer_init(&output->bytes, OUTPUT_MAX);
}

void genops_flow_output_done(struct genops_flow_output *output)
{
	genops_buffer_done(&output->bytes);
	free(output->starts);
}

void genops_flow_output_clear(struct genops_flow_output *output)
{
	genops_buffer_clear(&output->bytes);
	output->n_starts = 0;
}

static bool begin_entry(struct genops_flow_output *output)
{
	if (output->n_starts == output->max_starts) {
		size_t max = output->max_starts ? 2 * output->max_starts : 8;
		size_t *grown = realloc(output->starts, max * sizeof *grown);
		if (!grown)
			return false;
		output->starts = grown;
		output->max_starts = max;
	}
	output->starts[output->n_starts++] = output->bytes.len;
	genops_routed_begin(output->destinations, output->n_destinations, &output->bytes);
	return true;
}

int genops_flow_output_add(
    struct genops_flow_output *output, const struct genops_destination_item *item, struct genops_error *err)
{
	size_t len = item->body.len + item->payload.len + item->settings.len;
	size_t mark = output->bytes.len, n_starts = output->n_starts;
	if (len > GENOPS_FLOW_ITEM_MAX)
		return genops_fail_fix(err, GENOPS_LIMIT, "send smaller batches, or shorten its attributes in a pipeline",
		    "%zu bytes at once; at most %zu MiB", len, GENOPS_FLOW_ITEM_MAX >> 20);
	bool is_open = n_starts && mark - output->starts[n_starts - 1] + len <= GENOPS_ROUTED_BYTES_MAX;
	if (is_open || begin_entry(output))
		genops_routed_add(item, &output->bytes);
	else
		return genops_fail(err, GENOPS_NOMEM, "no memory for what goes to a destination");
	if (!output->bytes.error)
		return GENOPS_OK;
	output->bytes.error = GENOPS_OK;
	output->bytes.len = mark;
	output->n_starts = n_starts;
	return genops_fail(err, GENOPS_NOMEM, "no memory for what goes to a destination");
}

struct genops_queue_entry genops_flow_output_entry(const struct genops_flow_output *output, size_t i)
{
	size_t end = i + 1 < output->n_starts ? output->starts[i + 1] : output->bytes.len;
	return (struct genops_queue_entry){
	    GENOPS_ENTRY_ROUTED, {output->bytes.ptr + output->starts[i], end - output->starts[i]}, output->audience};
}
