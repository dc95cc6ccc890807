/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/remote_write.c - destination type prometheus_remote_write (in the Collector's format prometheusremotewrite): remote write
 * 1.0 to Prometheus, Mimir, Grafana Cloud and whoever else takes it. Pure.
 *
 * Received metrics go as samples at the times they were measured, never one that is not newer than the series' last (over restarts, too:
 * write_memory.h). Events add to series that this destination keeps, and are done with then; what the series say is pushed when it has
 * changed, and now and again so that it does not go stale. So a receiver that is away costs no queue: when it is back it gets the totals. */
#include "export/prometheus/remote_write.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/compress.h"
#include "export/http_verdict.h"
#include "export/otlp_outgoing.h"
#include "export/prometheus/write_memory.h"
#include "export/prometheus/write_request.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX      ((size_t)64 << 20)
#define SAMPLES_MAX   5000              /* of one push */
#define SAMPLES_LEAST 50
#define AHEAD_MAX_MS  600000

/* Marks of a series in `events`. */
enum { MARK_NONE, MARK_CHANGED, MARK_IN_FLIGHT };

enum what { WHAT_EVENTS, WHAT_PUSH, WHAT_SAMPLES };

struct memory {
	struct genops_write_memory kept;
	struct genops_text_map external;
	struct genops_arena arena;           /* of external */
	/* Of the last request. */
	enum what what;
	struct genops_metric_refusal refusal;
	int64_t n_late, refused_before, push_ms;
	size_t n_pending, max_pending;
	struct pending {
		uint64_t series;
		int64_t time_ms;
	} *pending;
	/* Of pushing. */
	bool is_changed;                     /* some series is MARK_CHANGED */
	int64_t push_at_ns, resend_at_ns, wait_max_ns;
	size_t samples_max;
	struct genops_error fault;
};

static void close_memory(void *arg)
{
	struct memory *memory = arg;
	genops_write_memory_done(&memory->kept);
	genops_arena_done(&memory->arena);
	free(memory->pending);
	free(memory);
}

static bool has_key(const struct genops_text_map *map, const char *key)
{
	for (size_t i = 0; i < map->n; i++) {
		if (genops_str_is(map->items[i].key, key))
			return true;
	}
	return false;
}

/* The configured ones, and who says it: two services that push the same series would contradict each other. */
static bool fill_external(struct memory *memory, const struct genops_remote_write *own, genops_str host)
{
	struct genops_text_pair *items = genops_arena_alloc(&memory->arena, (own->external.n + 2) * sizeof *items);
	genops_str kept;
	if (!items || !genops_arena_dup(&memory->arena, host, &kept))
		return false;
	for (size_t i = 0; i < own->external.n; i++)
		items[memory->external.n++] = own->external.items[i];
	if (!has_key(&own->external, "job"))
		items[memory->external.n++] = (struct genops_text_pair){GENOPS_STR("job"), GENOPS_STR("genops")};
	if (!has_key(&own->external, "instance") && host.len)
		items[memory->external.n++] = (struct genops_text_pair){GENOPS_STR("instance"), kept};
	memory->external.items = items;
	return true;
}

/* What had been told before a restart is told again: nobody knows how long it was. */
static void mark_all(struct memory *memory)
{
	for (struct genops_metric_store_family *family = memory->kept.events.families; family; family = family->next) {
		for (struct genops_metric_store_series *series = family->first; series && family->kind != GENOPS_METRIC_GAUGE; series = series->next) {
			series->mark = MARK_CHANGED;
			memory->is_changed = true;
		}
	}
}

static void *open_memory(const struct genops_destination_settings *settings, genops_str kept)
{
	const struct genops_remote_write *own = settings->own;
	struct memory *memory = calloc(1, sizeof *memory);
	if (!memory)
		return NULL;
	genops_arena_init(&memory->arena, (size_t)1 << 20);
	memory->samples_max = SAMPLES_MAX;
	memory->resend_at_ns = INT64_MAX;
	memory->wait_max_ns = (own->push_interval_ns > own->resend_interval_ns ? own->push_interval_ns : own->resend_interval_ns) + GENOPS_NS_PER_S;
	if (!genops_write_memory_init(&memory->kept, (size_t)own->max_series)) {
		genops_arena_done(&memory->arena);
		free(memory);
		return NULL;
	}
	if (!fill_external(memory, own, settings->host) || genops_write_memory_read(&memory->kept, kept) != GENOPS_OK) {
		close_memory(memory);
		return NULL;
	}
	mark_all(memory);
	return memory;
}

static void keep_memory(const void *arg, struct genops_buffer *out)
{
	const struct memory *memory = arg;
	genops_write_memory_write(&memory->kept, out);
}

static int64_t due(const void *arg)
{
	const struct memory *memory = arg;
	int64_t at = memory->is_changed ? memory->push_at_ns : memory->resend_at_ns;
	bool is_lost = at != INT64_MAX && at - genops_clock_unix_ns() > memory->wait_max_ns; /* the clock was set back */
	return is_lost ? 0 : at;
}

const struct genops_destination_memory genops_remote_write_memory = {
    .open = open_memory, .close = close_memory, .keep = keep_memory, .due = due};

/* --- events --- */

static int absorb(const struct genops_remote_write *own, struct memory *memory, const struct genops_destination_batch *batch, struct genops_error *err)
{
	struct genops_event_template_run run;
	int code = GENOPS_OK;
	genops_event_template_run_init(&run, batch->now_unix_ns);
	for (size_t i = 0; i < batch->n_items && code == GENOPS_OK; i++) {
		if (genops_write_memory_knows(&memory->kept, batch->items[i].id))
			continue;
		code = genops_event_metrics_take(&own->events, &run, &batch->items[i], &memory->kept.events, batch->now_unix_ns, err);
		if (code == GENOPS_OK)
			genops_write_memory_learn(&memory->kept, batch->items[i].id);
		memory->is_changed = true;
	}
	genops_event_template_run_done(&run);
	return code;
}

/* --- a push --- */

static size_t samples_of(const struct genops_metric_store_series *series)
{
	return series->family->kind == GENOPS_METRIC_HISTOGRAM ? 2 * (series->value.n + 3) : 2;
}

/* The first sample of a counter would be no increase to Prometheus: a zero stands before it. */
static void put_series(struct memory *memory, struct genops_write_request *request, const struct genops_metric_store_series *series)
{
	struct genops_metric_label labels[GENOPS_METRIC_LABELS_MAX];
	struct genops_buffer scratch;
	genops_str rest = {series->labels, series->labels_len}, name, value, family = genops_str_of(series->family->name);
	size_t n = 0;
	genops_buffer_init(&scratch, (size_t)64 << 10);
	while (n < GENOPS_METRIC_LABELS_MAX && genops_metric_store_next_label(&rest, &name, &value, &scratch)) {
		labels[n].name = name;
		request->is_full |= !genops_arena_dup(request->arena, value, &labels[n].value);
		n++;
	}
	genops_buffer_done(&scratch);
	bool is_counting = series->family->kind == GENOPS_METRIC_COUNTER || series->family->kind == GENOPS_METRIC_HISTOGRAM;
	if (!series->start_unix_ns && is_counting) {
		uint64_t zeros[GENOPS_METRIC_BOUNDS_MAX + 1] = {0};
		struct genops_metric_value zero = {.has_sum = series->value.has_sum, .n = series->value.n, .bounds = series->value.bounds, .counts = zeros};
		genops_write_request_put(request, family, series->family->kind, labels, n, &zero, memory->push_ms - 1);
	}
	genops_write_request_put(request, family, series->family->kind, labels, n, &series->value, memory->push_ms);
	genops_write_request_describe(request, family, series->family->kind, genops_str_of(series->family->help));
}

static void put_push(struct memory *memory, const struct genops_destination_batch *batch, struct genops_write_request *request)
{
	size_t n = 0;
	int64_t now_ms = batch->now_unix_ns / GENOPS_NS_PER_MS;
	if (!memory->is_changed)
		mark_all(memory);
	/* Never two at one time; but what a clock that was wrong has called the future is none, and receivers take ten minutes of it. */
	bool is_behind = now_ms <= memory->kept.pushed_ms + 1 && memory->kept.pushed_ms - now_ms <= AHEAD_MAX_MS;
	memory->push_ms = is_behind ? memory->kept.pushed_ms + 2 : now_ms;
	memory->is_changed = false;
	for (struct genops_metric_store_family *family = memory->kept.events.families; family; family = family->next) {
		for (struct genops_metric_store_series *series = family->first; series; series = series->next) {
			if (series->mark == MARK_NONE)
				continue;
			if (n && n + samples_of(series) > memory->samples_max) {
				memory->is_changed = true; /* the next push */
				continue;
			}
			n += samples_of(series);
			series->mark = MARK_IN_FLIGHT;
			put_series(memory, request, series);
		}
	}
}

static void settle_push(struct memory *memory, bool is_there)
{
	for (struct genops_metric_store_family *family = memory->kept.events.families; family; family = family->next) {
		for (struct genops_metric_store_series *series = family->first; series; series = series->next) {
			if (series->mark != MARK_IN_FLIGHT)
				continue;
			series->mark = is_there ? MARK_NONE : MARK_CHANGED;
			memory->is_changed |= !is_there;
			if (is_there && !series->start_unix_ns)
				series->start_unix_ns = (uint64_t)memory->push_ms * 1000000;
		}
	}
}

/* --- received metrics --- */

struct putting {
	struct memory *memory;
	struct genops_write_request *request;
	int64_t now_unix_ns;
};

static int put_point(void *arg, const struct genops_metric_point *point)
{
	struct putting *putting = arg;
	struct genops_metric_value value = point->value;
	int64_t time_ns = point->time_unix_ns && point->time_unix_ns <= INT64_MAX ? (int64_t)point->time_unix_ns : putting->now_unix_ns;
	genops_write_request_describe(putting->request, point->family, point->kind, point->help);
	if (point->is_gone) {
		genops_write_request_end_series(
		    putting->request, point->family, point->kind, point->labels, point->n_labels, &value, time_ns / GENOPS_NS_PER_MS);
		return putting->request->is_full ? GENOPS_LIMIT : GENOPS_OK;
	}
	if (point->is_delta) {
		struct genops_metric_store *deltas = &putting->memory->kept.deltas;
		const struct genops_metric_store_series *series;
		GENOPS_TRY(genops_metric_store_take(deltas, point, putting->now_unix_ns));
		series = deltas->latest;
		if (!series)
			return GENOPS_OK; /* refused, and counted */
		value = series->value;
		if (series->time_unix_ns <= INT64_MAX) /* a total is of the latest, whichever came last */
			time_ns = (int64_t)series->time_unix_ns > time_ns ? (int64_t)series->time_unix_ns : time_ns;
	}
	genops_write_request_put(
	    putting->request, point->family, point->kind, point->labels, point->n_labels, &value, time_ns / GENOPS_NS_PER_MS);
	return putting->request->is_full ? GENOPS_LIMIT : GENOPS_OK;
}

static bool may_go(void *arg, uint64_t series, int64_t time_ms)
{
	struct memory *memory = arg;
	if (time_ms <= genops_write_memory_time(&memory->kept, series))
		return false;
	if (memory->n_pending == memory->max_pending) {
		size_t max = memory->max_pending ? 2 * memory->max_pending : 1024;
		struct pending *grown = realloc(memory->pending, max * sizeof *grown);
		if (!grown) {
			(void)genops_fail(&memory->fault, GENOPS_NOMEM, "no memory for a request");
			return false;
		}
		memory->pending = grown;
		memory->max_pending = max;
	}
	memory->pending[memory->n_pending++] = (struct pending){series, time_ms};
	return true;
}

static int put_items(const struct genops_remote_write *own, struct memory *memory, const struct genops_destination_batch *batch,
    struct genops_write_request *request, struct genops_error *err)
{
	const struct genops_metric_rules rules = {own->has_suffixes, !own->is_without_scope, own->has_resource};
	struct putting putting = {memory, request, batch->now_unix_ns};
	for (size_t i = 0; i < batch->n_items; i++) {
		int code = genops_metric_points_each(batch->items[i].body, &rules, request->arena, put_point, &putting, &memory->refusal);
		if (code != GENOPS_OK)
			return genops_fail(err, code, "metrics cannot be sent: %s", genops_error_text(code));
	}
	return GENOPS_OK;
}

/* --- the request --- */

static int add_headers(const struct genops_destination_settings *settings, const struct genops_remote_write *own, struct genops_request *request,
    struct genops_arena *arena, struct genops_error *err)
{
	struct genops_buffer text;
	genops_buffer_init(&text, 16384);
	GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("content-type"), GENOPS_STR("application/x-protobuf"), arena, err));
	GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("content-encoding"), GENOPS_STR("snappy"), arena, err));
	GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("x-prometheus-remote-write-version"), GENOPS_STR("0.1.0"), arena, err));
	GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("user-agent"), GENOPS_STR("genops/" GENOPS_VERSION), arena, err));
	if (own->tenant.len)
		GENOPS_TRY(genops_otlp_outgoing_header(request, GENOPS_STR("x-scope-orgid"), own->tenant, arena, err));
	if (own->bearer_token.len) {
		genops_buffer_printf(&text, "Bearer %.*s", GENOPS_STR_ARG(own->bearer_token));
	} else if (own->username.len) {
		struct genops_buffer pair;
		genops_buffer_init(&pair, 8192);
		genops_buffer_printf(&pair, "%.*s:%.*s", GENOPS_STR_ARG(own->username), GENOPS_STR_ARG(own->password));
		genops_buffer_add_text(&text, "Basic ");
		genops_base64_add(&text, genops_buffer_view(&pair));
		text.error = pair.error ? pair.error : text.error;
		genops_buffer_done(&pair);
	}
	int code = text.error ? genops_fail(err, text.error, "the credentials are too long") : GENOPS_OK;
	genops_str kept = {0}; /* a request borrows its headers' values */
	if (code == GENOPS_OK && text.len && !genops_arena_dup(arena, genops_buffer_view(&text), &kept))
		code = genops_fail(err, GENOPS_NOMEM, "no memory for the credentials");
	if (code == GENOPS_OK && text.len)
		code = genops_otlp_outgoing_header(request, GENOPS_STR("authorization"), kept, arena, err);
	genops_buffer_done(&text);
	for (size_t i = 0; i < settings->headers.n && code == GENOPS_OK; i++)
		code = genops_otlp_outgoing_header(request, settings->headers.items[i].key, settings->headers.items[i].value, arena, err);
	return code;
}

static int pack(struct memory *memory, struct genops_write_request *samples, const struct genops_remote_write *own, struct genops_buffer *out,
    struct genops_error *err)
{
	struct genops_buffer plain;
	genops_buffer_init(&plain, BODY_MAX);
	memory->fault.code = GENOPS_OK;
	if (!own->has_metadata)
		samples->families = NULL;
	genops_write_request_write(samples, memory->what == WHAT_SAMPLES ? may_go : NULL, memory, &plain, &memory->n_late);
	int code = samples->is_full ? GENOPS_LIMIT : plain.error ? plain.error : memory->fault.code;
	if (code != GENOPS_OK)
		(void)genops_fail(err, code, "samples do not fit into one request: %s", genops_error_text(code));
	else if (plain.len)
		code = genops_compress_encode(GENOPS_COMPRESS_SNAPPY, 0, genops_buffer_view(&plain), out, err);
	genops_buffer_done(&plain);
	return code;
}

/* The next push is smaller. False: it is as small as it gets. */
static bool halve_push(struct memory *memory)
{
	bool is_smaller = memory->samples_max > SAMPLES_LEAST;
	memory->samples_max = memory->samples_max / 2 > SAMPLES_LEAST ? memory->samples_max / 2 : SAMPLES_LEAST;
	return is_smaller;
}

static int encode_samples(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct genops_remote_write *own = settings->own;
	struct memory *memory = settings->memory;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST", .url = own->endpoint};
	struct genops_write_request samples;
	genops_write_request_init(&samples, arena);
	samples.external = memory->what == WHAT_PUSH ? &memory->external : &own->external;
	samples.prefix = memory->what == WHAT_PUSH ? own->events.prefix : own->prefix;
	if (memory->what == WHAT_PUSH)
		put_push(memory, batch, &samples);
	else
		GENOPS_TRY(put_items(own, memory, batch, &samples, err));
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	int code = pack(memory, &samples, own, &request.body, err);
	if (code == GENOPS_OK && request.body.len)
		code = add_headers(settings, own, &request, arena, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&request.body);
		return code;
	}
	if (!request.body.len)
		request.transport = GENOPS_TRANSPORT_NONE;
	*ret_request = request;
	return GENOPS_OK;
}

int genops_remote_write_encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	struct memory *memory = settings->memory;
	memory->what = !batch->n_items ? WHAT_PUSH : batch->items[0].kind == GENOPS_ITEM_EVENT ? WHAT_EVENTS : WHAT_SAMPLES;
	memory->refusal = (struct genops_metric_refusal){0};
	memory->n_late = 0;
	memory->n_pending = 0;
	memory->refused_before = memory->kept.events.n_refused + memory->kept.deltas.n_refused;
	if (memory->what != WHAT_EVENTS) {
		int code = encode_samples(settings, batch, arena, ret_request, err);
		if (code != GENOPS_OK && memory->what == WHAT_PUSH)
			settle_push(memory, false);
		if (code == GENOPS_LIMIT && memory->what == WHAT_PUSH)
			halve_push(memory); /* many long labels */
		return code;
	}
	*ret_request = (struct genops_request){.transport = GENOPS_TRANSPORT_NONE, .method = ""};
	return absorb(settings->own, memory, batch, err);
}

/* --- the answer --- */

static void judge_push(const struct genops_remote_write *own, struct memory *memory, const struct genops_response *response, struct genops_send_verdict *verdict)
{
	int64_t now_ns = genops_clock_unix_ns();
	if (response->status == 413 && halve_push(memory))
		verdict->kind = GENOPS_RETRY;
	settle_push(memory, verdict->kind != GENOPS_RETRY);
	if (verdict->kind == GENOPS_RETRY)
		return;
	/* What the receiver did not take is in the next push, too: totals lose nothing. */
	if (verdict->kind == GENOPS_REJECTED)
		verdict->kind = GENOPS_SENT_PARTLY;
	memory->kept.pushed_ms = memory->push_ms;
	memory->push_at_ns = memory->is_changed ? now_ns : now_ns + own->push_interval_ns;
	memory->resend_at_ns = memory->kept.events.n ? now_ns + own->resend_interval_ns : INT64_MAX;
}

static void tell_refused(const struct memory *memory, struct genops_send_verdict *verdict)
{
	int64_t n_over = memory->kept.events.n_refused + memory->kept.deltas.n_refused - memory->refused_before;
	const char *why = memory->refusal.n ? memory->refusal.why
	    : n_over			    ? "there are more series than max_series or memory allows, a name is used for two types, or a delta is negative or NaN"
					    : "they are not newer than what was sent of their series before";
	verdict->n_rejected = memory->refusal.n + n_over + memory->n_late;
	if (!verdict->n_rejected || verdict->kind != GENOPS_SENT)
		return;
	verdict->kind = GENOPS_SENT_PARTLY;
	snprintf(verdict->reason, sizeof verdict->reason, "%lld samples are left out: %s", (long long)verdict->n_rejected, why);
}

void genops_remote_write_judge(
    const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	struct memory *memory = settings->memory;
	genops_http_verdict(response, ret_verdict);
	if (response->status == 400)
		ret_verdict->is_divisible = true; /* Prometheus takes nothing of a request that has one bad sample */
	if (memory->what == WHAT_PUSH) {
		judge_push(settings->own, memory, response, ret_verdict);
		return;
	}
	for (size_t i = 0; ret_verdict->kind == GENOPS_SENT && i < memory->n_pending; i++)
		genops_write_memory_sent(&memory->kept, memory->pending[i].series, memory->pending[i].time_ms);
	if (ret_verdict->kind == GENOPS_SENT)
		tell_refused(memory, ret_verdict);
}

int genops_remote_write_probe(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request,
    struct genops_error *err)
{
	const struct genops_remote_write *own = settings->own;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST", .url = own->endpoint};
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	int code = genops_compress_encode(GENOPS_COMPRESS_SNAPPY, 0, (genops_str){0}, &request.body, err);
	if (code == GENOPS_OK)
		code = add_headers(settings, own, &request, arena, err);
	if (code != GENOPS_OK)
		genops_buffer_done(&request.body);
	else
		*ret_request = request;
	return code;
}
