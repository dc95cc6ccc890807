/* SPDX-License-Identifier: Apache-2.0
 * engine/config/service/config_pipeline.h - what is kept between the sections of the Collector's format while they are read. */
#ifndef ENGINE_CONFIG_SERVICE_CONFIG_PIPELINE_H
#define ENGINE_CONFIG_SERVICE_CONFIG_PIPELINE_H

#include "engine/config/config_read.h"

/* One exporter of the section. */
struct genops_config_candidate {
	const struct genops_yaml_node *key;
	struct genops_config_exporter exporter;
	bool is_here, is_named, has_batch;
};

struct genops_config_plan {
	struct genops_config_candidate *candidates;
	size_t n_candidates;
	const struct genops_yaml_node *receivers, *processors, *exporters; /* the sections; NULL: there is none */
	const struct genops_yaml_node **processor_keys; /* of config->service.processors */
	bool has_genops;
};

/* All of `processors`, into config->service. */
GENOPS_NODISCARD int genops_config_processor_read(struct genops_config_reader *reader, struct genops_config_plan *plan);
/* One that a pipeline of this signal names at the node `at`; its name is defined. */
GENOPS_NODISCARD int genops_config_processor_find(struct genops_config_reader *reader, const struct genops_yaml_node *at, genops_str name,
    enum genops_signal signal, struct genops_processor **ret_processor);
/* What the genops/budget_enforcers that are used ask for becomes budgets of the configuration. */
GENOPS_NODISCARD int genops_config_processor_budgets(struct genops_config_reader *reader);
/* All of service.pipelines, into config->service; marks what they name. */
GENOPS_NODISCARD int genops_config_pipeline_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *pipelines, struct genops_config_plan *plan);
/* A traces pipeline of the engine's own operations to all these exporters. */
GENOPS_NODISCARD int genops_config_pipeline_add(struct genops_config_reader *reader, genops_str name);
/* Takes exporters out of the pipelines that are not among telemetry.exporters. */
void genops_config_pipeline_prune(struct genops_config_reader *reader);

#endif
