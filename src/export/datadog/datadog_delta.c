/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_delta.c - see datadog_delta.h. */
#include "export/datadog/datadog_delta.h"

#include "base/clock.h"
#include "base/str.h"

#include <math.h>
#include <stdlib.h>

#define SLOTS   (2 * GENOPS_DATADOG_DELTA_MAX) /* a power of two */
#define MAGIC   "genops-deltas-1\n"
#define KEPT    ((size_t)24)                   /* bytes of an entry in the kept text */
#define AHEAD   (600 * GENOPS_NS_PER_S)

struct entry {
	uint64_t series;              /* 0: free */
	double value, next;           /* as was taken; as is being sent */
	uint64_t time_ns, next_ns;    /* next_ns 0: nothing is known of it */
	uint64_t attempt;             /* that `next` is of */
};

struct genops_datadog_delta {
	int64_t since_unix_ns;
	uint64_t ahead_ns;            /* what is behind it lies in the future by somebody's wrong clock */
	uint64_t attempt;
	bool is_open;                 /* it is not known to have been taken */
	size_t n;
	struct entry entries[SLOTS];
};

struct genops_datadog_delta *genops_datadog_delta_new(int64_t now_unix_ns)
{
	struct genops_datadog_delta *delta = calloc(1, sizeof *delta);
	if (delta)
		delta->since_unix_ns = now_unix_ns;
	return delta;
}

void genops_datadog_delta_free(struct genops_datadog_delta *delta)
{
	free(delta);
}

/* What was not taken is as if it had not been encoded. */
void genops_datadog_delta_begin(struct genops_datadog_delta *delta, int64_t now_unix_ns)
{
	delta->ahead_ns = now_unix_ns > 0 ? (uint64_t)now_unix_ns + AHEAD : AHEAD;
	for (size_t i = 0; delta->is_open && i < SLOTS; i++) {
		struct entry *entry = &delta->entries[i];
		if (entry->attempt != delta->attempt)
			continue;
		entry->next = entry->value;
		entry->next_ns = entry->time_ns;
	}
	delta->attempt++;
	delta->is_open = true;
}

void genops_datadog_delta_taken(struct genops_datadog_delta *delta)
{
	delta->is_open = false;
}

/* What is full is begun anew: series that still grow lose one interval. Nobody has so many that are alive. */
static struct entry *find(struct genops_datadog_delta *delta, uint64_t series)
{
	size_t at = (size_t)(series & (SLOTS - 1));
	while (delta->entries[at].series && delta->entries[at].series != series)
		at = (at + 1) & (SLOTS - 1);
	if (delta->entries[at].series)
		return &delta->entries[at];
	if (delta->n == GENOPS_DATADOG_DELTA_MAX) {
		memset(delta->entries, 0, sizeof delta->entries);
		delta->n = 0;
		at = (size_t)(series & (SLOTS - 1));
	}
	delta->n++;
	delta->entries[at] = (struct entry){.series = series};
	return &delta->entries[at];
}

bool genops_datadog_delta_of(struct genops_datadog_delta *delta, uint64_t series, double value, uint64_t start_unix_ns, uint64_t time_unix_ns,
    double *ret_growth)
{
	if (!isfinite(value)) /* nothing could be taken from it, or it from anything, ever after */
		return false;
	struct entry *entry = find(delta, series ? series : 1);
	if (entry->attempt != delta->attempt) {
		entry->value = entry->next;
		entry->time_ns = entry->next_ns;
		entry->attempt = delta->attempt;
	}
	/* A clock that was ahead and has been set right: what it had called the future does not silence the counter until then. */
	bool was_ahead = entry->next_ns > delta->ahead_ns && time_unix_ns <= delta->ahead_ns;
	if (time_unix_ns <= entry->next_ns && !was_ahead)
		return false;
	bool is_known = entry->next_ns || start_unix_ns >= (uint64_t)delta->since_unix_ns;
	is_known &= !was_ahead || value >= entry->next; /* begun anew or late: nobody can say */
	bool is_reset = start_unix_ns > entry->next_ns || value < entry->next;
	*ret_growth = is_reset ? value : value - entry->next;
	entry->next = value;
	entry->next_ns = time_unix_ns;
	return is_known;
}

static void put64(char *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (char)(value >> (8 * i));
}

static uint64_t get64(const char *at)
{
	uint64_t value = 0;
	for (int i = 7; i >= 0; i--)
		value = value << 8 | (unsigned char)at[i];
	return value;
}

void genops_datadog_delta_write(const struct genops_datadog_delta *delta, struct genops_buffer *out)
{
	char bytes[KEPT];
	genops_buffer_add_text(out, MAGIC);
	for (size_t i = 0; i < SLOTS; i++) {
		const struct entry *entry = &delta->entries[i];
		bool is_open = delta->is_open && entry->attempt == delta->attempt; /* not taken: what was before it */
		uint64_t bits;
		double value = is_open ? entry->value : entry->next;
		if (!entry->series || !(is_open ? entry->time_ns : entry->next_ns))
			continue;
		memcpy(&bits, &value, sizeof bits);
		put64(bytes, entry->series);
		put64(bytes + 8, bits);
		put64(bytes + 16, is_open ? entry->time_ns : entry->next_ns);
		genops_buffer_add(out, (genops_str){bytes, sizeof bytes});
	}
}

void genops_datadog_delta_read(struct genops_datadog_delta *delta, genops_str text)
{
	if (!genops_str_starts(text, GENOPS_STR(MAGIC)))
		return;
	for (text = genops_str_skip(text, strlen(MAGIC)); text.len >= KEPT && delta->n < GENOPS_DATADOG_DELTA_MAX; text = genops_str_skip(text, KEPT)) {
		uint64_t series = get64(text.ptr), bits = get64(text.ptr + 8), time_ns = get64(text.ptr + 16);
		double value;
		memcpy(&value, &bits, sizeof value);
		if (!series || !time_ns || !(value >= 0) || value > 1e300)
			continue;
		struct entry *entry = find(delta, series);
		entry->value = entry->next = value;
		entry->time_ns = entry->next_ns = time_ns;
	}
}
