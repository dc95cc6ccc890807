/* SPDX-License-Identifier: Apache-2.0
 * telemetry/span_events.h - the attribute groups of decision, cost, budget and accounting, on a span and in its events. */
#ifndef TELEMETRY_SPAN_EVENTS_H
#define TELEMETRY_SPAN_EVENTS_H

#include "telemetry/span_writer.h"

/* The span's own attributes of these groups. */
void genops_span_events_decision(struct genops_span_writer *out, const struct genops_record *record);
void genops_span_events_cost(struct genops_span_writer *out, const struct genops_record *record);
void genops_span_events_budget(struct genops_span_writer *out, const struct genops_record *record);
void genops_span_events_accounting(struct genops_span_writer *out, const struct genops_record *record);

/* All events of the record, in order of time, into the open span. */
void genops_span_events_write(struct genops_span_writer *out, const struct genops_record *record);

#endif
