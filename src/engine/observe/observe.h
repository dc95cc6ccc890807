/* SPDX-License-Identifier: Apache-2.0
 * engine/observe/observe.h - AI calls that others made, known from their spans, become operations: each exactly once.
 *
 * The drain calls this. A span that tells of an AI call (telemetry/genai) is taken out of its request and kept as a *candidate*, in the
 * ledger's database, in the transaction that moves the position behind its entry; what was seen before (by trace and span id) is dropped
 * and counted. When a candidate's window is over (the better its source, the shorter), it is *resolved*: the best span of one call wins
 * (same response id, else ancestor and descendant of equal model, in overlapping time; a call that the gateway or a library recorded wins
 * over all), is priced by the catalogue, attributed, checked against the policies (nothing is refused: it has happened) and settled
 * against budgets as any operation is. Its record, what is known from now on, the candidates' end and the spans that go on - the winner with
 * genops.* on it, the others marked as duplicates - are one transaction; the spans wait in the *outbox* until they have
 * been appended to the drain's own segment and read from there. Killed anywhere, the call counts once and its spans go on once.
 *
 * One thread: the drain's.
 */
#ifndef ENGINE_OBSERVE_H
#define ENGINE_OBSERVE_H

#include "engine/engine.h"
#include "store/ledger.h"
#include "telemetry/metrics/metrics.h"
#include "telemetry/otlp/envelope.h"

struct genops_observer;
GENOPS_NODISCARD int genops_observer_new(genops_engine *engine, struct genops_ledger *ledger, struct genops_metrics *metrics,
    struct genops_observer **ret, struct genops_error *err);
void genops_observer_free(struct genops_observer *observer);

/* Within the ledger's transaction: keeps the AI calls of a traces envelope that is not observed yet as candidates. BUSY: too many wait;
 * the entry comes again later. */
GENOPS_NODISCARD int genops_observer_take(
    struct genops_observer *observer, const struct genops_envelope *envelope, struct genops_error *err);
/* That transaction is over: what was taken in it counts in the metrics, or comes again. */
void genops_observer_taken(struct genops_observer *observer, bool is_stored);
/* Within the ledger's transaction: a record of ours that is new to the ledger; a client's span of the same call is known by it. */
GENOPS_NODISCARD int genops_observer_know(
    struct genops_observer *observer, const struct genops_record *record, struct genops_error *err);
/* After a pass, with everything that was in the segments drained, between transactions: resolves what is due. *ret_n: how many calls were
 * settled. */
GENOPS_NODISCARD int genops_observer_resolve(
    struct genops_observer *observer, int64_t now_unix_ns, size_t *ret_n, struct genops_error *err);

#endif
