/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/prometheus.h - the exporter `prometheus`: what a scrape of its own address shows, and how.
 *
 * The destination only gathers (prometheus.c): its memory is the latest value of each series. Whoever answers a scrape, in another process
 * mostly, reads what the memory was kept as and writes it down with genops_prometheus_expose. */
#ifndef EXPORT_PROMETHEUS_H
#define EXPORT_PROMETHEUS_H

#include "base/option.h"
#include "export/destination.h"

struct genops_prometheus_settings {
	genops_str endpoint, host;      /* as it stands; its host, "0.0.0.0" if it has none */
	int port;
	genops_str namespace_text;      /* "prod": prod_ before all names */
	struct genops_text_map const_labels;
	bool with_times;                /* send_timestamps */
	int64_t expiration_ns;          /* metric_expiration */
	bool has_open_metrics, has_suffixes, has_resource, is_without_scope;
	int64_t max_series;
	bool is_open;                   /* auth: none: everybody may scrape */
};

/* Settings of an exporter of this type; NULL: it is of another one. */
const struct genops_prometheus_settings *genops_prometheus_settings_of(genops_str type, const void *own);

/* What the destination's memory `kept` shows at that time, as Prometheus' text without namespace and constant labels. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_prometheus_expose(
    const struct genops_prometheus_settings *settings, genops_str kept, int64_t now_unix_ns, struct genops_buffer *out);

#endif
