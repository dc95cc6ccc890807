/* SPDX-License-Identifier: Apache-2.0
 * engine/config.h - a configuration, read: genops.yaml as one immutable, counted snapshot.
 *
 * The YAML is read with positions (codec/yaml.h); every section is described by option rows (base/option.h), so
 * that an unknown key names the nearest valid one and the reference page is generated. ${VAR} and
 * ${VAR:-default} expand in scalars. Parameters beat environment beat file beat defaults. Sections that a later
 * version reads (extensions, data_protection, ...) are checked for their names only, and a
 * warning says that they have no effect yet. One file a section in config/; a snapshot is immutable, and any
 * thread may read it while it holds a reference.
 */
#ifndef ENGINE_CONFIG_H
#define ENGINE_CONFIG_H

#include "base/log.h"
#include "base/option.h"
#include "engine/alert/alert_rule.h"
#include "govern/budget.h"
#include "govern/policy/policy.h"
#include "govern/prices.h"
#include "pipeline/collector/service.h"
#include "pipeline/lookup_table.h"
#include "pipeline/pipeline.h"
#include "pipeline/protect/otlp_mask.h"
#include "telemetry/otlp/otlp_request.h"

#include <genops/backup.h>

#include <stdatomic.h>

enum genops_control_right { GENOPS_CONTROL_OWN, GENOPS_CONTROL_ALL, GENOPS_CONTROL_NONE };

struct genops_config_key {              /* governance.keys */
	genops_str name;
	uint8_t sha256[32];             /* of the key; the key itself is not kept */
	struct genops_attribute *attributes;
	size_t n_attributes;
	struct genops_texts models;     /* allowed model patterns; none: all */
	struct genops_texts budgets;    /* names of budgets that bind this key, whatever their match says */
	struct genops_text_map provider_keys;
	enum genops_control_right control; /* what of the control API it may read; decide it always may */
};

struct genops_config_provider {         /* gateway.providers, merged over the built-in rows */
	genops_str name, dialect, price_name, region;
	genops_str base_url;            /* as configured or built in; "" : cannot be called */
	genops_str scheme, host, path;  /* of base_url */
	int port;
	genops_str api_key;             /* from configuration, api_key_file, or the row's environment variable; "" : the client's own */
	genops_str tls_ca_file;         /* extra CA; "" : the system's */
	int64_t connect_timeout_ns, read_timeout_ns; /* the gateway's unless set */
};

struct genops_config_gateway {
	genops_str listen, listen_h2c;
	int64_t workers;                /* 0: auto */
	int64_t max_body;               /* bytes */
	int unknown_routes;             /* 0 refuse, 1 pass */
	bool require_key;               /* only virtual keys get in; forced when listen is not loopback */
	int64_t connect_timeout_ns, read_timeout_ns;
	int64_t worker_memory;          /* bytes from four fifths of which on a worker receives nothing; 0: none */
	int64_t connections_max;        /* of clients, all workers together; 0: any */
	genops_str health_path;         /* answered beside /health; "" : none */
	bool is_keeping_alive, has_no_delay; /* connections of clients; TCP_NODELAY */
	genops_str tls_certificate, tls_key; /* server side; empty: plain */
	size_t n_providers;
	struct genops_config_provider *providers;
};

/* What becomes of the next when as much waits for a destination as may. */
enum genops_overflow { GENOPS_OVERFLOW_UNSET, GENOPS_OVERFLOW_BLOCK, GENOPS_OVERFLOW_DROP_OLDEST, GENOPS_OVERFLOW_DROP_NEWEST };

#define GENOPS_CONFIG_STATUSES_MAX 16
#define GENOPS_CONFIG_BATCH_BYTES_MAX ((int64_t)100 << 20) /* of a batch that is told by its bytes: it is gathered in memory */

struct genops_config_exporter {         /* exporters: of type otlp, otlphttp, debug/console, file; others are kept for issue "Telemetry out" */
	genops_str name, type;          /* "otlp/tempo", "otlp" */
	bool takes_operations;          /* the engine's own, as they are: a traces pipeline leads there from receiver genops */
	genops_str endpoint;            /* URL */
	struct genops_text_map headers;
	bool is_json;                   /* otlphttp: encoding: json */
	bool is_insecure;               /* tls: insecure */
	bool skip_verify;               /* tls: insecure_skip_verify */
	genops_str ca_file, certificate_file, key_file;
	genops_str compression;         /* "", "gzip", "zstd" */
	int64_t timeout_ns;
	bool is_signal_url;             /* endpoint already has its path (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) */
	bool is_retrying;               /* retry_on_failure: enabled */
	int64_t retry_initial_ns, retry_max_ns, retry_elapsed_ns; /* retry_on_failure; elapsed 0: for ever */
	double retry_multiplier;        /* 0: the usual one */
	int64_t retries_max;            /* quick ones of one request; 0: the usual number */
	size_t n_retry_statuses;        /* HTTP; 0: as the type's contract says */
	uint16_t retry_statuses[GENOPS_CONFIG_STATUSES_MAX];
	int tls_min;                    /* 0: 1.2, 1: 1.3 */
	int64_t queue_max_size;         /* 0: telemetry.queue.max_size */
	enum genops_overflow overflow;
	int64_t health_interval_ns, health_timeout_ns, unhealthy_threshold; /* health_check; 0: the usual ones, and no checks while nothing is sent */
	uint64_t fingerprint;           /* of all that is written there: another one is another destination for its pump */
	struct genops_processor_batch batch; /* of the pipelines that feed it, or of the document */
	int64_t batch_bytes;            /* 0: no bound of its own */
	const void *own;                /* the type's own settings (struct genops_destination_form) */
};

enum genops_content { GENOPS_CONTENT_NONE, GENOPS_CONTENT_MASKED, GENOPS_CONTENT_FULL };

struct genops_config_telemetry {
	int profile;                    /* 0 guides, 1 spec */
	int content;                    /* enum genops_content */
	int64_t queue_max_size, queue_disk_size; /* of what all share, and of each destination; of all together */
	int64_t queue_own_max;          /* of each destination, if it is another than what all share; 0: it is not */
	int64_t events_max;             /* that are in pipelines at once; 0: as many as there are in a batch of the drain */
	enum genops_overflow overflow;
	int queue_compression;          /* 0 none, 1 zstd */
	genops_str queue_encryption_key;
	int64_t dedup_window_ns;        /* how long a received span of an AI call waits for a better one of the same call */
	int64_t batch_timeout_ns, batch_size; /* of exporters that no batch processor stands before */
	size_t n_exporters;             /* those that `service.pipelines` feeds; without a service section all of `exporters`, and
					 * OTEL_EXPORTER_OTLP_* if set and none is configured */
	struct genops_config_exporter *exporters;
	genops_str service_name;        /* OTEL_SERVICE_NAME, else service.name of the resource attributes; "" : none */
	struct genops_text_map resource_attributes; /* OTEL_RESOURCE_ATTRIBUTES */
};

struct genops_config_wandb {            /* wandb: of the guides' file; what a W&B connector starts with */
	genops_str api_key, default_team, default_project;
};

struct genops_config_collibra {         /* collibra */
	genops_str url;                 /* "" : the connector is off */
	genops_str username, password, api_token, client_id, client_secret, ca_file;
	genops_str domain_id, domain, attribute_prefix;
	int export_mode;                /* enum genops_collibra_mode */
	int64_t batch_size, batch_interval_ns;
	bool has_costs;                 /* enable_cost_tracking */
	bool has_policy_sync;
	double policy_sync_interval_minutes;
	int64_t timeout_ns, max_retries, rate_limit_per_second;
	bool is_kept_unread;            /* policies were imported, but what was kept of them cannot be read: they do not govern */
};

enum genops_collibra_mode { /* in the order of the option's names */
	GENOPS_COLLIBRA_BATCH,
	GENOPS_COLLIBRA_REALTIME,
	GENOPS_COLLIBRA_HYBRID,
	GENOPS_COLLIBRA_OFF,
};

enum genops_access_mode {
	GENOPS_ACCESS_OPEN,                 /* `auth: none` */
	GENOPS_ACCESS_LOCAL,                /* nothing said, and loopback or nothing that others could be asked for: this machine, and who has a key */
	GENOPS_ACCESS_REQUIRED,             /* a token */
};

struct genops_config_token {
	uint8_t sha256[32];
	genops_str name, tenant;        /* "" : none, the header's */
	const struct genops_attribute *attributes; /* in everything that it sends, whatever stands there */
	size_t n_attributes;
};

struct genops_config_access {           /* who may send to a listener */
	enum genops_access_mode mode;
	bool is_set;                    /* `auth` says so */
	size_t n_tokens;
	struct genops_config_token *tokens; /* the receiver's, then the keys of governance */
};

struct genops_config_listener {         /* one of a receiver's protocols */
	bool is_grpc;
	genops_str host;
	int port;
	genops_str tls_certificate, tls_key, tls_client_ca; /* "" : plain, none */
	int tls_min;                    /* 0: 1.2, 1: 1.3 */
	struct genops_config_access access;
	int64_t max_body;               /* bytes of a request, also when it is inflated */
	int64_t read_timeout_ns, header_timeout_ns, write_timeout_ns, idle_timeout_ns;
	bool is_keeping_alive;
	genops_str paths[GENOPS_SIGNAL_N]; /* HTTP */
	struct genops_texts cors_origins, cors_header_list;
	genops_str cors_headers, cors_max_age; /* as they are answered */
	int64_t cors_max_age_s;
	bool cors_takes_any_header;
	int64_t max_streams, max_age_ns; /* gRPC */
};

#define GENOPS_CONFIG_BUFFER_MAX ((int64_t)1536 << 20) /* bytes that receivers let wait for the drain; the segments' rest is for operations */

struct genops_config_receiver {         /* receivers: otlp, otlp/NAME */
	genops_str name;
	genops_str input;               /* __inputId of its events */
	bool is_implicit;               /* nobody asked for it: a port that is taken is no error */
	struct genops_texts allow, deny; /* addresses and networks */
	int64_t rate_per_second;        /* of one client address; 0: none */
	int64_t buffer_max;             /* bytes of segments that nobody has drained yet, over which it refuses */
	int64_t worker_memory;          /* gateway.worker_memory */
	const struct genops_processor_memory_limiter *memory; /* of the pipelines that it feeds; NULL: none */
	size_t n_listeners;
	struct genops_config_listener listeners[2];
};

struct genops_destination_form;

struct genops_config_form {             /* what was read by a form, used by an exporter or not: freed with the snapshot */
	const struct genops_config_form *next;
	const struct genops_destination_form *form;
	void *own;
	genops_str file;                /* of a type that writes one; else empty */
};

/* What a file of the configuration is: what an archive of it may hold. NONE: a secret, a copy of what is elsewhere. */
enum genops_config_part {
	GENOPS_PART_NONE, GENOPS_PART_MAIN, GENOPS_PART_PIPELINES, GENOPS_PART_SOURCES, GENOPS_PART_DESTINATIONS, GENOPS_PART_LOOKUPS,
	GENOPS_PART_TABLES /* of lookups */, GENOPS_PART_PRICES,
};

struct genops_config_watch {            /* a file that the snapshot was made from, as it was then */
	genops_str path;
	bool is_there;
	int64_t modified_ns, size;
	uint64_t inode;
	enum genops_config_part part;
	bool is_glob;                   /* the path is a pattern: size and inode are of the names that fit */
	int64_t every_ns;               /* looked at only when so much is over since the load (prices, lookups); 0: always */
};

struct genops_config_lookup {           /* lookups */
	struct genops_lookup_settings settings;
	struct genops_config_watch watch;
	bool is_good;                   /* the table is what the file said then, not a former one */
};

struct genops_config_alert_target {
	genops_str destination;         /* its id */
	int64_t from;                   /* percent: it is not told of budgets below */
};

struct genops_config_alerts {           /* alerts */
	size_t n_targets;               /* of budgets */
	struct genops_config_alert_target *targets;
	int64_t silence_ns;
	size_t n_rules;
	struct genops_alert_rule *rules;
};

struct genops_s3_settings;

struct genops_config_backup_place {
	genops_str text;                /* for messages: "s3://bucket/prefix", "/var/backups" */
	genops_str directory;           /* "" : it is a bucket */
	const struct genops_s3_settings *s3; /* NULL: it is a directory */
	genops_str prefix;              /* of keys: "" or "a/b/" */
};

enum { GENOPS_BACKUP_QUEUES = 1, GENOPS_BACKUP_CHECKPOINTS = 2 }; /* includes of a state's backup */

struct genops_config_backup {           /* backup_strategy.config_backup, .state_backup */
	bool is_on;
	int64_t every_ns, retention_ns;
	unsigned includes;              /* bits of parts (config), or of the above (state) */
	struct genops_config_backup_place place;
};

struct genops_config {
	_Atomic uint32_t refs;
	struct genops_arena arena;
	uint64_t version;               /* of shared memory when it was loaded */
	genops_str file;                /* "" : none */
	bool is_blank;                  /* nothing stands in it */
	genops_str blank_document;      /* a file of pipelines, lookups or destinations in which not even a comment stands; "" : none */
	genops_str node;                /* which of worker_nodes this machine is; "" : none */
	genops_str state_dir;
	int64_t sync_interval_ns;
	enum genops_mode mode;
	struct genops_attribute *attributes; /* governance.attributes and GENOPS_TEAM ... : weakest */
	size_t n_attributes;
	bool blocks_unknown_model;
	struct genops_texts price_files;
	int64_t price_reload_interval_ns;
	int64_t loaded_monotonic_ns;
	struct genops_prices *prices;   /* owned reference */
	size_t n_policies;
	const struct genops_policy **policies; /* enabled or not, in file order; budget_limit ones are in budgets too */
	size_t n_budgets;
	struct genops_budget_rule *budgets;
	size_t n_keys;
	struct genops_config_key *keys;
	int64_t approval_threshold_nano_usd; /* GENOPS_COST_UNKNOWN: none */
	int64_t max_experiment_cost_nano_usd; /* of one W&B run; GENOPS_COST_UNKNOWN: none */
	bool wants_content;             /* some content_filter is on */
	struct genops_config_gateway gateway;
	size_t n_receivers;
	struct genops_config_receiver *receivers;
	struct genops_config_telemetry telemetry;
	struct genops_service service;  /* service.pipelines; without such a section one from receiver genops to all exporters */
	struct genops_config_wandb wandb;
	struct genops_config_collibra collibra;
	struct genops_otlp_mask *mask;  /* data_protection.masking; NULL: none */
	size_t n_pipelines;             /* pipelines: the documents, enabled or not, in their order; owned */
	struct genops_pipeline **pipelines;
	struct genops_lookups *lookups; /* lookups: owned; NULL: none */
	size_t n_lookups;
	struct genops_config_lookup *lookup_settings;
	size_t n_destinations;          /* destinations: by the document's id; type as of exporters */
	struct genops_config_exporter *destinations;
	struct genops_config_alerts alerts;
	struct genops_config_backup backups[GENOPS_BACKUP_KINDS];
	const struct genops_config_form *forms;
	size_t n_watches;
	struct genops_config_watch *watches;
	size_t n_warnings;              /* for validate: things that are legal but suspicious */
	struct genops_config_warning {
		int line, column;
		genops_str file; /* "" : the configuration's own */
		bool is_lint, is_kept; /* of a pipeline's document; a lookup that stays as it was */
		genops_str message, fix;
	} *warnings;
};

/* What a host sets beside file and environment, stronger than both. */
struct genops_config_parameters {
	const struct genops_text_pair *collibra; /* keys of section collibra */
	size_t n_collibra;
	int64_t daily_budget_nano_usd;       /* GENOPS_COST_UNKNOWN: not given */
	int is_alerting;                     /* -1: not given */
};

struct genops_config_source {
	const char *file;               /* NULL: search; "" : none */
	const char *text;               /* instead of a file */
	const char *state_dir;          /* parameter; NULL: none */
	const struct genops_config_parameters *parameters; /* NULL: none */
	const struct genops_config *before; /* in force until now: lookups may be taken over from it; NULL: none */
	const char *pipelines, *lookups; /* documents by path or pattern instead of those sections; routes may lead nowhere then; NULL: none */
	/* Called with each document of a pipeline, once it has been read; NULL: nobody asks. */
	void (*on_pipeline)(void *arg, const struct genops_yaml_node *document);
	void *on_pipeline_arg;
	bool without_prices;            /* only the settings are wanted: prices stays NULL, price files are not read */
};

/* Loads everything the source names, prices included. Returns an owned reference, or NULL with err (file, line, column, fix). */
struct genops_config *genops_config_load(const struct genops_config_source *source, struct genops_error *err);
struct genops_config *genops_config_ref(struct genops_config *config);
void genops_config_unref(struct genops_config *config);

/* Logs what of its pipelines and lookups the log should have: once, by whoever drains. */
void genops_config_tell(const struct genops_config *config, const struct genops_log *log);

/* Has any file that it was made from (configuration, prices) changed on disk since? */
bool genops_config_is_stale(const struct genops_config *config);

/* Was one of them written a moment ago (GENOPS_CONFIG_SETTLES_NS before now_unix_ns)? It may be half written: look again then. */
#define GENOPS_CONFIG_SETTLES_NS INT64_C(200000000)
bool genops_config_is_settling(const struct genops_config *config, int64_t now_unix_ns);

/* Bytes that the most patient receiver lets wait for the drain; without receivers as many as any may. */
uint64_t genops_config_buffer_bytes(const struct genops_config *config);

/* By id, among destinations; NULL: none. */
const struct genops_config_exporter *genops_config_destination_find(const struct genops_config *config, genops_str id);
const struct genops_config_provider *genops_config_provider_find(const struct genops_config *config, genops_str name);
/* By hash, constant time; NULL: none of these. */
const struct genops_config_token *genops_config_token_find(const struct genops_config_access *access, genops_str secret);
const struct genops_config_key *genops_config_key_find(const struct genops_config *config, genops_str secret); /* by hash, constant time */

#endif
