/* SPDX-License-Identifier: Apache-2.0
 * engine/observe/observe_call.c - which spans tell of one call, and is it known already? See observe_impl.h.
 *
 * Two spans of a trace tell of one call if they give the same response id, else if one is the other's ancestor and both name the same
 * model; in both cases their times overlap (a program that is given the same answer twice made two calls). What was
 * resolved before is found by the same rules in table seen, as far as parent and child go; what a gateway or library
 * recorded, by the span that it was made in, or by the response's id.
 */
#include "engine/observe/observe_impl.h"

#include "base/clock.h"
#include "base/str.h"

#define DEPTH_MAX  64
#define SKEW_NS    (10 * 60 * GENOPS_NS_PER_S)   /* between clients' clocks and ours */
#define LONGEST_NS (24 * 3600 * GENOPS_NS_PER_S) /* that a client holds spans back */

static bool overlap(int64_t a_start, int64_t a_end, int64_t b_start, int64_t b_end)
{
	return a_start < b_end && b_start < a_end ? true : a_start == b_start;
}

static genops_str family_of(const struct genops_observed *span)
{
	return genops_genai_model_family(
	    span->call.request_model.len ? span->call.request_model : span->call.response_model);
}

/* Any of the names of one and any of the other. A total without a model covers what was called within. */
static bool is_same_model(const struct genops_observed *a, const struct genops_observed *b)
{
	const genops_str left[] = {a->call.request_model, a->call.response_model};
	const genops_str right[] = {b->call.request_model, b->call.response_model};
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 2; j++) {
			if (left[i].len && genops_str_equal_nocase(genops_genai_model_family(left[i]), genops_genai_model_family(right[j])))
				return true;
		}
	}
	return (!left[0].len && !left[1].len && a->call.has_cost) || (!right[0].len && !right[1].len && b->call.has_cost);
}

static bool is_zero(genops_str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (id.ptr[i])
			return false;
	}
	return true;
}

void genops_observe_drop_zero_ids(struct genops_otlp_span *span)
{
	genops_str *const ids[] = {&span->trace_id, &span->span_id, &span->parent_span_id};
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		if (is_zero(*ids[i]))
			*ids[i] = (genops_str){0};
	}
}

/* Once for all pairs: looking for them pair by pair takes seconds for a trace of many calls. */
static void find_parents(struct genops_observed *spans, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		spans[i].parent = SIZE_MAX;
		for (size_t j = 0; spans[i].span.parent_span_id.len && spans[i].parent == SIZE_MAX && j < n; j++) {
			if (genops_str_equal(spans[j].span.span_id, spans[i].span.parent_span_id))
				spans[i].parent = j;
		}
	}
}

static bool is_ancestor(const struct genops_observed *spans, const struct genops_observed *ancestor, const struct genops_observed *span)
{
	for (int depth = 0; span->parent != SIZE_MAX && depth < DEPTH_MAX; depth++) {
		span = &spans[span->parent];
		if (span == ancestor)
			return true;
	}
	return false;
}

static bool is_one_call(const struct genops_observed *spans, const struct genops_observed *a, const struct genops_observed *b)
{
	if (!overlap(a->start_unix_ns, a->end_unix_ns, b->start_unix_ns, b->end_unix_ns))
		return false;
	if (a->call.response_id.len && b->call.response_id.len)
		return genops_str_equal(a->call.response_id, b->call.response_id);
	return is_same_model(a, b) && (is_ancestor(spans, a, b) || is_ancestor(spans, b, a));
}

void genops_observe_group(struct genops_observed *spans, size_t n)
{
	find_parents(spans, n);
	for (size_t i = 0; i < n; i++) {
		spans[i].call_of = i;
		for (size_t j = 0; j < i; j++) {
			size_t from = spans[i].call_of, to = spans[j].call_of;
			if (from == to || !is_one_call(spans, &spans[i], &spans[j]))
				continue;
			size_t number = from < to ? from : to, other = from < to ? to : from;
			for (size_t k = 0; k <= i; k++) {
				if (spans[k].call_of == other)
					spans[k].call_of = number;
			}
		}
	}
}

static int rank(const struct genops_genai_call *call)
{
	return (call->has_cost ? 64 : 0) + (int)call->source * 16 + (call->is_error ? 0 : 8) + (call->has_usage ? 4 : 0) +
	       (call->usage.is_estimated ? 0 : 2) + (call->response_model.len ? 1 : 0);
}

size_t genops_observe_best(const struct genops_observed *spans, size_t n, size_t number)
{
	size_t best = number;
	for (size_t i = number; i < n; i++) {
		if (spans[i].call_of == number && rank(&spans[i].call) > rank(&spans[best].call))
			best = i;
	}
	return best;
}

/* --- what was there before --- */

static genops_str bytes_of(const uint8_t *bytes, size_t n)
{
	return (genops_str){(const char *)bytes, n};
}

struct question {
	enum genops_seen_kind kind;
	genops_str first, second, third;
	int64_t from, until;
	bool must_overlap;
};

static int ask(struct genops_observer *observer, const struct genops_observed *span, const struct question *question,
    bool *ret_is_known, struct genops_error *err)
{
	struct genops_seen seen[GENOPS_SEEN_FOUND_MAX];
	size_t n;
	uint64_t hash = genops_ledger_seen_hash(
	    observer->ledger, question->kind, question->first, question->second, question->third);
	GENOPS_TRY(genops_ledger_seen_find(observer->ledger, hash, question->from, question->until, seen, &n, err));
	for (size_t i = 0; i < n && !*ret_is_known; i++)
		*ret_is_known = !question->must_overlap || overlap(seen[i].start_unix_ns, seen[i].end_unix_ns,
							      span->start_unix_ns, span->end_unix_ns);
	return GENOPS_OK;
}

/* Recorded by one of ours: by our clock, whatever the span's says. */
static int64_t recorded_from(const struct genops_observed *span)
{
	int64_t received = span->candidate.received_unix_ns, start = span->start_unix_ns;
	return (start > received || start < received - LONGEST_NS ? received - LONGEST_NS : start) - SKEW_NS;
}

static int is_span_known(
    struct genops_observer *observer, const struct genops_observed *span, bool *ret_is_known, struct genops_error *err)
{
	const struct genops_candidate *candidate = &span->candidate;
	genops_str trace = bytes_of(candidate->trace_id, 16), id = bytes_of(candidate->span_id, 8);
	genops_str family = family_of(span), response = span->call.response_id, parent = span->span.parent_span_id;
	int64_t recorded = recorded_from(span), now = candidate->received_unix_ns + SKEW_NS + LONGEST_NS;
	const struct question questions[] = {
	    {GENOPS_SEEN_PARENT, trace, id, {0}, recorded, now, false},
	    {GENOPS_SEEN_RESPONSE, response, {0}, {0}, recorded, now, false},
	    {GENOPS_SEEN_RESPONSE_OF, trace, response, {0}, span->start_unix_ns, span->end_unix_ns, true},
	    {GENOPS_SEEN_CHILD_OF, trace, id, family, span->start_unix_ns, span->end_unix_ns, true},
	    {GENOPS_SEEN_CALL, trace, parent, family, span->start_unix_ns, span->end_unix_ns, true},
	};
	for (size_t i = 0; i < sizeof questions / sizeof questions[0] && !*ret_is_known; i++) {
		bool is_about_response = i == 1 || i == 2;
		if ((is_about_response && !response.len) || (i == 4 && !parent.len))
			continue;
		GENOPS_TRY(ask(observer, span, &questions[i], ret_is_known, err));
	}
	if (!*ret_is_known)
		*ret_is_known =
		    genops_ledger_has(observer->ledger, candidate->trace_id, candidate->span_id, span->start_unix_ns);
	return GENOPS_OK;
}

int genops_observe_is_known(struct genops_observer *observer, size_t number, bool *ret_is_known, struct genops_error *err)
{
	*ret_is_known = false;
	for (size_t i = number; i < observer->n_spans && !*ret_is_known; i++) {
		if (observer->spans[i].call_of == number)
			GENOPS_TRY(is_span_known(observer, &observer->spans[i], ret_is_known, err));
	}
	return GENOPS_OK;
}

static int add(struct genops_observer *observer, enum genops_seen_kind kind, genops_str first, genops_str second,
    genops_str third, const struct genops_seen *seen, struct genops_error *err)
{
	return genops_ledger_seen_add(
	    observer->ledger, genops_ledger_seen_hash(observer->ledger, kind, first, second, third), seen, err);
}

int genops_observe_remember(struct genops_observer *observer, const struct genops_observed *span, struct genops_error *err)
{
	const struct genops_candidate *candidate = &span->candidate;
	struct genops_seen seen = {span->start_unix_ns, span->end_unix_ns};
	genops_str trace = bytes_of(candidate->trace_id, 16), id = bytes_of(candidate->span_id, 8), none = {0};
	genops_str family = family_of(span), parent = span->span.parent_span_id;
	GENOPS_TRY(add(observer, GENOPS_SEEN_SPAN, trace, id, none, &seen, err));
	GENOPS_TRY(add(observer, GENOPS_SEEN_CALL, trace, id, family, &seen, err));
	if (span->call.response_id.len)
		GENOPS_TRY(add(observer, GENOPS_SEEN_RESPONSE_OF, trace, span->call.response_id, none, &seen, err));
	if (!parent.len)
		return GENOPS_OK;
	/* Without a model: for a total that comes late. */
	if (family.len)
		GENOPS_TRY(add(observer, GENOPS_SEEN_CHILD_OF, trace, parent, none, &seen, err));
	return add(observer, GENOPS_SEEN_CHILD_OF, trace, parent, family, &seen, err);
}

int genops_observe_was_taken(
    struct genops_observer *observer, const struct genops_observed *span, bool *ret_was, struct genops_error *err)
{
	const struct genops_candidate *candidate = &span->candidate;
	struct genops_seen seen[GENOPS_SEEN_FOUND_MAX];
	size_t n;
	uint64_t hash = genops_ledger_seen_hash(observer->ledger, GENOPS_SEEN_SPAN, bytes_of(candidate->trace_id, 16),
	    bytes_of(candidate->span_id, 8), (genops_str){0});
	GENOPS_TRY(genops_ledger_seen_find(observer->ledger, hash, span->start_unix_ns, span->end_unix_ns, seen, &n, err));
	*ret_was = n > 0;
	return GENOPS_OK;
}

int genops_observe_remember_record(
    struct genops_observer *observer, const struct genops_record *record, struct genops_error *err)
{
	static const uint8_t none[8] = {0};
	struct genops_seen seen = {record->start_unix_ns, record->end_unix_ns};
	if (record->is_observed)
		return GENOPS_OK;
	if (record->response_id.len)
		GENOPS_TRY(add(observer, GENOPS_SEEN_RESPONSE, record->response_id, (genops_str){0}, (genops_str){0}, &seen, err));
	if (!memcmp(record->parent_span_id, none, sizeof none))
		return GENOPS_OK;
	return add(observer, GENOPS_SEEN_PARENT, bytes_of(record->trace_id, 16), bytes_of(record->parent_span_id, 8),
	    (genops_str){0}, &seen, err);
}
