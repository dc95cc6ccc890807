/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/elastic_settings.c - see elastic_settings.h. */
#include "export/elastic/elastic_settings.h"

#include "base/base64.h"
#include "base/str.h"
#include "export/elastic/bulk_answer.h"
#include "export/event_template.h"
#include "export/otlp_outgoing.h"

#include <stdio.h>

#define URL_EXAMPLE "as endpoint: https://elasticsearch:9200"
#define URL_MAX     2048
#define EVENTS_INDEX "logs-genops.events-default"

#define AT(field) offsetof(struct genops_elastic_settings, field)
#define CONNECTION_ROWS                                                                                                                            \
	{.name = "endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(endpoint), .text = "URL of a node; unset, endpoints and cloudid too: $ELASTICSEARCH_URL"},           \
	    {.name = "endpoints", .type = GENOPS_OPTION_LIST, .offset = AT(endpoints), .text = "URLs of nodes: the next one is asked when one does not answer"},          \
	    {.name = "cloudid", .type = GENOPS_OPTION_TEXT, .offset = AT(cloudid), .text = "the Elastic Cloud deployment's Cloud ID", .aliases = (const char *const[]){"cloud_id", NULL}},     \
	    {.name = "user", .type = GENOPS_OPTION_TEXT, .offset = AT(user), .text = "with password: basic authentication", .aliases = (const char *const[]){"username", NULL}},                \
	    {.name = "password", .type = GENOPS_OPTION_TEXT, .offset = AT(password), .is_secret = true, .text = "of user"},                                                         \
	    {.name = "api_key", .type = GENOPS_OPTION_TEXT, .offset = AT(api_key), .is_secret = true, .text = "encoded as Kibana shows it, or id:key"},                            \
	    {.name = "pipeline", .type = GENOPS_OPTION_TEXT, .offset = AT(pipeline), .text = "ingest pipeline over there"},                                                        \
	    {.name = "compression", .type = GENOPS_OPTION_ENUM, .offset = AT(compression), .default_text = "gzip", .names = (const char *const[]){"gzip", "none", NULL}, .text = "of requests"}

static const struct genops_option exporter_rows[] = {CONNECTION_ROWS,
    {.name = "index", .type = GENOPS_OPTION_TEXT, .offset = AT(index), .text = "index or data stream of all that has none of its own"},
    {.name = "traces_index", .type = GENOPS_OPTION_TEXT, .offset = AT(traces_index), .text = "of spans; unset: the data stream traces-generic.otel-default"},
    {.name = "logs_index", .type = GENOPS_OPTION_TEXT, .offset = AT(logs_index), .text = "of log records; unset: the data stream logs-generic.otel-default"},
    {.name = "logstash_format", .type = GENOPS_OPTION_CUSTOM, .text = "enabled, prefix_separator, date_format: an index a day"},
    {.name = "mapping", .type = GENOPS_OPTION_CUSTOM, .text = "mode: otel"},
    {.name = NULL}};

static const struct genops_option document_rows[] = {CONNECTION_ROWS,
    {.name = "index", .type = GENOPS_OPTION_CUSTOM, .text = "index or data stream, with ${field} and ${_time:%Y.%m.%d} in it; unset: the data stream " EVENTS_INDEX},
    {.name = NULL}};

static int no_memory(const struct genops_yaml_rows *in)
{
	return genops_fail(in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
}

/* The place of a key for messages: its value's, or the whole's. */
static const struct genops_yaml_node *place(const struct genops_yaml_node *node, const char *key)
{
	const struct genops_yaml_node *value = genops_yaml_get(node, key);
	return value ? value : node;
}

/* --- where to --- */

/* A name as a URL's query has it. */
static void add_query(struct genops_buffer *out, genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool is_plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr("-_.~", c));
		if (is_plain)
			genops_buffer_add_char(out, (char)c);
		else
			genops_buffer_printf(out, "%%%02X", c);
	}
}

static int set_url(const struct genops_yaml_rows *in, const struct genops_yaml_node *at, const struct genops_elastic_settings *own,
    genops_str base, genops_str *ret_url)
{
	struct genops_buffer url;
	base = genops_str_trim(base);
	int code = genops_otlp_outgoing_check_url(base, URL_EXAMPLE, in->err);
	if (code != GENOPS_OK)
		return genops_yaml_rows_place(in, at, code);
	if (genops_str_find_char(base, '@') != SIZE_MAX)
		return genops_yaml_rows_fail(in, at, "set user and password, or api_key", "endpoint: credentials do not belong into an address");
	if (genops_str_find_char(base, '?') != SIZE_MAX || genops_str_find_char(base, '#') != SIZE_MAX)
		return genops_yaml_rows_fail(in, at, URL_EXAMPLE, "endpoint: the address must end with its path");
	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	genops_buffer_init(&url, URL_MAX);
	genops_buffer_add(&url, base);
	genops_buffer_add_text(&url, "/_bulk?" GENOPS_ELASTIC_ANSWER_FILTER);
	if (own->pipeline.len)
		genops_buffer_add_text(&url, "&pipeline=");
	add_query(&url, own->pipeline);
	bool is_long = url.error == GENOPS_LIMIT;
	bool is_kept = !url.error && genops_arena_dup(in->arena, genops_buffer_view(&url), ret_url);
	genops_buffer_done(&url);
	if (is_long)
		return genops_yaml_rows_fail(in, at, NULL, "endpoint: the address is too long");
	return is_kept ? GENOPS_OK : no_memory(in);
}

/* "name:" and base64 of "host[:port]$id of Elasticsearch$id of Kibana". */
static int read_cloudid(const struct genops_yaml_rows *in, const struct genops_yaml_node *at, genops_str cloudid, genops_str *ret_url)
{
	char text[512];
	size_t len = 0;
	genops_str rest = cloudid, name = genops_str_split(&rest, ':');
	bool is_right = name.len && rest.len && GENOPS_BASE64_MAX(rest.len) < sizeof text && genops_base64_decode(rest, text, &len);
	genops_str decoded = {text, len}, host, id;
	host = genops_str_split(&decoded, '$');
	id = genops_str_split(&decoded, '$');
	genops_str port = host, domain = genops_str_split(&port, ':');
	if (!is_right || !domain.len || !id.len)
		return genops_yaml_rows_fail(in, at, "copy it from the deployment's page", "cloudid is not one of Elastic Cloud");
	char *url = genops_arena_alloc(in->arena, len + 24);
	if (!url)
		return no_memory(in);
	snprintf(url, len + 24, "https://%.*s.%.*s:%.*s", GENOPS_STR_ARG(id), GENOPS_STR_ARG(domain), port.len ? (int)port.len : 3, port.len ? port.ptr : "443");
	*ret_url = genops_str_of(url);
	return GENOPS_OK;
}

static int read_urls(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_elastic_settings *own)
{
	const char *variable = in->variables && in->variables->get ? in->variables->get(in->variables->arg, "ELASTICSEARCH_URL") : NULL;
	int n = (own->endpoint.len > 0) + (own->endpoints.n > 0) + (own->cloudid.len > 0);
	genops_str one = own->endpoint.len ? own->endpoint : genops_str_of(variable ? variable : "");
	const struct genops_yaml_node *at = place(node, own->endpoint.len ? "endpoint" : own->endpoints.n ? "endpoints" : "cloudid");
	if (n > 1)
		return genops_yaml_rows_fail(in, node, "keep one of them", "endpoint, endpoints and cloudid say the same thing twice");
	if (!n && !one.len)
		return genops_yaml_rows_fail(in, node, URL_EXAMPLE, "elasticsearch needs endpoint, endpoints or cloudid");
	if (own->cloudid.len)
		GENOPS_TRY(read_cloudid(in, at, own->cloudid, &one));
	const struct genops_texts bases = own->endpoints.n ? own->endpoints : (struct genops_texts){1, &one};
	own->urls.items = genops_arena_alloc(in->arena, bases.n * sizeof *own->urls.items);
	if (!own->urls.items)
		return no_memory(in);
	for (; own->urls.n < bases.n; own->urls.n++)
		GENOPS_TRY(set_url(in, at, own, bases.items[own->urls.n], &own->urls.items[own->urls.n]));
	return GENOPS_OK;
}

/* --- who --- */

static int read_credentials(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_elastic_settings *own)
{
	struct genops_buffer text, header;
	if (own->api_key.len && (own->user.len || own->password.len))
		return genops_yaml_rows_fail(in, node, "keep one of them", "api_key and user are two ways to say who asks");
	if (!own->user.len != !own->password.len)
		return genops_yaml_rows_fail(in, node, NULL, "user and password belong together");
	if (!own->api_key.len && !own->user.len)
		return GENOPS_OK;
	bool is_whole_key = own->api_key.len && genops_str_find_char(own->api_key, ':') == SIZE_MAX;
	genops_buffer_init(&text, 8192);
	genops_buffer_init(&header, 16384);
	genops_buffer_add(&text, own->api_key.len ? own->api_key : own->user);
	if (!own->api_key.len) {
		genops_buffer_add_char(&text, ':');
		genops_buffer_add(&text, own->password);
	}
	genops_buffer_add_text(&header, own->api_key.len ? "ApiKey " : "Basic ");
	if (is_whole_key)
		genops_buffer_add(&header, genops_buffer_view(&text));
	else
		genops_base64_add(&header, genops_buffer_view(&text));
	bool is_kept = !text.error && !header.error && genops_arena_dup(in->arena, genops_buffer_view(&header), &own->authorization);
	genops_buffer_done(&text);
	genops_buffer_done(&header);
	for (size_t i = 0; is_kept && i < own->authorization.len; i++) {
		if ((unsigned char)own->authorization.ptr[i] < ' ')
			return genops_yaml_rows_fail(in, node, "look for a line break, often at the end of a secret", "api_key has control characters");
	}
	return is_kept ? GENOPS_OK : no_memory(in);
}

/* --- where in it --- */

/* A name that no index can have is an error now, not of each document later. */
static int check_name(const struct genops_yaml_rows *in, const struct genops_yaml_node *at, genops_str name)
{
	bool is_bad = !name.len || name.len > 255 || strchr("-_+", name.ptr[0]) || genops_str_is(name, ".") || genops_str_is(name, "..");
	for (size_t i = 0; !is_bad && i < name.len; i++)
		is_bad = (unsigned char)name.ptr[i] <= ' ' || (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z') || strchr("\\/*?\"<>|,#:", name.ptr[i]);
	if (!is_bad)
		return GENOPS_OK;
	return genops_yaml_rows_fail(in, at, "lower case, without blanks and without \\ / * ? \" < > | , # :, not beginning with - _ +",
	    "index: \"%.*s\" can be no index's name", name.len > 100 ? 100 : (int)name.len, name.len ? name.ptr : "");
}

static int set_index(const struct genops_yaml_rows *in, const struct genops_yaml_node *at, genops_str source, bool has_event,
    struct genops_elastic_index *ret)
{
	struct genops_yaml_node text = {.kind = GENOPS_YAML_SCALAR, .line = at->line, .column = at->column, .is_plain = at->is_plain, .text = source};
	struct genops_template_piece piece;
	GENOPS_TRY(genops_event_template_read(in, NULL, at->kind == GENOPS_YAML_SCALAR && genops_str_equal(at->text, source) ? at : &text, "index",
	    GENOPS_TEMPLATE_TEXT, &ret->template));
	bool is_plain = true;
	for (size_t i = 0; genops_template_piece_at(ret->template, i, &piece); i++) {
		is_plain &= piece.kind == GENOPS_PIECE_PLAIN;
		ret->reads_event |= piece.kind == GENOPS_PIECE_EXPRESSION;
		if (piece.kind == GENOPS_PIECE_RANDOM)
			return genops_yaml_rows_fail(in, at, "remove it", "index: an event that comes again must find its index again");
	}
	if (ret->reads_event && !has_event)
		return genops_yaml_rows_fail(in, at, "only ${_time:%Y.%m.%d} can stand in it", "index: there is no event to take fields from");
	if (!is_plain)
		return GENOPS_OK;
	struct genops_buffer name;
	genops_buffer_init(&name, 4096);
	for (size_t i = 0; genops_template_piece_at(ret->template, i, &piece); i++)
		genops_buffer_add(&name, piece.text);
	bool is_kept = !name.error && genops_arena_dup(in->arena, genops_buffer_view(&name), &ret->text);
	genops_buffer_done(&name);
	genops_template_free(ret->template);
	ret->template = NULL;
	return is_kept ? check_name(in, at, ret->text) : no_memory(in);
}

struct logstash {
	bool is_enabled;
	genops_str separator, date;
};

static int read_logstash(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct logstash *ret)
{
	static const struct genops_option rows[] = {
	    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .offset = offsetof(struct logstash, is_enabled), .default_text = "false"},
	    {.name = "prefix_separator", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct logstash, separator), .default_text = "-"},
	    {.name = "date_format", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct logstash, date), .default_text = "%Y.%m.%d"}, {.name = NULL}};
	GENOPS_TRY(genops_yaml_rows_section(in, genops_yaml_get(node, "logstash_format"), "logstash_format", rows, ret));
	if (genops_str_find_char(ret->date, '}') != SIZE_MAX || genops_str_find_char(ret->separator, '$') != SIZE_MAX)
		return genops_yaml_rows_fail(in, place(node, "logstash_format"), "as date_format: \"%Y.%m.%d\"", "logstash_format cannot be read");
	return GENOPS_OK;
}

static int set_signal(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *key, genops_str name,
    const struct logstash *logstash, struct genops_elastic_index *ret)
{
	struct genops_buffer source;
	genops_str text;
	genops_buffer_init(&source, 4096);
	genops_buffer_add(&source, name);
	if (logstash->is_enabled) {
		genops_buffer_add(&source, logstash->separator);
		genops_buffer_add_text(&source, "${_time:");
		genops_buffer_add(&source, logstash->date);
		genops_buffer_add_char(&source, '}');
	}
	bool is_kept = !source.error && genops_arena_dup(in->arena, genops_buffer_view(&source), &text);
	genops_buffer_done(&source);
	return is_kept ? set_index(in, place(node, key), text, false, ret) : no_memory(in);
}

/* The Collector's other modes are other documents. */
static int check_mapping(const struct genops_yaml_rows *in, const struct genops_yaml_node *node)
{
	static const struct genops_option rows[] = {{.name = "mode", .type = GENOPS_OPTION_TEXT, .default_text = "otel"}, {.name = NULL}};
	genops_str mode = {0};
	GENOPS_TRY(genops_yaml_rows_section(in, genops_yaml_get(node, "mapping"), "mapping", rows, &mode));
	if (genops_str_is(mode, "otel"))
		return GENOPS_OK;
	return genops_yaml_rows_fail(in, place(node, "mapping"), "remove it, or set mode: otel", "mapping: mode \"%.20s\" is not done here", mode.ptr);
}

static int read_exporter(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *arg)
{
	struct genops_elastic_settings *own = arg;
	struct logstash logstash = {0};
	own->is_compressed = own->compression == 0;
	GENOPS_TRY(read_urls(in, node, own));
	GENOPS_TRY(read_credentials(in, node, own));
	GENOPS_TRY(check_mapping(in, node));
	GENOPS_TRY(read_logstash(in, node, &logstash));
	genops_str traces = own->traces_index.len ? own->traces_index : own->index;
	genops_str logs = own->logs_index.len ? own->logs_index : own->index;
	if (!traces.len)
		own->traces.data_stream = GENOPS_STR("{\"type\":\"traces\",\"dataset\":\"generic.otel\",\"namespace\":\"default\"}");
	if (!logs.len)
		own->logs.data_stream = GENOPS_STR("{\"type\":\"logs\",\"dataset\":\"generic.otel\",\"namespace\":\"default\"}");
	GENOPS_TRY(set_signal(in, node, own->traces_index.len ? "traces_index" : "index", traces.len ? traces : GENOPS_STR("traces-generic.otel-default"),
	    &logstash, &own->traces));
	return set_signal(in, node, own->logs_index.len ? "logs_index" : "index", logs.len ? logs : GENOPS_STR("logs-generic.otel-default"), &logstash,
	    &own->logs);
}

static int read_document(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *arg)
{
	struct genops_elastic_settings *own = arg;
	const struct genops_yaml_node *index = genops_yaml_get(node, "index");
	own->is_compressed = own->compression == 0;
	GENOPS_TRY(read_urls(in, node, own));
	GENOPS_TRY(read_credentials(in, node, own));
	if (index)
		GENOPS_TRY(genops_yaml_rows_expect(in, index, "index", GENOPS_YAML_SCALAR));
	return set_index(in, place(node, "index"), index ? index->text : GENOPS_STR(EVENTS_INDEX), true, &own->events);
}

static void done(void *arg)
{
	struct genops_elastic_settings *own = arg;
	genops_template_free(own->events.template);
	genops_template_free(own->traces.template);
	genops_template_free(own->logs.template);
}

const struct genops_destination_form genops_elastic_exporter_form = {exporter_rows, sizeof(struct genops_elastic_settings), read_exporter, done};
const struct genops_destination_form genops_elastic_document_form = {document_rows, sizeof(struct genops_elastic_settings), read_document, done};
