/* SPDX-License-Identifier: Apache-2.0
 * export/kafka/kafka.h - what the parts of the destination type kafka share: its settings, and OTLP cut into messages. Pure.
 *
 * A message is at most producer.max_message_bytes as brokers count it. What the Collector's exporter leaves to the broker to refuse is cut
 * here between spans, log records and metrics; one of them is never cut.
 */
#ifndef EXPORT_KAFKA_H
#define EXPORT_KAFKA_H

#include "export/destination.h"
#include "telemetry/otlp/otlp_request.h"

struct genops_template;

#define GENOPS_KAFKA_TOPIC_MAX      249 /* Kafka's own bound */
#define GENOPS_KAFKA_PROPERTIES_MAX 32
#define GENOPS_KAFKA_OVERHEAD       512 /* of a message: what Kafka puts around key, value and headers */

struct genops_kafka_settings {
	struct genops_texts brokers;
	genops_str client_id, protocol_version, topic, topic_from_attribute;
	int encoding;                               /* enum encoding of kafka_settings.c: of all signals */
	int64_t idle_ns;
	struct genops_text_map headers;
	bool traces_by_id, metrics_by_resource, logs_by_resource, logs_by_trace;
	/* made by `read` */
	genops_str topics[GENOPS_SIGNAL_N];
	genops_str event_topic;
	bool is_json[GENOPS_SIGNAL_N];
	size_t message_max;                         /* bytes of key, value and headers */
	struct genops_template *topic_template, *key_template; /* of documents; NULL: event_topic, no key */
	struct genops_text_pair properties[GENOPS_KAFKA_PROPERTIES_MAX];
	size_t n_properties;
};

extern const struct genops_destination_form genops_kafka_exporter_form, genops_kafka_document_form;

/* May a topic be called so? */
bool genops_kafka_topic_is_valid(genops_str topic);

/* Messages that are being made. Their values are places in `body` until end, because it moves. */
struct genops_kafka_messages {
	const struct genops_kafka_settings *settings;
	struct genops_arena *arena;
	struct genops_buffer *body;
	struct genops_kafka_message *items;
	size_t *value_at;                           /* in `body` */
	size_t n, max;
};

/* Appends `value`, which is copied. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_kafka_messages_add(
    struct genops_kafka_messages *messages, const struct genops_kafka_message *message, struct genops_error *err);
/* Fills in where the values are. */
void genops_kafka_messages_end(struct genops_kafka_messages *messages);

/* Appends an OTLP request in protobuf as one message or several. `item` and `n_items` as in struct genops_kafka_message. NOMEM, LIMIT,
 * CORRUPT. */
GENOPS_NODISCARD int genops_kafka_messages_add_otlp(struct genops_kafka_messages *messages, enum genops_signal signal, genops_str request,
    size_t item, size_t n_items, struct genops_error *err);

#endif
