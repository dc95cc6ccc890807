/* SPDX-License-Identifier: Apache-2.0
 * engine/check/reference.c - the reference pages (genops/config.h), each made from the rows that the library works by: a page is
 * one row in `pages`. Refusals are shown by asking the dialects for them. Pure; any thread.
 */
#include "engine/check/reference_expressions.h"
#include "engine/check/reference_pipelines.h"
#include "engine/check/reference_rows.h"

#include "base/str.h"
#include "dialect/dialect.h"
#include "export/destination.h"
#include "govern/policy/policy.h"
#include "telemetry/conventions.h"
#include "telemetry/metrics/metrics.h"

#include <genops/config.h>

#include <ctype.h>
#include <stdio.h>

#define PAGE_MAX    ((size_t)1 << 20)
#define REFUSAL_MAX ((size_t)16 << 10)

static void add_lower(struct genops_buffer *out, const char *text)
{
	for (; *text; text++)
		genops_buffer_add_char(out, (char)tolower((unsigned char)*text));
}

/* --- metrics --- */

static void add_metric(struct genops_buffer *out, const char *name, const char *type, const char *labels, const char *text)
{
	genops_buffer_printf(out, "| `%s` | ", name);
	add_lower(out, type);
	genops_buffer_printf(out, " | %s | ", labels);
	genops_reference_rows_cell(out, text);
	genops_buffer_add_text(out, " |\n");
}

static void add_self_metric(struct genops_buffer *out, const char *name, const char *labels, const char *text)
{
	bool is_total = genops_str_ends(genops_str_of(name), GENOPS_STR("_total"));
	add_metric(out, name, is_total ? "counter" : "gauge", labels, text);
}

static void add_metrics(struct genops_buffer *out)
{
	static const char head[] = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
	genops_buffer_add_text(out,
	    "# Metrics\n\n"
	    "What `/metrics` of the gateway answers, in Prometheus' text format 0.0.4. Whoever drains counts, so the figures are of all\n"
	    "processes of the state directory. Counters do not fall over restarts and kills: those of operations are the ledger's. OpenMetrics\n"
	    "is for whom asks for it. A label that an operation does not\n"
	    "have is left out. Money is in USD, exact to the nano-dollar.\n\n## Governance\n\n");
	genops_buffer_add_text(out, head);
#define X(symbol, name, type, unit, labels, text) add_metric(out, name, #type, labels, text);
	GENOPS_METRIC_FAMILIES(X)
#undef X
	genops_buffer_add_text(out, "\n## Pipelines\n\n");
	genops_buffer_add_text(out, head);
#define X(symbol, name, labels, text) add_metric(out, name, "COUNTER", labels, text);
	GENOPS_METRIC_PIPELINE(X)
#undef X
	genops_buffer_add_text(out, "\n## GenOps itself\n\n");
	genops_buffer_add_text(out, head);
#define X(name, labels, text) add_self_metric(out, name, labels, text);
	GENOPS_METRIC_SELF(X)
#undef X
}

/* --- attributes --- */

static const char *profile_text(unsigned profiles)
{
	return profiles == GENOPS_CONVENTION_BOTH ? "both" : profiles == GENOPS_CONVENTION_GUIDES ? "guides" : "spec";
}

static void add_attributes(struct genops_buffer *out)
{
	static const char *const types[] = {"string", "int", "double", "bool", "strings"};
	genops_buffer_add_text(out,
	    "# Attributes\n\n"
	    "## That say who pays\n\n"
	    "In the configuration (`governance.attributes`, `match`, keys) and in `genops cost --by` the short name; on the wire the\n"
	    "header; in spans the telemetry key. Any other attribute goes by its own name.\n\n"
	    "| short name | telemetry key | header |\n| --- | --- | --- |\n");
#define X(symbol, name, key, header) genops_buffer_printf(out, "| `%s` | `%s` | `%s` |\n", name, key, header);
	GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	genops_buffer_printf(out,
	    "\nAn operation carries at most %d attributes, a key has at most %d bytes, a value %d.\n\n"
	    "## That GenOps writes\n\n"
	    "On spans, their events and the resource; an attribute of your own with one of these names is left out. `profile` is\n"
	    "`telemetry.profile`: where the name is written.\n\n"
	    "| attribute | type | profile | meaning |\n| --- | --- | --- | --- |\n",
	    GENOPS_ATTRIBUTES_MAX, GENOPS_ATTRIBUTE_KEY_MAX, GENOPS_ATTRIBUTE_VALUE_MAX);
	for (size_t i = 0; i < GENOPS_CONVENTION_N; i++) {
		const struct genops_convention_row *row = &genops_conventions[i];
		genops_buffer_printf(out, "| `%s` | %s | %s | ", row->name.ptr, types[row->type], profile_text(row->profiles));
		genops_reference_rows_cell(out, row->text);
		genops_buffer_add_text(out, " |\n");
	}
}

/* --- policies --- */

static void add_levels(struct genops_buffer *out)
{
	static const enum genops_level levels[] = {
	    GENOPS_LEVEL_BLOCK, GENOPS_LEVEL_RATE_LIMIT, GENOPS_LEVEL_WARN, GENOPS_LEVEL_ALLOW};
	static const enum genops_mode modes[] = {GENOPS_MODE_ENFORCED, GENOPS_MODE_ADVISORY, GENOPS_MODE_AUDIT_ONLY};
	genops_buffer_add_text(out,
	    "\n## Levels\n\nWhat a violation becomes, by `enforcement_level` (any spelling) and `governance.mode`:\n\n"
	    "| level | spellings | enforced | advisory | audit_only |\n| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		enum genops_level level;
		const char *spelling;
		genops_buffer_printf(out, "| `%s` |", genops_level_name(levels[i]));
		for (size_t j = 0; (spelling = genops_level_spelling(j, &level)); j++) {
			if (level == levels[i])
				genops_buffer_printf(out, " `%s`", spelling);
		}
		for (size_t j = 0; j < sizeof modes / sizeof *modes; j++)
			genops_buffer_printf(out, " | %s", genops_result_name(genops_level_result(levels[i], modes[j])));
		genops_buffer_add_text(out, " |\n");
	}
}

static void add_policies(struct genops_buffer *out)
{
	size_t n;
	const struct genops_policy_type *const *types = genops_policy_types(&n);
	genops_buffer_add_text(out,
	    "# Policy types\n\n"
	    "Entries of `governance.policies`. Every one also has the keys of configuration.md, `governance.policies[]`: `name`, `type`,\n"
	    "`enforcement_level`, `match`, `on_error`, `enabled`, `description`.\n");
	for (size_t i = 0; i < n; i++) {
		genops_buffer_printf(out, "\n## `%s`\n\nIt %s.\n\n", types[i]->name, types[i]->summary);
		genops_reference_rows(out, types[i]->options);
	}
	add_levels(out);
}

/* --- errors --- */

static void add_refusal(struct genops_buffer *out, const struct genops_dialect *dialect, const char *what,
    const struct genops_refuse_input *input)
{
	struct genops_buffer body;
	struct genops_refusal refusal;
	genops_buffer_init(&body, REFUSAL_MAX);
	dialect->refuse(input, &body, &refusal);
	genops_buffer_printf(out, "| %s | %d |", what, refusal.status);
	for (size_t i = 0; i < refusal.n_headers; i++)
		genops_buffer_printf(out, "%s `%.*s: %.*s`", i ? "," : "", GENOPS_STR_ARG(refusal.headers[i].name),
		    GENOPS_STR_ARG(refusal.headers[i].value));
	genops_buffer_printf(out, " | `%.*s` |\n", GENOPS_STR_ARG(refusal.body));
	genops_buffer_done(&body);
}

static void add_refusals(struct genops_buffer *out, const struct genops_dialect *dialect)
{
	static const struct {
		const char *what;
		enum genops_reason reason; /* NONE: no decision */
		int status;
	} rows[] = {
	    {"model", GENOPS_REASON_POLICY_DENY_MODEL, 0},
	    {"content", GENOPS_REASON_POLICY_DENY_CONTENT, 0},
	    {"cost of one call", GENOPS_REASON_COST_LIMIT, 0},
	    {"budget", GENOPS_REASON_BUDGET_EXCEEDED, 0},
	    {"rate limit", GENOPS_REASON_RATE_LIMITED, 0},
	    {"key not known", GENOPS_REASON_NONE, 401},
	    {"unknown route", GENOPS_REASON_NONE, 404},
	    {"request not well formed", GENOPS_REASON_NONE, 400},
	    {"body too large", GENOPS_REASON_NONE, 413},
	    {"provider cannot be reached", GENOPS_REASON_NONE, 502},
	    {"provider does not answer in time", GENOPS_REASON_NONE, 504},
	};
	genops_buffer_printf(out, "\n### %s\n\n| refused for | status | headers | body |\n| --- | --- | --- | --- |\n", dialect->name);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_decision decision = {.reason = rows[i].reason, .is_refused = true, .retry_after_ns = 1500000000};
		struct genops_refuse_input input = {
		    .decision = rows[i].reason ? &decision : NULL,
		    .status = rows[i].status,
		    .message = GENOPS_STR("MESSAGE"),
		    .operation_id = GENOPS_STR("OPERATION-ID"),
		};
		add_refusal(out, dialect, rows[i].what, &input);
	}
}

static void add_errors(struct genops_buffer *out)
{
	size_t n;
	const struct genops_dialect *const *dialects = genops_dialects(&n);
	genops_buffer_add_text(out,
	    "# Errors, results and refusals\n\n"
	    "## Error codes\n\nOf the C API (`enum genops_code`), with the exit code that a command ends with. Exit code 3: refused by policy.\n\n"
	    "| code | number | exit code | meaning |\n| --- | --- | --- | --- |\n");
#define X(symbol, number, exit_code, text) \
	genops_buffer_printf(out, "| `GENOPS_%s` | %d | %d | %s |\n", #symbol, number, exit_code, text);
	GENOPS_ERRORS(X)
#undef X
	genops_buffer_add_text(out, "\n## Results\n\nIn order of strictness; the strictest of all evaluations wins.\n\n"
				    "| result | in profile `spec` |\n| --- | --- |\n");
#define X(symbol, guides, spec) genops_buffer_printf(out, "| `%s` | `%s` |\n", guides, spec);
	GENOPS_RESULTS(X)
#undef X
	genops_buffer_add_text(out, "\n## Reason codes\n\nThe specification's, then extensions (`x_`). Header `x-genops-reason-code`.\n\n");
#define X(symbol, wire)           \
	if (*wire)                \
		genops_buffer_printf(out, "- `%s`\n", wire);
	GENOPS_REASONS(X)
#undef X
	genops_buffer_add_text(out, "\n## Refusals over HTTP\n\nBy dialect. A governed answer also carries `x-genops-decision`, `x-genops-operation-id` and,"
				    " when refused,\n`x-genops-reason-code`.\n");
	for (size_t i = 0; i < n; i++)
		add_refusals(out, dialects[i]);
}

/* --- providers --- */

static void add_provider(struct genops_buffer *out, const struct genops_provider_row *row)
{
	genops_buffer_printf(out, "| `%s` | %s | %s | ", row->name, row->dialect, row->base_url[0] ? row->base_url : "must be configured");
	genops_buffer_printf(out, row->key_variable[0] ? "`%s` | " : "%s | ", row->key_variable);
	for (size_t i = 0; row->base_url_variables[i]; i++)
		genops_buffer_printf(out, "%s`%s`", i ? ", " : "", row->base_url_variables[i]);
	genops_buffer_printf(out, " | `/%s%s` | %s |\n", row->name, row->base_url_suffix, row->key_header);
}

static void add_dialect(struct genops_buffer *out, const struct genops_dialect *dialect)
{
	genops_buffer_printf(out, "\n### %s\n\n%s. A virtual key is read from", dialect->name, dialect->summary);
	for (size_t i = 0; dialect->key_headers && dialect->key_headers[i]; i++)
		genops_buffer_printf(out, "%s `%s`", i ? "," : "", dialect->key_headers[i]);
	genops_buffer_add_text(out, ".\n\n| endpoint | route | operation | metered |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < dialect->n_endpoints; i++) {
		const struct genops_endpoint *endpoint = &dialect->endpoints[i];
		genops_buffer_printf(out, "| `%s` | %s `%s` | %s | %s |\n", endpoint->name, endpoint->method, endpoint->path,
		    endpoint->operation, endpoint->is_metered ? "yes" : "free by nature");
	}
}

static void add_providers(struct genops_buffer *out)
{
	size_t n;
	const struct genops_provider_row *rows = genops_provider_rows(&n);
	genops_buffer_add_text(out,
	    "# Providers and routes\n\n"
	    "## Built in\n\n"
	    "The first path segment names the provider; what follows goes to its base URL. Others are named under `gateway.providers`.\n"
	    "`genops run` sets the variables of the fifth column to `http://127.0.0.1:PORT` and the path of the sixth.\n\n"
	    "| name | dialect | base URL | key from | SDK's base-URL variable | path for the SDK | key goes in |\n"
	    "| --- | --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < n; i++)
		add_provider(out, &rows[i]);
	const struct genops_dialect *const *dialects = genops_dialects(&n);
	genops_buffer_add_text(out, "\n## Routes by dialect\n\nA route is known by its end, so that prefixes of a provider do not matter; `{}` is one\n"
				    "segment. Other routes are refused unless `gateway.unknown_routes: pass`.\n");
	for (size_t i = 0; i < n; i++)
		add_dialect(out, dialects[i]);
}

/* --- destinations --- */

static void add_form(struct genops_buffer *out, const char *name, const char *where, const struct genops_destination_form *form)
{
	genops_buffer_printf(out, "\n## `%s` %s\n\n", name, where);
	genops_reference_rows(out, form->rows);
}

static void add_destinations(struct genops_buffer *out)
{
	genops_buffer_add_text(out, "# Destinations\n\nTypes of `exporters` (`TYPE/NAME` makes several of one type) and of the documents of `destinations`. What all have, and the keys\n"
				    "of types that are not below, are in configuration.md; how they work, in ../destinations.md.\n\n"
				    "| type | also read as | what |\n| --- | --- | --- |\n");
	for (const struct genops_destination_type *const *type = genops_destination_types(); *type; type++)
		genops_buffer_printf(out, "| `%s` | %s%s%s | %s |\n", (*type)->name, (*type)->alias ? "`" : "",
		    (*type)->alias ? (*type)->alias : "", (*type)->alias ? "`" : "", (*type)->summary);
	for (const struct genops_destination_type *const *type = genops_destination_types(); *type; type++) {
		bool is_one = (*type)->exporter == (*type)->document;
		if ((*type)->document)
			add_form(out, (*type)->name, is_one ? "in `destinations` and `exporters`" : "in `destinations`", (*type)->document);
		if ((*type)->exporter && !is_one)
			add_form(out, (*type)->name, "in `exporters`", (*type)->exporter);
	}
}

/* --- pages --- */

/* X(name, function; NULL: config_reference.c) */
#define PAGES(X)                                                                                      \
	X("configuration", NULL)                                                                      \
	X("metrics", add_metrics)                                                                     \
	X("attributes", add_attributes)                                                               \
	X("policies", add_policies)                                                                   \
	X("errors", add_errors)                                                                       \
	X("providers", add_providers)                                                                 \
	X("destinations", add_destinations)                                                           \
	X("expressions", genops_reference_expressions)                                                \
	X("pipelines", genops_reference_pipelines)

static const struct {
	const char *name;
	void (*add)(struct genops_buffer *out);
} pages[] = {
#define X(name, add) {name, add},
    PAGES(X)
#undef X
};

const char *const *genops_reference_pages(void)
{
	static const char *const names[] = {
#define X(name, add) name,
	    PAGES(X)
#undef X
	    NULL,
	};
	return names;
}

int genops_reference(const char *page, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		struct genops_buffer out;
		if (strcmp(page, pages[i].name) != 0)
			continue;
		if (!pages[i].add)
			return genops_config_reference(ret_text, ret_len, err);
		genops_buffer_init(&out, PAGE_MAX);
		pages[i].add(&out);
		return genops_reference_rows_take(&out, ret_text, ret_len, err);
	}
#define X(name, add) name " "
	return genops_fail_fix(err, GENOPS_NOT_FOUND, "pages: " PAGES(X),
#undef X
	    "there is no reference page \"%.64s\"", page);
}
