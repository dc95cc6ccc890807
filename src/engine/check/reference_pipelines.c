/* SPDX-License-Identifier: Apache-2.0
 * engine/check/reference_pipelines.c - see reference_pipelines.h: keys from the rows of the readers, a section a function's type. */
#include "engine/check/reference_pipelines.h"

#include "engine/check/reference_rows.h"
#include "pipeline/event_span.h"
#include "pipeline/function.h"
#include "pipeline/read/pipeline_read.h"

static void add_events(struct genops_buffer *out)
{
	genops_buffer_add_text(out,
	    "\n## Events\n\n"
	    "A span is an event; its parts are fields:\n\n");
	for (unsigned i = 0; i < GENOPS_EVENT_PARTS; i++)
		genops_buffer_printf(out, "%s`%s`", i ? ", " : "", genops_event_span_parts[i]);
	genops_buffer_add_text(out,
	    ".\n\n"
	    "Attributes are flat: `attributes['genops.cost.total']` is one key. Ids are in hex, times are numbers of nanoseconds (`_time`: seconds).\n"
	    "A part that is not there is undefined.\n\n"
	    "Every pipeline works on a copy of its own: what one changes or drops, the others do not see. Where a destination takes spans, the\n"
	    "event is a span again: with the attributes that were changed, its `name` if that was, and what was put at the top of the event as\n"
	    "attributes of the same names; numbers that were put are doubles. Names that begin with `__`, undefined and null stay inside, and ids\n"
	    "and times are as they came.\n");
}

static void add_document(struct genops_buffer *out)
{
	genops_buffer_add_text(out, "\n## A document\n\n");
	genops_reference_rows(out, genops_pipeline_rows);
	genops_buffer_add_text(out, "\nEach of `filters`:\n\n");
	genops_reference_rows(out, genops_pipeline_filter_rows);
	genops_buffer_add_text(out, "\nEach of `processors`, beside the keys of its type:\n\n");
	genops_reference_rows(out, genops_function_rows);
	genops_buffer_add_text(out, "\nEach of `routes`:\n\n");
	genops_reference_rows(out, genops_route_rows);
	genops_buffer_add_text(out, "\nand settings that are handed on to the destination:\n\n");
	genops_reference_rows(out, genops_route_setting_rows);
}

static void add_types(struct genops_buffer *out)
{
	for (const struct genops_function_type *const *types = genops_function_types(); *types; types++) {
		genops_buffer_printf(out, "\n## %s\n\n%s.\n", (*types)->name, (*types)->summary);
		if ((*types)->rows->name) {
			genops_buffer_add_char(out, '\n');
			genops_reference_rows(out, (*types)->rows);
		}
		if ((*types)->rule_rows) {
			genops_buffer_add_text(out, "\nEach of `rules`:\n\n");
			genops_reference_rows(out, (*types)->rule_rows);
		}
		if ((*types)->text)
			genops_buffer_printf(out, "\n%s\n", (*types)->text);
	}
}

void genops_reference_pipelines(struct genops_buffer *out)
{
	genops_buffer_printf(out,
	    "# Pipelines\n\n"
	    "The documents of the section `pipelines`, as the Cribl guide writes them. They run literally, as JavaScript and Cribl would run them;\n"
	    "a linter says at load where that is not what the author means. Expressions: docs/reference/expressions.md.\n"
	    "`genops pipeline test` shows what a document makes of events.\n\n"
	    "Filters, functions and routes are at most %d of each. An expression that fails leaves its field as it was, or says no; that is counted,\n"
	    "and told the first time. An event whose memory (1 MiB a text) is used up goes to the dead letters.\n",
	    GENOPS_PIPELINE_PARTS_MAX);
	add_document(out);
	add_events(out);
	add_types(out);
}
