/* SPDX-License-Identifier: Apache-2.0
 * engine/config/receiver/config_receiver_source.c - `sources`: the Cribl guide's document "Source Configuration", as it stands.
 *
 * A source is a receiver otlp that is said in other words: its name is the document's, it listens on every address of the machine, and takes
 * only the path that it names. What the guide's document says and what is always so here (OTLP is recognised, attributes stay whole) is
 * accepted; the opposite of it is an error. */
#include "engine/config/documents/documents.h"
#include "engine/config/receiver/config_receiver.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

struct source {
	genops_str name, input, path, host;
	int64_t port;
	int protocol;
	int auth_type;
	int64_t max_request, timeout_ns;
	int keep_alive; /* -1: not said */
	int64_t buffer_max, flush_ns;
	genops_str format, parse, preserve, flatten;
};

static const char *const protocols[] = {"HTTP", "gRPC", NULL};
static const char *const auth_types[] = {"Bearer Token", "None", NULL};
static const char *const on_off[] = {"enabled", "disabled", NULL};

#define AT(field) offsetof(struct source, field)
const struct genops_option genops_config_source_rows[] = {
    {.name = "Source Configuration", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "Name, Input ID, Port, Path, Protocol"},
    {.name = "Authentication", .type = GENOPS_OPTION_CUSTOM, .text = "Type, Token; without it as a receiver that says nothing"},
    {.name = "Advanced Settings", .type = GENOPS_OPTION_CUSTOM, .text = "Max Request Size, Request Timeout, Keep-Alive"},
    {.name = "Buffer Settings", .type = GENOPS_OPTION_CUSTOM, .text = "Max Buffer Size, Flush Interval"},
    {.name = "Data Parsing", .type = GENOPS_OPTION_CUSTOM, .text = "only what the guide says: OTLP, attributes kept, nothing flattened"},
    {.name = NULL},
};

const struct genops_option genops_config_source_place_rows[] = {
    {.name = "Name", .type = GENOPS_OPTION_TEXT, .offset = AT(name), .is_required = true, .text = "the receiver's name"},
    {.name = "Input ID", .type = GENOPS_OPTION_TEXT, .offset = AT(input), .text = "__inputId of its events; unset: the name"},
    {.name = "Port", .type = GENOPS_OPTION_INT, .offset = AT(port), .default_text = "4318", .max = 65535, .text = "where it listens"},
    {.name = "Address", .type = GENOPS_OPTION_TEXT, .offset = AT(host), .default_text = "0.0.0.0", .text = "which address it listens on"},
    {.name = "Path", .type = GENOPS_OPTION_TEXT, .offset = AT(path), .text = "/v1/traces, /v1/metrics or /v1/logs: only this; unset: all three"},
    {.name = "Protocol", .type = GENOPS_OPTION_ENUM, .offset = AT(protocol), .default_text = "HTTP", .names = protocols, .text = "OTLP's transport"},
    {.name = NULL},
};

const struct genops_option genops_config_source_auth_rows[] = {
    {.name = "Type", .type = GENOPS_OPTION_ENUM, .offset = AT(auth_type), .default_text = "Bearer Token", .names = auth_types, .text = "who may send"},
    {.name = "Token", .type = GENOPS_OPTION_CUSTOM, .is_secret = true, .text = "what senders show; kept only as a hash"},
    {.name = NULL},
};

const struct genops_option genops_config_source_advanced_rows[] = {
    {.name = "Max Request Size",
	.type = GENOPS_OPTION_SIZE,
	.offset = AT(max_request),
	.default_text = "64MiB",
	.min = 1024,
	.max = 1073741824.0,
	.text = "also when it is inflated; a larger one gets 413"},
    {.name = "Request Timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(timeout_ns),
	.default_text = "30s",
	.min = 0.001,
	.max = 3600,
	.text = "between two pieces of a request; a slower client is cut off"},
    {.name = "Keep-Alive", .type = GENOPS_OPTION_ENUM, .offset = AT(keep_alive), .names = on_off, .text = "several requests a connection; unset: enabled, or performance_settings.network.keepalive"},
    {.name = NULL},
};

const struct genops_option genops_config_source_buffer_rows[] = {
    {.name = "Max Buffer Size",
	.type = GENOPS_OPTION_SIZE,
	.offset = AT(buffer_max),
	.min = 8388608,
	.max = 1610612736.0,
	.text = "of what waits to be drained; over it requests get 503 with Retry-After; unset: 1536MiB, or performance_settings.buffer.memory_size"},
    {.name = "Flush Interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(flush_ns),
	.default_text = "10s",
	.min = 1,
	.max = 86400,
	.text = "how long a request may lie before it goes on; here it goes on at once, so never longer"},
    {.name = NULL},
};

static const struct genops_option parsing_rows[] = {
    {.name = "Format", .type = GENOPS_OPTION_TEXT, .offset = AT(format)},
    {.name = "Parse OTLP Attributes", .type = GENOPS_OPTION_TEXT, .offset = AT(parse)},
    {.name = "Preserve Resource Attributes", .type = GENOPS_OPTION_TEXT, .offset = AT(preserve)},
    {.name = "Flatten Nested Attributes", .type = GENOPS_OPTION_TEXT, .offset = AT(flatten)},
    {.name = NULL},
};

/* "No (preserve genops.* hierarchy)" is No, "OTLP (auto-detected)" is OTLP. */
static bool says(genops_str text, const char *word)
{
	genops_str rest = text;
	return !text.len || genops_str_is_nocase(genops_str_trim(genops_str_split(&rest, '(')), word);
}

static int check_parsing(struct genops_config_reader *reader, const struct genops_yaml_node *document, struct source *source)
{
	const struct genops_yaml_node *node = genops_config_read_get(document, genops_config_source_rows, "Data Parsing");
	GENOPS_TRY(genops_config_read_section(reader, node, "Data Parsing", parsing_rows, source));
	const struct {
		genops_str text;
		const char *name, *word;
	} rows[] = {{source->format, "Format", "OTLP"}, {source->parse, "Parse OTLP Attributes", "Yes"},
	    {source->preserve, "Preserve Resource Attributes", "Yes"}, {source->flatten, "Flatten Nested Attributes", "No"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		/* YAML reads Yes and No as true and false elsewhere; both are meant. */
		bool is_other_word = !strcmp(rows[i].word, "Yes") ? says(rows[i].text, "true") : !strcmp(rows[i].word, "No") && says(rows[i].text, "false");
		if (!says(rows[i].text, rows[i].word) && !is_other_word)
			return genops_config_read_fail(reader, genops_yaml_get(node, rows[i].name), "remove it", "Data Parsing: %s can only be %s here",
			    rows[i].name, rows[i].word);
	}
	return GENOPS_OK;
}

static int read_parts(struct genops_config_reader *reader, const struct genops_yaml_node *document, struct source *source)
{
	static const struct {
		const char *name;
		const struct genops_option *rows;
	} parts[] = {{"Source Configuration", genops_config_source_place_rows}, {"Authentication", genops_config_source_auth_rows},
	    {"Advanced Settings", genops_config_source_advanced_rows}, {"Buffer Settings", genops_config_source_buffer_rows}};
	GENOPS_TRY(genops_config_read_section(reader, document, "a source", genops_config_source_rows, source));
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		GENOPS_TRY(genops_config_read_section(
		    reader, genops_config_read_get(document, genops_config_source_rows, parts[i].name), parts[i].name, parts[i].rows, source));
	return check_parsing(reader, document, source);
}

static int set_paths(struct genops_config_reader *reader, const struct genops_yaml_node *place, const struct source *source,
    struct genops_config_listener *listener)
{
	static const char *const paths[GENOPS_SIGNAL_N] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
	bool is_known = !source->path.len;
	for (size_t i = 0; i < GENOPS_SIGNAL_N; i++) {
		bool is_named = genops_str_is(source->path, paths[i]);
		if (is_named || !source->path.len)
			listener->paths[i] = genops_str_of(paths[i]);
		is_known |= is_named;
	}
	if (is_known)
		return GENOPS_OK;
	/* A path of one's own is where traces come: that is what the guide's source is for. */
	listener->paths[GENOPS_SIGNAL_TRACES] = source->path;
	for (size_t i = 0; i < source->path.len; i++) {
		if (source->path.ptr[0] != '/' || source->path.ptr[i] <= ' ' || source->path.ptr[i] > '~' || source->path.ptr[i] == '?')
			return genops_config_read_fail(reader, genops_yaml_get(place, "Path"), "write it like /v1/traces", "Path is not a path");
	}
	return GENOPS_OK;
}

static int set_access(struct genops_config_reader *reader, const struct genops_yaml_node *document, const struct source *source,
    struct genops_config_listener *listener)
{
	const struct genops_yaml_node *node = genops_config_read_get(document, genops_config_source_rows, "Authentication");
	const struct genops_yaml_node *secret = genops_config_read_get(node, genops_config_source_auth_rows, "Token");
	struct genops_config_token *token;
	genops_str text;
	if (!node)
		return GENOPS_OK;
	listener->access.is_set = true;
	listener->access.mode = source->auth_type == 0 ? GENOPS_ACCESS_REQUIRED : GENOPS_ACCESS_OPEN;
	if (source->auth_type != 0)
		return GENOPS_OK;
	if (!secret)
		return genops_config_read_fail(reader, node, "add Token", "Authentication: a bearer token is asked for and none is given");
	GENOPS_TRY(genops_config_read_text(reader, secret, "Token", &text));
	return genops_config_receiver_add_token(reader, secret, text, &listener->access, &token);
}

static int read_source(struct genops_config_reader *reader, const struct genops_yaml_node *document, void *arg)
{
	struct source source = {.keep_alive = -1};
	struct genops_config_receiver *receiver;
	(void)arg;
	GENOPS_TRY(read_parts(reader, document, &source));
	const struct genops_yaml_node *place = genops_config_read_get(document, genops_config_source_rows, "Source Configuration");
	GENOPS_TRY(genops_config_receiver_add(reader, genops_yaml_get(place, "Name"), source.name, &receiver));
	receiver->input = source.input.len ? source.input : source.name;
	receiver->buffer_max = genops_config_performance_buffer(reader, source.buffer_max);
	struct genops_config_listener *listener = &receiver->listeners[receiver->n_listeners++];
	*listener = (struct genops_config_listener){
	    .is_grpc = source.protocol == 1,
	    .host = source.host,
	    .port = (int)source.port,
	    .max_body = source.max_request,
	    .read_timeout_ns = source.timeout_ns,
	    .header_timeout_ns = source.timeout_ns,
	    .write_timeout_ns = source.timeout_ns,
	    .idle_timeout_ns = 75 * GENOPS_NS_PER_S,
	    .is_keeping_alive = source.keep_alive < 0 ? genops_config_performance_is_keeping_alive(reader) : source.keep_alive == 0,
	};
	const struct genops_yaml_node *address = genops_yaml_get(place, "Address");
	char endpoint[320];
	snprintf(endpoint, sizeof endpoint, "%.*s:%lld", source.host.len > 250 ? 250 : (int)source.host.len, source.host.ptr, (long long)source.port);
	GENOPS_TRY(genops_config_receiver_endpoint(reader, address ? address : place, genops_str_of(endpoint), listener));
	GENOPS_TRY(set_paths(reader, place, &source, listener));
	GENOPS_TRY(set_access(reader, document, &source, listener));
	GENOPS_TRY(genops_config_receiver_close_access(reader, place, "Port", listener));
	return genops_config_receiver_check(reader, place);
}

int genops_config_receiver_sources(struct genops_config_reader *reader, const struct genops_yaml_node *section)
{
	return section ? genops_config_documents_each(reader, section, "a source", GENOPS_PART_SOURCES, read_source, NULL) : GENOPS_OK;
}
