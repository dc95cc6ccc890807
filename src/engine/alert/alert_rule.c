/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_rule.c - see alert_rule.h. */
#include "engine/alert/alert_rule.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

const char *const genops_alert_gauge_names[GENOPS_ALERT_GAUGE_N + 1] = {
#define X(name, text) #name,
    GENOPS_ALERT_GAUGES(X)
#undef X
    NULL};

const char *const genops_alert_gauge_texts[GENOPS_ALERT_GAUGE_N] = {
#define X(name, text) text,
    GENOPS_ALERT_GAUGES(X)
#undef X
};

static const char *const remedies[GENOPS_ALERT_GAUGE_N] = {
    [GENOPS_ALERT_GAUGE_source_status] = "See genops status and whether senders reach the receivers' addresses; 401 and 403 in genops_self_refused_requests_total are tokens, 503 is a full disk or queue.",
    [GENOPS_ALERT_GAUGE_source_silence] = "Check that the senders run, and where OTEL_EXPORTER_OTLP_ENDPOINT of theirs leads.",
    [GENOPS_ALERT_GAUGE_error_rate] = "genops_self_refused_requests_total says why by its label reason: unauthenticated (tokens), rate_limited, too_large (max_body), malformed (the sender), full (disk, queue).",
    [GENOPS_ALERT_GAUGE_throughput] = "Compare genops_self_received_items_total by receiver.",
    [GENOPS_ALERT_GAUGE_buffer_utilization] = "genops status says which destination is behind: mend it, or raise telemetry.queue.max_size. Full, senders are refused with 503 and nothing is lost.",
    [GENOPS_ALERT_GAUGE_queue_utilization] = "genops status says which destination is behind: mend it, or raise telemetry.queue.max_size.",
    [GENOPS_ALERT_GAUGE_pipeline_lag] = "The queue is full, the disk is, or more comes than one machine processes: see genops status, genops pipeline list.",
    [GENOPS_ALERT_GAUGE_delivery_lag] = "A destination is away or slow: genops status names it, the log says why.",
    [GENOPS_ALERT_GAUGE_destinations_failing] = "The log says of each what is wrong and what to do: credentials, address, certificate. What waits is kept in the queue.",
    [GENOPS_ALERT_GAUGE_cpu_utilization] = "Sample earlier in the pipelines, or give the machine more processors.",
    [GENOPS_ALERT_GAUGE_memory_utilization] = "Look what else runs there; a memory_limiter bounds what is received.",
    [GENOPS_ALERT_GAUGE_disk_utilization] = "Make room on the disk of the state directory: full, calls and telemetry are refused.",
};

/* --- conditions --- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Behind a percent sign: does what follows make it JavaScript's remainder? */
static bool begins_operand(genops_str rest)
{
	rest = genops_str_trim(rest);
	return rest.len && (is_letter(rest.ptr[0]) || is_digit(rest.ptr[0]) || strchr("('\"+-!.", rest.ptr[0]));
}

static int check_name(genops_str name, struct genops_error *err)
{
	static const char *const known[] = {"true", "false", "null", "Math"};
	char fix[96] = "";
	for (size_t i = 0; i < GENOPS_ALERT_GAUGE_N; i++) {
		if (genops_str_is(name, genops_alert_gauge_names[i]))
			return GENOPS_OK;
	}
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (genops_str_is(name, known[i]))
			return GENOPS_OK;
	}
	const char *nearest = genops_str_nearest(name, genops_alert_gauge_names, GENOPS_ALERT_GAUGE_N);
	snprintf(fix, sizeof fix, nearest ? "did you mean %s?" : "docs/alerts.md has what there is", nearest);
	return genops_fail_fix(err, GENOPS_SYNTAX, fix, "there is no gauge \"%.*s\"", (int)(name.len > 64 ? 64 : name.len), name.ptr);
}

static size_t skip_text(genops_str source, size_t at)
{
	char quote = source.ptr[at++];
	while (at < source.len && source.ptr[at] != quote)
		at += source.ptr[at] == '\\' ? 2 : 1;
	return at < source.len ? at + 1 : source.len;
}

/* The source without percent signs behind numbers; every name is looked at. */
static int translate(genops_str source, struct genops_buffer *out, struct genops_error *err)
{
	size_t at = 0;
	bool is_member = false;
	while (at < source.len) {
		char c = source.ptr[at];
		size_t begin = at;
		if (c == '"' || c == '\'' || c == '`') {
			at = skip_text(source, at);
		} else if (is_letter(c)) {
			while (at < source.len && (is_letter(source.ptr[at]) || is_digit(source.ptr[at])))
				at++;
			if (!is_member)
				GENOPS_TRY(check_name((genops_str){source.ptr + begin, at - begin}, err));
		} else if (is_digit(c)) {
			while (at < source.len && (is_digit(source.ptr[at]) || source.ptr[at] == '.'))
				at++;
		} else {
			at++;
		}
		genops_buffer_add(out, (genops_str){source.ptr + begin, at - begin});
		size_t sign = at;
		while (is_digit(c) && sign < source.len && source.ptr[sign] == ' ')
			sign++;
		if (is_digit(c) && sign < source.len && source.ptr[sign] == '%' && !begins_operand(genops_str_skip(source, sign + 1)))
			at = sign + 1;
		is_member = c == '.';
	}
	return out->error ? genops_fail(err, out->error, "the condition is too long") : GENOPS_OK;
}

int genops_alert_rule_compile(genops_str condition, struct genops_expression **ret, struct genops_error *err)
{
	struct genops_buffer text;
	genops_buffer_init(&text, GENOPS_EXPRESSION_LEN_MAX);
	int code = translate(condition, &text, err);
	if (code == GENOPS_OK)
		code = genops_expression_compile(genops_buffer_view(&text), ret, err);
	genops_buffer_done(&text);
	return code;
}

static struct genops_value value_of(const struct genops_alert_gauges *gauges, size_t i)
{
	if (i == GENOPS_ALERT_GAUGE_source_status)
		return genops_value_text(gauges->values[i] > 0 ? GENOPS_STR("up") : GENOPS_STR("down"));
	return genops_value_number(gauges->values[i]);
}

int genops_alert_rule_holds(const struct genops_alert_rule *rule, const struct genops_alert_gauges *gauges, struct genops_expression_run *run)
{
	struct genops_value result, event = {.type = GENOPS_VALUE_OBJECT};
	genops_arena_reset(run->arena);
	event.as.object = genops_value_object_new(run->arena, GENOPS_ALERT_GAUGE_N);
	for (size_t i = 0; event.as.object && i < GENOPS_ALERT_GAUGE_N; i++) {
		genops_str name = genops_str_of(genops_alert_gauge_names[i]);
		if (isnan(gauges->values[i]) && genops_expression_names(rule->expression, name))
			return -1;
		if (!genops_value_object_put(run->arena, event.as.object, genops_value_key_of(name), value_of(gauges, i)))
			return -1;
	}
	if (!event.as.object || genops_expression_evaluate(rule->expression, event, run, &result, NULL) != GENOPS_OK)
		return -1;
	return genops_expression_is_true(result);
}

const char *genops_alert_rule_remedy(const struct genops_alert_rule *rule)
{
	for (size_t i = 0; i < GENOPS_ALERT_GAUGE_N; i++) {
		if (genops_expression_names(rule->expression, genops_str_of(genops_alert_gauge_names[i])))
			return remedies[i];
	}
	return "";
}

void genops_alert_rule_tell(const struct genops_alert_rule *rule, const struct genops_alert_gauges *gauges, char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < GENOPS_ALERT_GAUGE_N && len < size; i++) {
		const char *name = genops_alert_gauge_names[i];
		if (!genops_expression_names(rule->expression, genops_str_of(name)))
			continue;
		int n = i == GENOPS_ALERT_GAUGE_source_status
			    ? snprintf(out + len, size - len, "%s%s %s", len ? ", " : "", name, gauges->values[i] > 0 ? "up" : "down")
			    : snprintf(out + len, size - len, "%s%s %.4g", len ? ", " : "", name, gauges->values[i]);
		len += n > 0 ? (size_t)n : 0;
		if (gauges->failing[0] && len < size && (i == GENOPS_ALERT_GAUGE_destinations_failing || i == GENOPS_ALERT_GAUGE_delivery_lag))
			len += (size_t)snprintf(out + len, size - len, " (failing: %s)", gauges->failing);
	}
}

/* --- over time --- */

enum genops_alert_step genops_alert_watch_step(
    struct genops_alert_watch *watch, const struct genops_alert_rule *rule, int holds, int64_t monotonic_ns)
{
	if (holds < 0)
		return GENOPS_ALERT_NOTHING;
	if ((holds > 0) == watch->is_firing) { /* as it was */
		watch->since_ns = 0;
		return GENOPS_ALERT_NOTHING;
	}
	if (!watch->since_ns)
		watch->since_ns = monotonic_ns ? monotonic_ns : 1;
	if (monotonic_ns - watch->since_ns < (watch->is_firing ? GENOPS_ALERT_CLEAR_NS : rule->for_ns))
		return GENOPS_ALERT_NOTHING;
	watch->is_firing = !watch->is_firing;
	watch->since_ns = 0;
	return watch->is_firing ? GENOPS_ALERT_FIRES : GENOPS_ALERT_IS_OVER;
}
