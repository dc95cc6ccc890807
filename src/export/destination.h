/* SPDX-License-Identifier: Apache-2.0
 * export/destination.h - the row that each destination fills: batch -> requests, response -> verdict. No I/O inside.
 *
 * One destination type is one file ending in const struct genops_destination_type genops_destination_type_<name>, plus one
 * row in GENOPS_DESTINATION_TYPES. The drain reads the queue, calls encode, lets net/ send, and asks judge what the
 * answer means.
 */
#ifndef EXPORT_DESTINATION_H
#define EXPORT_DESTINATION_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/option.h"
#include "codec/yaml_rows.h"
#include "govern/record.h"
#include "telemetry/span.h"

#define GENOPS_DESTINATION_TYPES(X)                                                                   \
	X(otlphttp)                                                                                   \
	X(otlp)                                                                                       \
	X(elasticsearch)                                                                              \
	X(snowflake)                                                                                  \
	X(debug)                                                                                      \
	X(file)                                                                                       \
	X(webhook)                                                                             \
	X(slack)                                                                               \
	X(pagerduty)                                                                           \
	X(kafka)                                                                               \
	X(splunk_hec)                                                                         \
	X(datadog)                                                                             \
	X(datadog_metrics)                                                                     \
	X(prometheus)                                                                          \
	X(s3)                                                                                  \
	X(cribl_lake)                                                                          \
	X(prometheus_remote_write)

struct genops_destination_settings {
	genops_str name, type, endpoint; /* type: a name or alias of a row, or "<type>/<anything>" */
	struct genops_text_map headers;
	struct genops_text_map resource; /* attributes for every resource */
	bool is_json, is_insecure, skip_verify, is_signal_url;
	bool is_tls13;                   /* nothing older than TLS 1.3; else than 1.2 */
	genops_str ca_file, certificate_file, key_file;
	genops_str compression;          /* "", "none", "gzip", "zstd" */
	int64_t timeout_ns;              /* of one request; 0: GENOPS_DESTINATION_TIMEOUT_NS */
	int64_t connect_timeout_ns;      /* within it; 0: none of its own */
	int64_t batch_timeout_ns;        /* how long a batch waits: what a request tells of */
	enum genops_profile profile;
	const void *own;                 /* what the type's form has read; NULL: it has none */
	void *session;                   /* what the type keeps between one pump's requests: session_size bytes, zeroed at first */
	genops_str host;                 /* this machine's name */
	void *memory;                    /* what the type remembers (struct genops_destination_memory); NULL: nothing */
};

#define GENOPS_DESTINATION_TIMEOUT_NS (INT64_C(10) * 1000000000) /* OTLP's default */
#define GENOPS_DESTINATION_HEADERS_MAX 16                        /* of settings->headers */
#define GENOPS_DESTINATION_PREPARES_MAX 16                       /* requests before a request */
#define GENOPS_DESTINATION_BODY_MAX    (((size_t)1 << 28) - 1)

/* What reaches a destination beside records: OTLP as it came in or as pipelines left it, and events of pipelines. */
enum genops_item_kind {
	GENOPS_ITEM_TRACES, GENOPS_ITEM_METRICS, GENOPS_ITEM_LOGS, /* body: Export<Signal>ServiceRequest in protobuf; putting requests of one
								    * signal behind one another makes one request */
	GENOPS_ITEM_EVENT,           /* body: the event as a JSON object */
};

struct genops_destination_item {
	enum genops_item_kind kind;
	int64_t n;                   /* spans, data points, log records; 1 for an event */
	int64_t time_unix_ns;        /* of the event; when a request came in */
	uint64_t id;                 /* EVENT: the same for the same event on the same route whenever it is tried again; for de-duplication */
	genops_str body;
	genops_str payload;          /* EVENT: what the route's payload_template made of it; "" : the route has none */
	genops_str pipeline, route;  /* EVENT: their names, for messages and templates */
	genops_str settings;         /* EVENT: the route's other settings (dataset, table, retention, ...) as a JSON object; "" : none */
	genops_str tenant;
};

/* Either records, or items; never both. Items of one batch are of one kind, one that the type takes. */
struct genops_destination_batch {
	const struct genops_record *records;
	size_t n_records;
	const struct genops_destination_item *items;
	size_t n_items;
	int64_t now_unix_ns;         /* when it is sent: for signatures, terms and samples */
};

/* What a type takes, as bits of its row. A pipeline's event for a type that takes traces but no events becomes a span again; what a type
 * takes in no form is an error of the configuration. */
#define GENOPS_TAKES(kind)   (1U << (kind))
#define GENOPS_TAKES_RECORDS (1U << 31)
#define GENOPS_TAKES_OTLP                                                                             \
	(GENOPS_TAKES_RECORDS | GENOPS_TAKES(GENOPS_ITEM_TRACES) | GENOPS_TAKES(GENOPS_ITEM_METRICS) | \
	    GENOPS_TAKES(GENOPS_ITEM_LOGS))

enum genops_transport {
	GENOPS_TRANSPORT_HTTP, GENOPS_TRANSPORT_GRPC, GENOPS_TRANSPORT_FILE,
	GENOPS_TRANSPORT_READ,           /* what is in the file `url` comes back as the body of status 200; for tokens and keys that somebody renews */
	GENOPS_TRANSPORT_NONE,           /* nothing goes out: encode took the batch into its memory. Answered with status 200 */
	GENOPS_TRANSPORT_KAFKA,
};

/* KAFKA: messages, and the producer that they want (net/kafka_producer.h). Texts live as those of the request. */
struct genops_kafka_message {
	genops_str topic, key, value;   /* key "": none */
	uint64_t id;                    /* goes along as the header genops-id, for de-duplication; 0: none */
	size_t item;                    /* of the batch's items the first one that is in it, */
	size_t n_items;                 /* and how many from there on; 0: of records */
};

struct genops_kafka_request { /* without messages: only whether a broker lets us in */
	const struct genops_text_pair *properties; /* librdkafka's; the same for all requests of a destination */
	size_t n_properties;
	struct genops_text_map headers; /* of every message */
	const struct genops_kafka_message *messages;
	size_t n_messages;
};

/* FILE: what stands where it belongs already is not written again. Texts live as those of the request. */
struct genops_file_request {
	bool is_whole;                  /* written beside, then renamed: the body is the file */
	uint64_t inode;                 /* the file as this destination left it: which one, */
	int64_t len;                    /* and how long; 0: nothing is known of it */
	genops_str backup;              /* what it is renamed to before; "": it goes on */
	genops_str prefix, suffix;      /* of all such names */
	size_t max_backups;             /* 0: any number */
	int64_t max_age_ns;             /* 0: any age */
};

/* One request to be sent. Texts live in the arena or in `body`. */
struct genops_request {
	enum genops_transport transport;
	const char *method;
	genops_str url;                 /* FILE: the path, "-" for standard output */
	size_t n_headers;
	struct genops_text_pair headers[32];
	struct genops_buffer body;      /* owned by the caller. GRPC: the message, without its 5-byte frame */
	bool is_compressed;             /* GRPC: as the header grpc-encoding says; goes into the frame */
	genops_str grpc_path;           /* "/opentelemetry.proto.collector.trace.v1.TraceService/Export" */
	bool is_once;                   /* HTTP: never sent twice by the transport itself, so on a connection of its own */
	size_t answer_max;              /* HTTP: bytes of the answer's body that are kept; 0: GENOPS_HTTP_ANSWER_MAX */
	size_t n_items;                 /* how many of the batch's items are in it, from the first on; 0: all. The others come with the next one */
	int64_t timeout_ns;             /* of this request; 0: the settings' */
	const char *kept_header;        /* HTTP: one of the answer's headers that judge wants to see; NULL: none */
	const struct genops_kafka_request *kafka; /* KAFKA */
	const struct genops_file_request *file; /* FILE; NULL: appended, whatever is there */
};

struct genops_response {
	int status;                     /* HTTP; 0: no answer (network_error says why) */
	int grpc_status;                /* -1: none */
	genops_str body, retry_after, grpc_message, network_error, content_type;
	int64_t retry_info_ns;          /* google.rpc.RetryInfo of a gRPC answer; -1: none */
	int64_t received_unix_ns;       /* when it came, for a Retry-After that is a date; 0: not known */
	bool is_unsent;                 /* HTTP, status 0: no byte of the request went out */
	bool is_timeout;                /* HTTP, status 0: nobody refused, the time was over */
	bool is_cut;                    /* the body was longer than what is kept */
	genops_str kept_header;         /* the value of the request's kept_header; "" : there was none */
	const uint8_t *kinds;           /* KAFKA, where some of it was not taken: SENT, RETRY or REJECTED for each of the batch's items */
	size_t n_kinds;
	uint64_t file_inode;            /* FILE: as it is now, with this request */
	int64_t file_len;
};

enum genops_verdict_kind {
	GENOPS_SENT,
	GENOPS_SENT_PARTLY,             /* rejected ones are counted and told; not repeated */
	GENOPS_RETRY,                   /* after retry_after_ns, or the back-off if 0 */
	GENOPS_REJECTED,                /* for ever: to the dead-letter file with the reason */
};

#define GENOPS_VERDICT_ITEMS_MAX  4096
#define GENOPS_VERDICT_CAUSES_MAX 8

struct genops_send_verdict {
	enum genops_verdict_kind kind;
	int64_t retry_after_ns;
	int64_t n_rejected;
	bool is_divisible;              /* REJECTED because of something in it: halves of it are tried */
	bool is_unfinished;             /* RETRY: it is being worked on over there, which is no failure; asked again after retry_after_ns */
	char reason[256];               /* what is wrong and what to do, for log and status */
	/* Where an answer tells the request's items apart: one kind an item, SENT, RETRY or REJECTED. 0: `kind` is that of all. The items to be
	 * tried again come again, by themselves, after retry_after_ns. */
	size_t n_kinds;
	uint8_t kinds[GENOPS_VERDICT_ITEMS_MAX];
	/* Why an item is REJECTED, where that is its own matter (genops_destination_set_cause). */
	size_t n_causes;
	char causes[GENOPS_VERDICT_CAUSES_MAX][192];
	uint8_t cause_of[GENOPS_VERDICT_ITEMS_MAX]; /* 0: `reason`; else one more than its number */
};

/* How a type is written down: its own keys, beside those that all have (time-out, tls, retries, batches: engine/config). */
struct genops_destination_form {
	const struct genops_option *rows;
	size_t size;                    /* of the struct that the rows fill; zeroed, and kept as long as the configuration */
	/* CUSTOM rows, what must fit together, templates to compile; NULL: nothing. What it allocates lives in in->arena, or is freed by `done`. */
	int (*read)(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *own);
	void (*done)(void *own);        /* also of what `read` has only half done; NULL: all of it is in the arena */
	const char *file_row;           /* the TEXT row of a path that becomes settings->endpoint; relative ones start at the configuration's folder */
};

/* What a type remembers between batches and over restarts. The engine keeps its bytes in the state directory, replaced as a whole before the
 * batch is acknowledged: so killed in between, encode sees a batch again that the memory knows already (by the items' ids), or one that it
 * does not. One thread: the destination's. */
struct genops_destination_memory {
	/* `kept`: as keep left it; "" : nothing, or it was too long. What cannot be read is begun anew. NULL: no memory. */
	void *(*open)(const struct genops_destination_settings *settings, genops_str kept);
	void (*close)(void *memory);
	void (*keep)(const void *memory, struct genops_buffer *out); /* appends; what is over the buffer's maximum is an error of the batch */
	/* When encode wants an empty batch, for what is sent without anything having come: unix ns; INT64_MAX: not at all. NULL: never. */
	int64_t (*due)(const void *memory);
};

#define GENOPS_DESTINATION_MEMORY_MAX ((size_t)64 << 20)

struct genops_destination_type {
	const char *name, *summary;
	const char *alias;              /* read as the same type; NULL: none */
	/* Under `exporters` in the Collector's format, and as a document of `destinations` in the Cribl guide's. NULL: engine/config reads it
	 * (otlp, otlphttp, debug, file) if both are, else it cannot be written so. */
	const struct genops_destination_form *exporter, *document;
	/* Which of a route's settings it does something with (payload_template, output_format, compression, dataset, retention, encryption,
	 * versioning, object_lock, table), NULL-ended; NULL: none. A route with another one is an error of the configuration. */
	const char *const *route_keys;
	/* Can it do this value of one of them? `own`: what the form has read. CONFIG, message without place. NULL: any value. */
	int (*check_route)(const void *own, genops_str key, genops_str value, struct genops_error *err);
	unsigned takes;                 /* GENOPS_TAKES... */
	bool is_message;                /* people read it: of one event in one pipeline it gets the routes' payloads, or one without, never both */
	bool has_incidents;             /* each alert stays open there until its own key says that it is over */
	size_t items_max, bytes_max;    /* of one request: items, and bytes of their bodies and payloads (one item may pass it); 0: no bound but
					 * the batch's */
	/* What leads to the same objects or statements when a batch comes again after a kill is cut again where it was cut before: the cut is on
	 * disk before the first request, and so is the time since which a batch is waiting. Costs a write to the disk a batch. With items_max 1
	 * it is kept how many items are done with: after a kill only the one that was on its way may come twice. */
	bool is_repeatable;
	int (*check)(const struct genops_destination_settings *settings, struct genops_error *err);
	/* Items of which only some may share a request (an object's path, a dataset): equal numbers for those that may. The pump puts them
	 * together, each number's in the order in which they came. `scratch` may be reset. NULL: all may. */
	int (*partition)(const struct genops_destination_settings *settings, const struct genops_destination_item *items, size_t n_items,
	    struct genops_arena *scratch, uint64_t *ret_parts, struct genops_error *err);
	/* What has to be asked before the next request (credentials): 1: *ret_request is to be sent, and its answer goes to prepared; 0: nothing.
	 * After SENT it is asked again, at most GENOPS_DESTINATION_PREPARES_MAX times. Else the batch waits; it is never given up for that.
	 * NULL: never. */
	size_t session_size;
	int (*prepare)(const struct genops_destination_settings *settings, int64_t now_unix_ns, struct genops_arena *arena,
	    struct genops_request *ret_request, struct genops_error *err);
	void (*prepared)(const struct genops_destination_settings *settings, const struct genops_response *response,
	    struct genops_send_verdict *ret_verdict);
	const struct genops_destination_memory *memory; /* NULL: it remembers nothing */
	/* On success the caller frees ret_request->body. */
	int (*encode)(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
	    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err);
	void (*judge)(const struct genops_destination_settings *settings, const struct genops_response *response,
	    struct genops_send_verdict *ret_verdict);
	/* `genops destination test`, and health_check while nothing is sent: a request that shows whether address and credentials are right and leaves nothing behind, the vendor's own
	 * check where it has one. NULL: only whether somebody answers at the address. */
	int (*probe)(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request,
	    struct genops_error *err);
	/* What its answer means: SENT, or what is wrong and what to do. NULL: `judge`. */
	void (*judge_probe)(const struct genops_destination_settings *settings, const struct genops_response *response,
	    struct genops_send_verdict *ret_verdict);
	/* Where it sends to, if that lies in its own settings: a URL, of which only scheme, host and port are used. NULL: settings->endpoint. */
	genops_str (*address)(const struct genops_destination_settings *settings);
};

/* By name, alias, or "<name>/<anything>" as the Collector names its components; NULL: there is none. */
const struct genops_destination_type *genops_destination_type_find(genops_str name);
/* One line; of more different ones than GENOPS_VERDICT_CAUSES_MAX the others stay with `reason`. */
void genops_destination_set_cause(struct genops_send_verdict *verdict, size_t item, const char *text);
const char *genops_destination_cause(const struct genops_send_verdict *verdict, size_t item);

/* What the transport FILE answers: sent, or try again. For the types that write files. */
void genops_destination_judge_file(const struct genops_response *response, struct genops_send_verdict *ret_verdict);

/* Every key a route can have, for types that show events to people in place of the real destination. NULL-ended. */
extern const char *const genops_route_keys_all[];
bool genops_destination_type_takes_key(const struct genops_destination_type *type, genops_str key);

/* All rows, NULL-ended. */
const struct genops_destination_type *const *genops_destination_types(void);

#endif
