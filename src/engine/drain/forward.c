/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/forward.c - see forward.h. */
#include "engine/drain/forward.h"

#include <stdlib.h>

#define BLOCK_ENTRIES 512                  /* about what one request to a destination carries */
#define BLOCK_BYTES   ((size_t)768 << 10)  /* unless one entry is longer: a queue of 1 MiB holds a block, too */
#define BLOCK_OWN     ((size_t)16 << 10)   /* from so many bytes on a block is one destination's: the others need not read it */
#define TAKEN_BYTES   ((size_t)512 << 10)  /* of segment entries that become one block, or several if the flow makes much of them */
#define HELD_MAX      ((size_t)512 << 20)

void genops_forward_init(struct genops_forwarder *forward, struct genops_flow *flow)
{
	*forward = (struct genops_forwarder){.flow = flow};
	genops_buffer_init(&forward->kept, HELD_MAX);
}

int genops_forward_configure(struct genops_forwarder *forward, struct genops_config *config, struct genops_error *err)
{
	GENOPS_TRY(genops_flow_configure(forward->flow, config, err));
	forward->takes_operations = false;
	forward->events_max = config->telemetry.events_max;
	for (size_t i = 0; i < config->telemetry.n_exporters; i++)
		forward->takes_operations |= config->telemetry.exporters[i].takes_operations;
	return GENOPS_OK;
}

void genops_forward_done(struct genops_forwarder *forward)
{
	free(forward->entries);
	genops_buffer_done(&forward->kept);
}

static int add(struct genops_forwarder *forward, const struct genops_queue_entry *entries, size_t n, struct genops_error *err)
{
	if (forward->n + n > forward->max) {
		size_t max = 2 * (forward->n + n) > BLOCK_ENTRIES ? 2 * (forward->n + n) : BLOCK_ENTRIES;
		struct genops_queue_entry *grown = realloc(forward->entries, max * sizeof *grown);
		if (!grown)
			return genops_fail(err, GENOPS_NOMEM, "no memory for a block of the export queue");
		forward->entries = grown;
		forward->max = max;
	}
	if (n)
		memcpy(forward->entries + forward->n, entries, n * sizeof *entries);
	forward->n += n;
	return GENOPS_OK;
}

/* Block by block; the last one has the position. *ret_n: entries that are in the queue, also on failure. */
static int append(struct genops_forwarder *forward, struct genops_queue *queue, const struct genops_segment_position *after,
    size_t *ret_n, struct genops_error *err)
{
	size_t first = 0;
	*ret_n = 0;
	while (first < forward->n) {
		size_t n = 0, bytes = 0;
		while (first + n < forward->n && n < BLOCK_ENTRIES) {
			const struct genops_queue_entry *entry = &forward->entries[first + n];
			bool is_others = n && entry->audience != entry[-1].audience && bytes >= BLOCK_OWN;
			bytes += entry->payload.len;
			if (n && (is_others || bytes > BLOCK_BYTES))
				break;
			n++;
		}
		bool is_last = first + n == forward->n;
		GENOPS_TRY(genops_queue_append(queue, forward->entries + first, n, after, is_last && after, err));
		first = *ret_n = first + n;
	}
	return GENOPS_OK;
}

/* The first `n` entries are in the queue; the others become the forward's own. */
static void hold(struct genops_forwarder *forward, size_t n, const struct genops_segment_position *after, const struct genops_error *why)
{
	size_t at = 0;
	genops_buffer_clear(&forward->kept);
	memmove(forward->entries, forward->entries + n, (forward->n - n) * sizeof *forward->entries);
	forward->n -= n;
	for (size_t i = 0; i < forward->n; i++)
		genops_buffer_add(&forward->kept, forward->entries[i].payload);
	if (forward->kept.error)
		return; /* made anew from the segments; what went in already comes twice */
	for (size_t i = 0; i < forward->n; i++) {
		forward->entries[i].payload.ptr = forward->kept.ptr + at;
		at += forward->entries[i].payload.len;
	}
	forward->is_held = true;
	forward->why = *why;
	forward->has_position = after != NULL;
	if (after)
		forward->held = *after;
}

int genops_forward_push(struct genops_forwarder *forward, struct genops_queue *queue, struct genops_error *err)
{
	size_t n;
	if (!forward->is_held)
		return GENOPS_OK;
	int code = append(forward, queue, forward->has_position ? &forward->held : NULL, &n, err);
	memmove(forward->entries, forward->entries + n, (forward->n - n) * sizeof *forward->entries);
	forward->n -= n;
	forward->is_held = code != GENOPS_OK;
	if (code != GENOPS_OK && err)
		forward->why = *err;
	return code;
}

static int fail_held(const struct genops_forwarder *forward, struct genops_error *err)
{
	if (err)
		*err = forward->why;
	return forward->why.code;
}

/* What the flow has, behind the records that are in the list already. */
static int give(struct genops_forwarder *forward, struct genops_queue *queue, const struct genops_segment_position *after,
    struct genops_error *err)
{
	const struct genops_queue_entry *given;
	size_t n;
	GENOPS_TRY(genops_flow_give(forward->flow, &given, &n, err));
	GENOPS_TRY(add(forward, given, n, err));
	int code = append(forward, queue, after, &n, err);
	if (code != GENOPS_OK)
		hold(forward, n, after, err);
	genops_flow_forget(forward->flow);
	return code;
}

static int take(struct genops_forwarder *forward, const struct genops_queue_entry *entry, struct genops_error *err)
{
	if (entry->kind == GENOPS_ENTRY_OPERATION && forward->takes_operations)
		GENOPS_TRY(add(forward, entry, 1, err));
	return genops_flow_take(forward->flow, entry, err);
}

static int64_t count_events(const struct genops_batch *batch, size_t i)
{
	struct genops_envelope envelope;
	struct genops_error ignored;
	if (i < batch->n && batch->entries[i].kind == GENOPS_ENTRY_SPANS &&
	    genops_envelope_decode(genops_batch_entry(batch, i), &envelope, &ignored) == GENOPS_OK)
		return genops_service_count(envelope.signal, envelope.request);
	return i < batch->n && batch->entries[i].kind == GENOPS_ENTRY_OPERATION;
}

/* Would the next entry make more events than may be in pipelines at once? */
static bool is_crowded(struct genops_forwarder *forward, const struct genops_batch *batch, size_t i)
{
	if (!forward->events_max)
		return false;
	forward->n_events += i ? forward->n_next : count_events(batch, 0);
	forward->n_next = count_events(batch, i + 1);
	if (forward->n_events > forward->most_events)
		forward->most_events = forward->n_events;
	return forward->n_events + forward->n_next > forward->events_max;
}

int genops_forward_batch(struct genops_forwarder *forward, const struct genops_batch *batch, struct genops_queue *queue,
    struct genops_segment_position *ret_after, struct genops_error *err)
{
	if (forward->is_held)
		return fail_held(forward, err);
	forward->n_events = 0;
	for (size_t i = 0, n = 0, bytes = 0; i < batch->n; i++) {
		const struct genops_queue_entry entry = {batch->entries[i].kind, genops_batch_entry(batch, i)};
		if (!n)
			forward->n = 0;
		int code = take(forward, &entry, err);
		bytes += entry.payload.len;
		bool is_due = is_crowded(forward, batch, i) | (++n == BLOCK_ENTRIES) | (bytes >= TAKEN_BYTES) | (i + 1 == batch->n);
		if (code == GENOPS_OK && is_due)
			code = give(forward, queue, &batch->entries[i].after, err);
		if (code != GENOPS_OK) {
			genops_flow_forget(forward->flow);
			return code;
		}
		if (is_due) {
			*ret_after = batch->entries[i].after;
			n = bytes = 0;
			forward->n_events = 0;
		}
	}
	return GENOPS_OK;
}

int genops_forward_given(struct genops_forwarder *forward, struct genops_queue *queue, struct genops_error *err)
{
	if (forward->is_held)
		return fail_held(forward, err);
	forward->n = 0;
	return give(forward, queue, NULL, err);
}
