/* SPDX-License-Identifier: Apache-2.0
 * store/observed.h - what the ledger's database keeps of AI calls that others made: candidates, what was seen, what goes out.
 *
 * In the ledger's own transactions (store/ledger.h, begin and commit), so that a span is kept exactly once and a call resolved
 * exactly once, whatever dies when.
 *
 * candidate: spans of AI calls that wait for their window to be over. Bounded by bytes: full is BUSY, and whoever brings more waits.
 * seen: hashes of what was resolved or recorded, with its time, so that what comes again or late is known. Rows go into runs of
 * GENOPS_SEEN_RUN_ROWS, one after the other, so that adding one touches few pages; a look-up goes through the runs that its time lies in.
 * Kept for GENOPS_SEEN_KEEP_S, at most GENOPS_SEEN_ROWS_MAX.
 * outbox: envelopes that are still to be appended to a segment. A row goes away in the transaction that has read the entry back.
 */
#ifndef STORE_OBSERVED_H
#define STORE_OBSERVED_H

#include "base/arena.h"
#include "store/ledger.h"

#define GENOPS_CANDIDATES_BYTES_MAX (INT64_C(256) << 20) /* with the outbox */
#define GENOPS_SEEN_RUN_ROWS        32768
#define GENOPS_SEEN_ROWS_MAX        (INT64_C(8) << 20)
#define GENOPS_SEEN_KEEP_S          (INT64_C(3) * 86400)

struct genops_candidate {
	int64_t id;              /* given by add */
	uint8_t trace_id[16], span_id[8];
	int64_t received_unix_ns, due_unix_ns;
	genops_str body;         /* an envelope with one span */
};

/* *ret_is_new false: a candidate with these ids is there already. BUSY: too many bytes wait. */
GENOPS_NODISCARD int genops_ledger_candidate_add(struct genops_ledger *ledger, const struct genops_candidate *candidate,
    bool *ret_is_new, struct genops_error *err);
/* Bytes that wait, outbox included; 0 if that cannot be said. */
int64_t genops_ledger_candidate_bytes(struct genops_ledger *ledger);
/* The trace of the candidate that has been due for longest. */
GENOPS_NODISCARD int genops_ledger_candidate_due(struct genops_ledger *ledger, int64_t now_unix_ns, uint8_t ret_trace_id[16],
    bool *ret_found, struct genops_error *err);
/* Those of one trace, longest due first: at most `max`, and no more behind max_bytes. Bodies are copied into the arena. */
GENOPS_NODISCARD int genops_ledger_candidates_of(struct genops_ledger *ledger, const uint8_t trace_id[16],
    struct genops_arena *arena, size_t max_bytes, struct genops_candidate *ret_candidates, size_t max, size_t *ret_n,
    struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_candidate_drop(
    struct genops_ledger *ledger, const struct genops_candidate *candidate, struct genops_error *err);
/* None waits for longer than until then: for a clock that was put back. */
GENOPS_NODISCARD int genops_ledger_candidates_hasten(
    struct genops_ledger *ledger, int64_t latest_due_unix_ns, struct genops_error *err);

/* What a hash was made of says whoever asks; the seed is the ledger's. */
enum genops_seen_kind {
	GENOPS_SEEN_SPAN,        /* trace, span: resolved */
	GENOPS_SEEN_PARENT,      /* trace, span: a recorded call was made within this span */
	GENOPS_SEEN_CHILD_OF,    /* trace, span, model: a resolved call's span is its child */
	GENOPS_SEEN_CALL,        /* trace, span, model: it is a resolved call's span */
	GENOPS_SEEN_RESPONSE,    /* response id of a recorded call */
	GENOPS_SEEN_RESPONSE_OF, /* trace, response id of a resolved one */
};
uint64_t genops_ledger_seen_hash(
    const struct genops_ledger *ledger, enum genops_seen_kind kind, genops_str first, genops_str second, genops_str third);

struct genops_seen {
	int64_t start_unix_ns, end_unix_ns;
};
#define GENOPS_SEEN_FOUND_MAX 8 /* of one hash */
GENOPS_NODISCARD int genops_ledger_seen_add(
    struct genops_ledger *ledger, uint64_t hash, const struct genops_seen *seen, struct genops_error *err);
/* Those of runs that hold anything between the two times. */
GENOPS_NODISCARD int genops_ledger_seen_find(struct genops_ledger *ledger, uint64_t hash, int64_t from_unix_ns,
    int64_t until_unix_ns, struct genops_seen ret_seen[GENOPS_SEEN_FOUND_MAX], size_t *ret_n, struct genops_error *err);

/* `request` is what the envelope holds: known by a hash of it, as the entry that comes back has no other name. */
GENOPS_NODISCARD int genops_ledger_outbox_add(
    struct genops_ledger *ledger, genops_str request, genops_str envelope, struct genops_error *err);
/* The first one behind `after`, copied into `out` (cleared before); *ret_id 0: there is none. */
GENOPS_NODISCARD int genops_ledger_outbox_next(struct genops_ledger *ledger, int64_t after, struct genops_buffer *out,
    int64_t *ret_id, struct genops_error *err);
/* It has been read from a segment. Nothing happens if it is not there. */
GENOPS_NODISCARD int genops_ledger_outbox_drop(struct genops_ledger *ledger, genops_str request, struct genops_error *err);

#endif
