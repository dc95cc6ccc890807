/* SPDX-License-Identifier: Apache-2.0
 * export/kafka/kafka_settings.c - how the type kafka is written down: as the Collector's kafka exporter, and as a document of `destinations`.
 *
 * Everything becomes properties of librdkafka here, once, so that the transport only hands them on. What could lose acknowledged
 * telemetry (required_acks: 0) is refused. An idempotent producer is the default: a message that is tried again is in its partition once. */
#include "export/kafka/kafka.h"

#include "base/clock.h"
#include "base/str.h"
#include "export/event_template.h"

#include <inttypes.h>
#include <stdio.h>

enum encoding { OTLP_PROTO, OTLP_JSON };
static const char *const encodings[] = {"otlp_proto", "otlp_json", NULL};

struct signal {
	genops_str topic;
	int encoding;
};

struct producer {
	int64_t message_max, flush_max, linger_ns;
	int acks, compression;
	bool creates_topics;
};

struct sasl {
	genops_str user, password;
	int mechanism;
};

#define AT(field) offsetof(struct genops_kafka_settings, field)
#define SHARED_ROWS                                                                                                                    \
	{.name = "brokers", .type = GENOPS_OPTION_LIST, .offset = AT(brokers), .default_text = "localhost:9092",                         \
	    .text = "host:port of some of the cluster's brokers"},                                                                       \
	{.name = "protocol_version", .type = GENOPS_OPTION_TEXT, .offset = AT(protocol_version), .default_text = "2.1.0",                \
	    .text = "of brokers that cannot be asked (before 0.10)"},                                                                    \
	{.name = "client_id", .type = GENOPS_OPTION_TEXT, .offset = AT(client_id), .default_text = "genops", .text = "in the brokers' logs and quotas"}, \
	{.name = "conn_idle_timeout", .type = GENOPS_OPTION_DURATION, .offset = AT(idle_ns), .default_text = "9m", .min = 1, .max = 86400, \
	    .text = "a connection without traffic is closed"},                                                                           \
	{.name = "record_headers", .type = GENOPS_OPTION_MAP, .offset = AT(headers), .text = "of every message"},                        \
	{.name = "auth", .type = GENOPS_OPTION_CUSTOM, .text = "sasl: username, password, mechanism (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512)"}, \
	{.name = "metadata", .type = GENOPS_OPTION_CUSTOM, .text = "refresh_interval: how often brokers and partitions are looked up anew"}, \
	{.name = "record_partitioner", .type = GENOPS_OPTION_CUSTOM,                                                                     \
	    .text = "sticky_key: {hasher: sarama_compat or murmur2}, or round_robin: {}: which partition a message goes to"},            \
	{.name = "producer", .type = GENOPS_OPTION_CUSTOM,                                                                               \
	    .text = "max_message_bytes, required_acks, compression, compression_params, flush_max_messages, linger, allow_auto_topic_creation"}

static const struct genops_option exporter_rows[] = {
    SHARED_ROWS,
    {.name = "topic", .type = GENOPS_OPTION_TEXT, .offset = AT(topic), .text = "of all signals; unset: otlp_spans, otlp_metrics, otlp_logs"},
    {.name = "encoding", .type = GENOPS_OPTION_ENUM, .offset = AT(encoding), .default_text = "otlp_proto", .names = encodings, .text = "of all signals"},
    {.name = "traces", .type = GENOPS_OPTION_CUSTOM, .text = "topic and encoding of traces"},
    {.name = "metrics", .type = GENOPS_OPTION_CUSTOM, .text = "topic and encoding of metrics"},
    {.name = "logs", .type = GENOPS_OPTION_CUSTOM, .text = "topic and encoding of logs"},
    {.name = "topic_from_attribute", .type = GENOPS_OPTION_TEXT, .offset = AT(topic_from_attribute), .text = "the resource's attribute that names the topic, where there is one"},
    {.name = "partition_traces_by_id", .type = GENOPS_OPTION_BOOL, .offset = AT(traces_by_id), .default_text = "false", .text = "a message a trace, with its id as key"},
    {.name = "partition_metrics_by_resource_attributes", .type = GENOPS_OPTION_BOOL, .offset = AT(metrics_by_resource), .default_text = "false", .text = "a message a resource, with a hash of its attributes as key"},
    {.name = "partition_logs_by_resource_attributes", .type = GENOPS_OPTION_BOOL, .offset = AT(logs_by_resource), .default_text = "false", .text = "the same for logs"},
    {.name = "partition_logs_by_trace_id", .type = GENOPS_OPTION_BOOL, .offset = AT(logs_by_trace), .default_text = "false", .text = "a message a trace, with its id as key; logs of none have no key"},
    {.name = NULL},
};

static const struct genops_option document_rows[] = {
    SHARED_ROWS,
    {.name = "topic", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "a template over the event"},
    {.name = "key", .type = GENOPS_OPTION_CUSTOM, .text = "a template over the event; events of one key keep their order"},
    {.name = NULL},
};

static const struct genops_option signal_rows[] = {
    {.name = "topic", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct signal, topic)},
    {.name = "encoding", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct signal, encoding), .names = encodings},
    {.name = NULL},
};

static const char *const acks[] = {"all", "-1", "1", "0", NULL};
static const char *const compressions[] = {"none", "gzip", "snappy", "lz4", "zstd", NULL};
static const struct genops_option producer_rows[] = {
    {.name = "max_message_bytes", .type = GENOPS_OPTION_SIZE, .offset = offsetof(struct producer, message_max), .default_text = "1000000", .min = 2048, .max = 100e6},
    {.name = "required_acks", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct producer, acks), .default_text = "all", .names = acks},
    {.name = "compression", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct producer, compression), .default_text = "none", .names = compressions},
    {.name = "compression_params", .type = GENOPS_OPTION_CUSTOM},
    {.name = "flush_max_messages", .type = GENOPS_OPTION_INT, .offset = offsetof(struct producer, flush_max), .default_text = "10000", .min = 1, .max = 1000000},
    {.name = "linger", .type = GENOPS_OPTION_DURATION, .offset = offsetof(struct producer, linger_ns), .default_text = "10ms", .max = 60},
    {.name = "allow_auto_topic_creation", .type = GENOPS_OPTION_BOOL, .offset = offsetof(struct producer, creates_topics), .default_text = "true"},
    {.name = NULL},
};

static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", NULL};
static const struct genops_option sasl_rows[] = {
    {.name = "username", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct sasl, user), .is_required = true},
    {.name = "password", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct sasl, password), .is_required = true, .is_secret = true},
    {.name = "mechanism", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct sasl, mechanism), .default_text = "PLAIN", .names = mechanisms},
    {.name = NULL},
};

bool genops_kafka_topic_is_valid(genops_str topic)
{
	for (size_t i = 0; i < topic.len; i++) {
		char c = topic.ptr[i];
		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.' && c != '_' && c != '-')
			return false;
	}
	return topic.len > 0 && topic.len <= GENOPS_KAFKA_TOPIC_MAX && !genops_str_is(topic, ".") && !genops_str_is(topic, "..");
}

static int check_topic(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, genops_str topic)
{
	if (genops_kafka_topic_is_valid(topic))
		return GENOPS_OK;
	return genops_yaml_rows_fail(in, node, "use at most 249 of letters, digits, dots, underscores and hyphens", "topic \"%.*s\" is not one",
	    topic.len > 100 ? 100 : (int)topic.len, topic.len ? topic.ptr : "");
}

/* --- properties --- */

static int set(const struct genops_yaml_rows *in, struct genops_kafka_settings *own, const char *name, genops_str value)
{
	genops_str kept;
	if (own->n_properties == GENOPS_KAFKA_PROPERTIES_MAX)
		return genops_fail(in->err, GENOPS_LIMIT, "too many properties of a Kafka producer");
	if (!genops_arena_dup(in->arena, value, &kept))
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
	own->properties[own->n_properties++] = (struct genops_text_pair){genops_str_of(name), kept};
	return GENOPS_OK;
}

static int set_number(const struct genops_yaml_rows *in, struct genops_kafka_settings *own, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, value);
	return set(in, own, name, genops_str_of(text));
}

static int read_compression(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *name, struct genops_kafka_settings *own)
{
	static const struct genops_option rows[] = {{.name = "level", .type = GENOPS_OPTION_INT, .default_text = "-1", .min = -1, .max = 19}, {.name = NULL}};
	int64_t level = -1, most = !strcmp(name, "gzip") ? 9 : !strcmp(name, "lz4") ? 12 : !strcmp(name, "zstd") ? 19 : -1;
	GENOPS_TRY(genops_yaml_rows_section(in, node, "compression_params", rows, &level));
	if (level > most)
		return genops_yaml_rows_fail(in, node, "remove it, or lower it", "compression_params: %s has no level %" PRId64, name, level);
	GENOPS_TRY(set(in, own, "compression.codec", genops_str_of(name)));
	return level < 0 ? GENOPS_OK : set_number(in, own, "compression.level", level);
}

static int read_producer(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_kafka_settings *own)
{
	struct producer producer = {0};
	GENOPS_TRY(genops_yaml_rows_section(in, node, "producer", producer_rows, &producer));
	if (!strcmp(acks[producer.acks], "0"))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "required_acks"), "use all, or 1",
		    "required_acks: 0 would lose what a broker loses, and nobody would know");
	bool is_idempotent = strcmp(acks[producer.acks], "1") != 0;
	own->message_max = (size_t)producer.message_max;
	GENOPS_TRY(set(in, own, "enable.idempotence", genops_str_of(is_idempotent ? "true" : "false")));
	GENOPS_TRY(set(in, own, "acks", genops_str_of(is_idempotent ? "all" : "1")));
	GENOPS_TRY(set_number(in, own, "message.max.bytes", producer.message_max));
	GENOPS_TRY(set_number(in, own, "batch.num.messages", producer.flush_max));
	GENOPS_TRY(set_number(in, own, "linger.ms", producer.linger_ns / GENOPS_NS_PER_MS));
	GENOPS_TRY(set(in, own, "allow.auto.create.topics", genops_str_of(producer.creates_topics ? "true" : "false")));
	return read_compression(in, genops_yaml_get(node, "compression_params"), compressions[producer.compression], own);
}

static int read_partitioner(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_kafka_settings *own)
{
	static const char *const hashers[] = {"sarama_compat", "murmur2", NULL}, *const partitioners[] = {"fnv1a_random", "murmur2_random"};
	static const struct genops_option rows[] = {{.name = "sticky_key", .type = GENOPS_OPTION_CUSTOM}, {.name = "round_robin", .type = GENOPS_OPTION_CUSTOM}, {.name = NULL}};
	static const struct genops_option sticky_rows[] = {{.name = "hasher", .type = GENOPS_OPTION_ENUM, .default_text = "sarama_compat", .names = hashers}, {.name = NULL}};
	static const struct genops_option no_rows[] = {{.name = NULL}};
	int hasher = 0, none = 0;
	GENOPS_TRY(genops_yaml_rows_section(in, node, "record_partitioner", rows, &none));
	const struct genops_yaml_node *sticky = genops_yaml_get(node, "sticky_key"), *robin = genops_yaml_get(node, "round_robin");
	if (sticky && robin)
		return genops_yaml_rows_fail(in, node, "remove one", "record_partitioner: there can be one only");
	GENOPS_TRY(genops_yaml_rows_section(in, robin, "round_robin", no_rows, &none));
	GENOPS_TRY(genops_yaml_rows_section(in, sticky, "sticky_key", sticky_rows, &hasher));
	return set(in, own, "partitioner", genops_str_of(robin ? "random" : partitioners[hasher]));
}

static int read_security(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_kafka_settings *own)
{
	static const struct genops_option rows[] = {{.name = "sasl", .type = GENOPS_OPTION_CUSTOM}, {.name = "plain_text", .type = GENOPS_OPTION_CUSTOM}, {.name = NULL}};
	const struct genops_yaml_node *auth = genops_yaml_get(node, "auth"), *tls = genops_yaml_get(node, "tls");
	const struct genops_yaml_node *insecure = genops_yaml_get(tls, "insecure");
	bool is_tls = tls && !genops_yaml_is_null(tls) && !(insecure && genops_str_is_nocase(insecure->text, "true"));
	struct sasl sasl = {0};
	int none = 0;
	GENOPS_TRY(genops_yaml_rows_section(in, auth, "auth", rows, &none));
	const struct genops_yaml_node *given = genops_yaml_get(auth, "sasl"), *plain = genops_yaml_get(auth, "plain_text");
	if (given && plain)
		return genops_yaml_rows_fail(in, plain, "remove plain_text", "auth: sasl and plain_text are two ways to say one thing");
	given = given ? given : plain;
	if (!given)
		return set(in, own, "security.protocol", genops_str_of(is_tls ? "ssl" : "plaintext"));
	GENOPS_TRY(genops_yaml_rows_section(in, given, given == plain ? "plain_text" : "sasl", sasl_rows, &sasl));
	GENOPS_TRY(set(in, own, "security.protocol", genops_str_of(is_tls ? "sasl_ssl" : "sasl_plaintext")));
	GENOPS_TRY(set(in, own, "sasl.mechanism", genops_str_of(mechanisms[sasl.mechanism])));
	GENOPS_TRY(set(in, own, "sasl.username", sasl.user));
	return set(in, own, "sasl.password", sasl.password);
}

static int read_brokers(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_kafka_settings *own)
{
	struct genops_buffer list;
	genops_buffer_init(&list, 65536);
	for (size_t i = 0; i < own->brokers.n; i++) {
		genops_str broker = own->brokers.items[i];
		for (size_t j = 0; j < broker.len; j++) {
			if (broker.ptr[j] > ' ' && broker.ptr[j] <= '~' && broker.ptr[j] != ',' && broker.ptr[j] != '/')
				continue;
			genops_buffer_done(&list);
			return genops_yaml_rows_fail(in, genops_yaml_get(node, "brokers"), "write host:9092", "brokers: \"%.*s\" is not an address",
			    broker.len > 100 ? 100 : (int)broker.len, broker.ptr);
		}
		genops_buffer_printf(&list, "%s%.*s", i ? "," : "", GENOPS_STR_ARG(broker));
	}
	int code = list.len ? set(in, own, "bootstrap.servers", genops_buffer_view(&list))
			    : genops_yaml_rows_fail(in, genops_yaml_get(node, "brokers") ? genops_yaml_get(node, "brokers") : node, "write host:9092", "brokers: there is none");
	genops_buffer_done(&list);
	return code;
}

static int read_shared(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_kafka_settings *own)
{
	static const struct genops_option metadata_rows[] = {
	    {.name = "refresh_interval", .type = GENOPS_OPTION_DURATION, .default_text = "10m", .min = 0.01, .max = 3600}, {.name = NULL}};
	int64_t refresh_ns = 0;
	const struct genops_yaml_node *headers = genops_yaml_get(node, "headers");
	if (headers)
		return genops_yaml_rows_fail(in, headers, "write record_headers", "a Kafka message has record_headers");
	GENOPS_TRY(read_brokers(in, node, own));
	GENOPS_TRY(set(in, own, "client.id", own->client_id));
	GENOPS_TRY(set(in, own, "broker.version.fallback", own->protocol_version));
	GENOPS_TRY(set_number(in, own, "connections.max.idle.ms", own->idle_ns / GENOPS_NS_PER_MS));
	GENOPS_TRY(genops_yaml_rows_section(in, genops_yaml_get(node, "metadata"), "metadata", metadata_rows, &refresh_ns));
	GENOPS_TRY(set_number(in, own, "topic.metadata.refresh.interval.ms", refresh_ns / GENOPS_NS_PER_MS));
	GENOPS_TRY(read_security(in, node, own));
	GENOPS_TRY(read_partitioner(in, genops_yaml_get(node, "record_partitioner"), own));
	return read_producer(in, genops_yaml_get(node, "producer"), own);
}

/* --- the two forms --- */

static int read_exporter(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *object)
{
	static const char *const names[GENOPS_SIGNAL_N] = {"traces", "metrics", "logs"}, *const topics[GENOPS_SIGNAL_N] = {"otlp_spans", "otlp_metrics", "otlp_logs"};
	struct genops_kafka_settings *own = object;
	GENOPS_TRY(read_shared(in, node, own));
	for (int i = 0; i < GENOPS_SIGNAL_N; i++) {
		struct signal signal = {.topic = own->topic.len ? own->topic : genops_str_of(topics[i]), .encoding = own->encoding};
		const struct genops_yaml_node *given = genops_yaml_get(node, names[i]);
		struct signal said = {.encoding = own->encoding};
		GENOPS_TRY(genops_yaml_rows_section(in, given, names[i], signal_rows, &said));
		if (given && genops_yaml_get(given, "encoding"))
			signal.encoding = said.encoding;
		if (said.topic.len)
			signal.topic = said.topic;
		GENOPS_TRY(check_topic(in, given ? given : node, signal.topic));
		own->topics[i] = signal.topic;
		own->is_json[i] = signal.encoding == OTLP_JSON;
	}
	own->event_topic = own->topic.len ? own->topic : GENOPS_STR("genops_events");
	if (own->logs_by_resource && own->logs_by_trace)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "partition_logs_by_trace_id"), "remove one",
		    "partition_logs_by_resource_attributes and partition_logs_by_trace_id exclude one another");
	return GENOPS_OK;
}

static const struct genops_yaml_node *key_of(const struct genops_yaml_node *node, const char *name)
{
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		if (genops_str_is(entry->key->text, name))
			return entry->key;
	}
	return NULL;
}

static int read_document(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *object)
{
	struct genops_kafka_settings *own = object;
	struct genops_template_piece piece;
	const struct genops_yaml_node *topic = genops_yaml_get(node, "topic"), *key = genops_yaml_get(node, "key");
	GENOPS_TRY(read_shared(in, node, own));
	GENOPS_TRY(genops_event_template_read(in, key_of(node, "topic"), topic, "topic", GENOPS_TEMPLATE_TEXT, &own->topic_template));
	if (key)
		GENOPS_TRY(genops_event_template_read(in, key_of(node, "key"), key, "key", GENOPS_TEMPLATE_TEXT, &own->key_template));
	bool is_plain = genops_template_piece_at(own->topic_template, 0, &piece) && piece.kind == GENOPS_PIECE_PLAIN;
	if (!is_plain || genops_template_piece_at(own->topic_template, 1, &piece))
		return GENOPS_OK;
	if (!genops_arena_dup(in->arena, piece.text, &own->event_topic))
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
	genops_template_free(own->topic_template);
	own->topic_template = NULL;
	return check_topic(in, topic, own->event_topic);
}

static void done(void *object)
{
	struct genops_kafka_settings *own = object;
	genops_template_free(own->topic_template);
	genops_template_free(own->key_template);
	own->topic_template = own->key_template = NULL;
}

const struct genops_destination_form genops_kafka_exporter_form = {
    .rows = exporter_rows, .size = sizeof(struct genops_kafka_settings), .read = read_exporter};
const struct genops_destination_form genops_kafka_document_form = {
    .rows = document_rows, .size = sizeof(struct genops_kafka_settings), .read = read_document, .done = done};
