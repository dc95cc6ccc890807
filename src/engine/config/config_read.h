/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_read.h - the inside of loading: one reader goes from section to section of one file.
 *
 * Every function returns GENOPS_OK or has failed with file, line and column set. Texts that end up in the
 * snapshot live in its arena; the YAML tree is gone after loading. One thread.
 */
#ifndef ENGINE_CONFIG_CONFIG_READ_H
#define ENGINE_CONFIG_CONFIG_READ_H

#include "codec/yaml_rows.h"
#include "engine/config.h"
#include "govern/policy/budget_limit.h"

#define GENOPS_CONFIG_ITEMS_MAX 1000               /* policies, budgets, keys, providers, exporters: each */
#define GENOPS_CONFIG_WARNINGS_MAX 100

struct genops_config_batching;
struct genops_config_performance;
struct genops_config_retry;
struct genops_config_security;

struct genops_config_reader {
	struct genops_config *config;
	struct genops_arena *arena;     /* config->arena */
	const char *file;               /* name for messages */
	genops_str folder;              /* of the file: its relative paths start here */
	genops_str start;               /* the working directory */
	bool is_in_document;            /* `file` and `folder` are of a file that the configuration names */
	const char *home;               /* "" : unknown */
	struct genops_yaml_variables variables;
	struct genops_error *err;       /* never NULL */
	size_t n_watches_cap, n_policies_cap, n_budgets_cap;
	const struct genops_yaml_node *root; /* NULL: no file */
	const struct genops_yaml_node *price_files; /* for messages */
	bool without_prices;            /* as in genops_config_source */
	bool is_alerting, is_exporting; /* governance.enable_cost_alerts, observability.export_to_otel */
	int64_t daily_budget_limit;     /* -1: none */
	const struct genops_config_parameters *parameters; /* NULL: none */
	const struct genops_config *before; /* NULL: none */
	bool is_trial;                  /* routes may lead nowhere */
	const struct genops_config_performance *performance; /* machine/config_performance.c; never NULL once sections are read */
	const struct genops_config_batching *batching; /* destination_config, retry: what all documents of destinations have; never NULL then */
	const struct genops_config_retry *retry;
	uint64_t delivery_sum;          /* of those two: a fingerprint */
	const struct genops_config_security *security; /* config_receiver_security.c; NULL: none */
	bool wants_tls_in, wants_tls_out; /* data_protection.encryption_in_transit */
	void (*on_pipeline)(void *arg, const struct genops_yaml_node *document);
	void *on_pipeline_arg;
};

/* --- config_read.c --- */

/* CONFIG at the node's place. `fix` may be NULL. */
int genops_config_read_fail(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...) GENOPS_PRINTF(4, 5);
/* Gives an error that has none yet the node's place. Returns code. */
int genops_config_read_place(struct genops_config_reader *reader, const struct genops_yaml_node *node, int code);
/* The same for a file that the node names and that could not be read: an IO becomes CONFIG. */
int genops_config_read_missing(struct genops_config_reader *reader, const struct genops_yaml_node *node, int code);
int genops_config_read_no_memory(struct genops_config_reader *reader);

/* Something legal that the user should know. node may be NULL. */
GENOPS_NODISCARD int genops_config_read_warn(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const char *fix, const char *format, ...) GENOPS_PRINTF(4, 5);

/* codec/yaml_rows.h with this reader's file, variables and memory. */
static inline struct genops_yaml_rows genops_config_read_in(const struct genops_config_reader *reader)
{
	return (struct genops_yaml_rows){
	    .file = reader->file, .arena = reader->arena, .variables = &reader->variables, .err = reader->err};
}

GENOPS_NODISCARD static inline int genops_config_read_section(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const char *what, const struct genops_option *rows, void *object)
{
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	return genops_yaml_rows_section(&in, node, what, rows, object);
}

GENOPS_NODISCARD static inline int genops_config_read_parts(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const char *what, const struct genops_yaml_part *parts, size_t n_parts)
{
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	return genops_yaml_rows_parts(&in, node, what, parts, n_parts);
}

static inline const struct genops_yaml_node *genops_config_read_get(
    const struct genops_yaml_node *node, const struct genops_option *rows, const char *name)
{
	return genops_yaml_rows_get(node, rows, name);
}

GENOPS_NODISCARD static inline int genops_config_read_text(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const char *what, genops_str *ret_text)
{
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	return genops_yaml_rows_text(&in, node, what, ret_text);
}

GENOPS_NODISCARD static inline int genops_config_read_texts(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const char *what, struct genops_texts *ret_texts)
{
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	return genops_yaml_rows_texts(&in, node, what, ret_texts);
}

GENOPS_NODISCARD static inline int genops_config_read_check_variables(
    struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	return genops_yaml_rows_check_variables(&in, node);
}

GENOPS_NODISCARD static inline int genops_config_read_expect(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const char *what, enum genops_yaml_kind kind)
{
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	return genops_yaml_rows_expect(&in, node, what, kind);
}

/* --- config_file.c --- */

/* The whole file, at most `max` bytes, into `out`. IO (errno in the message), LIMIT, NOMEM. Pure of the reader. */
GENOPS_NODISCARD int genops_config_file_read(
    const char *path, size_t max, struct genops_buffer *out, struct genops_error *err);
/* "~/" is the home directory, a relative path starts at `folder`; in the arena, NUL-terminated. */
GENOPS_NODISCARD int genops_config_file_path(
    struct genops_config_reader *reader, genops_str path, genops_str folder, genops_str *ret_path);
/* Remembers the file as it is now, for genops_config_is_stale. */
GENOPS_NODISCARD int genops_config_file_watch(struct genops_config_reader *reader, genops_str path);
/* The same for the names that fit a pattern. */
GENOPS_NODISCARD int genops_config_file_watch_glob(struct genops_config_reader *reader, genops_str pattern);
bool genops_config_file_is_changed(const struct genops_config_watch *watch);
bool genops_config_file_is_settling(const struct genops_config_watch *watch, int64_t now_unix_ns);
/* The first line of a small file, for keys. */
GENOPS_NODISCARD int genops_config_file_secret(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, genops_str path, genops_str *ret_secret);

/* ${file:PATH} in any value: what the file holds, which is watched: a secret that is rotated there is used at once. `arg`: the reader. */
GENOPS_NODISCARD int genops_config_file_expand(void *arg, genops_str path, struct genops_buffer *out, struct genops_error *err);

/* --- one file a section --- */

GENOPS_NODISCARD int genops_config_match_read(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, struct genops_match *ret_match);
/* Adds a mapping's entries to attributes. */
GENOPS_NODISCARD int genops_config_match_attributes(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const char *what, struct genops_attributes *attributes);
GENOPS_NODISCARD int genops_config_governance_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *node);
GENOPS_NODISCARD int genops_config_level_read(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, enum genops_level *level);
GENOPS_NODISCARD int genops_config_policy_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *list);
GENOPS_NODISCARD int genops_config_budget_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *list);
/* Adds a rule with a name of its own. */
GENOPS_NODISCARD int genops_config_budget_add(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const struct genops_budget_rule *rule,
    const struct genops_budget_limit *limit);
/* governance.daily_budget_limit, after file and environment. */
GENOPS_NODISCARD int genops_config_budget_add_daily(struct genops_config_reader *reader);
GENOPS_NODISCARD int genops_config_key_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *list);
bool genops_config_key_hash(genops_str text, uint8_t ret_sha256[32]); /* false: no SHA-256 */
/* Cuts "host:port" and "[v6]:port"; false: neither. The host may stand in a server's configuration. */
bool genops_config_gateway_split(genops_str address, genops_str *ret_host, int64_t *ret_port);
bool genops_config_gateway_is_loopback(genops_str host);
GENOPS_NODISCARD int genops_config_gateway_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *node);
GENOPS_NODISCARD int genops_config_provider_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *node);
GENOPS_NODISCARD int genops_config_telemetry_read(struct genops_config_reader *reader,
    const struct genops_yaml_node *telemetry, const struct genops_yaml_node *observability);
/* `receivers` and `sources`, after governance. Without either there is one receiver, otlp, on its usual ports of this machine. */
GENOPS_NODISCARD int genops_config_receiver_read(struct genops_config_reader *reader);
/* exporters and what feeds them: after telemetry and observability. */
GENOPS_NODISCARD int genops_config_service_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *root);
/* One exporter, or a document of `destinations` with the key "<type>/<id>"; *ret_is_here false: a type that this build cannot do, and a
 * warning says so. */
GENOPS_NODISCARD int genops_config_exporter_read(struct genops_config_reader *reader, const struct genops_yaml_entry *entry,
    bool is_document, struct genops_config_exporter *ret_exporter, bool *ret_is_here);
/* destination_config and retry, for all documents that say nothing else. Before them. */
GENOPS_NODISCARD int genops_config_batching_read(struct genops_config_reader *reader, const struct genops_yaml_node *root);
/* Frees what forms hold outside of the arena. */
void genops_config_exporter_forget(struct genops_config *config);
/* The key that seals the queue, from its text. */
GENOPS_NODISCARD int genops_config_telemetry_queue_key(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str text);
/* performance_settings: first of all; then what gateway, telemetry and receivers were not told themselves. */
GENOPS_NODISCARD int genops_config_performance_read(struct genops_config_reader *reader, const struct genops_yaml_node *node);
GENOPS_NODISCARD int genops_config_performance_gateway(struct genops_config_reader *reader, const struct genops_yaml_node *gateway);
GENOPS_NODISCARD int genops_config_performance_telemetry(struct genops_config_reader *reader, const struct genops_yaml_node *telemetry);
/* Bytes that a receiver lets wait; `said`: by itself, 0: nothing. */
int64_t genops_config_performance_buffer(const struct genops_config_reader *reader, int64_t said);
bool genops_config_performance_is_keeping_alive(const struct genops_config_reader *reader);
/* worker_nodes and leader_nodes, after pipelines; load_balancer, after receivers. NULL: none. */
GENOPS_NODISCARD int genops_config_nodes_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *workers, const struct genops_yaml_node *leaders);
GENOPS_NODISCARD int genops_config_balancer_read(struct genops_config_reader *reader, const struct genops_yaml_node *node);
/* backup_strategy */
GENOPS_NODISCARD int genops_config_backup_read(struct genops_config_reader *reader, const struct genops_yaml_node *section);
/* data_protection: before the service is read, and after everything else. */
GENOPS_NODISCARD int genops_config_protection_read(struct genops_config_reader *reader, const struct genops_yaml_node *node);
GENOPS_NODISCARD int genops_config_protection_check(struct genops_config_reader *reader, const struct genops_yaml_node *node);
/* Section collibra, then its variables, then the caller's parameters (NULL: none). */
GENOPS_NODISCARD int genops_config_collibra_read(struct genops_config_reader *reader,
    const struct genops_yaml_node *node, const struct genops_config_parameters *parameters);
/* Variables that beat the file, and OTEL_EXPORTER_OTLP_* when no exporter is configured. */
GENOPS_NODISCARD int genops_config_environment_read(struct genops_config_reader *reader);
GENOPS_NODISCARD int genops_config_environment_exporter(struct genops_config_reader *reader);
GENOPS_NODISCARD int genops_config_environment_attributes(
    struct genops_config_reader *reader, struct genops_attributes *attributes);
/* A variable's value; NULL: not set or empty. */
const char *genops_config_environment_get(const struct genops_config_reader *reader, const char *name);

/* --- rows, for the reference page --- */

extern const struct genops_option genops_config_rows[];           /* top level */
extern const struct genops_option genops_config_governance_rows[];
extern const struct genops_option genops_config_pricing_rows[];
extern const struct genops_option genops_config_approval_rows[];
extern const struct genops_option genops_config_policy_rows[];
extern const struct genops_option genops_config_budget_rows[];
extern const struct genops_option genops_config_key_rows[];
extern const struct genops_option genops_config_gateway_rows[];
extern const struct genops_option genops_config_gateway_tls_rows[];
extern const struct genops_option genops_config_provider_rows[];
extern const struct genops_option genops_config_receiver_rows[];
extern const struct genops_option genops_config_receiver_protocol_rows[2][8]; /* of http, of grpc */
extern const struct genops_option genops_config_receiver_http_rows[];
extern const struct genops_option genops_config_receiver_cors_rows[];
extern const struct genops_option genops_config_receiver_grpc_rows[];
extern const struct genops_option genops_config_receiver_age_rows[];
extern const struct genops_option genops_config_receiver_tls_rows[];
extern const struct genops_option genops_config_receiver_auth_rows[];
extern const struct genops_option genops_config_receiver_token_rows[];
extern const struct genops_option genops_config_source_rows[];
extern const struct genops_option genops_config_source_place_rows[];
extern const struct genops_option genops_config_source_auth_rows[];
extern const struct genops_option genops_config_source_advanced_rows[];
extern const struct genops_option genops_config_source_buffer_rows[];
extern const struct genops_option genops_config_receiver_bearer_rows[]; /* extensions.bearertokenauth */
extern const struct genops_option genops_config_telemetry_rows[];
extern const struct genops_option genops_config_queue_rows[];
extern const struct genops_option genops_config_observability_rows[];
extern const struct genops_option genops_config_wandb_rows[];
extern const struct genops_option genops_config_collibra_rows[];
extern const struct genops_option genops_config_performance_rows[];
extern const struct genops_option genops_config_performance_pipeline_rows[];
extern const struct genops_option genops_config_performance_buffer_rows[];
extern const struct genops_option genops_config_performance_network_rows[];
extern const struct genops_option genops_config_worker_rows[];
extern const struct genops_option genops_config_leader_rows[];
extern const struct genops_option genops_config_balancer_rows[];
extern const struct genops_option genops_config_balancer_health_rows[];
extern const struct genops_option genops_config_security_rows[];
extern const struct genops_option genops_config_security_source_rows[];
extern const struct genops_option genops_config_security_destination_rows[];
extern const struct genops_option genops_config_security_tls_rows[];
extern const struct genops_option genops_config_security_network_rows[];
extern const struct genops_option genops_config_backup_strategy_rows[];
extern const struct genops_option genops_config_backup_rows[];
extern const struct genops_option genops_config_replication_rows[];
extern const struct genops_option genops_config_protection_rows[];
extern const struct genops_option genops_config_protection_rest_rows[];
extern const struct genops_option genops_config_protection_transit_rows[];
extern const struct genops_option genops_config_protection_masking_rows[];
extern const struct genops_option genops_config_protection_retention_rows[];
extern const struct genops_option genops_config_state_rows[];
extern const struct genops_option genops_config_exporter_rows[];
extern const struct genops_option genops_config_form_exporter_rows[]; /* what exporters with a form have beside their own */
extern const struct genops_option genops_config_form_document_rows[];
extern const struct genops_option genops_config_exporter_http_rows[]; /* what otlphttp has beside */
extern const struct genops_option genops_config_exporter_tls_rows[];
extern const struct genops_option genops_config_exporter_retry_rows[];
extern const struct genops_option genops_config_delivery_rows[]; /* what all of them have */
extern const struct genops_option genops_config_delivery_document_rows[];
extern const struct genops_option genops_config_retry_rows[];
extern const struct genops_option genops_config_batching_rows[];
extern const struct genops_option genops_config_sending_queue_rows[];
extern const struct genops_option genops_config_health_rows[];
extern const struct genops_option genops_config_destination_rows[]; /* what all documents have */
extern const struct genops_option genops_config_lookup_rows[];
extern const struct genops_option genops_config_alert_rows[];
extern const struct genops_option genops_config_alert_target_rows[];
extern const struct genops_option genops_config_alert_rule_rows[];
extern const struct genops_option genops_config_service_rows[];
extern const struct genops_option genops_config_pipeline_rows[];

struct genops_config_variable {
	const char *name, *text;
};
const struct genops_config_variable *genops_config_environment_variables(size_t *ret_n);

#endif
