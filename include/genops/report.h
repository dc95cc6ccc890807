/* SPDX-License-Identifier: Apache-2.0
 * genops/report.h - what was spent, what is left, and the evidence: cost and budget reports, the audit trail.
 *
 * A report is allocated by the library and released with its _free. Its texts are views into it. The numbers are current: each call first lets
 * what was appended so far get into the ledger (at most some seconds; a report never fails because that took longer).
 * Money is nano-USD (1 USD = 1e9), times are Unix seconds or nanoseconds as the name says, UTC.
 * Threads: any; these calls read files and may block for some milliseconds.
 */
#ifndef GENOPS_REPORT_H
#define GENOPS_REPORT_H

#include <genops/engine.h>
#include <genops/usage.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GENOPS_REPORT_KEYS_MAX 4

/* key = value must hold. Keys: team, project, customer_id, environment, cost_center, feature, provider, model, key_name, result,
 * operation, type, outcome, reason, policy, or any other attribute ("attribute:x" where a name is taken). */
struct genops_report_filter {
	genops_str key, value;
};

/* --- cost --- */

struct genops_cost_query {
	size_t size;                        /* sizeof(struct genops_cost_query) */
	const genops_str *by;               /* group by: keys as above, or hour, day, month */
	size_t n_by;                        /* at most GENOPS_REPORT_KEYS_MAX; 0: the total only */
	const struct genops_report_filter *where;
	size_t n_where;
	int64_t since_unix_s, until_unix_s; /* 0: open; until is exclusive */
};

/* An operation counts when it ends. */
struct genops_cost_line {
	genops_str key;                     /* keys joined with ", " */
	genops_str keys[GENOPS_REPORT_KEYS_MAX]; /* empty: the operations do not have it */
	int64_t operations, refused, cost_nano_usd;
#define X(field, unit) int64_t field;
	GENOPS_USAGE_FIELDS(X)
#undef X
};

struct genops_cost_report {
	size_t n_by;
	genops_str by[GENOPS_REPORT_KEYS_MAX];
	int64_t since_unix_s, until_unix_s;
	struct genops_cost_line total;
	size_t n_groups;                    /* dearest first; in order of time if the first key is one */
	struct genops_cost_line *groups;
};

/* Errors: MISUSE (a filter by time, a key that no operation has), LIMIT (keys, groups), CORRUPT, IO, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_report_cost(genops_engine *engine, const struct genops_cost_query *query,
    struct genops_cost_report **ret_report, struct genops_error *err);
GENOPS_API void genops_report_cost_free(struct genops_cost_report *report);
/* As text: `genops cost --json` and --csv print exactly this. The caller frees *ret_text with free(). */
GENOPS_API GENOPS_NODISCARD int genops_report_cost_json(
    const struct genops_cost_report *report, char **ret_text, size_t *ret_len, struct genops_error *err);
GENOPS_API GENOPS_NODISCARD int genops_report_cost_csv(
    const struct genops_cost_report *report, char **ret_text, size_t *ret_len, struct genops_error *err);

/* --- budgets --- */

struct genops_budget_window {
	const char *period;                 /* "hourly", "daily", "weekly", "monthly", "total" */
	int64_t limit_nano_usd, consumed_nano_usd, reserved_nano_usd;
	int64_t remaining_nano_usd;         /* limit - consumed - reserved, at least 0 */
	double percent;                     /* consumed of limit */
	int64_t resets_at_unix_s;           /* 0: never */
};

#define GENOPS_BUDGET_WINDOWS_MAX 5

/* One counter. A budget that is kept per team has one for each team seen; one that was never used is there with 0 consumed. */
struct genops_budget_status {
	genops_str name;                    /* as configured */
	genops_str label;                   /* of the counter: "name" or "name[team=a,project=b]" */
	genops_str level;                   /* "block", "warn", ... */
	size_t n_windows;
	struct genops_budget_window windows[GENOPS_BUDGET_WINDOWS_MAX];
};

struct genops_budget_report {
	size_t n_budgets;
	struct genops_budget_status *budgets;
};

/* `name`: one budget, by name or label; empty: all. NOT_FOUND names the nearest. */
GENOPS_API GENOPS_NODISCARD int genops_report_budgets(genops_engine *engine, genops_str name,
    struct genops_budget_report **ret_report, struct genops_error *err);
GENOPS_API void genops_report_budgets_free(struct genops_budget_report *report);
GENOPS_API GENOPS_NODISCARD int genops_report_budgets_json(
    const struct genops_budget_report *report, char **ret_text, size_t *ret_len, struct genops_error *err);

/* --- the audit trail --- */

struct genops_audit_report_query {
	size_t size;                          /* sizeof(struct genops_audit_report_query) */
	int64_t since_unix_ns, until_unix_ns; /* 0: open; until is exclusive */
	int64_t after_sequence;               /* 0: from the first */
	int64_t limit;                        /* 0: all */
	bool newest_first;
	const struct genops_report_filter *where; /* also kind ("operation", "config.reloaded", ...), operation (its id), name */
	size_t n_where;
};

/* One record: who did what, when, where, and what governance said to it. Texts are borrowed for the call. */
struct genops_audit_event {
	int64_t sequence, unix_ns;
	genops_str kind;            /* "operation"; else an event whose facts are in `detail` */
	genops_str detail;          /* JSON; empty for operations */
	genops_str hash;            /* 64 hex digits */
	/* an operation */
	genops_str operation_id, parent_span_id, name, type;
	genops_str user, service, host;
	int64_t pid;
	genops_str team, project, customer_id, environment, cost_center, feature, key_name;
	genops_str provider, model, response_model, region, dialect;
	genops_str result, outcome, reason_code, mode, policy, policy_type, message;
	bool is_refused, is_cost_estimated, is_stream;
	int64_t delay_ms, duration_ms, first_byte_ms;
	int64_t estimated_nano_usd, reserved_nano_usd, cost_nano_usd;
	genops_str price_source;
#define X(field, unit) int64_t field;
	GENOPS_USAGE_FIELDS(X)
#undef X
	int64_t http_status;
	genops_str finish_reason, error_type, provider_request_id;
	genops_str attributes, evaluations, budgets; /* JSON: an object, two arrays */
};

/* Returns GENOPS_OK to go on; anything else ends the walk and is what the walk returns. */
typedef int genops_audit_event_fn(void *arg, const struct genops_audit_event *event);
GENOPS_API GENOPS_NODISCARD int genops_report_audit(genops_engine *engine, const struct genops_audit_report_query *query,
    genops_audit_event_fn *on_event, void *arg, struct genops_error *err);

enum genops_audit_format {
	GENOPS_AUDIT_JSON,    /* {"events": [...], "count": n, "retention_days": null} */
	GENOPS_AUDIT_CSV,     /* RFC 4180, a header line first */
	GENOPS_AUDIT_PARQUET,
};

/* Takes the next bytes of a file. As above: not GENOPS_OK ends the export. */
typedef int genops_report_write_fn(void *arg, const char *bytes, size_t len);

/* *ret_n_events (may be NULL): how many were written. A file is whole only if this returns GENOPS_OK. */
GENOPS_API GENOPS_NODISCARD int genops_report_audit_export(genops_engine *engine,
    const struct genops_audit_report_query *query, enum genops_audit_format format, genops_report_write_fn *on_bytes,
    void *arg, int64_t *ret_n_events, struct genops_error *err);

struct genops_audit_verification {
	int64_t n_records;        /* that fit, from the first */
	int64_t first_bad;        /* 0: the chain is whole */
	char message[512];        /* what is wrong with the first bad one; "" : nothing */
	int64_t head_sequence;    /* the newest record and its hash: keep them elsewhere to prove later that nothing was cut off */
	char head_hash[65];
};

GENOPS_API GENOPS_NODISCARD int genops_report_audit_verify(
    genops_engine *engine, struct genops_audit_verification *ret_verification, struct genops_error *err);
GENOPS_API GENOPS_NODISCARD int genops_report_audit_verify_json(
    const struct genops_audit_verification *verification, char **ret_text, size_t *ret_len, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
