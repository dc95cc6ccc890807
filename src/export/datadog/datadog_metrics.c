/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_metrics.c - destination type datadog_metrics: events of pipelines as Datadog's metrics, by the mappings of its
 * document. Pure but for the session.
 *
 * Of two points of one series in one second Datadog keeps the last. So a request's events are put together, a point a series (amounts and
 * counts are summed, of other gauges the last value counts), and each request has a second of its own: now, or the one behind the last
 * request's. A repetition has its own second again, so what came through with an answer that was lost is not counted twice. Points lie in
 * the time of sending, not of the event: Datadog drops silently what is over an hour old, and nothing is lost by a day of downtime.
 */
#include "export/datadog/datadog.h"
#include "export/datadog/datadog_series.h"
#include "export/datadog/datadog_verdict.h"
#include "export/event_template.h"
#include "export/otlp_outgoing.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "pipeline/number_text.h"

#include <math.h>
#include <stdio.h>

#define LIST_MAX      100 /* tags, mappings */
#define ITEMS_MAX     4096
#define TEXT_MAX      ((size_t)64 << 10) /* of all tags of one event */
#define AHEAD_MAX_S   INT64_C(540)       /* Datadog takes points up to 10 minutes from the future */
#define REPEAT_MAX_S  INT64_C(2700)      /* and of the last hour */

struct mapping {
	genops_str name, unit; /* name with the prefix */
	int type, keep;        /* indexes of types and keeps; keep 0: by type and unit */
	struct genops_template *value;
};

struct own {
	struct genops_datadog_account account;
	genops_str prefix;
	size_t n_tags, n_mappings;
	struct genops_template **tags;
	struct mapping *mappings;
};

struct session {
	uint64_t last; /* which events the last request held */
	int64_t last_s;
};

/* --- settings --- */

static const char *const types[] = {"gauge", "count", "rate", NULL};
static const char *const keeps[] = {"auto", "last", "sum", "max", "min", NULL};

#define AT(field) offsetof(struct own, account.field)
static const struct genops_option rows[] = {GENOPS_DATADOG_ACCOUNT_ROWS,
    {.name = "host", .type = GENOPS_OPTION_TEXT, .offset = AT(host), .text = "host of every series; unset: this machine's name"},
    {.name = "metrics", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "prefix, tags, and mappings of fields to metrics"},
    {.name = NULL}};

static const struct genops_option metrics_rows[] = {
    {.name = "prefix", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct own, prefix), .default_text = "genops.", .text = "before every name"},
    {.name = "tags", .type = GENOPS_OPTION_CUSTOM, .text = "templates like team:${team}; one whose field an event has not is left out"},
    {.name = "mappings", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "name, type, value, unit, aggregate"},
    {.name = NULL}};

static const struct genops_option mapping_rows[] = {
    {.name = "name", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct mapping, name), .is_required = true, .text = "of the metric"},
    {.name = "type", .type = GENOPS_OPTION_ENUM, .offset = offsetof(struct mapping, type), .default_text = "gauge", .names = types, .text = "how Datadog reads it"},
    {.name = "value", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "template of a number; events without its fields make no point"},
    {.name = "unit", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct mapping, unit), .text = "as Datadog shows it"},
    {.name = "aggregate",
	.type = GENOPS_OPTION_ENUM,
	.offset = offsetof(struct mapping, keep),
	.default_text = "auto",
	.names = keeps,
	.text = "of several events: last, sum, max, min; auto: counts, rates and money are summed, else the last"},
    {.name = NULL}};

static int read_mapping(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const struct own *own, struct mapping *mapping)
{
	char name[GENOPS_DATADOG_NAME_MAX + 1];
	GENOPS_TRY(genops_yaml_rows_expect(in, node, "a mapping", GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_yaml_rows_section(in, node, "a mapping", mapping_rows, mapping));
	int len = snprintf(name, sizeof name, "%.*s%.*s", GENOPS_STR_ARG(own->prefix), GENOPS_STR_ARG(mapping->name));
	if (len >= (int)sizeof name || !genops_datadog_series_is_name(genops_str_of(name)))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "name"),
		    "a letter, then letters, digits, _ and dots, at most 200 with the prefix", "\"%.100s\" is no name of a metric", name);
	if (mapping->type != 0 && mapping->keep != 0 && !genops_str_is(genops_str_of(keeps[mapping->keep]), "sum"))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "aggregate"), "remove it", "counts and rates are summed");
	if (!genops_arena_dup(in->arena, genops_str_of(name), &mapping->name))
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
	return genops_event_template_read(in, NULL, genops_yaml_get(node, "value"), "value", GENOPS_TEMPLATE_TEXT, &mapping->value);
}

static int read_list(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what, size_t size, void *ret_list)
{
	GENOPS_TRY(genops_yaml_rows_expect(in, node, what, GENOPS_YAML_SEQUENCE));
	if (node->n > LIST_MAX)
		return genops_yaml_rows_fail(in, node, NULL, "%s: at most %d", what, LIST_MAX);
	void *list = genops_arena_alloc(in->arena, (node->n + 1) * size);
	memcpy(ret_list, &list, sizeof list);
	return list ? GENOPS_OK : genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
}

static int read(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *arg)
{
	struct own *own = arg;
	const struct genops_yaml_node *metrics = genops_yaml_get(node, "metrics");
	GENOPS_TRY(genops_datadog_account_read(in, node, &own->account));
	GENOPS_TRY(genops_yaml_rows_section(in, metrics, "metrics", metrics_rows, own));
	const struct genops_yaml_node *tags = genops_yaml_rows_get(metrics, metrics_rows, "tags");
	const struct genops_yaml_node *mappings = genops_yaml_rows_get(metrics, metrics_rows, "mappings");
	if (tags)
		GENOPS_TRY(read_list(in, tags, "tags", sizeof *own->tags, &own->tags));
	for (const struct genops_yaml_entry *entry = tags ? tags->first : NULL; entry; entry = entry->next, own->n_tags++)
		GENOPS_TRY(genops_event_template_read(in, NULL, entry->value, "a tag", GENOPS_TEMPLATE_TEXT, &own->tags[own->n_tags]));
	GENOPS_TRY(read_list(in, mappings, "mappings", sizeof *own->mappings, &own->mappings));
	for (const struct genops_yaml_entry *entry = mappings->first; entry; entry = entry->next)
		GENOPS_TRY(read_mapping(in, entry->value, own, &own->mappings[own->n_mappings++]));
	if (!own->n_mappings)
		return genops_yaml_rows_fail(in, mappings, "like - {name: cost.total, type: gauge, value: \"${cost_total}\"}", "mappings is empty");
	return GENOPS_OK;
}

static void done(void *arg)
{
	struct own *own = arg;
	for (size_t i = 0; i < own->n_tags; i++)
		genops_template_free(own->tags[i]);
	for (size_t i = 0; i < own->n_mappings; i++)
		genops_template_free(own->mappings[i].value);
}

/* --- from events to series --- */

struct maker {
	const struct own *own;
	struct genops_datadog_series series;
	struct genops_event_template_run run;
	struct genops_buffer tags, text;
	genops_str host, encoding;
	int64_t timestamp, interval;
};

static bool is_money(genops_str unit)
{
	for (size_t i = 0; i < unit.len; i++) {
		if (unit.ptr[i] < 'A' || unit.ptr[i] > 'Z')
			return false;
	}
	return unit.len == 3; /* ISO 4217 */
}

static enum genops_datadog_keep keep_of(const struct mapping *mapping)
{
	static const enum genops_datadog_keep by_name[] = {0, GENOPS_DATADOG_LAST, GENOPS_DATADOG_SUM, GENOPS_DATADOG_MAX, GENOPS_DATADOG_MIN};
	if (mapping->keep)
		return by_name[mapping->keep];
	return mapping->type != 0 || is_money(mapping->unit) ? GENOPS_DATADOG_SUM : GENOPS_DATADOG_LAST;
}

static int make_tags(struct maker *maker, struct genops_error *err)
{
	genops_buffer_clear(&maker->tags);
	for (size_t i = 0; i < maker->own->n_tags; i++) {
		if (!genops_event_template_is_about(maker->own->tags[i], maker->run.event))
			continue;
		genops_buffer_clear(&maker->text);
		GENOPS_TRY(genops_event_template_render(&maker->run, maker->own->tags[i], &maker->text, err));
		genops_datadog_series_tag(&maker->tags, genops_buffer_view(&maker->text));
	}
	return maker->tags.error ? genops_fail(err, maker->tags.error, "an event's tags are over %zu bytes", TEXT_MAX) : GENOPS_OK;
}

/* false: the event says nothing of it. */
static int make_value(struct maker *maker, const struct mapping *mapping, double *ret_value, bool *ret_is_there, struct genops_error *err)
{
	*ret_is_there = false;
	if (!genops_event_template_is_about(mapping->value, maker->run.event))
		return GENOPS_OK;
	genops_buffer_clear(&maker->text);
	GENOPS_TRY(genops_event_template_render(&maker->run, mapping->value, &maker->text, err));
	genops_str text = genops_str_trim(genops_buffer_view(&maker->text));
	*ret_value = genops_str_is(text, "true") ? 1 : genops_str_is(text, "false") ? 0 : text.len ? genops_number_from_text(text) : NAN;
	*ret_is_there = isfinite(*ret_value);
	return GENOPS_OK;
}

static int take(struct maker *maker, const struct genops_destination_item *item, struct genops_error *err)
{
	static const enum genops_datadog_type by_name[] = {GENOPS_DATADOG_GAUGE, GENOPS_DATADOG_COUNT, GENOPS_DATADOG_RATE};
	GENOPS_TRY(genops_event_template_run_begin(&maker->run, item, err));
	GENOPS_TRY(make_tags(maker, err));
	for (size_t i = 0; i < maker->own->n_mappings; i++) {
		const struct mapping *mapping = &maker->own->mappings[i];
		struct genops_datadog_point point = {.name = mapping->name,
		    .unit = mapping->unit,
		    .tags = genops_buffer_view(&maker->tags),
		    .host = maker->host,
		    .type = by_name[mapping->type],
		    .keep = keep_of(mapping),
		    .timestamp = maker->timestamp,
		    .interval = maker->interval};
		bool is_there;
		GENOPS_TRY(make_value(maker, mapping, &point.value, &is_there, err));
		if (is_there)
			GENOPS_TRY(genops_datadog_series_add(&maker->series, &point, err));
	}
	return GENOPS_OK;
}

/* As many of the items as surely fit, *n at most; then *n is how many they are. */
static int make(struct maker *maker, const struct genops_destination_batch *batch, size_t *n, struct genops_error *err)
{
	size_t of_one = 0;
	for (size_t i = 0; i < *n; i++) {
		if (i && maker->series.bytes + of_one > GENOPS_DATADOG_BODY_MAX) {
			*n = i;
			break;
		}
		size_t before = maker->series.bytes;
		GENOPS_TRY(take(maker, &batch->items[i], err));
		/* the next one may be as large as the largest so far; if it is larger still, a tenth is spared for it */
		of_one = maker->series.bytes - before > of_one ? maker->series.bytes - before : of_one;
		of_one = of_one < GENOPS_DATADOG_BODY_MAX / 10 ? GENOPS_DATADOG_BODY_MAX / 10 : of_one;
	}
	return GENOPS_OK;
}

static int write_body(struct maker *maker, const struct genops_destination_batch *batch, struct genops_arena *arena, size_t *n,
    struct genops_buffer *body, struct genops_error *err)
{
	genops_datadog_series_init(&maker->series, arena);
	GENOPS_TRY(make(maker, batch, n, err));
	if (!maker->series.n)
		return GENOPS_OK;
	genops_datadog_series_write(&maker->series, body);
	if (body->error || body->len > GENOPS_DATADOG_BODY_MAX)
		return genops_fail(err, body->error == GENOPS_NOMEM ? GENOPS_NOMEM : GENOPS_LIMIT, "metrics of %zu events do not fit into one request", *n);
	return genops_datadog_compress(&maker->own->account, body, &maker->encoding, err);
}

/* Halves until it is small enough as it is sent, too. */
static int fit(struct maker *maker, const struct genops_destination_batch *batch, struct genops_arena *arena, size_t *n,
    struct genops_buffer *body, struct genops_error *err)
{
	for (;; *n /= 2) {
		genops_buffer_init(body, GENOPS_DESTINATION_BODY_MAX);
		int code = write_body(maker, batch, arena, n, body, err);
		bool is_large = code == GENOPS_OK && body->len > GENOPS_DATADOG_COMPRESSED_MAX;
		if (code == GENOPS_OK && !is_large)
			return GENOPS_OK;
		genops_buffer_done(body);
		if (*n == 1 || !(is_large || code == GENOPS_LIMIT))
			return is_large ? genops_fail(err, GENOPS_LIMIT, "the metrics of one event are over Datadog's 500 kB") : code;
	}
}

/* --- requests --- */

/* A second that no other request has. */
static int64_t second_of(const struct genops_destination_batch *batch, struct session *session)
{
	int64_t now_s = batch->now_unix_ns / GENOPS_NS_PER_S;
	uint64_t which = batch->n_items;
	for (size_t i = 0; i < batch->n_items; i++)
		which = genops_hash_checksum(&batch->items[i].id, sizeof batch->items[i].id, which);
	if (which != session->last || now_s - session->last_s > REPEAT_MAX_S)
		session->last_s = now_s > session->last_s ? now_s : session->last_s + 1;
	session->last = which;
	return session->last_s;
}

static int prepare(const struct genops_destination_settings *settings, int64_t now_unix_ns, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	struct session *session = settings->session;
	int64_t ahead_s = session->last_s - now_unix_ns / GENOPS_NS_PER_S;
	if (ahead_s > AHEAD_MAX_S + 60) /* never by counting: the clock was wrong and is set right */
		*session = (struct session){0};
	else if (ahead_s > AHEAD_MAX_S)
		return genops_fail_fix(err, GENOPS_FULL, "make batch_size larger", "more than one request a second for long: Datadog keeps one point a second of each series");
	return 0;
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct own *own = settings->own;
	struct session *session = settings->session;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST"};
	struct maker maker = {.own = own, .host = own->account.host.len ? own->account.host : settings->host, .interval = settings->batch_timeout_ns / GENOPS_NS_PER_S};
	size_t n = batch->n_items;
	GENOPS_TRY(genops_datadog_request(settings, &own->account, "/api/v2/series", "application/json", &request, arena, err));
	maker.timestamp = second_of(batch, session);
	maker.interval = maker.interval < 1 ? 1 : maker.interval;
	genops_event_template_run_init(&maker.run, batch->now_unix_ns);
	genops_buffer_init(&maker.tags, TEXT_MAX);
	genops_buffer_init(&maker.text, TEXT_MAX);
	int code = fit(&maker, batch, arena, &n, &request.body, err);
	genops_buffer_done(&maker.tags);
	genops_buffer_done(&maker.text);
	genops_event_template_run_done(&maker.run);
	if (code == GENOPS_OK && maker.encoding.len)
		code = genops_otlp_outgoing_header(&request, GENOPS_STR("content-encoding"), maker.encoding, arena, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&request.body);
		return code;
	}
	request.n_items = n;
	if (!request.body.len)
		request.transport = GENOPS_TRANSPORT_NONE; /* these events say nothing that is mapped */
	*ret_request = request;
	return GENOPS_OK;
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_datadog_verdict(response, ret_verdict);
}

static int probe(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request,
    struct genops_error *err)
{
	const struct own *own = settings->own;
	return genops_datadog_probe(settings, &own->account, ret_request, arena, err);
}

static void judge_probe(
    const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_datadog_verdict_probe(response, ret_verdict);
}

static int check_route(const void *own, genops_str key, genops_str value, struct genops_error *err)
{
	if (genops_str_is(value, "datadog_metrics"))
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_CONFIG, "write datadog_metrics, or leave it out", "output_format: events become metrics here");
}

static const struct genops_destination_form document = {.rows = rows, .size = sizeof(struct own), .read = read, .done = done};
static const char *const route_keys[] = {"output_format", NULL};

const struct genops_destination_type genops_destination_type_datadog_metrics = {
    .name = "datadog_metrics",
    .summary = "Datadog's metrics (v2 series), by mappings of fields",
    .document = &document,
    .route_keys = route_keys,
    .check_route = check_route,
    .takes = GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .items_max = ITEMS_MAX,
    .check = genops_otlp_outgoing_check,
    .session_size = sizeof(struct session),
    .prepare = prepare,
    .encode = encode,
    .judge = judge,
    .probe = probe,
    .judge_probe = judge_probe,
};
