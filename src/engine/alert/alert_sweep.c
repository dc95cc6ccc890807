/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_sweep.c - see alert_sweep.h. */
#include "engine/alert/alert_sweep.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "engine/alert/alert_budget.h"
#include "store/alerts.h"
#include "store/counters.h"

#include <stdlib.h>

#define VIEWS_MAX 4096
#define SEEN_MAX  16384  /* a power of two */
#define LOOKS     3      /* a record is in the ledger long before */
#define DONE      UINT8_MAX
#define ARENA_MAX ((size_t)8 << 20)
#define NEW_MAX   64     /* of one look: the others in the next */

struct genops_alert_sweep {
	genops_engine *engine;
	struct genops_ledger *ledger;
	struct genops_budget_view *views;
	struct genops_arena arena;
	size_t n_seen;
	struct {
		uint64_t key;    /* 0: free */
		uint8_t looks;
	} seen[SEEN_MAX];
	size_t n_new;            /* of this look */
};

int genops_alert_sweep_new(
    genops_engine *engine, struct genops_ledger *ledger, struct genops_alert_sweep **ret_sweep, struct genops_error *err)
{
	struct genops_alert_sweep *sweep = calloc(1, sizeof *sweep);
	if (sweep)
		sweep->views = calloc(VIEWS_MAX, sizeof *sweep->views);
	if (!sweep || !sweep->views) {
		free(sweep);
		return genops_fail(err, GENOPS_NOMEM, "no memory for alerts");
	}
	sweep->engine = engine;
	sweep->ledger = ledger;
	genops_arena_init(&sweep->arena, ARENA_MAX);
	*ret_sweep = sweep;
	return GENOPS_OK;
}

void genops_alert_sweep_free(struct genops_alert_sweep *sweep)
{
	if (!sweep)
		return;
	genops_arena_done(&sweep->arena);
	free(sweep->views);
	free(sweep);
}

/* How often it was seen before; forgotten are all together, and the ledger knows them still. */
static uint8_t *looks_of(struct genops_alert_sweep *sweep, const struct genops_alert_budget_line *line)
{
	const int64_t numbers[] = {line->period, line->percent, line->start_unix_s};
	uint64_t key = genops_hash_checksum(line->label.ptr, line->label.len, 0);
	key = genops_hash_checksum(numbers, sizeof numbers, key) | 1;
	size_t at = key & (SEEN_MAX - 1);
	if (sweep->n_seen > SEEN_MAX / 2) {
		memset(sweep->seen, 0, sizeof sweep->seen);
		sweep->n_seen = 0;
	}
	while (sweep->seen[at].key && sweep->seen[at].key != key)
		at = (at + 1) & (SEEN_MAX - 1);
	sweep->n_seen += !sweep->seen[at].key;
	sweep->seen[at].key = key;
	return &sweep->seen[at].looks;
}

static int add(struct genops_alert_sweep *sweep, const struct genops_alert_budget_line *line, int64_t now_unix_ns, struct genops_error *err)
{
	struct genops_alert_row row;
	bool is_new = false;
	genops_arena_reset(&sweep->arena);
	GENOPS_TRY(genops_alert_budget_found(line, now_unix_ns, &sweep->arena, &row, err));
	if (!sweep->n_new++)
		GENOPS_TRY(genops_ledger_begin(sweep->ledger, err));
	GENOPS_TRY(genops_ledger_alert_add(sweep->ledger, &row, &is_new, err));
	if (!is_new)
		return GENOPS_OK;
	genops_log_write(&sweep->engine->log, GENOPS_LOG_WARN, "budget \"%.*s\" has passed %d %% of its %s limit", GENOPS_STR_ARG(line->label),
	    line->percent, genops_period_name(line->period));
	return genops_ledger_add_event(sweep->ledger, now_unix_ns, GENOPS_STR("budget.alert"), row.body, err);
}

static int look_at(struct genops_alert_sweep *sweep, const struct genops_budget_rule *rule, struct genops_budget_view *view,
    int64_t now_unix_ns, struct genops_error *err)
{
	__extension__ typedef __int128 wide;
	genops_budget_roll(rule, &view->cell, now_unix_ns / GENOPS_NS_PER_S);
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		const struct genops_budget_line *counter = &view->cell.lines[period];
		struct genops_alert_budget_line line = {genops_str_of(view->label), (enum genops_period)period, 0, rule->limit_nano_usd[period],
		    counter->consumed_nano_usd, counter->period_start_unix_s, counter->period_end_unix_s};
		for (size_t i = 0; line.limit_nano_usd >= 0 && i < rule->n_alerts && sweep->n_new < NEW_MAX; i++) {
			line.percent = rule->alert_percent[i];
			if (line.consumed_nano_usd <= 0 || (wide)line.consumed_nano_usd * 100 < (wide)line.limit_nano_usd * line.percent)
				break;
			uint8_t *looks = looks_of(sweep, &line);
			if (*looks == DONE || ++*looks < LOOKS)
				continue;
			GENOPS_TRY(add(sweep, &line, now_unix_ns, err));
			*looks = DONE;
		}
	}
	return GENOPS_OK;
}

static int look_at_all(struct genops_alert_sweep *sweep, const struct genops_config *config, int64_t now_unix_ns, struct genops_error *err)
{
	size_t n = genops_counters_budgets(sweep->engine->counters, sweep->views, VIEWS_MAX);
	for (size_t i = 0; i < config->n_budgets; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		for (size_t k = 0; rule->n_alerts && k < n && k < VIEWS_MAX; k++) {
			genops_str label = genops_str_of(sweep->views[k].label);
			/* A label that is cut is another one's key. */
			if (label.len + 1 < sizeof sweep->views[k].label && genops_budget_is_label(rule, label))
				GENOPS_TRY(look_at(sweep, rule, &sweep->views[k], now_unix_ns, err));
		}
	}
	return GENOPS_OK;
}

int genops_alert_sweep_look(struct genops_alert_sweep *sweep, const struct genops_config *config, int64_t now_unix_ns, struct genops_error *err)
{
	sweep->n_new = 0;
	int code = look_at_all(sweep, config, now_unix_ns, err);
	if (sweep->n_new && code == GENOPS_OK)
		code = genops_ledger_commit(sweep->ledger, err);
	if (sweep->n_new && code != GENOPS_OK) {
		genops_ledger_rollback(sweep->ledger);
		memset(sweep->seen, 0, sizeof sweep->seen); /* what was not stored is looked at anew */
		sweep->n_seen = 0;
	}
	return code;
}
