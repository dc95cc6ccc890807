/* SPDX-License-Identifier: Apache-2.0
 * export/splunk/splunk_event.h - one event in the HTTP Event Collector's envelope {time, host, source, sourcetype, index, event, fields}.
 * Pure. */
#ifndef EXPORT_SPLUNK_EVENT_H
#define EXPORT_SPLUNK_EVENT_H

#include "export/event_template.h"

/* What an event gets that its template does not set; "" : nothing, the token's own. */
struct genops_splunk_defaults {
	genops_str host, source, sourcetype, index;
};

/* Appends the envelope of the run's event. What the route's template, else `template` (NULL: none) makes of it is the envelope if it has a
 * member "event", else the event itself; without both the whole event is. What the envelope does not set, or only as null or "", comes of
 * the defaults; its time is the event's, in seconds with three decimals. SYNTAX, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_splunk_event_write(struct genops_event_template_run *run, const struct genops_destination_item *item,
    const struct genops_template *template, const struct genops_splunk_defaults *defaults, struct genops_buffer *out, struct genops_error *err);

/* The same for the raw endpoint: a line, what the template made or the event as JSON. */
GENOPS_NODISCARD int genops_splunk_event_write_raw(struct genops_event_template_run *run, const struct genops_destination_item *item,
    const struct genops_template *template, struct genops_buffer *out, struct genops_error *err);

#endif
