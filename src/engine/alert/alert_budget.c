/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_budget.c - see alert_budget.h. Figures are rounded as the guide's toFixed rounds them, from exact integers. */
#include "engine/alert/alert_budget.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "pipeline/value.h"
#include "report/timestamp.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

__extension__ typedef __int128 wide;

#define NAME_MAX_SHOWN 1024 /* a label has the values of attributes in it: all of this stays within an alert's maximum */

struct figures {
	genops_str budget, team, project;
	const char *period;
	int percent;
	int64_t limit, used, start_s, end_s; /* nano-USD, Unix s; end 0: never */
	bool is_exhausted;
	char utilization[32], used_text[40], limit_text[40], remaining_text[40];
	const char *status, *severity;
};

/* Tenths, rounded half up, as toFixed(1) of the exact quotient. */
static void write_percent(char *out, size_t size, int64_t used, int64_t limit)
{
	wide tenths = limit > 0 ? ((wide)used * 2000 + limit) / ((wide)2 * limit) : 0;
	int64_t shown = tenths > INT64_C(99999999999) ? INT64_C(99999999999) : (int64_t)tenths;
	snprintf(out, size, "%" PRId64 ".%d", shown / 10, (int)(shown % 10));
}

static void write_money(char *out, size_t size, int64_t nano_usd)
{
	int64_t amount = nano_usd < 0 ? -nano_usd : nano_usd;
	int64_t cents = amount / 10000000 + (amount % 10000000 >= 5000000);
	snprintf(out, size, "%s%" PRId64 ".%02d", nano_usd < 0 && cents ? "-" : "", cents / 100, (int)(cents % 100));
}

static genops_str attribute(const struct genops_record *record, const char *name)
{
	for (size_t i = 0; i < record->n_attributes; i++) {
		const struct genops_attribute *found = &record->attributes[i];
		if (found->type == GENOPS_ATTRIBUTE_STRING && genops_str_is(found->key, name) && found->value.string.len)
			return found->value.string;
	}
	return GENOPS_STR("default"); /* as the guide's pipeline says */
}

/* The window's end, from what the operation added to it. */
static int64_t find_end(const struct genops_record *record, const struct genops_record_alert *crossed)
{
	for (size_t i = 0; i < record->n_budgets; i++) {
		const struct genops_record_budget *budget = &record->budgets[i];
		for (size_t k = 0; genops_str_equal(budget->label, crossed->budget) && k < budget->n_lines; k++) {
			if (budget->lines[k].period == crossed->alert.period && budget->lines[k].start_unix_s == crossed->alert.period_start_unix_s)
				return budget->lines[k].end_unix_s;
		}
	}
	return 0;
}

static struct figures figures_of(const struct genops_alert_budget_line *line, genops_str team, genops_str project)
{
	struct figures f = {.budget = {line->label.ptr, line->label.len > NAME_MAX_SHOWN ? NAME_MAX_SHOWN : line->label.len},
	    .team = team,
	    .project = project,
	    .period = genops_period_name(line->period),
	    .percent = line->percent,
	    .limit = line->limit_nano_usd,
	    .used = line->consumed_nano_usd,
	    .start_s = line->start_unix_s,
	    .end_s = line->period == GENOPS_PERIOD_TOTAL ? 0 : line->end_unix_s};
	/* What this alert is about; a later threshold that was crossed with it says so itself. */
	f.is_exhausted = f.percent >= 100;
	f.status = f.is_exhausted ? "exhausted" : f.percent >= 90 ? "critical" : f.percent >= 80 ? "warning" : "normal";
	f.severity = f.is_exhausted ? "critical" : f.percent >= 90 ? "high" : f.percent >= 80 ? "medium" : "low";
	write_percent(f.utilization, sizeof f.utilization, f.used, f.limit);
	write_money(f.used_text, sizeof f.used_text, f.used);
	write_money(f.limit_text, sizeof f.limit_text, f.limit);
	write_money(f.remaining_text, sizeof f.remaining_text, f.limit - f.used);
	return f;
}

static void key_text(struct genops_json_writer *json, const char *key, const char *format, ...) GENOPS_PRINTF(3, 4);
static void key_text(struct genops_json_writer *json, const char *key, const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	genops_json_key_string(json, key, genops_str_of(text)); /* what is cut in a character is repaired */
}

static void write_texts(struct genops_json_writer *json, const struct figures *f)
{
	char until[GENOPS_TIMESTAMP_MAX];
	int name = (int)(f->budget.len > 256 ? 256 : f->budget.len), team = (int)(f->team.len > 256 ? 256 : f->team.len);
	int project = (int)(f->project.len > 256 ? 256 : f->project.len);
	genops_str end = f->end_s ? genops_timestamp_seconds(f->end_s, until) : GENOPS_STR("never");
	key_text(json, "alert_title", "Budget Alert: %.*s at %s%%", name, f->budget.ptr, f->utilization);
	key_text(json, "text", "Budget Alert: %.*s at %s%%", name, f->budget.ptr, f->utilization);
	key_text(json, "alert_message",
	    "Budget: %.*s (%s)\nTeam: %.*s | Project: %.*s\nStatus: %s, over %d%%\nUtilization: %s%%\nUsed: $%s / $%s\nRemaining: $%s\nResets: %.*s", name,
	    f->budget.ptr, f->period, team, f->team.ptr, project, f->project.ptr, f->status, f->percent, f->utilization, f->used_text,
	    f->limit_text, f->remaining_text, GENOPS_STR_ARG(end));
	key_text(json, "alert_remedy", f->is_exhausted
		? "Calls that no longer fit are refused where the budget blocks. Raise its limit in governance.budgets, or wait until %.*s. genops cost --by team,model says who spends."
		: "Look who spends with genops cost --by team,model; raise the limit in governance.budgets, or slow down: it resets at %.*s.", GENOPS_STR_ARG(end));
	key_text(json, "utilization", "%s%%", f->utilization);
	key_text(json, "used", "$%s", f->used_text);
	key_text(json, "limit", "$%s", f->limit_text);
	key_text(json, "remaining", "$%s", f->remaining_text);
}

static void write_event(struct genops_json_writer *json, const struct figures *f, genops_str key)
{
	double utilization = f->limit > 0 ? (double)f->used / (double)f->limit * 100 : 0;
	genops_json_object_begin(json);
	genops_json_key_string(json, "alert_key", key);
	genops_json_key_string(json, "alert_kind", GENOPS_STR("budget"));
	genops_json_key_string(json, "alert_name", f->budget);
	genops_json_key_string(json, "alert_state", GENOPS_STR("firing"));
	genops_json_key_string(json, "alert_severity", genops_str_of(f->severity));
	genops_json_key_int(json, "alert_threshold", f->percent);
	genops_json_key_string(json, "budget_name", f->budget);
	genops_json_key_string(json, "budget_period", genops_str_of(f->period));
	genops_json_key_double(json, "budget_limit", (double)f->limit / 1e9);
	genops_json_key_double(json, "budget_used", (double)f->used / 1e9);
	genops_json_key_double(json, "budget_remaining", (double)(f->limit - f->used) / 1e9);
	genops_json_key_double(json, "utilization_percent", utilization);
	genops_json_key_double(json, "actual_utilization", utilization);
	genops_json_key_bool(json, "budget_exhausted", f->is_exhausted);
	genops_json_key_bool(json, "budget_critical", f->percent >= 90);
	genops_json_key_bool(json, "budget_warning", f->percent >= 80);
	genops_json_key_string(json, "budget_status", genops_str_of(f->status));
	genops_json_key_string(json, "team", f->team);
	genops_json_key_string(json, "project", f->project);
	write_texts(json, f);
	genops_json_key_int(json, "period_start", f->start_s);
	genops_json_key_int(json, "period_end", f->end_s);
	genops_json_object_end(json);
}

static int keep(struct genops_buffer *text, struct genops_arena *arena, genops_str *ret, struct genops_error *err)
{
	int code = text->error;
	if (code == GENOPS_OK && !genops_arena_dup(arena, genops_buffer_view(text), ret))
		code = GENOPS_NOMEM;
	genops_buffer_done(text);
	return code == GENOPS_OK ? code : genops_fail(err, code, "an alert does not fit into memory");
}

static int make_row(const struct figures *f, genops_str label, int64_t unix_ns, struct genops_arena *arena, struct genops_alert_row *ret_row,
    struct genops_error *err)
{
	struct genops_alert_row row = {.unix_ns = unix_ns, .ends_unix_s = f->end_s, .rank = f->percent};
	struct genops_buffer text;
	struct genops_json_writer json;
	genops_buffer_init(&text, 8192);
	genops_buffer_add_text(&text, "genops-budget-");
	genops_buffer_add_utf8(&text, f->budget);
	if (f->budget.len < label.len)
		genops_buffer_printf(&text, "-%016" PRIx64, genops_hash_checksum(label.ptr, label.len, 0));
	genops_buffer_printf(&text, "-%s-%" PRId64, f->period, f->start_s);
	GENOPS_TRY(keep(&text, arena, &row.subject, err));
	genops_buffer_init(&text, 8192);
	genops_buffer_printf(&text, "%.*s-%d", GENOPS_STR_ARG(row.subject), f->percent);
	GENOPS_TRY(keep(&text, arena, &row.key, err));
	genops_buffer_init(&text, GENOPS_ALERT_BODY_MAX_STORED);
	genops_json_writer_init(&json, &text);
	write_event(&json, f, row.key);
	GENOPS_TRY(keep(&text, arena, &row.body, err));
	*ret_row = row;
	return GENOPS_OK;
}

int genops_alert_budget_found(const struct genops_alert_budget_line *line, int64_t now_unix_ns, struct genops_arena *arena,
    struct genops_alert_row *ret_row, struct genops_error *err)
{
	const struct figures f = figures_of(line, GENOPS_STR("default"), GENOPS_STR("default"));
	return make_row(&f, line->label, now_unix_ns, arena, ret_row, err);
}

int genops_alert_budget_fired(const struct genops_record *record, size_t i, struct genops_arena *arena, struct genops_alert_row *ret_row,
    struct genops_error *err)
{
	const struct genops_record_alert *crossed = &record->alerts[i];
	const struct genops_alert_budget_line line = {crossed->budget, crossed->alert.period, crossed->alert.percent, crossed->alert.limit_nano_usd,
	    crossed->alert.consumed_nano_usd, crossed->alert.period_start_unix_s, find_end(record, crossed)};
	const struct figures f = figures_of(&line, attribute(record, "team"), attribute(record, "project"));
	return make_row(&f, crossed->budget, record->end_unix_ns, arena, ret_row, err);
}

/* --- the end --- */

static const char *member(struct genops_value event, const char *name, char *out, size_t size)
{
	const struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	const struct genops_value *value = genops_value_object_get(event.as.object, &key);
	genops_str text = value && value->type == GENOPS_VALUE_TEXT ? genops_value_str(*value) : GENOPS_STR("?");
	snprintf(out, size, "%.*s", (int)(text.len > size - 1 ? size - 1 : text.len), text.ptr);
	return out;
}

static bool put(struct genops_arena *arena, struct genops_value event, const char *name, const char *text)
{
	genops_str kept;
	return genops_arena_dup(arena, genops_str_of(text), &kept) &&
	       genops_value_object_put(arena, event.as.object, genops_value_key_of(genops_str_of(name)), genops_value_text(kept));
}

int genops_alert_budget_over(const struct genops_alert_row *fired, int64_t now_unix_ns, bool is_quiet, struct genops_arena *arena,
    struct genops_alert_row *ret_row, struct genops_error *err)
{
	char name[256], period[32], utilization[40], limit[48], title[512], message[1024];
	struct genops_alert_row row = *fired;
	struct genops_value event;
	struct genops_buffer text;
	GENOPS_TRY(genops_value_from_json(fired->body, arena, &event, err));
	if (event.type != GENOPS_VALUE_OBJECT)
		return genops_fail(err, GENOPS_CORRUPT, "what is kept of an alert is no event");
	member(event, "budget_name", name, sizeof name);
	member(event, "budget_period", period, sizeof period);
	snprintf(title, sizeof title, "Budget Alert resolved: %s, its %s period is over", name, period);
	snprintf(message, sizeof message, "Budget: %s (%s)\nIt had reached %s of %s; a new period has begun.", name, period,
	    member(event, "utilization", utilization, sizeof utilization), member(event, "limit", limit, sizeof limit));
	if (!put(arena, event, "alert_state", "resolved") || !put(arena, event, "budget_status", "resolved") ||
	    !put(arena, event, "alert_title", title) || !put(arena, event, "text", title) || !put(arena, event, "alert_message", message) ||
	    !put(arena, event, "alert_remedy", "Nothing is to be done."))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an alert");
	genops_buffer_init(&text, GENOPS_ALERT_BODY_MAX_STORED);
	genops_value_to_json(event, &text);
	GENOPS_TRY(keep(&text, arena, &row.body, err));
	row.is_resolved = true;
	row.is_quiet = is_quiet;
	row.unix_ns = now_unix_ns;
	*ret_row = row;
	return GENOPS_OK;
}
