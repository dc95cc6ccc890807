/* SPDX-License-Identifier: Apache-2.0
 * export/event_template.h - templates among a destination's settings (tags, values, payloads), and events to render them over.
 *
 * Read once when the configuration loads. A run belongs to one encode: it holds one event at a time, in an arena of its own. Pure: time
 * is the caller's, and chance comes of the event's id, so that a repetition says the same.
 */
#ifndef EXPORT_EVENT_TEMPLATE_H
#define EXPORT_EVENT_TEMPLATE_H

#include "export/destination.h"
#include "pipeline/template.h"

/* A scalar as it stands in the document, compiled; *ret is the caller's, for form->done to free. `key`: of the mapping it stands in, or
 * NULL: tells where a block's text begins. CONFIG with the place within the file, NOMEM. */
GENOPS_NODISCARD int genops_event_template_read(const struct genops_yaml_rows *in, const struct genops_yaml_node *key,
    const struct genops_yaml_node *node, const char *what, enum genops_template_kind kind, struct genops_template **ret);
/* Every expression in it reads at least one field that the event has (or none at all): what it says is said of this event. */
bool genops_event_template_is_about(const struct genops_template *template, struct genops_value event);

struct genops_event_template_run {
	struct genops_value event;
	/* private */
	struct genops_arena arena;
	struct genops_expression_run expression;
};
void genops_event_template_run_init(struct genops_event_template_run *run, int64_t now_unix_ns);
void genops_event_template_run_done(struct genops_event_template_run *run);
/* The next event: the last one's values go. It has `timestamp`, its time in seconds with three decimals, where a pipeline set none.
 * SYNTAX, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_event_template_run_begin(
    struct genops_event_template_run *run, const struct genops_destination_item *item, struct genops_error *err);
/* Appends what the template says of it; a place that fails is empty. LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_event_template_render(struct genops_event_template_run *run, const struct genops_template *template,
    struct genops_buffer *out, struct genops_error *err);

#endif
