/* SPDX-License-Identifier: Apache-2.0
 * cmd_catalog.c - genops catalog: what models cost, since when, and who says so. */
#include "command.h"
#include "json_text.h"
#include "table.h"

#include <genops/status.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct catalog_options {
	const char *provider;
	bool as_json;
};

static const struct command_option options[] = {
    {"provider", 'p', OPTION_TEXT, offsetof(struct catalog_options, provider), "NAME", "only this provider (glob)"},
    {"json", 'j', OPTION_FLAG, offsetof(struct catalog_options, as_json), NULL, "print JSON"},
    {0},
};

struct listing {
	bool as_json;
	size_t n;
	struct table *table;
};

/* "0.15": USD per million, of nano-USD per million. */
static void format_rate(const struct genops_catalog_row *row, const char *name, char *out, size_t size)
{
	snprintf(out, size, "-");
	for (size_t i = 0; i < row->n_rates; i++) {
		if (!strcmp(row->rates[i].name, name))
			snprintf(out, size, "%.6g", (double)row->rates[i].nano_usd_per_million / 1e9);
	}
}

static void print_json_row(const struct genops_catalog_row *row, bool is_first)
{
	printf("%s{", is_first ? "" : ",\n");
	json_text("provider", row->provider);
	putchar(',');
	json_text("model", row->model);
	putchar(',');
	json_text("mode", row->mode);
	putchar(',');
	json_text("source", row->source);
	putchar(',');
	json_text("source_date", row->source_date);
	putchar(',');
	printf("\"ceiling\":%s,\"max_input_tokens\":%lld,\"max_output_tokens\":%lld,\"tiers\":%zu,\"nano_usd_per_million\":{",
	    row->is_ceiling ? "true" : "false", (long long)row->max_input_tokens, (long long)row->max_output_tokens, row->n_tiers);
	for (size_t i = 0; i < row->n_rates; i++)
		printf("%s\"%s\":%lld", i ? "," : "", row->rates[i].name, (long long)row->rates[i].nano_usd_per_million);
	printf("}}");
}

static int on_row(void *arg, const struct genops_catalog_row *row)
{
	struct listing *listing = arg;
	char model[160], input[32], output[32], cached[32];
	if (listing->as_json) {
		print_json_row(row, !listing->n++);
		return GENOPS_OK;
	}
	listing->n++;
	format_rate(row, "input", input, sizeof input);
	format_rate(row, "output", output, sizeof output);
	format_rate(row, "cache_read", cached, sizeof cached);
	snprintf(model, sizeof model, "%.*s%s", (int)row->model.len, row->model.ptr ? row->model.ptr : "",
	    row->is_ceiling ? "(ceiling for unknown models)" : "");
	table_begin_row(listing->table);
	table_add_view(listing->table, row->provider);
	table_add(listing->table, model);
	table_add(listing->table, input);
	table_add(listing->table, output);
	table_add(listing->table, cached);
	table_add_view(listing->table, row->source_date);
	table_add_view(listing->table, row->source);
	return GENOPS_OK;
}

static int run(const struct invocation *invocation)
{
	static const struct table_column columns[] = {{"provider", false}, {"model", false}, {"input", true}, {"output", true},
	    {"cached", true}, {"as of", false}, {"source", false}, {NULL, false}};
	const struct catalog_options *chosen = invocation->options;
	struct listing listing = {.as_json = chosen->as_json, .table = table_new(columns)};
	struct genops_error err;
	int code = EXIT_DONE;
	genops_str model = invocation->n_arguments ? genops_str_of(invocation->arguments[0]) : (genops_str){0};
	genops_engine *engine = open_engine(invocation, &code);
	if (engine) {
		if (chosen->as_json)
			printf("{\"prices\":[");
		if (genops_catalog_list(engine, genops_str_of(chosen->provider), model, on_row, &listing, &err) != GENOPS_OK)
			code = complain(&err);
		if (chosen->as_json)
			printf("]}\n");
		else if (listing.n)
			table_print(listing.table, stdout);
		else
			code = complain_text(EXIT_FAILED, "no price fits; names may hold *, for example: genops catalog 'gpt-4o*'");
		if (!chosen->as_json && listing.n && !invocation->is_quiet)
			printf("%zu price%s, USD per million units; genops catalog --json has every kind and tier\n", listing.n,
			    listing.n == 1 ? "" : "s");
	}
	table_free(listing.table);
	genops_engine_close(engine);
	return code;
}

const struct command command_catalog = {
    .name = "catalog",
    .summary = "what models cost: the price catalogue in force",
    .usage = "[--provider NAME] [MODEL] [--json]",
    .details = "MODEL may hold *, like 'gpt-4o*'. Prices are the shipped facts, then pricing.files of the configuration; each\n"
	       "names its source and date.",
    .options = options,
    .options_size = sizeof(struct catalog_options),
    .max_arguments = 1,
    .run = run,
};
