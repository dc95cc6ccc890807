/* SPDX-License-Identifier: Apache-2.0
 * export/kafka/kafka.c - destination type kafka: OTLP as the Collector's kafka exporter writes it, and pipelines' events as JSON, a message
 * an event. Pure; net/kafka_producer.c has the producer.
 *
 * What was not taken is told item by item; only those come again. An event's id goes along in the header genops-id, so that who reads can
 * drop what a kill between sending and acknowledging repeats. */
#include "export/kafka/kafka.h"

#include "base/str.h"
#include "export/event_template.h"
#include "export/http_verdict.h"
#include "export/otlp_outgoing.h"

#include <stdio.h>

#define REQUEST_MAX GENOPS_DESTINATION_BODY_MAX
#define TEXT_MAX    ((size_t)64 << 10)

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	return settings->own ? GENOPS_OK : genops_fail(err, GENOPS_CONFIG, "type kafka needs its settings");
}

/* --- events --- */

static int render(struct genops_event_template_run *run, const struct genops_template *template, struct genops_arena *arena, genops_str *ret_text,
    struct genops_error *err)
{
	struct genops_buffer text;
	genops_buffer_init(&text, TEXT_MAX);
	int code = genops_event_template_render(run, template, &text, err);
	if (code == GENOPS_OK && !genops_arena_dup(arena, genops_buffer_view(&text), ret_text))
		code = genops_fail(err, GENOPS_NOMEM, "no memory for a topic or key");
	genops_buffer_done(&text);
	return code;
}

static int name_event(struct genops_event_template_run *run, const struct genops_kafka_settings *own, const struct genops_destination_item *item,
    struct genops_arena *arena, struct genops_kafka_message *message, struct genops_error *err)
{
	if (!own->topic_template && !own->key_template)
		return GENOPS_OK;
	GENOPS_TRY(genops_event_template_run_begin(run, item, err));
	if (own->key_template)
		GENOPS_TRY(render(run, own->key_template, arena, &message->key, err));
	if (!own->topic_template)
		return GENOPS_OK;
	GENOPS_TRY(render(run, own->topic_template, arena, &message->topic, err));
	if (genops_kafka_topic_is_valid(message->topic))
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_SYNTAX, "change the template topic", "an event's topic \"%.*s\" is not one",
	    message->topic.len > 100 ? 100 : (int)message->topic.len, message->topic.len ? message->topic.ptr : "");
}

static int add_events(const struct genops_kafka_settings *own, const struct genops_destination_batch *batch, struct genops_kafka_messages *messages,
    struct genops_error *err)
{
	struct genops_event_template_run run;
	int code = GENOPS_OK;
	genops_event_template_run_init(&run, batch->now_unix_ns);
	for (size_t i = 0; code == GENOPS_OK && i < batch->n_items; i++) {
		const struct genops_destination_item *item = &batch->items[i];
		struct genops_kafka_message message = {
		    .topic = own->event_topic, .value = item->payload.len ? item->payload : item->body, .id = item->id, .item = i, .n_items = 1};
		code = name_event(&run, own, item, messages->arena, &message, err);
		if (code == GENOPS_OK)
			code = genops_kafka_messages_add(messages, &message, err);
	}
	genops_event_template_run_done(&run);
	return code;
}

/* --- OTLP --- */

/* As many requests of one signal as one message takes, behind one another. */
static int add_items(const struct genops_kafka_settings *own, const struct genops_destination_batch *batch, struct genops_kafka_messages *messages,
    struct genops_error *err)
{
	enum genops_signal signal = genops_otlp_outgoing_signal(batch);
	struct genops_buffer joined;
	int code = GENOPS_OK;
	size_t max = own->is_json[signal] ? own->message_max / 4 : own->message_max - own->message_max / 16;
	genops_buffer_init(&joined, REQUEST_MAX);
	for (size_t i = 0, n; code == GENOPS_OK && i < batch->n_items; i += n) {
		size_t len = batch->items[i].body.len;
		for (n = 1; i + n < batch->n_items && len + batch->items[i + n].body.len <= max; n++)
			len += batch->items[i + n].body.len;
		genops_str request = batch->items[i].body;
		genops_buffer_clear(&joined);
		for (size_t j = 0; n > 1 && j < n; j++)
			genops_buffer_add(&joined, batch->items[i + j].body);
		if (n > 1)
			request = genops_buffer_view(&joined);
		code = joined.error ? genops_fail(err, joined.error, "a batch does not fit into memory")
				    : genops_kafka_messages_add_otlp(messages, signal, request, i, n, err);
	}
	genops_buffer_done(&joined);
	return code;
}

static int add_records(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_kafka_messages *messages, struct genops_error *err)
{
	struct genops_buffer request;
	genops_buffer_init(&request, REQUEST_MAX);
	int code = genops_otlp_outgoing_encode(settings, batch, false, &request, err);
	if (code == GENOPS_OK)
		code = genops_kafka_messages_add_otlp(messages, GENOPS_SIGNAL_TRACES, genops_buffer_view(&request), 0, 0, err);
	genops_buffer_done(&request);
	return code;
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct genops_kafka_settings *own = settings->own;
	struct genops_kafka_request *kafka = genops_arena_alloc(arena, sizeof *kafka);
	struct genops_request request = {.transport = GENOPS_TRANSPORT_KAFKA, .method = "", .url = own->properties[0].value, .kafka = kafka};
	struct genops_kafka_messages messages = {.settings = own, .arena = arena, .body = &request.body};
	int code;
	if (!kafka)
		return genops_fail(err, GENOPS_NOMEM, "no memory for Kafka messages");
	genops_buffer_init(&request.body, REQUEST_MAX);
	if (!batch->n_items)
		code = add_records(settings, batch, &messages, err);
	else if (batch->items[0].kind == GENOPS_ITEM_EVENT)
		code = add_events(own, batch, &messages, err);
	else
		code = add_items(own, batch, &messages, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&request.body);
		return code;
	}
	genops_kafka_messages_end(&messages);
	*kafka = (struct genops_kafka_request){own->properties, own->n_properties, own->headers, messages.items, messages.n};
	*ret_request = request;
	return GENOPS_OK;
}

/* --- the verdict --- */

/* status: 200, all are in their partitions; 401, nobody lets us in; 413, too large for ever; 0, not yet. */
static void judge(const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	struct genops_send_verdict verdict = {.kind = GENOPS_SENT};
	(void)settings;
	if (response->status == 200) {
		*ret_verdict = verdict;
		return;
	}
	verdict.kind = response->status == 413 ? GENOPS_REJECTED : GENOPS_RETRY;
	if (response->status == 401)
		verdict.retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	genops_http_verdict_text(verdict.reason, sizeof verdict.reason, response->network_error);
	if (response->n_kinds && response->n_kinds <= GENOPS_VERDICT_ITEMS_MAX) {
		verdict.n_kinds = response->n_kinds;
		memcpy(verdict.kinds, response->kinds, response->n_kinds);
	}
	*ret_verdict = verdict;
}

/* No messages: only whether a broker lets us in. */
static int probe(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request,
    struct genops_error *err)
{
	const struct genops_kafka_settings *own = settings->own;
	struct genops_kafka_request *kafka = genops_arena_alloc(arena, sizeof *kafka);
	if (!kafka)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a Kafka request");
	*kafka = (struct genops_kafka_request){.properties = own->properties, .n_properties = own->n_properties, .headers = own->headers};
	*ret_request = (struct genops_request){.transport = GENOPS_TRANSPORT_KAFKA, .method = "", .url = own->properties[0].value, .kafka = kafka};
	genops_buffer_init(&ret_request->body, 1);
	return GENOPS_OK;
}

const struct genops_destination_type genops_destination_type_kafka = {
    .name = "kafka",
    .summary = "Apache Kafka, OTLP as the Collector's exporter writes it, or an event a message",
    .exporter = &genops_kafka_exporter_form,
    .document = &genops_kafka_document_form,
    .takes = GENOPS_TAKES_OTLP | GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .items_max = GENOPS_VERDICT_ITEMS_MAX,
    .bytes_max = (size_t)4 << 20,
    .check = check,
    .encode = encode,
    .judge = judge,
    .probe = probe,
};
