/* SPDX-License-Identifier: Apache-2.0
 * engine/control/control_read.c - the control API's reading half: cost, budgets, policies, operations, metrics.
 *
 * A key sees what it is bound to, and nothing else, unless its configuration says `control: all`: operations that carry its
 * attributes (those that it made itself, if it has none), and the budgets that are its own.
 */
#include "engine/control/control.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"

#include <genops/policy.h>
#include <genops/report.h>

#include <stdlib.h>

#define FILTERS_MAX   16
#define DEFAULT_LIMIT 100
#define LIMIT_MAX     10000

/* --- what may be seen --- */

static bool sees_own_only(const struct genops_control *control)
{
	return control->key && control->key->control != GENOPS_CONTROL_ALL;
}

/* ?where=team=x (any number of times) and the key's own binding. False: answered with an error. */
static bool fail_with_too_many(struct genops_control *control)
{
	genops_control_fail(control, 400, "too many filters", "at most 16, a key's own attributes included");
	return false;
}

static bool collect_filters(struct genops_control *control, struct genops_report_filter *filters, size_t *ret_n)
{
	size_t n = 0;
	if (control->is_query_cut)
		return fail_with_too_many(control);
	for (size_t i = 0; i < control->n_parameters; i++) {
		genops_str value = control->parameters[i].value;
		if (!genops_str_is(control->parameters[i].key, "where"))
			continue;
		if (n == FILTERS_MAX)
			return fail_with_too_many(control);
		genops_str key = genops_str_split(&value, '=');
		if (!key.len || !value.ptr) {
			genops_control_fail(control, 400, "where wants key=value", "for example ?where=team%3Dsearch");
			return false;
		}
		filters[n++] = (struct genops_report_filter){key, value};
	}
	if (!sees_own_only(control)) {
		*ret_n = n;
		return true;
	}
	if (!control->key->n_attributes) {
		if (n == FILTERS_MAX)
			return fail_with_too_many(control);
		filters[n++] = (struct genops_report_filter){GENOPS_STR("key_name"), control->key->name};
	}
	for (size_t i = 0; i < control->key->n_attributes; i++) {
		const struct genops_attribute *bound = &control->key->attributes[i];
		char number[64];
		genops_str value;
		if (n == FILTERS_MAX)
			return fail_with_too_many(control);
		if (!genops_arena_dup(&control->arena, genops_attributes_text(bound, number, sizeof number), &value)) {
			genops_control_fail(control, 500, "no memory for the filters", "");
			return false;
		}
		filters[n++] = (struct genops_report_filter){bound->key, value};
	}
	*ret_n = n;
	return true;
}

/* Seconds since 1970, or "2026-11-01" / "2026-11-01T12:00:00Z" (UTC). 0: not given; -1: neither. */
static int64_t read_time(genops_str text)
{
	int64_t seconds;
	struct tm at = {0};
	char copy[32];
	if (!text.len)
		return 0;
	if (genops_str_to_int(text, &seconds))
		return seconds;
	if (text.len >= sizeof copy)
		return -1;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	const char *end = strptime(copy, text.len > 10 ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d", &at);
	return end && (!*end || !strcmp(end, "Z")) ? (int64_t)timegm(&at) : -1;
}

static bool read_range(struct genops_control *control, int64_t *ret_since, int64_t *ret_until)
{
	*ret_since = read_time(genops_control_parameter(control, "since"));
	*ret_until = read_time(genops_control_parameter(control, "until"));
	if (*ret_since >= 0 && *ret_until >= 0)
		return true;
	genops_control_fail(control, 400, "since and until are times", "Unix seconds, 2026-11-01 or 2026-11-01T12:00:00Z");
	return false;
}

static void answer_text(struct genops_control *control, int code, char *text, size_t len, const struct genops_error *err)
{
	if (code != GENOPS_OK) {
		genops_control_fail_with(control, err);
		return;
	}
	genops_buffer_add(&control->body, (genops_str){text, len});
	free(text);
}

/* --- routes --- */

void genops_control_cost(struct genops_control *control)
{
	struct genops_report_filter filters[FILTERS_MAX];
	genops_str by[GENOPS_REPORT_KEYS_MAX], rest = genops_control_parameter(control, "by");
	struct genops_cost_query query = {.size = sizeof query, .by = by, .where = filters};
	struct genops_cost_report *report;
	struct genops_error err;
	char *text = NULL;
	size_t len = 0;
	if (!collect_filters(control, filters, &query.n_where) ||
	    !read_range(control, &query.since_unix_s, &query.until_unix_s))
		return;
	while (rest.len && query.n_by < GENOPS_REPORT_KEYS_MAX)
		by[query.n_by++] = genops_str_split(&rest, ',');
	int code = genops_report_cost(control->engine, &query, &report, &err);
	if (code == GENOPS_OK) {
		code = genops_report_cost_json(report, &text, &len, &err);
		genops_report_cost_free(report);
	}
	answer_text(control, code, text, len, &err);
}

static bool is_listed(const struct genops_texts *names, genops_str name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (genops_str_equal(names->items[i], name))
			return true;
	}
	return false;
}

/* Bound by name, or by attributes that its match asks for; of a budget that is kept per team only the key's own counter. */
static bool is_own_budget(const struct genops_control *control, const struct genops_attributes *bound,
    const struct genops_budget_status *status, struct genops_arena *arena)
{
	const struct genops_config *config = control->config;
	const struct genops_match_subject subject = {.attributes = bound};
	struct genops_hash hash;
	struct genops_error err;
	genops_str label;
	for (size_t i = 0; i < config->n_budgets; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		if (!genops_str_equal(rule->name, status->name))
			continue;
		if (!is_listed(&control->key->budgets, rule->name) &&
		    !(rule->match.n_entries && genops_match_holds(&rule->match, &subject)))
			return false;
		for (size_t k = 0; k < rule->n_per; k++) {
			if (!genops_attributes_get(bound, rule->per[k]))
				return false;
		}
		return !rule->n_per || (genops_budget_key(rule, &subject, arena, 0, &hash, &label, &err) == GENOPS_OK &&
					   genops_str_equal(label, status->label));
	}
	return false;
}

static void keep_own_budgets(struct genops_control *control, struct genops_budget_report *report)
{
	struct genops_attributes bound;
	struct genops_error err;
	size_t n = 0;
	genops_attributes_init(&bound, &control->arena);
	for (size_t i = 0; i < control->key->n_attributes; i++) {
		if (genops_attributes_set(&bound, &control->key->attributes[i], &err) != GENOPS_OK)
			break; /* fewer attributes show less */
	}
	for (size_t i = 0; i < report->n_budgets; i++) {
		if (is_own_budget(control, &bound, &report->budgets[i], &control->arena))
			report->budgets[n++] = report->budgets[i];
	}
	report->n_budgets = n;
}

void genops_control_budgets(struct genops_control *control)
{
	struct genops_budget_report *report;
	struct genops_error err;
	char *text = NULL;
	size_t len = 0;
	genops_str name = genops_control_parameter(control, "name");
	int code = genops_report_budgets(control->engine, name, &report, &err);
	if (code == GENOPS_OK && sees_own_only(control)) {
		keep_own_budgets(control, report);
		if (name.len && !report->n_budgets) {
			genops_report_budgets_free(report);
			code = GENOPS_NOT_FOUND;
		}
	}
	if (code == GENOPS_NOT_FOUND && sees_own_only(control)) /* whether it is another's or nobody's */
		code = genops_fail(&err, GENOPS_NOT_FOUND, "this key has no such budget");
	if (code == GENOPS_OK) {
		code = genops_report_budgets_json(report, &text, &len, &err);
		genops_report_budgets_free(report);
	}
	answer_text(control, code, text, len, &err);
}

void genops_control_policies(struct genops_control *control)
{
	struct genops_error err;
	char *text = NULL;
	size_t len = 0;
	int code = genops_policy_list_json(control->engine, &text, &len, &err);
	answer_text(control, code, text, len, &err);
}

static void write_text(struct genops_json_writer *json, const char *key, genops_str value)
{
	if (value.len)
		genops_json_key_string(json, key, value);
}

static int write_operation(void *arg, const struct genops_audit_event *event)
{
	struct genops_json_writer *json = arg;
	genops_json_object_begin(json);
	genops_json_key_string(json, "operation_id", event->operation_id);
	genops_json_key_int(json, "ended_unix_ns", event->unix_ns);
	genops_json_key_string(json, "name", event->name);
	genops_json_key_string(json, "decision", event->result);
	genops_json_key_bool(json, "refused", event->is_refused);
	genops_json_key_string(json, "outcome", event->outcome);
	write_text(json, "reason_code", event->reason_code);
	write_text(json, "policy", event->policy);
	write_text(json, "message", event->message);
	write_text(json, "provider", event->provider);
	write_text(json, "model", event->model);
	write_text(json, "response_model", event->response_model);
	write_text(json, "team", event->team);
	write_text(json, "project", event->project);
	write_text(json, "customer_id", event->customer_id);
	write_text(json, "environment", event->environment);
	write_text(json, "key", event->key_name);
	genops_json_key_int(json, "http_status", event->http_status);
	genops_json_key_int(json, "duration_ms", event->duration_ms);
	genops_json_key_int(json, "input_tokens", event->input_tokens);
	genops_json_key_int(json, "output_tokens", event->output_tokens);
	genops_json_key_money(json, "cost", event->cost_nano_usd);
	genops_json_key_bool(json, "cost_estimated", event->is_cost_estimated);
	genops_json_object_end(json);
	return GENOPS_OK;
}

void genops_control_operations(struct genops_control *control)
{
	struct genops_report_filter filters[FILTERS_MAX + 1]; /* and the kind */
	struct genops_audit_report_query query = {.size = sizeof query, .limit = DEFAULT_LIMIT, .newest_first = true, .where = filters};
	struct genops_json_writer json;
	struct genops_error err;
	int64_t since, until;
	genops_str limit = genops_control_parameter(control, "limit");
	if (!collect_filters(control, filters, &query.n_where) || !read_range(control, &since, &until))
		return;
	if (limit.len && (!genops_str_to_int(limit, &query.limit) || query.limit < 1 || query.limit > LIMIT_MAX)) {
		genops_control_fail(control, 400, "limit is a number from 1 to 10000", "");
		return;
	}
	filters[query.n_where++] = (struct genops_report_filter){GENOPS_STR("kind"), GENOPS_STR("operation")};
	query.since_unix_ns = since * GENOPS_NS_PER_S;
	query.until_unix_ns = until * GENOPS_NS_PER_S;
	genops_json_writer_init(&json, &control->body);
	genops_json_object_begin(&json);
	genops_json_key(&json, GENOPS_STR("operations"));
	genops_json_array_begin(&json);
	int code = genops_report_audit(control->engine, &query, write_operation, &json, &err);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	if (code != GENOPS_OK)
		genops_control_fail_with(control, &err);
}
