/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item_match.h - `include` and `exclude` of the Collector's processors: which items are meant.
 *
 * As in the Collector's internal/filter: of services, names, kinds, bodies and severities one must match; of attributes, resources and
 * libraries all. What is not said matches everything.
 */
#ifndef PIPELINE_COLLECTOR_ITEM_ITEM_MATCH_H
#define PIPELINE_COLLECTOR_ITEM_ITEM_MATCH_H

#include "pipeline/collector/item/item.h"

/* A text that is compared, or a pattern that is looked for. */
struct genops_item_pattern {
	genops_str text;
	struct genops_regex *regex; /* NULL: compared */
};

struct genops_item_patterns {
	size_t n;
	struct genops_item_pattern *items;
};

struct genops_item_attribute_match {
	genops_str key;
	bool is_any;                     /* being there is enough */
	struct genops_otlp_value value;  /* without a pattern: same type and content */
	struct genops_item_pattern pattern;
};

struct genops_item_attribute_matches {
	size_t n;
	struct genops_item_attribute_match *items;
};

struct genops_item_library {
	struct genops_item_pattern name, version;
	bool has_version;
};

struct genops_item_match {
	bool is_set;
	struct genops_item_patterns services, span_names, span_kinds, bodies, severity_texts, metric_names;
	struct genops_item_attribute_matches attributes, resources;
	size_t n_libraries;
	struct genops_item_library *libraries;
	bool has_severity, matches_undefined;
	uint64_t severity;
	bool is_any_of;  /* of metric names and resources one is enough: the filter processor's exclude of metrics */
	unsigned fields; /* private: which are said */
};

extern const struct genops_option genops_item_match_rows[];
extern const struct genops_option genops_item_match_attribute_rows[], genops_item_match_library_rows[], genops_item_match_severity_rows[];

/* A section `include` or `exclude`; NULL: nothing is set. */
GENOPS_NODISCARD int genops_item_match_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what, struct genops_item_match *match);
void genops_item_match_done(struct genops_item_match *match);
/* Why it says nothing of items of this signal: a field that they do not have, or none at all; NULL: it fits. */
const char *genops_item_match_misfit(const struct genops_item_match *match, enum genops_signal signal);

/* 1, 0, or UNSUPPORTED: a pattern that passed its bounds; NOMEM. */
GENOPS_NODISCARD int genops_item_match_holds(const struct genops_item_match *match, struct genops_processor_run *run,
    const struct genops_item *item, struct genops_error *err);
/* Is an item meant: included, if that is set, and not excluded? As above. */
GENOPS_NODISCARD int genops_item_match_means(const struct genops_item_match *include, const struct genops_item_match *exclude,
    struct genops_processor_run *run, const struct genops_item *item, struct genops_error *err);

/* One pattern in one text: 1, 0, UNSUPPORTED. */
GENOPS_NODISCARD int genops_item_match_text(
    const struct genops_item_pattern *pattern, struct genops_processor_run *run, genops_str text, struct genops_error *err);
/* "WARN", "warn2", "13"; 0: it is none. */
uint64_t genops_item_match_severity(genops_str text);
/* "SPAN_KIND_CLIENT" */
const char *genops_item_match_kind(uint64_t kind);

#endif
