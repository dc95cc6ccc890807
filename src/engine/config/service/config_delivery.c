/* SPDX-License-Identifier: Apache-2.0
 * engine/config/service/config_delivery.c - how anything is delivered, whatever its type: TLS, repetitions, the queue of one destination,
 * when it counts as broken; and a fingerprint, by which a reload knows the destinations that did not change.
 *
 * What of a Collector's exporter is not done here is an error that names it: silence would be a setting that does nothing. */
#include "engine/config/service/config_delivery.h"

#include "base/hash.h"
#include "base/str.h"

#define STATUS_MIN 100
#define STATUS_MAX 599

struct tls {
	bool is_insecure, skip_verify;
	int min_version;
	genops_str ca_file, certificate_file, key_file;
};

struct retry {
	bool is_enabled;
	int64_t initial_ns, max_ns, elapsed_ns;
	double multiplier;
	struct genops_texts statuses;
};

struct queue {
	bool is_enabled;
	int64_t max_size;
	int overflow, type;
};

struct health {
	int64_t interval_ns, timeout_ns, threshold;
};

const struct genops_option genops_config_exporter_tls_rows[] = {
    {.name = "insecure", .type = GENOPS_OPTION_BOOL, .offset = offsetof(struct tls, is_insecure), .default_text = "false", .text = "true: no TLS"},
    {.name = "insecure_skip_verify",
	.type = GENOPS_OPTION_BOOL,
	.offset = offsetof(struct tls, skip_verify),
	.default_text = "false",
	.text = "true: any certificate is taken"},
    {.name = "min_version",
	.type = GENOPS_OPTION_ENUM,
	.offset = offsetof(struct tls, min_version),
	.default_text = "1.2",
	.names = (const char *const[]){"1.2", "1.3", NULL},
	.text = "of TLS; what is older is refused in any case"},
    {.name = "ca_file", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct tls, ca_file), .text = "certificate authorities to trust"},
    {.name = "cert_file", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct tls, certificate_file), .text = "the client's certificate"},
    {.name = "key_file", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct tls, key_file), .text = "its key"},
    {.name = NULL},
};

const struct genops_option genops_config_exporter_retry_rows[] = {
    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .offset = offsetof(struct retry, is_enabled), .default_text = "true", .text = "false: one attempt"},
    {.name = "initial_interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = offsetof(struct retry, initial_ns),
	.default_text = "1s",
	.min = 0.001,
	.max = 3600,
	.text = "before the first repetition"},
    {.name = "max_interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = offsetof(struct retry, max_ns),
	.default_text = "30s",
	.min = 0.001,
	.max = 86400,
	.text = "between two repetitions at most"},
    {.name = "max_elapsed_time",
	.type = GENOPS_OPTION_DURATION,
	.offset = offsetof(struct retry, elapsed_ns),
	.default_text = "0s",
	.text = "until giving up; 0: never, nothing is lost"},
    {.name = "multiplier", .type = GENOPS_OPTION_DOUBLE, .offset = offsetof(struct retry, multiplier), .default_text = "2", .min = 1, .max = 100, .text = "from one wait to the next"},
    {.name = "retry_on_status", .type = GENOPS_OPTION_LIST, .offset = offsetof(struct retry, statuses), .text = "HTTP statuses that are repeated, and no others; unset: what the destination's contract says; refused credentials always are"},
    {.name = NULL},
};


const struct genops_option genops_config_retry_rows[] = {
    {.name = "max_retries", .type = GENOPS_OPTION_INT, .offset = offsetof(struct genops_config_retry, max_retries), .max = 1000, .text = "quick ones of one request; then the destination counts as down and is probed until it answers: nothing is given up. Unset: 7",
	.aliases = (const char *const[]){"Max Retries", NULL}},
    {.name = "retry_backoff", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct genops_config_retry, backoff), .names = (const char *const[]){"exponential", "constant", NULL}, .text = "do waits grow? unset: exponential"},
    {.name = "retry_interval", .type = GENOPS_OPTION_DURATION, .offset = offsetof(struct genops_config_retry, interval_ns), .min = 0.001, .max = 3600, .text = "before the first repetition; unset: 1s",
	.aliases = (const char *const[]){"Initial Retry Delay", NULL}},
    {.name = "max_retry_delay", .type = GENOPS_OPTION_DURATION, .offset = offsetof(struct genops_config_retry, max_delay_ns), .min = 0.001, .max = 86400, .text = "between two repetitions at most; unset: 30s",
	.aliases = (const char *const[]){"Max Retry Delay", NULL}},
    {.name = "backoff_multiplier", .type = GENOPS_OPTION_DOUBLE, .offset = offsetof(struct genops_config_retry, multiplier), .min = 1, .max = 100, .text = "from one wait to the next; unset: 2",
	.aliases = (const char *const[]){"Backoff Multiplier", NULL}},
    {.name = "retry_on_status", .type = GENOPS_OPTION_LIST, .offset = offsetof(struct genops_config_retry, statuses), .text = "HTTP statuses that are repeated, and no others; unset: what the destination's contract says; refused credentials always are",
	.aliases = (const char *const[]){"Retry on Status Codes", NULL}},
    {.name = NULL},
};

const struct genops_option genops_config_sending_queue_rows[] = {
    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .offset = offsetof(struct queue, is_enabled), .default_text = "true", .text = "the queue cannot be switched off"},
    {.name = "type", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct queue, type), .default_text = "Persistent Queue", .names = (const char *const[]){"Persistent Queue", NULL}, .text = "there is no other",
	.aliases = (const char *const[]){"Type", NULL}},
    {.name = "max_size", .type = GENOPS_OPTION_SIZE, .offset = offsetof(struct queue, max_size), .min = 1048576, .max = 1e15, .text = "bytes that may wait for this destination; unset: telemetry.queue.max_size",
	.aliases = (const char *const[]){"Max Size", NULL}},
    {.name = "overflow", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct queue, overflow), .names = (const char *const[]){"", "block", "drop_oldest", "drop_newest", "Block (apply backpressure to GenOps)", NULL}, .text = "when so much waits: senders of telemetry are refused (block), or this destination loses its oldest or its newest to the dead letters; unset: telemetry.queue.overflow",
	.aliases = (const char *const[]){"Overflow Action", NULL}},
    {.name = NULL},
};

const struct genops_option genops_config_health_rows[] = {
    {.name = "interval", .type = GENOPS_OPTION_DURATION, .offset = offsetof(struct health, interval_ns), .default_text = "30s", .min = 0.01, .max = 86400, .text = "between two probes while it is unhealthy, and between two checks while nothing is sent (as genops destination test asks; without health_check there are none)",
	.aliases = (const char *const[]){"Interval", NULL}},
    {.name = "timeout", .type = GENOPS_OPTION_DURATION, .offset = offsetof(struct health, timeout_ns), .default_text = "10s", .min = 0.001, .max = 600, .text = "of a check; a longer one has failed",
	.aliases = (const char *const[]){"Timeout", NULL}},
    {.name = "unhealthy_threshold", .type = GENOPS_OPTION_INT, .offset = offsetof(struct health, threshold), .default_text = "3", .min = 1, .max = 1000, .text = "failures in a row, of requests and of checks, until the circuit breaker opens",
	.aliases = (const char *const[]){"Unhealthy Threshold", NULL}},
    {.name = NULL},
};

const struct genops_option genops_config_delivery_rows[] = {
    {.name = "tls", .type = GENOPS_OPTION_CUSTOM, .text = "certificates, or none"},
    {.name = "retry_on_failure", .type = GENOPS_OPTION_CUSTOM, .text = "how a failed request is repeated"},
    {.name = "sending_queue", .type = GENOPS_OPTION_CUSTOM, .text = "how much may wait for it, and what then", .aliases = (const char *const[]){"queue", "Buffer Settings", NULL}},
    {.name = "health_check", .type = GENOPS_OPTION_CUSTOM, .text = "when it counts as broken, and how often it is looked at then", .aliases = (const char *const[]){"Health Check", NULL}},
    {.name = NULL},
};

const struct genops_option genops_config_delivery_document_rows[] = {
    {.name = "retry", .type = GENOPS_OPTION_CUSTOM, .text = "the keys of repetitions, as a group", .aliases = (const char *const[]){"Retry Policy", NULL}},
    {.name = "destination_config", .type = GENOPS_OPTION_CUSTOM, .text = "batch_size and flush_interval, as a group"},
    {.name = NULL},
};

static const char *const not_done[] = {"auth", "keepalive", "balancer_name", "wait_for_ready", "authority",
    "read_buffer_size", "write_buffer_size", "proxy_url", "max_idle_conns", "max_idle_conns_per_host",
    "max_conns_per_host", "idle_conn_timeout", "disable_keep_alives", "http2_read_idle_timeout",
    "http2_ping_timeout", "cookies", "compression_params", "force_attempt_http2", "batcher", "metrics_endpoint",
    "logs_endpoint", "profiles_endpoint", "middlewares", "verbosity", "loglevel", "sampling_initial",
    "sampling_thereafter", "use_internal_logger", "rotation", "format", "append", "flush_interval", "group_by",
    "max_version", "cipher_suites", "server_name_override", "reload_interval", "ca_pem", "cert_pem",
    "key_pem", "include_system_ca_certs_pool", "tpm", "randomization_factor", "num_consumers",
    "queue_size", "storage", "block_on_overflow", "wait_for_result", "sizer", "batch"};

int genops_config_delivery_known(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_option *rows, const char *what)
{
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		for (size_t i = 0; i < sizeof not_done / sizeof *not_done; i++) {
			if (genops_str_is(entry->key->text, not_done[i]) && !genops_option_find(rows, entry->key->text))
				return genops_config_read_fail(reader, entry->key, "remove it",
				    "%s: the Collector's \"%s\" is not done here", what, not_done[i]);
		}
	}
	return GENOPS_OK;
}

static int read_part(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    const struct genops_option *rows, void *object)
{
	if (node && node->kind == GENOPS_YAML_MAPPING)
		GENOPS_TRY(genops_config_delivery_known(reader, node, rows, what));
	return genops_config_read_section(reader, node, what, rows, object);
}

static int read_tls(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    struct genops_config_exporter *exporter)
{
	struct tls tls = {0};
	genops_str *paths[] = {&tls.ca_file, &tls.certificate_file, &tls.key_file};
	GENOPS_TRY(read_part(reader, node, "tls", genops_config_exporter_tls_rows, &tls));
	for (size_t i = 0; i < 3; i++) {
		if (paths[i]->len)
			GENOPS_TRY(genops_config_file_path(reader, *paths[i], reader->folder, paths[i]));
	}
	if (!tls.certificate_file.len != !tls.key_file.len)
		return genops_config_read_fail(
		    reader, node, NULL, "tls: cert_file and key_file belong together");
	exporter->is_insecure = tls.is_insecure;
	exporter->skip_verify = tls.skip_verify;
	exporter->ca_file = tls.ca_file;
	exporter->certificate_file = tls.certificate_file;
	exporter->key_file = tls.key_file;
	exporter->tls_min = tls.min_version;
	return GENOPS_OK;
}

static int set_statuses(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_texts texts,
    struct genops_config_exporter *exporter)
{
	for (size_t i = 0; i < texts.n; i++) {
		int64_t status;
		if (i == GENOPS_CONFIG_STATUSES_MAX || !genops_str_to_int(texts.items[i], &status) || status < STATUS_MIN || status > STATUS_MAX)
			return genops_config_read_fail(reader, node, "write [429, 500, 502, 503, 504]",
			    "retry_on_status: \"%.*s\" is no HTTP status, or there are more than %d", (int)(texts.items[i].len > 20 ? 20 : texts.items[i].len),
			    texts.items[i].ptr, GENOPS_CONFIG_STATUSES_MAX);
		exporter->retry_statuses[i] = (uint16_t)status;
	}
	exporter->n_retry_statuses = texts.n;
	return GENOPS_OK;
}

static int read_retry(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    struct genops_config_exporter *exporter)
{
	struct retry retry = {0};
	GENOPS_TRY(read_part(reader, node, "retry_on_failure", genops_config_exporter_retry_rows, &retry));
	if (retry.max_ns < retry.initial_ns)
		return genops_config_read_fail(
		    reader, node, NULL, "retry_on_failure: max_interval is below initial_interval");
	GENOPS_TRY(set_statuses(reader, genops_yaml_get(node, "retry_on_status"), retry.statuses, exporter));
	exporter->is_retrying = retry.is_enabled;
	exporter->retry_multiplier = retry.multiplier;
	exporter->retry_initial_ns = retry.initial_ns;
	exporter->retry_max_ns = retry.max_ns;
	exporter->retry_elapsed_ns = retry.elapsed_ns;
	return GENOPS_OK;
}

/* Each destination's part of the durable queue; it cannot be switched off. */
static int read_queue(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    struct genops_config_exporter *exporter)
{
	struct queue queue = {0};
	GENOPS_TRY(read_part(reader, node, what, genops_config_sending_queue_rows, &queue));
	if (!queue.is_enabled)
		return genops_config_read_fail(
		    reader, node, "remove it; see telemetry.queue", "%s: the queue cannot be switched off", what);
	exporter->queue_max_size = queue.max_size;
	exporter->overflow = queue.overflow == 4 ? GENOPS_OVERFLOW_BLOCK : (enum genops_overflow)queue.overflow;
	return GENOPS_OK;
}

static int read_health(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_exporter *exporter)
{
	struct health health = {0};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(read_part(reader, node, "health_check", genops_config_health_rows, &health));
	exporter->health_interval_ns = health.interval_ns;
	exporter->health_timeout_ns = health.timeout_ns;
	exporter->unhealthy_threshold = health.threshold;
	return GENOPS_OK;
}

/* The guide writes the keys beside the others, or under `retry`. */
static int read_policy(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct genops_config_retry *policy,
    struct genops_config_exporter *exporter)
{
	GENOPS_TRY(set_statuses(reader, node, policy->statuses, exporter));
	exporter->retries_max = policy->max_retries;
	exporter->retry_initial_ns = policy->interval_ns;
	exporter->retry_max_ns = policy->max_delay_ns;
	exporter->retry_multiplier = policy->backoff == 1 ? 1 : policy->multiplier;
	if (policy->max_delay_ns && policy->max_delay_ns < policy->interval_ns)
		return genops_config_read_fail(reader, node, NULL, "max_retry_delay is below retry_interval");
	return GENOPS_OK;
}

int genops_config_delivery_retry(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_retry *retry)
{
	struct genops_config_exporter trial = {0};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, node, "retry", genops_config_retry_rows, retry));
	return read_policy(reader, node, retry, &trial);
}

int genops_config_delivery_read(struct genops_config_reader *reader, const struct genops_yaml_node *node, bool is_document,
    const struct genops_config_retry *beside, struct genops_config_exporter *exporter)
{
	struct genops_config_retry policy = beside ? *beside : *reader->retry;
	const struct genops_option *rows = genops_config_delivery_rows;
	const struct genops_yaml_node *retry = is_document ? genops_config_read_get(node, genops_config_delivery_document_rows, "retry") : NULL;
	GENOPS_TRY(read_tls(reader, genops_config_read_get(node, rows, "tls"), exporter));
	if (beside)
		GENOPS_TRY(read_policy(reader, node, beside, exporter));
	if (retry) {
		GENOPS_TRY(genops_config_delivery_retry(reader, retry, &policy));
		GENOPS_TRY(read_policy(reader, retry, &policy, exporter));
	}
	const struct genops_yaml_node *on_failure = genops_config_read_get(node, rows, "retry_on_failure");
	if (on_failure || !is_document)
		GENOPS_TRY(read_retry(reader, on_failure, exporter));
	GENOPS_TRY(read_queue(reader, genops_config_read_get(node, rows, "sending_queue"), "sending_queue", exporter));
	return read_health(reader, genops_config_read_get(node, rows, "health_check"), exporter);
}

/* --- the fingerprint --- */

static uint64_t add_scalar(struct genops_config_reader *reader, genops_str text, uint64_t sum)
{
	struct genops_buffer value;
	struct genops_error ignored;
	genops_buffer_init(&value, GENOPS_YAML_VALUE_MAX);
	bool is_expanded = genops_yaml_expand(text, &reader->variables, &value, &ignored) == GENOPS_OK && !value.error;
	genops_str known = is_expanded ? genops_buffer_view(&value) : text; /* a template's ${} is the event's */
	sum = genops_hash_checksum(known.len ? known.ptr : "", known.len, sum + 1);
	if (value.ptr)
		explicit_bzero(value.ptr, value.cap);
	genops_buffer_done(&value);
	return sum;
}

uint64_t genops_config_delivery_fingerprint(struct genops_config_reader *reader, const struct genops_yaml_node *node, uint64_t sum)
{
	if (node->kind == GENOPS_YAML_SCALAR)
		return add_scalar(reader, node->text, sum);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		if (entry->key)
			sum = add_scalar(reader, entry->key->text, sum);
		sum = genops_config_delivery_fingerprint(reader, entry->value, sum * 31 + 7); /* as deep as the parser lets it be */
	}
	return sum * 31 + node->n;
}
