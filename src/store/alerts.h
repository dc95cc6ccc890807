/* SPDX-License-Identifier: Apache-2.0
 * store/alerts.h - the alerts that the ledger's database keeps: what fired, what is over, and what is not in the queue yet.
 *
 * In the ledger's own transactions (store/ledger.h). A budget's alert is stored with the operation that crossed the threshold, so it is there
 * once if that operation is, whatever dies when. Key and resolved are unique: what fires again under the same key is not new. Numbers grow
 * and are never used again, not even by a ledger that was made anew or came from a backup (they follow the clock); the queue remembers the
 * number up to which it has them (engine/alert), so each goes into it exactly once.
 *
 * Rows of what is over and queued go away GENOPS_ALERT_KEEP_S later.
 */
#ifndef STORE_ALERTS_H
#define STORE_ALERTS_H

#include "base/arena.h"
#include "store/ledger.h"

#define GENOPS_ALERT_KEEP_S   (INT64_C(40) * 86400)
#define GENOPS_ALERT_BODY_MAX_STORED ((size_t)256 << 10)

struct genops_alert_row {
	int64_t number;        /* given by add */
	int64_t unix_ns;       /* when it fired, or was over */
	int64_t ends_unix_s;   /* it is over by itself then; 0: never */
	int64_t rank;          /* among those of one subject: the percentage */
	bool is_resolved;
	bool is_quiet;         /* resolved, and a higher one of its subject is too: one message is enough */
	genops_str key, subject, body; /* body: JSON, what destinations get */
};

/* In a transaction. *ret_is_new false: it is there already. One that is resolved closes the one that fired under its key. */
GENOPS_NODISCARD int genops_ledger_alert_add(
    struct genops_ledger *ledger, const struct genops_alert_row *row, bool *ret_is_new, struct genops_error *err);

/* Those that are not queued, with a number over `after`, in order; texts in the arena. */
GENOPS_NODISCARD int genops_ledger_alerts_waiting(struct genops_ledger *ledger, int64_t after, struct genops_arena *arena,
    struct genops_alert_row *ret_rows, size_t max, size_t *ret_n, struct genops_error *err);
/* In a transaction: all up to that number are in the queue. Forgets old ones, too. */
GENOPS_NODISCARD int genops_ledger_alerts_queued(
    struct genops_ledger *ledger, int64_t until, int64_t now_unix_s, struct genops_error *err);

/* Those that fired and are not resolved: whose end has come; of one subject ("" : any). Those of a subject follow one another, highest
 * rank first. */
GENOPS_NODISCARD int genops_ledger_alerts_over(struct genops_ledger *ledger, int64_t now_unix_s, struct genops_arena *arena,
    struct genops_alert_row *ret_rows, size_t max, size_t *ret_n, struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_alerts_open(struct genops_ledger *ledger, genops_str subject, struct genops_arena *arena,
    struct genops_alert_row *ret_rows, size_t max, size_t *ret_n, struct genops_error *err);

#endif
