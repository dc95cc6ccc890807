/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_append.c - a checked request, in pieces, in envelopes, into the segments.
 *
 * What is received stops before what is governed: a quarter of the segments' maximum is for operations alone, so that telemetry that
 * nobody drains refuses telemetry and never a call. The fill is looked at now and then, not with each append: a directory is read for it.
 */
#include "engine/receive/receive.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <unistd.h>

#define LOOK_EVERY_NS  (100 * GENOPS_NS_PER_MS)
#define LOOK_EVERY     ((uint64_t)4 << 20) /* bytes that this process has appended since */

struct appending {
	struct genops_receiver_request *request;
	int64_t received_unix_ns;
};

/* Does as much wait for some destination as may (engine/drain/publish_destinations.c)? */
static bool is_blocked(const genops_engine *engine)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/queue/blocked", engine->state_dir);
	return access(path, F_OK) == 0;
}

/* Is there room for one more piece? */
static bool has_room(struct genops_receiver_request *request, size_t len)
{
	genops_engine *engine = request->engine;
	uint64_t max = (uint64_t)request->receiver->buffer_max;
	int64_t now_ns = genops_clock_monotonic_ns(), seen_at = atomic_load(&engine->segment_bytes_at_ns);
	uint64_t since = atomic_fetch_add(&engine->segment_bytes_since, len) + len;
	bool is_old = !seen_at || now_ns - seen_at > LOOK_EVERY_NS || since > LOOK_EVERY;
	bool is_near = atomic_load(&engine->segment_bytes_seen) + since > max;
	/* One of several threads looks; at a full log each does, since what it refuses must be true. */
	if (is_near || (is_old && atomic_compare_exchange_strong(&engine->segment_bytes_at_ns, &seen_at, now_ns))) {
		atomic_store(&engine->segment_bytes_seen, genops_segment_bytes(engine->state_dir));
		atomic_store(&engine->segment_bytes_since, 0);
		atomic_store(&engine->is_queue_blocked, is_blocked(engine));
		if (atomic_load(&engine->segment_bytes_seen) > max / 2) /* the drain may be gathering (engine/drain/pace.h) */
			genops_counters_ask_drain(engine->counters);
	}
	return atomic_load(&engine->segment_bytes_seen) + len <= max;
}

static int append_piece(void *arg, genops_str piece, struct genops_error *err)
{
	struct appending *appending = arg;
	struct genops_receiver_request *request = appending->request;
	struct genops_envelope envelope = {
	    .signal = request->signal,
	    .received_unix_ns = appending->received_unix_ns,
	    .receiver = request->receiver->name,
	    .input = request->receiver->input,
	    .tenant = genops_str_of(request->tenant_text),
	    .key = request->token ? request->token->name : (genops_str){0},
	    .request = piece,
	};
	if (!has_room(request, piece.len))
		return genops_fail_fix(err, GENOPS_FULL, "see `genops status`: what is received is not drained as fast as it comes",
		    "what was received and is not drained yet fills its maximum of %lld MiB", (long long)(request->receiver->buffer_max >> 20));
	if (atomic_load(&request->engine->is_queue_blocked))
		return genops_fail_fix(err, GENOPS_FULL, "see `genops destination list`: as much waits for one of them as may",
		    "as much waits for a destination as may");
	GENOPS_TRY(genops_receive_memory(request, piece.len, err));
	genops_buffer_clear(&request->entry);
	request->entry.max = GENOPS_SEGMENT_ENTRY_MAX;
	genops_envelope_encode(&envelope, &request->entry);
	if (request->entry.error)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a piece of %zu bytes", piece.len);
	return genops_segment_append(request->engine->segments, GENOPS_ENTRY_SPANS, genops_buffer_view(&request->entry), NULL, err);
}

int genops_receive_append(struct genops_receiver_request *request, genops_str bytes, struct genops_otlp_count *ret_count,
    struct genops_error *err)
{
	struct appending appending = {request, genops_clock_unix_ns()};
	request->scratch.max = GENOPS_OTLP_PIECE_MAX + 2 * GENOPS_OTLP_ITEM_MAX;
	return genops_otlp_request_pieces(request->signal, bytes, &request->scratch, append_piece, &appending, ret_count, err);
}
