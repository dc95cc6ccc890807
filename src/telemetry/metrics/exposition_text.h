/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/exposition_text.h - a finished exposition (Prometheus' text, 0.0.4) put together with another one, and dressed for whoever asks:
 * a namespace, labels for all, OpenMetrics.
 *
 * What comes in was written here (exposition.c, export/prometheus): a family's HELP and TYPE stand before its samples. Pure. */
#ifndef TELEMETRY_EXPOSITION_TEXT_H
#define TELEMETRY_EXPOSITION_TEXT_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/option.h"

/* `own`, then what `other` has beside it. A family that both have stands once: samples of `other` that `own` has too, or that are of a kind
 * which does not fit, are left out. NOMEM; check out->error. */
GENOPS_NODISCARD int genops_exposition_join(genops_str own, genops_str other, struct genops_buffer *out);

struct genops_exposition_dress {
	genops_str namespace_text;                /* "" : none */
	const struct genops_text_map *labels;     /* for every series that has no such one; NULL: none */
	bool is_open_metrics;
};
/* Check out->error. */
void genops_exposition_dress(genops_str text, const struct genops_exposition_dress *dress, struct genops_buffer *out);

/* Of a sample's line: the length of name{labels}; values may have braces and blanks in their quotes. */
size_t genops_exposition_series_len(genops_str line);

/* Does a scraper with this Accept prefer OpenMetrics (1.0.0, 0.0.1) to the plain text? */
bool genops_exposition_wants_open_metrics(genops_str accept);

#define GENOPS_EXPOSITION_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define GENOPS_EXPOSITION_OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

#endif
