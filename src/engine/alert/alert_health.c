/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_health.c - see alert_health.h. */
#include "engine/alert/alert_health.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "engine/receive/receive_counts.h"
#include "store/tally.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBJECT    GENOPS_STR("rule:")
#define OPEN_MAX   256
#define ARENA_MAX  ((size_t)16 << 20)
#define RULES_MAX  200

struct state {
	char name[256];
	bool is_used;
	bool is_from_before;     /* fired in an earlier life of the drain, and still does */
	struct genops_alert_watch watch;
	char key[512];           /* of what is firing */
};

struct genops_alert_health {
	genops_engine *engine;
	struct genops_ledger *ledger;
	struct genops_alert_meter meter;
	struct genops_expression_run run;
	struct genops_arena arena, rows;
	bool is_loaded;          /* what is open is known */
	size_t n;
	struct state states[RULES_MAX];
};

int genops_alert_health_new(genops_engine *engine, struct genops_ledger *ledger, struct genops_alert_health **ret_health,
    struct genops_error *err)
{
	struct genops_alert_health *health = calloc(1, sizeof *health);
	if (!health)
		return genops_fail(err, GENOPS_NOMEM, "no memory for alert rules");
	health->engine = engine;
	health->ledger = ledger;
	genops_arena_init(&health->arena, ARENA_MAX);
	genops_arena_init(&health->rows, ARENA_MAX);
	health->run = (struct genops_expression_run){.arena = &health->arena, .random_state = {1, 2}};
	*ret_health = health;
	return GENOPS_OK;
}

void genops_alert_health_free(struct genops_alert_health *health)
{
	if (!health)
		return;
	genops_expression_run_done(&health->run);
	genops_arena_done(&health->arena);
	genops_arena_done(&health->rows);
	free(health);
}

/* --- rows --- */

struct said {
	const char *state, *title, *message, *remedy;
};

static void write_event(struct genops_json_writer *json, const struct genops_alert_rule *rule, genops_str key, const struct said *said)
{
	genops_json_object_begin(json);
	genops_json_key_string(json, "alert_key", key);
	genops_json_key_string(json, "alert_kind", GENOPS_STR("health"));
	genops_json_key_string(json, "alert_name", rule->name);
	genops_json_key_string(json, "alert_state", genops_str_of(said->state));
	genops_json_key_string(json, "alert_severity", rule->severity);
	genops_json_key_string(json, "alert_condition", rule->condition);
	genops_json_key_string(json, "alert_title", genops_str_of(said->title));
	genops_json_key_string(json, "alert_message", genops_str_of(said->message));
	genops_json_key_string(json, "alert_remedy", genops_str_of(said->remedy));
	genops_json_key_string(json, "text", genops_str_of(said->title));
	genops_json_key(json, GENOPS_STR("alert_to"));
	genops_json_array_begin(json);
	for (size_t i = 0; i < rule->n_targets; i++)
		genops_json_string(json, rule->targets[i]);
	genops_json_array_end(json);
	genops_json_object_end(json);
}

static int store(struct genops_alert_health *health, const struct genops_alert_row *row, genops_str kind, struct genops_error *err)
{
	bool is_new = false;
	GENOPS_TRY(genops_ledger_begin(health->ledger, err));
	int code = genops_ledger_alert_add(health->ledger, row, &is_new, err);
	if (code == GENOPS_OK && is_new)
		code = genops_ledger_add_event(health->ledger, row->unix_ns, kind, row->body, err);
	if (code == GENOPS_OK)
		code = genops_ledger_commit(health->ledger, err);
	if (code != GENOPS_OK)
		genops_ledger_rollback(health->ledger);
	return code;
}

static int tell(struct genops_alert_health *health, const struct genops_alert_rule *rule, struct state *state, bool is_resolved,
    const struct genops_alert_gauges *gauges, int64_t now_unix_ns, struct genops_error *err)
{
	char figures[512], title[512], message[1024], subject[300];
	struct genops_buffer body;
	struct genops_json_writer json;
	if (!is_resolved)
		snprintf(state->key, sizeof state->key, "genops-rule-%s-%" PRId64, state->name, now_unix_ns / GENOPS_NS_PER_S);
	genops_alert_rule_tell(rule, gauges, figures, sizeof figures);
	snprintf(subject, sizeof subject, "rule:%s", state->name);
	snprintf(title, sizeof title, is_resolved ? "Resolved: %s" : "%s", state->name);
	snprintf(message, sizeof message, "%.300s%s: %s.", rule->condition.ptr, is_resolved ? " no longer holds" : " holds", figures);
	const struct said said = {is_resolved ? "resolved" : "firing", title, message,
	    is_resolved ? "Nothing is to be done." : rule->remedy.len ? rule->remedy.ptr : genops_alert_rule_remedy(rule)};
	genops_buffer_init(&body, GENOPS_ALERT_BODY_MAX_STORED);
	genops_json_writer_init(&json, &body);
	write_event(&json, rule, genops_str_of(state->key), &said);
	const struct genops_alert_row row = {.unix_ns = now_unix_ns,
	    .is_resolved = is_resolved,
	    .key = genops_str_of(state->key),
	    .subject = genops_str_of(subject),
	    .body = genops_buffer_view(&body)};
	int code = body.error ? genops_fail(err, body.error, "an alert does not fit into memory")
			      : store(health, &row, is_resolved ? GENOPS_STR("alert.over") : GENOPS_STR("alert.fired"), err);
	genops_buffer_done(&body);
	if (code == GENOPS_OK)
		genops_log_write(&health->engine->log, GENOPS_LOG_WARN, "alert \"%s\" %s: %s %s", state->name, is_resolved ? "is over" : "fires",
		    message, is_resolved ? "" : said.remedy);
	return code;
}

const genops_str *genops_alert_health_targets(const struct genops_alert_row *row, struct genops_arena *arena, size_t *ret_n)
{
	struct genops_value event;
	const struct genops_value_key key = genops_value_key_of(GENOPS_STR("alert_to"));
	const struct genops_value *list = NULL;
	*ret_n = 0;
	if (!genops_str_starts(row->subject, SUBJECT))
		return NULL;
	if (genops_value_from_json(row->body, arena, &event, NULL) == GENOPS_OK && event.type == GENOPS_VALUE_OBJECT)
		list = genops_value_object_get(event.as.object, &key);
	size_t n = list && list->type == GENOPS_VALUE_LIST ? list->as.list->n : 0;
	genops_str *ids = genops_arena_alloc(arena, (n + 1) * sizeof *ids);
	for (size_t i = 0; ids && i < n; i++) {
		if (list->as.list->items[i].type == GENOPS_VALUE_TEXT)
			ids[(*ret_n)++] = genops_value_str(list->as.list->items[i]);
	}
	return ids;
}

/* --- what is going on --- */

static struct state *find_state(struct genops_alert_health *health, genops_str name)
{
	name.len = name.len > sizeof health->states[0].name - 1 ? sizeof health->states[0].name - 1 : name.len;
	for (size_t i = 0; i < health->n; i++) {
		if (genops_str_is(name, health->states[i].name))
			return &health->states[i];
	}
	return NULL;
}

/* One that no rule of the configuration uses is given to another. */
static struct state *state_of(struct genops_alert_health *health, genops_str name)
{
	struct state *state = find_state(health, name);
	if (state)
		return state;
	for (size_t i = 0; !state && i < health->n; i++) {
		if (!health->states[i].is_used && !health->states[i].watch.is_firing)
			state = &health->states[i];
	}
	if (!state && health->n < RULES_MAX)
		state = &health->states[health->n++];
	if (!state)
		return NULL;
	*state = (struct state){.is_used = true};
	snprintf(state->name, sizeof state->name, "%.*s", (int)(name.len > 255 ? 255 : name.len), name.ptr);
	return state;
}

/* What an earlier life of the drain left open. */
static int load(struct genops_alert_health *health, struct genops_error *err)
{
	struct genops_alert_row *rows = calloc(OPEN_MAX, sizeof *rows);
	size_t n = 0;
	if (!rows)
		return genops_fail(err, GENOPS_NOMEM, "no memory for alert rules");
	genops_arena_reset(&health->rows);
	int code = genops_ledger_alerts_open(health->ledger, GENOPS_STR(""), &health->rows, rows, OPEN_MAX, &n, err);
	for (size_t i = 0; code == GENOPS_OK && i < n; i++) {
		if (!genops_str_starts(rows[i].subject, SUBJECT))
			continue;
		struct state *state = state_of(health, genops_str_skip(rows[i].subject, SUBJECT.len));
		if (!state)
			continue;
		state->watch = (struct genops_alert_watch){.is_firing = true};
		state->is_from_before = true;
		snprintf(state->key, sizeof state->key, "%.*s", (int)(rows[i].key.len > 511 ? 511 : rows[i].key.len), rows[i].key.ptr);
	}
	health->is_loaded = code == GENOPS_OK;
	free(rows);
	return code;
}

static void sum_up(void *arg, genops_str name, uint64_t value)
{
	struct genops_alert_counts *counts = arg;
	if (genops_str_starts(name, GENOPS_STR("genops_self_received_requests_total")))
		counts->requests += value;
	else if (genops_str_starts(name, GENOPS_STR("genops_self_refused_requests_total")))
		counts->refused += value;
	else if (genops_str_starts(name, GENOPS_STR("genops_self_received_items_total")))
		counts->items += value;
}

static void measure(struct genops_alert_health *health, const struct genops_config *config, struct genops_queue *queue,
    const struct genops_alert_inside *known, int64_t monotonic_ns, struct genops_alert_gauges *gauges)
{
	struct genops_alert_counts counts = {.monotonic_ns = monotonic_ns};
	struct genops_alert_inside inside = *known;
	struct genops_queue_stats stats;
	struct genops_tally *tally = genops_receive_counts_tally(health->engine);
	for (size_t i = 0; i < GENOPS_ALERT_GAUGE_N; i++)
		gauges->values[i] = (double)NAN;
	genops_queue_stats(queue, &stats);
	inside.queue_bytes = stats.bytes;
	inside.queue_max = (uint64_t)config->telemetry.queue_max_size;
	inside.segment_bytes = genops_segment_bytes(health->engine->state_dir);
	inside.segment_max = config->n_receivers ? genops_config_buffer_bytes(config) : GENOPS_ENGINE_SEGMENTS_MAX;
	inside.disk_bytes += stats.bytes;
	inside.disk_max = (uint64_t)config->telemetry.queue_disk_size;
	inside.silence_ns = config->alerts.silence_ns;
	inside.has_receivers = config->n_receivers > 0 && tally;
	if (tally)
		genops_tally_each(tally, sum_up, &counts);
	genops_alert_gauge_machine(&counts, health->engine->state_dir, gauges);
	genops_alert_gauge_take(&health->meter, &counts, &inside, gauges);
}

static void publish(const struct genops_alert_gauges *gauges, struct genops_metrics *metrics)
{
	for (size_t i = 0; i < GENOPS_ALERT_GAUGE_N; i++) {
		char label[64];
		snprintf(label, sizeof label, "gauge=\"%s\"", genops_alert_gauge_names[i]);
		if (!isnan(gauges->values[i]))
			genops_metrics_set(metrics, "genops_self_health", label, gauges->values[i]);
	}
}

/* A rule that the configuration no longer has cannot be looked at any more: what it opened is closed. */
static int close_orphan(struct genops_alert_health *health, struct state *state, const struct genops_alert_gauges *gauges,
    int64_t now_unix_ns, struct genops_error *err)
{
	struct genops_alert_row rows[1];
	struct genops_alert_rule rule = {.name = genops_str_of(state->name), .condition = GENOPS_STR("the rule was removed: it"),
	    .severity = GENOPS_STR("info")};
	char subject[300];
	size_t n = 0, n_ids = 0;
	snprintf(subject, sizeof subject, "rule:%s", state->name);
	genops_arena_reset(&health->rows);
	GENOPS_TRY(genops_ledger_alerts_open(health->ledger, genops_str_of(subject), &health->rows, rows, 1, &n, err));
	if (n) {
		rule.targets = genops_alert_health_targets(&rows[0], &health->rows, &n_ids);
		rule.n_targets = n_ids;
		GENOPS_TRY(genops_expression_compile(GENOPS_STR("false"), &rule.expression, err));
		int code = tell(health, &rule, state, true, gauges, now_unix_ns, err);
		genops_expression_free(rule.expression);
		GENOPS_TRY(code);
	}
	state->watch = (struct genops_alert_watch){.is_firing = false};
	return GENOPS_OK;
}

static int look_at(struct genops_alert_health *health, const struct genops_alert_rule *rule, const struct genops_alert_gauges *gauges,
    int64_t now_unix_ns, int64_t monotonic_ns, struct genops_error *err)
{
	struct state *state = state_of(health, rule->name);
	if (!state)
		return genops_fail(err, GENOPS_LIMIT, "there are more alert rules than can be looked at");
	state->is_used = true;
	const struct genops_alert_watch before = state->watch;
	struct genops_alert_gauges judged = *gauges;
	state->is_from_before &= state->watch.is_firing;
	if (state->is_from_before)
		genops_alert_gauge_unheard(&health->meter, &judged);
	enum genops_alert_step step = genops_alert_watch_step(
	    &state->watch, rule, genops_alert_rule_holds(rule, &judged, &health->run), monotonic_ns);
	if (step == GENOPS_ALERT_NOTHING)
		return GENOPS_OK;
	int code = tell(health, rule, state, step == GENOPS_ALERT_IS_OVER, gauges, now_unix_ns, err);
	if (code != GENOPS_OK)
		state->watch = before; /* not stored: again the next time */
	return code;
}

int genops_alert_health_look(struct genops_alert_health *health, const struct genops_config *config, struct genops_queue *queue,
    const struct genops_alert_inside *inside, struct genops_metrics *metrics, int64_t now_unix_ns, int64_t monotonic_ns, struct genops_error *err)
{
	struct genops_alert_gauges gauges = {.failing = ""};
	measure(health, config, queue, inside, monotonic_ns, &gauges);
	publish(&gauges, metrics);
	if (!health->is_loaded)
		GENOPS_TRY(load(health, err));
	for (size_t i = 0; i < health->n; i++)
		health->states[i].is_used = false;
	for (size_t i = 0; i < config->alerts.n_rules; i++) {
		struct state *known = find_state(health, config->alerts.rules[i].name);
		if (known)
			known->is_used = true; /* before a new rule looks for a place */
	}
	for (size_t i = 0; i < config->alerts.n_rules; i++)
		GENOPS_TRY(look_at(health, &config->alerts.rules[i], &gauges, now_unix_ns, monotonic_ns, err));
	for (size_t i = 0; i < health->n; i++) {
		if (!health->states[i].is_used && health->states[i].watch.is_firing)
			GENOPS_TRY(close_orphan(health, &health->states[i], &gauges, now_unix_ns, err));
	}
	return GENOPS_OK;
}
