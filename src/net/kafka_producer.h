/* SPDX-License-Identifier: Apache-2.0
 * net/kafka_producer.h - transport KAFKA: messages to their partitions through librdkafka, and what became of each. Private to this room.
 *
 * A message that got no answer in time stays librdkafka's, which goes on trying; the same message in the next request is that one, so that
 * an idempotent producer writes it once. Bounded by what one request has: what the next one does not have any more is purged. One thread,
 * beside librdkafka's own.
 */
#ifndef NET_KAFKA_PRODUCER_H
#define NET_KAFKA_PRODUCER_H

#include "net/incoming.h"

struct genops_kafka_producer;

/* *producer: NULL at first, made and remade as needed. Waits for the brokers until timeout_ns is over or *cancel is set. Into `incoming`: status
 * 200, all of it is where it belongs; else why not, and `kinds`, one for each of the batch's items (as many as the messages name). Errors: NOMEM,
 * CONFIG (a setting that librdkafka refuses). Without messages a broker is only asked (status 200: it lets us in); *cancel is seen within a second. */
GENOPS_NODISCARD int genops_kafka_send(struct genops_kafka_producer **producer, const struct genops_destination_settings *settings,
    const struct genops_request *request, const volatile int *cancel, struct genops_incoming *incoming, struct genops_error *err);
void genops_kafka_producer_free(struct genops_kafka_producer *producer);

#endif
