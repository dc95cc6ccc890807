/* SPDX-License-Identifier: Apache-2.0
 * net/kafka_producer.c - see kafka_producer.h. librdkafka calls back from genops_kafka_send's thread only, in its poll; its log is taken to nowhere, as
 * what it says of errors comes by its error callback, too. */
#include "net/kafka_producer.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#define POLL_MS   50 /* how long a cancel may go unseen */
#define ASK_MS    1000 /* and while a broker is only asked: longer than its answer takes */
#define PURGE_NS  GENOPS_NS_PER_S
#define HEADER_ID "genops-id"

enum state { WAITING, DELIVERED, FAILED };

/* One message that librdkafka has, or had. */
struct slot {
	struct genops_hash hash;
	enum state state;
	bool is_claimed;                /* by the request that is being sent */
	rd_kafka_resp_err_t error;
};

struct genops_kafka_producer {
	rd_kafka_t *rk;
	struct slot **slots;            /* what the last request left, then those of this one */
	size_t n_slots, max_slots, n_waiting;
	size_t *slot_of;                /* of each message of the request */
	size_t max_messages;
	char trouble[200];              /* what librdkafka said last; "" : nothing since the last delivery */
	bool is_refused;                /* and it was about credentials */
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	struct slot *slot = message->_private;
	struct genops_kafka_producer *producer = opaque;
	(void)rk;
	slot->state = message->err ? FAILED : DELIVERED;
	slot->error = message->err;
	producer->n_waiting--;
	if (!message->err) {
		producer->trouble[0] = '\0';
		producer->is_refused = false;
	}
}

static void on_error(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
	struct genops_kafka_producer *producer = opaque;
	(void)rk;
	bool is_refusal = error == RD_KAFKA_RESP_ERR__AUTHENTICATION;
	if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && producer->trouble[0])
		return; /* why is known */
	if (producer->is_refused && !is_refusal)
		return;
	producer->is_refused = is_refusal;
	snprintf(producer->trouble, sizeof producer->trouble, "%.190s", reason ? reason : rd_kafka_err2str((rd_kafka_resp_err_t)error));
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk, (void)level, (void)facility, (void)text;
}

/* --- the producer's life --- */

static int set(rd_kafka_conf_t *conf, const char *name, genops_str value, struct genops_error *err)
{
	char why[256];
	char *text = strndup(value.len ? value.ptr : "", value.len);
	if (!text)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a Kafka producer");
	rd_kafka_conf_res_t code = rd_kafka_conf_set(conf, name, text, why, sizeof why);
	free(text);
	if (code == RD_KAFKA_CONF_OK)
		return GENOPS_OK;
	/* `why` may have the value, which may be a secret. */
	return genops_fail(err, GENOPS_CONFIG, "librdkafka does not take this value of %s", name);
}

static int configure(rd_kafka_conf_t *conf, const struct genops_destination_settings *settings, const struct genops_kafka_request *request,
    struct genops_error *err)
{
	const struct {
		const char *name;
		genops_str value;
	} files[] = {{"ssl.ca.location", settings->ca_file}, {"ssl.certificate.location", settings->certificate_file}, {"ssl.key.location", settings->key_file}};
	for (size_t i = 0; i < request->n_properties; i++)
		GENOPS_TRY(set(conf, request->properties[i].key.ptr, request->properties[i].value, err));
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		if (files[i].value.len)
			GENOPS_TRY(set(conf, files[i].name, files[i].value, err));
	}
	if (settings->skip_verify)
		GENOPS_TRY(set(conf, "enable.ssl.certificate.verification", GENOPS_STR("false"), err));
	GENOPS_TRY(set(conf, "message.timeout.ms", GENOPS_STR("0"), err)); /* the queue on disk decides, not a clock here */
	GENOPS_TRY(set(conf, "socket.keepalive.enable", GENOPS_STR("true"), err));
	GENOPS_TRY(set(conf, "reconnect.backoff.max.ms", GENOPS_STR("2000"), err));
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	return GENOPS_OK;
}

static int make(const struct genops_destination_settings *settings, const struct genops_kafka_request *request,
    struct genops_kafka_producer **ret_producer, struct genops_error *err)
{
	char why[256];
	struct genops_kafka_producer *producer = calloc(1, sizeof *producer);
	rd_kafka_conf_t *conf = producer ? rd_kafka_conf_new() : NULL;
	if (!conf) {
		free(producer);
		return genops_fail(err, GENOPS_NOMEM, "no memory for a Kafka producer");
	}
	rd_kafka_conf_set_opaque(conf, producer);
	int code = configure(conf, settings, request, err);
	if (code == GENOPS_OK) {
		producer->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
		if (!producer->rk)
			code = genops_fail(err, GENOPS_CONFIG, "no Kafka producer: %.200s", why);
	}
	if (code != GENOPS_OK) {
		rd_kafka_conf_destroy(conf);
		free(producer);
		return code;
	}
	*ret_producer = producer;
	return GENOPS_OK;
}

/* What librdkafka still has is forgotten; it says so of each. */
static void purge(struct genops_kafka_producer *producer)
{
	int64_t until_ns = genops_clock_monotonic_ns() + PURGE_NS;
	if (producer->n_waiting)
		rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	while (producer->n_waiting && genops_clock_monotonic_ns() < until_ns)
		rd_kafka_poll(producer->rk, POLL_MS);
}

void genops_kafka_producer_free(struct genops_kafka_producer *producer)
{
	if (!producer)
		return;
	purge(producer);
	rd_kafka_destroy(producer->rk); /* calls back for what is left */
	for (size_t i = 0; i < producer->n_slots; i++)
		free(producer->slots[i]);
	free(producer->slots);
	free(producer->slot_of);
	free(producer);
}

/* --- the messages of a request --- */

static struct genops_hash hash_of(const struct genops_kafka_message *message)
{
	struct genops_hash value = genops_hash_of(message->value, message->id), key = genops_hash_of(message->key, 1), topic = genops_hash_of(message->topic, 2);
	return (struct genops_hash){value.low ^ (key.low * 3) ^ (topic.low * 5), value.high ^ (key.high * 3) ^ (topic.high * 5)};
}

/* Slots from the request before, in their order: nearly always the next one. */
static size_t claim(struct genops_kafka_producer *producer, size_t n_old, size_t hint, struct genops_hash hash)
{
	for (size_t i = 0; i < n_old; i++) {
		size_t at = (hint + i) % n_old;
		struct slot *slot = producer->slots[at];
		if (slot->is_claimed || !genops_hash_equal(slot->hash, hash))
			continue;
		slot->is_claimed = true;
		return at;
	}
	return SIZE_MAX;
}

static int make_room(struct genops_kafka_producer *producer, size_t n_messages, struct genops_error *err)
{
	size_t need = producer->n_slots + n_messages;
	if (need > producer->max_slots) {
		struct slot **grown = realloc(producer->slots, 2 * need * sizeof *grown);
		if (!grown)
			return genops_fail(err, GENOPS_NOMEM, "no memory for Kafka messages");
		producer->slots = grown;
		producer->max_slots = 2 * need;
	}
	if (n_messages > producer->max_messages) {
		size_t *grown = realloc(producer->slot_of, 2 * n_messages * sizeof *grown);
		if (!grown)
			return genops_fail(err, GENOPS_NOMEM, "no memory for Kafka messages");
		producer->slot_of = grown;
		producer->max_messages = 2 * n_messages;
	}
	return GENOPS_OK;
}

static rd_kafka_headers_t *headers_of(const struct genops_kafka_request *request, const struct genops_kafka_message *message)
{
	char id[17];
	rd_kafka_headers_t *headers = rd_kafka_headers_new(request->headers.n + 1);
	for (size_t i = 0; headers && i < request->headers.n; i++)
		rd_kafka_header_add(headers, request->headers.items[i].key.ptr, (ssize_t)request->headers.items[i].key.len,
		    request->headers.items[i].value.ptr, (ssize_t)request->headers.items[i].value.len);
	if (headers && message->id) {
		snprintf(id, sizeof id, "%016llx", (unsigned long long)message->id);
		rd_kafka_header_add(headers, HEADER_ID, -1, id, 16);
	}
	return headers;
}

/* Hands one message to librdkafka, which copies it. While its queue is full and no broker takes anything: not longer than the request may take. */
static void produce(struct genops_kafka_producer *producer, const struct genops_kafka_request *request,
    const struct genops_kafka_message *message, struct slot *slot, int64_t until_ns, const volatile int *cancel)
{
	char topic[256];
	rd_kafka_headers_t *headers = headers_of(request, message);
	snprintf(topic, sizeof topic, "%.*s", GENOPS_STR_ARG(message->topic));
	slot->state = WAITING;
	producer->n_waiting++;
	do {
		slot->error = rd_kafka_producev(producer->rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		    RD_KAFKA_V_KEY(message->key.len ? message->key.ptr : NULL, message->key.len),
		    RD_KAFKA_V_VALUE(message->value.len ? (void *)(uintptr_t)message->value.ptr : NULL, message->value.len),
		    RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(slot), RD_KAFKA_V_END);
		if (slot->error == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			rd_kafka_poll(producer->rk, POLL_MS);
	} while (slot->error == RD_KAFKA_RESP_ERR__QUEUE_FULL && genops_clock_monotonic_ns() < until_ns &&
		 !(cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)));
	if (!slot->error)
		return; /* the headers are librdkafka's now */
	if (headers)
		rd_kafka_headers_destroy(headers);
	slot->state = FAILED;
	producer->n_waiting--;
}

/* Those of the last request that this one has not are over; librdkafka can forget all only. */
static void drop_unclaimed(struct genops_kafka_producer *producer, size_t n_old)
{
	bool is_waiting = false;
	for (size_t i = 0; i < n_old; i++)
		is_waiting |= !producer->slots[i]->is_claimed && producer->slots[i]->state == WAITING;
	if (is_waiting)
		purge(producer);
}

static int produce_all(struct genops_kafka_producer *producer, const struct genops_kafka_request *request, int64_t until_ns,
    const volatile int *cancel, struct genops_error *err)
{
	size_t n_old = producer->n_slots, hint = 0;
	bool is_full = false; /* then what follows waits, too: messages stay in their order */
	for (size_t i = 0; i < n_old; i++)
		producer->slots[i]->is_claimed = false;
	GENOPS_TRY(make_room(producer, request->n_messages, err));
	for (size_t i = 0; i < request->n_messages; i++) {
		size_t at = n_old ? claim(producer, n_old, hint, hash_of(&request->messages[i])) : SIZE_MAX;
		producer->slot_of[i] = at;
		hint = at == SIZE_MAX ? hint : at + 1;
	}
	drop_unclaimed(producer, n_old);
	for (size_t i = 0; i < request->n_messages; i++) {
		struct slot *slot = producer->slot_of[i] == SIZE_MAX ? NULL : producer->slots[producer->slot_of[i]];
		if (!slot) {
			slot = calloc(1, sizeof *slot);
			if (!slot)
				return genops_fail(err, GENOPS_NOMEM, "no memory for Kafka messages");
			*slot = (struct slot){.hash = hash_of(&request->messages[i]), .state = FAILED, .error = RD_KAFKA_RESP_ERR__QUEUE_FULL};
			producer->slot_of[i] = producer->n_slots;
			producer->slots[producer->n_slots++] = slot;
		}
		if (slot->state == FAILED && !is_full)
			produce(producer, request, &request->messages[i], slot, until_ns, cancel);
		is_full |= slot->state == FAILED && slot->error == RD_KAFKA_RESP_ERR__QUEUE_FULL;
	}
	return GENOPS_OK;
}

/* --- what became of them --- */

static bool is_hopeless(rd_kafka_resp_err_t error)
{
	return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
	       error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

static bool is_refusal(rd_kafka_resp_err_t error)
{
	return error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
	       error == RD_KAFKA_RESP_ERR__AUTHENTICATION || error == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

static const char *remedy(rd_kafka_resp_err_t error)
{
	if (is_hopeless(error))
		return "; raise producer.max_message_bytes and the topic's max.message.bytes";
	if (is_refusal(error))
		return "; what waits is kept: check auth, and what its user may write";
	if (error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		return "; create the topic";
	return "";
}

static void tell(struct genops_kafka_producer *producer, const struct genops_kafka_message *message, const struct slot *slot,
    struct genops_incoming *incoming)
{
	if (slot->state == FAILED)
		snprintf(incoming->network_error, sizeof incoming->network_error, "topic %.*s: %s%s", GENOPS_STR_ARG(message->topic), rd_kafka_err2str(slot->error), remedy(slot->error));
	else
		snprintf(incoming->network_error, sizeof incoming->network_error, "no broker took it%s%s%s", producer->trouble[0] ? ": " : "", producer->trouble,
		    producer->is_refused ? "; what waits is kept: check auth" : "");
	if (slot->state == FAILED ? is_refusal(slot->error) : producer->is_refused)
		incoming->status = 401;
}

static enum genops_verdict_kind kind_of(const struct slot *slot)
{
	return slot->state == DELIVERED ? GENOPS_SENT : slot->state == FAILED && is_hopeless(slot->error) ? GENOPS_REJECTED : GENOPS_RETRY;
}

/* One kind an item: rejected if one of its messages is, else to be tried again if one is. */
static int judge_all(struct genops_kafka_producer *producer, const struct genops_kafka_request *request, struct genops_incoming *incoming,
    struct genops_error *err)
{
	enum genops_verdict_kind worst = GENOPS_SENT;
	size_t n_items = 0;
	genops_buffer_clear(&incoming->body);
	for (size_t i = 0; i < request->n_messages; i++) {
		const struct genops_kafka_message *message = &request->messages[i];
		const struct slot *slot = producer->slots[producer->slot_of[i]];
		enum genops_verdict_kind kind = kind_of(slot);
		if (kind > worst || (kind == worst && kind != GENOPS_SENT && !incoming->network_error[0]))
			tell(producer, message, slot, incoming);
		worst = kind > worst ? kind : worst;
		size_t end = message->item + message->n_items;
		if (end > n_items) {
			char *more = genops_buffer_reserve(&incoming->body, end - incoming->body.len);
			if (!more)
				return genops_fail(err, GENOPS_NOMEM, "no memory for the verdict of Kafka messages");
			memset(more, GENOPS_SENT, end - n_items);
			incoming->body.len = n_items = end;
		}
		for (size_t j = message->item; j < end; j++) {
			if ((char)kind > incoming->body.ptr[j])
				incoming->body.ptr[j] = (char)kind;
		}
	}
	if (worst == GENOPS_SENT)
		incoming->status = 200;
	else if (worst == GENOPS_REJECTED)
		incoming->status = 413;
	return GENOPS_OK;
}

/* What was told for good is forgotten; what is to be tried again is known when it comes again. */
static void forget(struct genops_kafka_producer *producer, const struct genops_kafka_request *request, const struct genops_incoming *incoming)
{
	size_t n = 0;
	for (size_t i = 0; i < producer->n_slots; i++)
		producer->slots[i]->is_claimed = false;
	for (size_t i = 0; incoming->status != 200 && i < request->n_messages; i++) {
		const struct genops_kafka_message *message = &request->messages[i];
		struct slot *slot = producer->slots[producer->slot_of[i]];
		bool is_kept = !message->n_items && slot->state != FAILED;
		for (size_t j = message->item; j < message->item + message->n_items; j++)
			is_kept |= slot->state != FAILED && incoming->body.ptr[j] == GENOPS_RETRY;
		slot->is_claimed = is_kept || slot->state == WAITING;
	}
	for (size_t i = 0; i < producer->n_slots; i++) {
		struct slot *slot = producer->slots[i];
		if (slot->is_claimed || slot->state == WAITING)
			producer->slots[n++] = slot;
		else
			free(slot);
	}
	producer->n_slots = n;
}

/* No messages: does a broker let us in? What it knows of topics is an answer, and leaves nothing there. */
static void ask(struct genops_kafka_producer *producer, int64_t until_ns, const volatile int *cancel, struct genops_incoming *incoming)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t error;
	int64_t left_ms;
	do {
		left_ms = (until_ns - genops_clock_monotonic_ns()) / GENOPS_NS_PER_MS;
		error = rd_kafka_metadata(producer->rk, 0, NULL, &metadata, left_ms > ASK_MS ? ASK_MS : left_ms < 1 ? 1 : (int)left_ms);
		rd_kafka_poll(producer->rk, 0); /* what it says of errors */
	} while (error != RD_KAFKA_RESP_ERR_NO_ERROR && genops_clock_monotonic_ns() < until_ns && !(cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)));
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
		rd_kafka_metadata_destroy(metadata);
		producer->trouble[0] = '\0';
		producer->is_refused = false;
		incoming->status = 200;
		return;
	}
	snprintf(incoming->network_error, sizeof incoming->network_error, "no broker answers: %s; check %s",
	    producer->trouble[0] ? producer->trouble : rd_kafka_err2str(error), producer->is_refused ? "auth" : "brokers, and that they can be reached from here");
	incoming->status = producer->is_refused ? 401 : 0;
}

int genops_kafka_send(struct genops_kafka_producer **producer, const struct genops_destination_settings *settings,
    const struct genops_request *request, const volatile int *cancel, struct genops_incoming *incoming, struct genops_error *err)
{
	char why[256];
	int64_t timeout_ns = settings->timeout_ns > 0 ? settings->timeout_ns : GENOPS_DESTINATION_TIMEOUT_NS;
	int64_t until_ns = genops_clock_monotonic_ns() + timeout_ns;
	if (*producer && rd_kafka_fatal_error((*producer)->rk, why, sizeof why)) {
		genops_kafka_producer_free(*producer); /* it will never send again; a new one does */
		*producer = NULL;
	}
	if (!*producer)
		GENOPS_TRY(make(settings, request->kafka, producer, err));
	if (!request->kafka->n_messages) {
		ask(*producer, until_ns, cancel, incoming);
		return GENOPS_OK;
	}
	GENOPS_TRY(produce_all(*producer, request->kafka, until_ns, cancel, err));
	while ((*producer)->n_waiting && genops_clock_monotonic_ns() < until_ns && !(cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)))
		rd_kafka_poll((*producer)->rk, POLL_MS);
	rd_kafka_poll((*producer)->rk, 0); /* what it says of errors */
	GENOPS_TRY(judge_all(*producer, request->kafka, incoming, err));
	forget(*producer, request->kafka, incoming);
	if (incoming->status == 401 && !(*producer)->n_waiting) {
		genops_kafka_producer_free(*producer); /* it would say so for ever, also when the topic is ours again */
		*producer = NULL;
	}
	return GENOPS_OK;
}
