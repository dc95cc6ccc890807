/* SPDX-License-Identifier: Apache-2.0
 * store/counters.h - budgets, rate buckets and reservations of all processes, in one mapped file.
 *
 * <state>/counters: header | budget slots | rate slots | process slots | leases. Fully allocated on disk when made (a
 * full disk is an error at open, never a SIGBUS). One robust process-shared mutex guards all of it; a holder's
 * death is repaired from an undo log in the header, so every transaction is all or nothing. Each process holds
 * an OFD lock on the byte of its slot; the kernel drops it on death, and whoever drains then reaps its leases.
 * Layout: docs/shared-memory.md; offsets pinned by static_assert; another layout version refuses to attach
 * while somebody uses the old one, and is rebuilt from the ledger when nobody does.
 *
 * Order on settling, so that counters always agree with the ledger, whatever dies when: commit (the counters settle; the lease stays and
 * says at what), append the record, free the lease. So the record carries the figures, windows and alerts of the very settlement.
 * A process found dead in one call of genops_counters_reap is reaped in the next one, so `drain everything, reap` in a loop never
 * reaps before a drain that began after the death.
 *
 * Threads: every function may be called from any thread.
 */
#ifndef STORE_COUNTERS_H
#define STORE_COUNTERS_H

#include "base/hash.h"
#include "govern/budget.h"
#include "govern/rate.h"

#define GENOPS_RESERVATION_BUDGETS_MAX 8
#define GENOPS_LEASE_NONE UINT32_MAX

struct genops_counters;

/* Attaches (creating if needed; the directory must be there, mode 0700). *ret_is_first: nobody else was attached, all counters are
 * zero, and the caller must, before anybody else gets in (it holds the set-up lock until genops_counters_ready):
 *   1. drain all segments into the ledger,
 *   2. genops_counters_reap: leases of processes that all died; records those that are not in the ledger, charges nothing,
 *   3. drain again if 2 appended anything,
 *   4. genops_counters_restore every window from the ledger (MISUSE while leases are left from 2), 5. genops_counters_ready.
 * In this order the ledger alone says what was spent, and dying anywhere in it repeats it without harm.
 * Others wait for the set-up lock, at most GENOPS_COUNTERS_WAIT_S seconds.
 * Errors: IO, FULL, CORRUPT, LIMIT (process slots), BUSY (set-up goes on, another layout is in use), DENIED, NOMEM. */
#define GENOPS_COUNTERS_WAIT_S 30
GENOPS_NODISCARD int genops_counters_open(const char *state_dir, struct genops_counters **ret_counters,
    bool *ret_is_first, struct genops_error *err);
/* In the child of a fork, before anything else: takes a slot of its own. Until then nothing can be reserved (MISUSE), and the parent's
 * leases stay the parent's for ever. MISUSE before ready. On failure the handle only takes close or another try. */
GENOPS_NODISCARD int genops_counters_after_fork(struct genops_counters *counters, struct genops_error *err);
/* Leases still held are left to the reaper, as after a death: their calls want a record. */
void genops_counters_close(struct genops_counters *counters);
/* Is the file that is mapped still the one in the directory, in full? CORRUPT: somebody replaced or cut it, limits are not
 * shared with processes that attach from now on. For upkeep, now and then. */
GENOPS_NODISCARD int genops_counters_check(const struct genops_counters *counters, struct genops_error *err);

/* First attacher only: sets a budget's consumed amount for the period [start, end). */
GENOPS_NODISCARD int genops_counters_restore(struct genops_counters *counters, struct genops_hash key, genops_str label,
    enum genops_period period, int64_t start_unix_s, int64_t end_unix_s, int64_t consumed_nano_usd, struct genops_error *err);
void genops_counters_ready(struct genops_counters *counters);

uint64_t genops_counters_hash_seed(const struct genops_counters *counters); /* outlives the file: <state>/hash-seed */
uint32_t genops_counters_process(const struct genops_counters *counters);   /* my slot number */
uint64_t genops_counters_epoch(const struct genops_counters *counters);     /* this life of it; never used twice */

/* What identifies the call a lease is for; kept in the lease so that a dead process's call can be recorded. Texts are cut. */
struct genops_lease_identity {
	uint8_t trace_id[16], span_id[8];
	int64_t start_unix_ns;
	char provider[32], model[64], team[48], project[48], environment[32], customer_id[48], key_name[31];
	bool is_observed; /* only its record can settle it: without one it never was (genops_counters_revert) */
};

struct genops_budget_ask {
	struct genops_hash key;
	genops_str label;                     /* kept in the slot, cut at 95 bytes */
	const struct genops_budget_rule *rule;
	bool may_refuse;                      /* false: reserve even if it does not fit (warn, audit) */
};

struct genops_counters_window {
	enum genops_period period;
	int64_t start_unix_s, end_unix_s;
};

struct genops_budget_answer {
	uint32_t slot;
	bool is_over;                         /* did not fit */
	struct genops_budget_refusal refusal; /* if is_over */
	enum genops_period tightest;          /* window with the least left; its figures, before this call: */
	int64_t limit_nano_usd, consumed_nano_usd, reserved_nano_usd;
	/* After commit: where the amount was added to. */
	size_t n_windows;
	struct genops_counters_window windows[GENOPS_PERIOD_N];
};

/* Reserves amount in every budget asked for, all or none, and takes a lease (also with n_asks 0: the call is in flight). *ret_granted
 * false: some budget that may refuse does not fit, nothing was reserved, *ret_lease is GENOPS_LEASE_NONE.
 * Time never goes back here: every call works at the latest time that any process has given.
 * Errors: LIMIT (budget slots, leases in flight, an amount too large to sum), MISUSE (too many asks, a negative amount), CORRUPT. */
GENOPS_NODISCARD int genops_counters_reserve(struct genops_counters *counters, const struct genops_budget_ask *asks, size_t n_asks,
    int64_t amount_nano_usd, const struct genops_lease_identity *identity, int64_t now_unix_ns,
    struct genops_budget_answer *ret_answers, bool *ret_granted, uint32_t *ret_lease, struct genops_error *err);

/* As reserve, but touches nothing. */
GENOPS_NODISCARD int genops_counters_peek(struct genops_counters *counters, const struct genops_budget_ask *asks, size_t n_asks,
    int64_t amount_nano_usd, int64_t now_unix_ns, struct genops_budget_answer *ret_answers, bool *ret_granted,
    struct genops_error *err);

/* Raises a lease to hold amount in every budget; false when one that may refuse has no room (nothing changes). Here and
 * below `asks` are those of the reservation. */
bool genops_counters_extend(struct genops_counters *counters, uint32_t lease, const struct genops_budget_ask *asks,
    size_t n_asks, int64_t amount_nano_usd, int64_t now_unix_ns);

/* One relaxed store: what the running call has cost so far. */
void genops_counters_metered(struct genops_counters *counters, uint32_t lease, int64_t metered_nano_usd);

struct genops_counters_alert {
	size_t ask;                           /* index into asks */
	struct genops_budget_alert alert;
};

/* Settles; the lease stays, as committed, until genops_counters_free. ret_answers (may be NULL) get the figures after it and the
 * windows. Returns the number of alerts that crossed. A lease that is not held by this process, or was settled
 * before, changes nothing. */
size_t genops_counters_commit(struct genops_counters *counters, uint32_t lease, const struct genops_budget_ask *asks,
    size_t n_asks, int64_t actual_nano_usd, int64_t now_unix_ns, struct genops_budget_answer *ret_answers,
    struct genops_counters_alert *ret_alerts, size_t max_alerts);
/* The record of a committed lease is appended (or will never be). Also gives back what a lease not yet committed holds. */
void genops_counters_free(struct genops_counters *counters, uint32_t lease);

/* Undoes a commit of this process, and frees the lease: the call is to be settled again from what it is known by. Amount and alerts are
 * taken back from the windows that have them and have not ended since. A lease not yet committed gives back what it holds. */
void genops_counters_revert(struct genops_counters *counters, uint32_t lease);
/* Has anybody else, dead or alive, a lease of an observed call? Who begins to drain waits until those were reaped. */
bool genops_counters_has_observed(struct genops_counters *counters);

/* Adds spending that never had a lease (incoming spans). A death between this and the record is set right by the next first
 * attacher only; what must be exact at once reserves, commits, appends and frees. */
GENOPS_NODISCARD int genops_counters_charge(struct genops_counters *counters, const struct genops_budget_ask *asks, size_t n_asks,
    int64_t actual_nano_usd, int64_t now_unix_ns, struct genops_error *err);

/* For govern's limiter. Bucket slots that are full again are reused; LIMIT never happens silently: no slot -> false with delay 1 s. */
bool genops_counters_take_rate(struct genops_counters *counters, struct genops_hash key, double tokens_per_minute,
    int64_t burst, int64_t max_delay_ns, int64_t now_monotonic_ns, bool is_dry_run, int64_t *ret_delay_ns);

/* One budget's figures as they are now. A window that ended and that nobody has used since still shows the old period:
 * whoever has the rule rolls the copy. */
struct genops_budget_view {
	char label[96];
	struct genops_hash key;
	struct genops_budget_cell cell;
};
/* Copies up to max used slots; returns how many there are. */
size_t genops_counters_budgets(struct genops_counters *counters, struct genops_budget_view *ret_views, size_t max);
bool genops_counters_budget(struct genops_counters *counters, struct genops_hash key, struct genops_budget_view *ret_view);

/* Leases whose process is gone. */
struct genops_dead_budget {
	struct genops_hash key;
	char label[96];
	size_t n_windows;                    /* that the amount is added to; those that have ended since are left out */
	struct genops_counters_window windows[GENOPS_PERIOD_N];
	uint8_t alerts[GENOPS_PERIOD_N];     /* bit per alert_percent index that this settlement crossed, if committed */
};
struct genops_dead_lease {
	uint32_t lease, process;
	uint64_t process_epoch;              /* which life of that slot; also in its segments' names */
	struct genops_lease_identity identity;
	int64_t reserved_nano_usd, metered_nano_usd;
	bool is_committed;                   /* the counters have it, at committed_nano_usd */
	int64_t committed_nano_usd;
	int64_t settled_unix_ns;             /* when it was committed, else last reserved or extended: its windows are of that time */
	size_t n_budgets;
	struct genops_dead_budget budgets[GENOPS_RESERVATION_BUDGETS_MAX];
};

/* For the drain, after it has drained everything: on_lease is called for each lease of a process that was found dead in an earlier call
 * (by anybody) or, for a first attacher, at open. It looks the operation up in the ledger. If it is there, it returns the record's amount. If
 * not, it records the call as abandoned, at committed_nano_usd if is_committed, else at metered_nano_usd, with the
 * windows given here, and returns that amount. Negative: could not be recorded, the lease is kept for the next call;
 * GENOPS_DEAD_LEASE_REVERT: it is to be as if it had never been (an observed call that will be settled anew), see genops_counters_revert.
 * What reap then adds to the counters: nothing before genops_counters_ready (the restore brings it) and nothing for committed leases (they
 * have it); else the amount, in the windows given. Adding and freeing are one transaction; dying between the
 * ledger and it means that the next reaper finds the record. Returns how many leases were freed. */
#define GENOPS_DEAD_LEASE_REVERT INT64_MIN
typedef int64_t genops_dead_lease_fn(void *arg, const struct genops_dead_lease *lease);
size_t genops_counters_reap(struct genops_counters *counters, int64_t now_unix_ns, genops_dead_lease_fn *on_lease, void *arg);

/* Process slots in use and leases in flight, for status and metrics. */
struct genops_counters_stats {
	uint32_t n_processes, n_leases, n_budgets, n_buckets;
	uint64_t n_repairs; /* transactions undone after a holder died */
};
/* Of processes that are attached; returns how many there are in pids. */
size_t genops_counters_pids(const struct genops_counters *counters, uint32_t *pids, size_t max);
void genops_counters_stats(struct genops_counters *counters, struct genops_counters_stats *ret_stats);

/* Who waits for what is in the segments asks; who drains looks whether somebody has asked since. Plain atomics. */
void genops_counters_ask_drain(struct genops_counters *counters);
uint64_t genops_counters_drains_asked(const struct genops_counters *counters);

#endif
