/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/write_request.c - see write_request.h. Numbers of fields are prometheus' prompb/remote.proto and types.proto. */
#include "export/prometheus/write_request.h"

#include "base/hash.h"
#include "base/str.h"
#include "codec/wire.h"

#include <stdlib.h>

#define STALE_BITS UINT64_C(0x7ff0000000000002)
#define LABELS_MAX (GENOPS_METRIC_LABELS_MAX + 64)

struct genops_write_sample {
	uint64_t series;    /* hash of the labels */
	genops_str labels;  /* encoded: TimeSeries' field 1, over and over */
	int64_t time_ms;
	double value;
	size_t order;
};

struct genops_write_family {
	struct genops_write_family *next;
	genops_str name, help;
	enum genops_metric_kind kind;
};

void genops_write_request_init(struct genops_write_request *request, struct genops_arena *arena)
{
	*request = (struct genops_write_request){.arena = arena};
}

struct putting {
	struct genops_write_request *request;
	genops_str family;
	const struct genops_metric_label *labels;
	size_t n_labels;
	int64_t time_ms;
	bool is_end;
};

static genops_str join(struct genops_arena *arena, genops_str a, genops_str b)
{
	char *text = genops_arena_take(arena, a.len + b.len + 1);
	if (!text)
		return (genops_str){0};
	if (a.len)
		memcpy(text, a.ptr, a.len);
	if (b.len)
		memcpy(text + a.len, b.ptr, b.len);
	return (genops_str){text, a.len + b.len};
}

static bool is_there(const struct genops_metric_label *labels, size_t n, genops_str name)
{
	for (size_t i = 0; i < n; i++) {
		if (genops_str_equal(labels[i].name, name))
			return true;
	}
	return false;
}

/* In the order of their bytes: __name__ comes behind capitals. 0: no room. */
static size_t gather_labels(const struct putting *putting, genops_str name, const char *label, genops_str text, struct genops_metric_label *out)
{
	struct genops_write_request *request = putting->request;
	size_t n = putting->n_labels;
	memcpy(out, putting->labels, n * sizeof *out);
	for (size_t i = 0; request->external && i < request->external->n && n < LABELS_MAX - 2; i++) {
		const struct genops_text_pair *pair = &request->external->items[i];
		if (!is_there(putting->labels, putting->n_labels, pair->key))
			out[n++] = (struct genops_metric_label){pair->key, pair->value};
	}
	out[n++] = (struct genops_metric_label){GENOPS_STR("__name__"), name};
	if (label[0])
		out[n++] = (struct genops_metric_label){genops_str_of(label), text};
	n = genops_metric_labels_tidy(out, n, request->arena);
	return n == SIZE_MAX ? 0 : n;
}

static genops_str encode_labels(struct genops_write_request *request, const struct genops_metric_label *labels, size_t n)
{
	struct genops_buffer out;
	genops_str kept = {0};
	genops_buffer_init(&out, (size_t)1 << 20);
	for (size_t i = 0; i < n; i++) {
		size_t mark = genops_wire_begin(&out, 1);
		genops_wire_put_text(&out, 1, labels[i].name);
		genops_wire_put_text(&out, 2, labels[i].value);
		genops_wire_end_tight(&out, mark);
	}
	if (out.error || !genops_arena_dup(request->arena, genops_buffer_view(&out), &kept))
		request->is_full = true;
	genops_buffer_done(&out);
	return kept;
}

static bool make_room(struct genops_write_request *request)
{
	if (request->n < request->max)
		return true;
	size_t max = request->max ? 2 * request->max : 256;
	struct genops_write_sample **samples = genops_arena_take(request->arena, max * sizeof(struct genops_write_sample *));
	if (!samples)
		return false;
	if (request->n)
		memcpy(samples, request->samples, request->n * sizeof *samples);
	request->samples = samples;
	request->max = max;
	return true;
}

static void put_sample(void *arg, const char *suffix, const char *label, genops_str text, double value)
{
	struct putting *putting = arg;
	struct genops_write_request *request = putting->request;
	struct genops_metric_label labels[LABELS_MAX + 2];
	genops_str name = join(request->arena, putting->family, genops_str_of(suffix));
	size_t n = name.len ? gather_labels(putting, name, label, text, labels) : 0;
	struct genops_write_sample *sample = n && make_room(request) ? genops_arena_alloc(request->arena, sizeof *sample) : NULL;
	if (!sample) {
		request->is_full = true;
		return;
	}
	sample->labels = encode_labels(request, labels, n);
	sample->series = genops_hash_checksum(sample->labels.ptr, sample->labels.len, 0);
	sample->time_ms = putting->time_ms;
	sample->order = request->n;
	sample->value = putting->is_end ? genops_wire_double(STALE_BITS) : value;
	request->samples[request->n++] = sample;
}

static void put(struct genops_write_request *request, genops_str family, enum genops_metric_kind kind,
    const struct genops_metric_label *labels, size_t n_labels, const struct genops_metric_value *value, int64_t time_ms, bool is_end)
{
	struct putting putting = {request, join(request->arena, request->prefix, family), labels, n_labels, time_ms, is_end};
	if (n_labels > GENOPS_METRIC_LABELS_MAX)
		putting.n_labels = GENOPS_METRIC_LABELS_MAX;
	genops_metric_samples_each(kind, value, put_sample, &putting);
}

void genops_write_request_put(struct genops_write_request *request, genops_str family, enum genops_metric_kind kind,
    const struct genops_metric_label *labels, size_t n_labels, const struct genops_metric_value *value, int64_t time_ms)
{
	put(request, family, kind, labels, n_labels, value, time_ms, false);
}

void genops_write_request_end_series(struct genops_write_request *request, genops_str family, enum genops_metric_kind kind,
    const struct genops_metric_label *labels, size_t n_labels, const struct genops_metric_value *value, int64_t time_ms)
{
	put(request, family, kind, labels, n_labels, value, time_ms, true);
}

void genops_write_request_describe(struct genops_write_request *request, genops_str family, enum genops_metric_kind kind, genops_str help)
{
	struct genops_write_family **at = &request->families;
	for (; *at; at = &(*at)->next) {
		if (genops_str_equal((*at)->name, family))
			return;
	}
	struct genops_write_family *made = genops_arena_alloc(request->arena, sizeof *made);
	if (!made || !genops_arena_dup(request->arena, family, &made->name) || !genops_arena_dup(request->arena, help, &made->help)) {
		request->is_full = true;
		return;
	}
	made->kind = kind;
	*at = made;
}

/* --- writing --- */

static int compare(const void *a, const void *b)
{
	const struct genops_write_sample *x = *(struct genops_write_sample *const *)a, *y = *(struct genops_write_sample *const *)b;
	if (x->series != y->series)
		return x->series < y->series ? -1 : 1;
	if (x->labels.len != y->labels.len)
		return x->labels.len < y->labels.len ? -1 : 1;
	int order = x->labels.len ? memcmp(x->labels.ptr, y->labels.ptr, x->labels.len) : 0;
	if (order)
		return order;
	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static bool is_same_series(const struct genops_write_sample *a, const struct genops_write_sample *b)
{
	return a->series == b->series && genops_str_equal(a->labels, b->labels);
}

static void write_sample(const struct genops_write_sample *sample, struct genops_buffer *out)
{
	size_t mark = genops_wire_begin(out, 2);
	genops_wire_put_double(out, 1, sample->value);
	genops_wire_put_int(out, 2, sample->time_ms);
	genops_wire_end_tight(out, mark);
}

/* Of samples [from, to) of one series. Of two at one time the later one counts. */
static void write_series(struct genops_write_sample *const *samples, size_t n, genops_write_sample_fn *may_go, void *arg,
    struct genops_buffer *out, int64_t *n_late)
{
	size_t start = out->len, n_written = 0, mark = genops_wire_begin(out, 1);
	genops_buffer_add(out, samples[0]->labels);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && samples[i + 1]->time_ms == samples[i]->time_ms)
			continue;
		if (may_go && !may_go(arg, samples[i]->series, samples[i]->time_ms)) {
			++*n_late;
			continue;
		}
		write_sample(samples[i], out);
		n_written++;
	}
	genops_wire_end_tight(out, mark);
	if (!n_written && !out->error)
		out->len = start;
}

static void write_metadata(const struct genops_write_request *request, const struct genops_write_family *family, struct genops_buffer *out)
{
	static const uint64_t types[] = {2, 1, 3, 5}; /* GAUGE, COUNTER, HISTOGRAM, SUMMARY */
	genops_str name = join(request->arena, request->prefix, family->name);
	size_t mark = genops_wire_begin(out, 3);
	genops_wire_put_uint(out, 1, types[family->kind]);
	genops_wire_put_text(out, 2, name);
	if (family->help.len)
		genops_wire_put_text(out, 4, family->help);
	genops_wire_end_tight(out, mark);
}

void genops_write_request_write(
    struct genops_write_request *request, genops_write_sample_fn *may_go, void *arg, struct genops_buffer *out, int64_t *ret_n_late)
{
	*ret_n_late = 0;
	if (request->n > 1)
		qsort(request->samples, request->n, sizeof *request->samples, compare);
	for (size_t i = 0, end; i < request->n; i = end) {
		for (end = i + 1; end < request->n && is_same_series(request->samples[i], request->samples[end]); end++)
			;
		write_series(request->samples + i, end - i, may_go, arg, out, ret_n_late);
	}
	if (!out->len)
		return; /* nothing goes */
	for (const struct genops_write_family *family = request->families; family; family = family->next)
		write_metadata(request, family, out);
}
