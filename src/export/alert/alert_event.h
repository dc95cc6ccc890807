/* SPDX-License-Identifier: Apache-2.0
 * export/alert/alert_event.h - what the alert destinations share: one item read as an event, its payload, and the parts of a request.
 *
 * An item is a pipeline's event, or an alert of our own rules (engine/alert): that one has no pipeline, and always the fields alert_key,
 * alert_state (firing, resolved), alert_severity, alert_title and alert_message. A route's payload_template goes before the destination's.
 * Templates see the item's own time as now, so that what is tried again is the same bytes. Pure.
 */
#ifndef EXPORT_ALERT_EVENT_H
#define EXPORT_ALERT_EVENT_H

#include "export/destination.h"
#include "pipeline/template.h"

#define GENOPS_ALERT_BODY_MAX ((size_t)4 << 20) /* of one request; every vendor's own maximum is smaller */

extern const char *const genops_alert_event_route_keys[]; /* payload_template */

struct genops_alert_event {
	const struct genops_destination_item *item;
	struct genops_value event;     /* an object */
	bool is_rule;                  /* an alert of our own rules */
	bool is_resolved;
};

/* Reads the batch's first item; everything lives in the arena or in the item. SYNTAX, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_alert_event_read(const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_alert_event *ret_event, struct genops_error *err);

/* A field's text: of a text itself, of a number or boolean as JSON has it; "" : it has none. */
genops_str genops_alert_event_text(const struct genops_alert_event *event, const char *name, struct genops_arena *arena);
const struct genops_value *genops_alert_event_get(struct genops_value object, const char *name); /* NULL: no such member */

/* What the template says of it, appended. *ret_fits false: it is an alert that has not the fields that the template is about (a template
 * for budgets, and a source that is silent); nothing is appended then. */
GENOPS_NODISCARD int genops_alert_event_render(const struct genops_alert_event *event, const struct genops_template *template,
    struct genops_arena *arena, struct genops_buffer *out, bool *ret_fits, struct genops_error *err);

/* A template setting, as it stands in the file; ${CAPITALS} are variables of the environment. *ret stays NULL without it. */
GENOPS_NODISCARD int genops_alert_event_template(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *key,
    enum genops_template_kind kind, struct genops_template **ret);

/* An address: http or https, and something behind it. `example` is what to write. CONFIG with place. */
GENOPS_NODISCARD int genops_alert_event_url(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *key, genops_str url, const char *example);

/* Headers of the settings, content-type before them unless they have one. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_alert_event_headers(const struct genops_destination_settings *settings, struct genops_request *request,
    struct genops_arena *arena, struct genops_error *err);
/* Can they be sent? CONFIG. `what`: the key of the settings that says so. */
GENOPS_NODISCARD int genops_alert_event_check_header(const char *what, const struct genops_text_pair *header, struct genops_error *err);
GENOPS_NODISCARD int genops_alert_event_check(const struct genops_destination_settings *settings, struct genops_error *err);

#endif
