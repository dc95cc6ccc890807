/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_tap.h - events on their way through pipelines, shown to who watches (genops pipeline tail).
 *
 * A viewer listens on a socket of its own in <state>/watch/. The drain looks into that directory now and then; while it is empty a tap costs
 * nothing else. To a viewer it writes without ever waiting: what does not fit into the socket, and what is over LINES_MAX a second, is lost
 * to that viewer, and the next line tells him how much. A viewer that is gone is forgotten and its file removed. Nothing that a viewer does,
 * or does not, changes what becomes of an event. One thread: the drain's.
 */
#ifndef ENGINE_FLOW_TAP_H
#define ENGINE_FLOW_TAP_H

#include "pipeline/pipeline.h"

#define GENOPS_FLOW_TAP_FOLDER   "watch"
#define GENOPS_FLOW_TAP_LINE_MAX ((size_t)128 << 10) /* a longer event is shown without its fields */

struct genops_flow_tap;
struct genops_flow_tap *genops_flow_tap_new(const char *state_dir, struct genops_error *err); /* NULL: NOMEM */
void genops_flow_tap_free(struct genops_flow_tap *tap);                                       /* NULL is fine */

/* Does anybody watch? Looks for new viewers at most every 300 ms of this clock. */
bool genops_flow_tap_is_watched(struct genops_flow_tap *tap, int64_t monotonic_ns);

/* One event through one pipeline: begin, a call for each route that took it, end. One that passes by is not shown. */
void genops_flow_tap_begin(struct genops_flow_tap *tap, const struct genops_pipeline *pipeline);
void genops_flow_tap_route(struct genops_flow_tap *tap, const struct genops_route *route, struct genops_value event, genops_str payload);
void genops_flow_tap_end(struct genops_flow_tap *tap, enum genops_pipeline_result result, struct genops_value before);

#endif
