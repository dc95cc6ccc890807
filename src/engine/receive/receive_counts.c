/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_counts.c - see receive_counts.h. The names have their rows in telemetry/metrics/metrics.h. */
#include "engine/receive/receive_counts.h"

#include "base/str.h"
#include "store/tally.h"
#include "telemetry/metrics/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LABELS "receiver=\"%s\",transport=\"%s\""

static const char *const reasons[] = {
#define X(symbol, label) label,
    GENOPS_RECEIVE_REASONS(X)
#undef X
};

static const char *transport(bool is_grpc)
{
	return is_grpc ? "grpc" : "http";
}

/* Opened by the first who counts; a state directory that nothing is received for has none. */
struct genops_tally *genops_receive_counts_tally(genops_engine *engine)
{
	struct genops_tally *tally = atomic_load(&engine->tally), *none = NULL;
	struct genops_error err;
	if (tally || atomic_load(&engine->has_no_tally))
		return tally;
	tally = genops_tally_open(engine->state_dir, &err);
	if (!tally) {
		if (!atomic_exchange(&engine->has_no_tally, true))
			genops_log_error(&engine->log, GENOPS_LOG_WARN, "what is received is not counted", &err);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&engine->tally, &none, tally))
		return tally;
	genops_tally_close(tally);
	return none;
}

static void add(genops_engine *engine, uint64_t n, const char *format, ...) GENOPS_PRINTF(3, 4);

static void add(genops_engine *engine, uint64_t n, const char *format, ...)
{
	char name[GENOPS_TALLY_NAME_MAX + 1];
	va_list args;
	if (!n)
		return;
	va_start(args, format);
	int len = vsnprintf(name, sizeof name, format, args);
	va_end(args);
	if (len > 0)
		genops_tally_add(genops_receive_counts_tally(engine), (genops_str){name, (size_t)len < sizeof name ? (size_t)len : sizeof name - 1}, n);
}

void genops_receive_counts_accepted(genops_engine *engine, const char *receiver, bool is_grpc, enum genops_signal signal,
    const struct genops_otlp_count *count, size_t bytes)
{
	const char *by = transport(is_grpc), *what = genops_signal_name(signal);
	add(engine, 1, "genops_self_received_requests_total{" LABELS ",signal=\"%s\"}", receiver, by, what);
	add(engine, (uint64_t)count->n_accepted, "genops_self_received_items_total{" LABELS ",signal=\"%s\"}", receiver, by, what);
	add(engine, (uint64_t)count->n_rejected, "genops_self_received_rejected_items_total{" LABELS ",signal=\"%s\"}", receiver, by, what);
	add(engine, bytes, "genops_self_received_bytes_total{" LABELS ",signal=\"%s\"}", receiver, by, what);
}

void genops_receive_counts_refused(genops_engine *engine, const char *receiver, bool is_grpc, enum genops_receive_reason reason)
{
	add(engine, 1, "genops_self_refused_requests_total{" LABELS ",reason=\"%s\"}", receiver, transport(is_grpc), reasons[reason]);
}

/* --- exposition --- */

struct series {
	genops_str name;
	uint64_t value;
};

struct listing {
	struct series *items;
	size_t n;
};

static void gather(void *arg, genops_str name, uint64_t value)
{
	struct listing *listing = arg;
	if (listing->n < GENOPS_TALLY_SERIES_MAX)
		listing->items[listing->n++] = (struct series){name, value};
}

static int compare(const void *left, const void *right)
{
	const struct series *a = left, *b = right;
	size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;
	int order = memcmp(a->name.ptr, b->name.ptr, len);
	return order ? order : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

static genops_str family_of(genops_str name)
{
	genops_str rest = name;
	return genops_str_split(&rest, '{');
}

static void expose(const struct listing *listing, struct genops_buffer *text)
{
	static const struct {
		const char *name, *help;
	} rows[] = {
#define X(name, labels, help) {name, help},
	    GENOPS_METRIC_SELF(X)
#undef X
	};
	genops_str family = {0};
	for (size_t i = 0; i < listing->n; i++) {
		const struct series *series = &listing->items[i];
		uint64_t value = series->value;
		if (!genops_str_equal(family, family_of(series->name))) {
			family = family_of(series->name);
			for (size_t j = 0; j < sizeof rows / sizeof *rows; j++)
				if (genops_str_is(family, rows[j].name))
					genops_buffer_printf(text, "# HELP %s %s\n# TYPE %s counter\n", rows[j].name, rows[j].help, rows[j].name);
		}
		/* Two processes may have begun one name at once. */
		for (; i + 1 < listing->n && genops_str_equal(listing->items[i + 1].name, series->name); i++)
			value += listing->items[i + 1].value;
		genops_buffer_printf(text, "%.*s %llu\n", GENOPS_STR_ARG(series->name), (unsigned long long)value);
	}
}

void genops_receive_counts_expose(genops_engine *engine, struct genops_buffer *text)
{
	struct listing listing = {.items = calloc(GENOPS_TALLY_SERIES_MAX, sizeof *listing.items)};
	struct genops_tally *tally = genops_receive_counts_tally(engine);
	if (tally && listing.items) {
		genops_tally_each(tally, gather, &listing);
		qsort(listing.items, listing.n, sizeof *listing.items, compare);
		expose(&listing, text);
	}
	free(listing.items);
}
