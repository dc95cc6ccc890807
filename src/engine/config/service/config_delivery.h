/* SPDX-License-Identifier: Apache-2.0
 * engine/config/service/config_delivery.h - what all destinations are told in the same words (see config_delivery.c). */
#ifndef ENGINE_CONFIG_DELIVERY_H
#define ENGINE_CONFIG_DELIVERY_H

#include "engine/config/config_read.h"

struct genops_config_retry { /* genops_config_retry_rows: as the Cribl guide writes it */
	int64_t max_retries, interval_ns, max_delay_ns;
	int backoff;
	double multiplier;
	struct genops_texts statuses;
};

struct genops_config_batching { /* genops_config_batching_rows */
	genops_str size_text;
	int64_t flush_interval_ns;
};

/* `retry` into what it says so far. NULL: nothing. */
GENOPS_NODISCARD int genops_config_delivery_retry(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_retry *retry);
/* What a document says of batches. `beside`: what stands beside its other keys; `is_alone`: its type sends one event at a time. */
GENOPS_NODISCARD int genops_config_batching_set(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_config_batching *beside, bool is_alone, struct genops_config_exporter *exporter);

/* tls, retry_on_failure, sending_queue, health_check; of documents `retry` too. `beside`: what stands of genops_config_retry_rows beside the
 * other keys; NULL: that cannot be. */
GENOPS_NODISCARD int genops_config_delivery_read(struct genops_config_reader *reader, const struct genops_yaml_node *node, bool is_document,
    const struct genops_config_retry *beside, struct genops_config_exporter *exporter);

/* An error names a key of the Collector's that is not done here. */
GENOPS_NODISCARD int genops_config_delivery_known(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_option *rows, const char *what);

/* A number for all that is written there, ${} expanded. */
uint64_t genops_config_delivery_fingerprint(struct genops_config_reader *reader, const struct genops_yaml_node *node, uint64_t sum);

#endif
