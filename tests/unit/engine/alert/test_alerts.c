/* SPDX-License-Identifier: Apache-2.0 - engine/alert/alerts.c, alert_budget.c, alert_sweep.c, store/ledger/kept/ledger_alert.c: from what
 * crossed a threshold to the queue, exactly once, and over at the period's turn. Time is an argument. Proves CORE-040, CRB-152, A-096. */
#include "engine_fixture.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/alert/alert_budget.h"
#include "engine/alert/alerts.h"
#include "engine/flow/routed.h"
#include "engine/receive/receive_counts.h"
#include "store/ledger/ledger_impl.h"

#define DAY   INT64_C(86400)
#define START (INT64_C(20000) * DAY)
#define NS    GENOPS_NS_PER_S

static const char config[] =
    "destinations:\n"
    "  - {id: chat, type: slack, url: 'http://127.0.0.1:1/x'}\n"
    "  - {id: pager, type: pagerduty, url: 'http://127.0.0.1:1/x', routing_key: 0123456789abcdef0123456789abcdef}\n"
    "alerts: {to: [chat, {destination: pager, from: 90}]}\n"
    "governance: {budgets: [{name: all, total_budget: 0.000001}]}\n";

struct stage {
	genops_engine *engine;
	struct genops_config *config;
	struct genops_ledger *ledger;
	struct genops_queue *queue;
	struct genops_metrics *metrics;
	struct genops_alerts *alerts;
	struct genops_queue_cursor *chat, *pager;
	struct genops_error err;
	int64_t monotonic_ns;
};

static void open_stage(struct stage *s, const char *dir, const char *text)
{
	const struct genops_queue_options options = {.max_bytes = 1 << 20};
	memset(s, 0, sizeof *s);
	s->engine = open_as(dir, text, GENOPS_DRAIN_NEVER);
	s->config = genops_engine_config(s->engine);
	s->metrics = genops_metrics_new(1000);
	assert_int_equal(genops_ledger_open(dir, true, &s->ledger, &s->err), GENOPS_OK);
	assert_int_equal(genops_queue_open(dir, &options, &s->queue, &s->err), GENOPS_OK);
	assert_int_equal(genops_queue_cursor_open(s->queue, "chat", true, &s->chat, &s->err), GENOPS_OK);
	assert_int_equal(genops_queue_cursor_open(s->queue, "pager", true, &s->pager, &s->err), GENOPS_OK);
	assert_int_equal(genops_alerts_new(s->engine, s->ledger, &s->alerts, &s->err), GENOPS_OK);
	s->monotonic_ns = 1;
}

static void close_stage(struct stage *s)
{
	genops_alerts_free(s->alerts);
	genops_queue_cursor_close(s->chat);
	genops_queue_cursor_close(s->pager);
	genops_queue_close(s->queue);
	genops_ledger_close(s->ledger);
	genops_metrics_free(s->metrics);
	genops_config_unref(s->config);
	genops_engine_close(s->engine);
}

static bool look(struct stage *s, int64_t now_s)
{
	const struct genops_alert_inside inside = {.n_failing = 0};
	s->monotonic_ns += 2 * NS;
	return genops_alerts_upkeep(s->alerts, s->config, s->queue, &inside, s->metrics, now_s * NS, s->monotonic_ns);
}

/* Of a call that crossed thresholds of one budget's day. */
static void cross(struct stage *s, const char *label, const int *percents, size_t n)
{
	struct genops_attribute team = {.key = GENOPS_STR("team"), .type = GENOPS_ATTRIBUTE_STRING, .value.string = GENOPS_STR("t\"")};
	struct genops_record_budget budget = {.label = genops_str_of(label), .n_lines = 1, .lines = {{GENOPS_PERIOD_DAILY, START, START + DAY}}};
	struct genops_record_alert alerts[8];
	struct genops_record record = {.end_unix_ns = (START + 5) * NS, .budgets = &budget, .n_budgets = 1, .alerts = alerts, .n_alerts = n,
	    .attributes = &team, .n_attributes = 1};
	assert_int_equal(genops_ledger_begin(s->ledger, &s->err), GENOPS_OK);
	for (size_t i = 0; i < n; i++) {
		struct genops_arena arena;
		struct genops_alert_row row;
		bool is_new;
		alerts[i] = (struct genops_record_alert){budget.label, {GENOPS_PERIOD_DAILY, percents[i], INT64_C(100000000000), INT64_C(82250000000), START}};
		genops_arena_init(&arena, 1 << 20);
		assert_int_equal(genops_alert_budget_fired(&record, i, &arena, &row, &s->err), GENOPS_OK);
		assert_int_equal(row.ends_unix_s, START + DAY);
		assert_int_equal(genops_ledger_alert_add(s->ledger, &row, &is_new, &s->err), GENOPS_OK);
		genops_arena_done(&arena);
	}
	assert_int_equal(genops_ledger_commit(s->ledger, &s->err), GENOPS_OK);
}

/* How many items for a destination are new in the queue; the last one's body. */
static char last[8192];
static size_t count(struct stage *s, const char *chat_or_pager)
{
	const struct genops_queue_entry *entries;
	size_t n = 0, n_items = 0;
	struct genops_queue_cursor *cursor = strcmp(chat_or_pager, "chat") == 0 ? s->chat : s->pager;
	genops_queue_rewind(cursor);
	while (genops_queue_read(cursor, &entries, &n, &s->err) == GENOPS_OK && n) {
		for (size_t i = 0; i < n; i++) {
			struct genops_routed_reader reader;
			struct genops_destination_item item;
			bool is_for = false;
			assert_int_equal(entries[i].kind, GENOPS_ENTRY_ROUTED);
			assert_int_equal(genops_routed_is_for(entries[i].payload, genops_str_of(chat_or_pager), &is_for, &s->err), GENOPS_OK);
			genops_routed_reader_init(&reader, entries[i].payload);
			while (is_for && genops_routed_reader_next(&reader, &item) > 0) {
				assert_int_equal(item.kind, GENOPS_ITEM_EVENT);
				assert_int_equal(item.pipeline.len, 0);
				snprintf(last, sizeof last, "%.*s", GENOPS_STR_ARG(item.body));
				n_items++;
			}
		}
	}
	return n_items;
}

static void each_once_and_over(void **state)
{
	struct stage s;
	open_stage(&s, *state, config);
	assert_false(look(&s, START + 6));
	cross(&s, "b", (const int[]){80, 90, 100}, 3);
	assert_true(look(&s, START + 7));
	assert_int_equal(count(&s, "chat"), 3);
	assert_non_null(strstr(last, "\"alert_title\":\"Budget Alert: b at 82.3%\"")); /* as toFixed rounds it */
	assert_non_null(strstr(last, "\"team\":\"t\\\"\""));
	assert_non_null(strstr(last, "\"used\":\"$82.25\""));
	assert_non_null(strstr(last, "\"remaining\":\"$17.75\""));
	assert_non_null(strstr(last, "\"alert_key\":\"genops-budget-b-daily-1728000000-100\""));
	assert_int_equal(count(&s, "pager"), 2);
	cross(&s, "b", (const int[]){80, 90, 100}, 3); /* the same again: known */
	assert_false(look(&s, START + 8));
	assert_false(look(&s, START + DAY - 1));
	assert_true(look(&s, START + DAY));
	assert_int_equal(count(&s, "chat"), 4); /* one message says that it is over */
	assert_non_null(strstr(last, "\"alert_state\":\"resolved\""));
	assert_non_null(strstr(last, "\"budget_status\":\"resolved\""));
	assert_non_null(strstr(last, "Budget Alert resolved: b, its daily period is over"));
	assert_int_equal(count(&s, "pager"), 4); /* each incident is closed */
	assert_false(look(&s, START + 3 * DAY));
	cross(&s, "b", (const int[]){80}, 1);
	assert_false(look(&s, START + 3 * DAY));
	close_stage(&s);
	open_stage(&s, *state, config);
	assert_false(look(&s, START + 3 * DAY));
	close_stage(&s);
}

/* To one whose pump leaves things in the queue that all share, where they can be counted. */
static const char to_elastic[] = "destinations: [{id: chat, type: elasticsearch, endpoint: 'http://127.0.0.1:1'}]\nalerts: {to: [chat]}\n"
				 "governance: {budgets: [{name: all, total_budget: 0.000001}]}\n";

static void killed_between_queue_and_ledger(void **state)
{
	struct stage s;
	open_stage(&s, *state, to_elastic);
	cross(&s, "b", (const int[]){80, 90}, 2);
	assert_true(look(&s, START + 6));
	assert_int_equal(genops_ledger_exec(s.ledger, "UPDATE alert SET is_queued = 0", &s.err), GENOPS_OK); /* as if it had not come to it */
	close_stage(&s);
	open_stage(&s, *state, to_elastic);
	cross(&s, "c", (const int[]){80}, 1);
	assert_true(look(&s, START + 7));
	assert_int_equal(count(&s, "chat"), 3);
	assert_false(look(&s, START + 8));
	close_stage(&s);
}

static void many_at_once(void **state)
{
	struct stage s;
	open_stage(&s, *state, config);
	for (int i = 0; i < 100; i++) {
		char label[32];
		snprintf(label, sizeof label, "budget-%d", i);
		cross(&s, label, (const int[]){80, 90, 100}, 3);
	}
	while (look(&s, START + 6)) {
	}
	assert_int_equal(count(&s, "chat"), 300);
	for (int i = 0; i < 40; i++)
		(void)look(&s, START + DAY + i);
	assert_int_equal(count(&s, "chat"), 400);
	assert_int_equal(count(&s, "pager"), 400);
	close_stage(&s);
}

static void for_nobody(void **state)
{
	struct stage s;
	open_stage(&s, *state, "governance: {budgets: [{name: all, total_budget: 1.0}]}\n");
	cross(&s, "b", (const int[]){80}, 1);
	assert_false(look(&s, START + 6));
	close_stage(&s);
	open_stage(&s, *state, config); /* not told late */
	assert_false(look(&s, START + 7));
	assert_int_equal(count(&s, "chat"), 0);
	close_stage(&s);
}

/* The counters say that it was told, and the record that says so never came. */
static void lost_with_its_process(void **state)
{
	struct stage s;
	genops_engine *engine = open_as(*state, config, GENOPS_DRAIN_ALWAYS);
	genops_operation *operation = begin(engine, (struct call){.estimate = 950});
	genops_operation_record_cost(operation, 950, NULL);
	end(operation, GENOPS_OUTCOME_OK);
	flush(engine);
	genops_engine_close(engine);
	open_stage(&s, *state, config);
	assert_int_equal(genops_ledger_exec(s.ledger, "DELETE FROM alert", &s.err), GENOPS_OK);
	int64_t now_s = genops_clock_unix_ns() / NS;
	size_t before = count(&s, "chat");
	assert_false(look(&s, now_s) || look(&s, now_s)); /* it may still come */
	assert_true(look(&s, now_s));
	assert_int_equal(count(&s, "chat"), before + 2); /* 80, 90 */
	assert_non_null(strstr(last, "\"budget_name\":\"all\""));
	assert_non_null(strstr(last, "\"budget_period\":\"total\""));
	for (int i = 0; i < 10; i++)
		assert_false(look(&s, now_s + i));
	close_stage(&s);
}

#define RULE(name, condition) "    - {name: " name ", condition: '" condition "', for: 10s, severity: high, notify: chat}\n"
#define RULES "destinations:\n  - {id: chat, type: slack, url: 'http://127.0.0.1:1/x'}\nalerts:\n  rules:\n"

/* How long a rule has held is not forgotten when another is written in front of it. */
static void a_new_rule_takes_no_others_place(void **state)
{
	struct stage s;
	open_stage(&s, *state, RULES RULE("held", "memory_utilization >= 0"));
	for (int i = 0; i < 5; i++) /* two seconds each */
		assert_false(look(&s, START + 2 * i));
	genops_engine *changed = open_as(*state, RULES RULE("new", "memory_utilization < 0") RULE("held", "memory_utilization >= 0"), GENOPS_DRAIN_NEVER);
	genops_config_unref(s.config);
	s.config = genops_engine_config(changed);
	assert_int_equal(s.config->alerts.n_rules, 2);
	assert_true(look(&s, START + 10));
	assert_int_equal(count(&s, "chat"), 1);
	assert_non_null(strstr(last, "\"alert_name\":\"held\""));
	close_stage(&s);
	genops_engine_close(changed);
}

#define SOURCE                                                                                                                          \
	"receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:1'}}}}\n"                                                            \
	"destinations:\n  - {id: chat, type: slack, url: 'http://127.0.0.1:1/x'}\nalerts:\n  silence: 60s\n  rules:\n"

static void receive(struct stage *s)
{
	genops_receive_counts_accepted(s->engine, "otlp", false, GENOPS_SIGNAL_TRACES, &(struct genops_otlp_count){.n_accepted = 1}, 10);
}

/* A restart has heard nothing yet: that is no sign of life of a source that was down before it, for any rule that asks for the source. */
static void a_source_that_was_down_stays_down(void **state)
{
	static const char *const conditions[] = {"source_status == \"down\"", "source_silence > 60", "source_status == \"down\" || error_rate > 5"};
	for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
		struct stage s;
		char text[1024], dir[4096];
		snprintf(text, sizeof text, SOURCE "    - {name: gone, condition: '%s', for: 0s, severity: high, notify: chat}\n", conditions[i]);
		snprintf(dir, sizeof dir, "%s/%zu", (const char *)*state, i);
		open_stage(&s, dir, text);
		(void)look(&s, START);
		receive(&s);
		for (int t = 2; t < 70; t += 2)
			(void)look(&s, START + t);
		assert_int_equal(count(&s, "chat"), 1);
		assert_non_null(strstr(last, "\"alert_state\":\"firing\""));
		close_stage(&s);
		open_stage(&s, dir, text);
		size_t before = count(&s, "chat");
		for (int t = 100; t < 300; t += 2) /* the silence that it needs, and past it */
			assert_false(look(&s, START + t));
		assert_int_equal(count(&s, "chat"), before);
		receive(&s);
		for (int t = 300; t < 320; t += 2) {
			receive(&s);
			(void)look(&s, START + t);
		}
		assert_int_equal(count(&s, "chat"), before + 1);
		assert_non_null(strstr(last, "\"alert_state\":\"resolved\""));
		for (int t = 320; t < 400; t += 2) /* and goes again */
			(void)look(&s, START + t);
		assert_int_equal(count(&s, "chat"), before + 2);
		close_stage(&s);
	}
}

/* A label is made of what callers say: any length, any bytes. */
static void odd_labels(void **state)
{
	struct stage s;
	char *label = malloc(100001);
	assert_non_null(label);
	memset(label, 0xc3, 100000); /* no UTF-8 */
	label[100000] = '\0';
	open_stage(&s, *state, config);
	cross(&s, label, (const int[]){80}, 1);
	label[99999] = 'x'; /* differs where it is cut */
	cross(&s, label, (const int[]){80}, 1);
	assert_true(look(&s, START + 6));
	assert_int_equal(count(&s, "chat"), 2);
	assert_true(genops_str_is_utf8(genops_str_of(last)));
	assert_true(look(&s, START + DAY));
	assert_int_equal(count(&s, "chat"), 4);
	free(label);
	close_stage(&s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)

int main(void)
{
	const struct CMUnitTest tests[] = {T(each_once_and_over), T(killed_between_queue_and_ledger), T(many_at_once), T(for_nobody),
	    T(lost_with_its_process), T(a_new_rule_takes_no_others_place),
	    T(a_source_that_was_down_stays_down), T(odd_labels)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
