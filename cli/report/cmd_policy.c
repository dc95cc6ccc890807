/* SPDX-License-Identifier: Apache-2.0
 * cmd_policy.c - genops policy: list the policies in force, or test a call that has not been made.
 *
 * `test` asks the engine for a decision without reserving or recording anything; exit code 3 if the call would be refused.
 */
#include "command.h"
#include "json_text.h"
#include "table.h"

#include <genops/control.h>
#include <genops/operation.h>
#include <genops/policy.h>

#include <stdlib.h>
#include <string.h>

struct policy_options {
	const char *provider, *model, *region, *content, *cost;
	struct option_list attributes;
	int64_t input_tokens, output_tokens;
	bool as_json;
};

#define AT(field) offsetof(struct policy_options, field)

static const struct command_option options[] = {
    {"provider", 'p', OPTION_TEXT, AT(provider), "NAME", "test: the provider"},
    {"model", 'm', OPTION_TEXT, AT(model), "NAME", "test: the model"},
    {"attribute", 'a', OPTION_LIST, AT(attributes), "K=V", "test: an attribute, like team=search; any number of times"},
    {"content", 0, OPTION_TEXT, AT(content), "TEXT", "test: the prompt, for content filters"},
    {"region", 0, OPTION_TEXT, AT(region), "NAME", "test: where it would run"},
    {"input-tokens", 0, OPTION_COUNT, AT(input_tokens), "N", "test: tokens of the prompt"},
    {"max-output-tokens", 0, OPTION_COUNT, AT(output_tokens), "N", "test: cap of the answer (else the model's maximum)"},
    {"cost", 0, OPTION_TEXT, AT(cost), "USD", "test: estimated cost, instead of an estimate from tokens"},
    {"json", 'j', OPTION_FLAG, AT(as_json), NULL, "print JSON"},
    {0},
};

/* --- list --- */

static int add_row(void *arg, const struct genops_policy_row *row)
{
	struct table *table = arg;
	table_begin_row(table);
	table_add_view(table, row->name);
	table_add_view(table, row->type);
	table_add(table, row->is_enabled ? "" : "off");
	table_add_view(table, row->level);
	table_add_view(table, row->match);
	table_add_view(table, row->settings);
	table_add_view(table, row->origin);
	return GENOPS_OK;
}

static int list(genops_engine *engine, bool as_json)
{
	static const struct table_column columns[] = {{"policy", false}, {"type", false}, {"", false}, {"level", false},
	    {"match", false}, {"settings", false}, {"from", false}, {NULL, false}};
	struct genops_error err;
	char *text;
	size_t len;
	if (as_json) {
		if (genops_policy_list_json(engine, &text, &len, &err) != GENOPS_OK)
			return complain(&err);
		printf("%s\n", text);
		free(text);
		return EXIT_DONE;
	}
	struct table *table = table_new(columns);
	int code = genops_policy_list(engine, add_row, table, &err);
	if (code == GENOPS_OK && table_is_empty(table))
		printf("No policies are configured: every call is allowed. See governance.policies in the configuration; `genops init` writes an example.\n");
	else if (code == GENOPS_OK)
		table_print(table, stdout);
	table_free(table);
	return code == GENOPS_OK ? EXIT_DONE : complain(&err);
}

/* --- test --- */

static int read_attributes(const struct option_list *list, struct genops_attribute *attributes)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *equals = strchr(list->items[i], '=');
		if (!equals || equals == list->items[i])
			return complain_text(EXIT_WRONG_USE, "--attribute wants key=value, not \"%s\"", list->items[i]);
		attributes[i] = (struct genops_attribute){
		    .key = {list->items[i], (size_t)(equals - list->items[i])},
		    .value.string = genops_str_of(equals + 1),
		};
	}
	return -1;
}

static void explain(const struct genops_decision *decision)
{
	static const struct table_column columns[] = {
	    {"policy", false}, {"type", false}, {"result", false}, {"why", false}, {NULL, false}};
	struct table *table = table_new(columns);
	printf("%s%s%s\n", genops_result_name(decision->result), decision->is_refused ? ", refused: " : "",
	    decision->is_refused ? genops_reason_name(decision->reason) : "");
	if (decision->message.len)
		printf("%.*s\n", (int)decision->message.len, decision->message.ptr);
	printf("estimate: at most $%.9g\n", (double)decision->estimated_cost_nano_usd / 1e9);
	if (decision->delay_ns)
		printf("held back for %.3f s\n", (double)decision->delay_ns / 1e9);
	printf("\n");
	for (size_t i = 0; i < decision->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &decision->evaluations[i];
		table_begin_row(table);
		table_add_view(table, evaluation->policy);
		table_add_view(table, evaluation->policy_type);
		table_add(table, genops_result_name(evaluation->result));
		table_add_view(table, evaluation->is_violation ? evaluation->message : genops_str_of("holds"));
	}
	if (decision->n_evaluations)
		table_print(table, stdout);
	else
		printf("no policy and no budget applies to this call\n");
	table_free(table);
}

static void print_json(const struct genops_decision *decision)
{
	printf("{\"decision\":\"%s\",\"refused\":%s,\"reason_code\":\"%s\",", genops_result_name(decision->result),
	    decision->is_refused ? "true" : "false", genops_reason_name(decision->reason));
	json_text("policy", decision->policy);
	printf(",");
	json_text("message", decision->message);
	printf(",\"estimated_cost_nano_usd\":%lld,\"estimated_cost_usd\":%.9f,\"delay_ms\":%lld,\"evaluations\":[",
	    (long long)decision->estimated_cost_nano_usd, (double)decision->estimated_cost_nano_usd / 1e9,
	    (long long)(decision->delay_ns / 1000000));
	for (size_t i = 0; i < decision->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &decision->evaluations[i];
		printf("%s{", i ? "," : "");
		json_text("policy", evaluation->policy);
		printf(",");
		json_text("type", evaluation->policy_type);
		printf(",\"result\":\"%s\",\"violation\":%s,", genops_result_name(evaluation->result),
		    evaluation->is_violation ? "true" : "false");
		json_text("message", evaluation->message);
		printf("}");
	}
	printf("]}\n");
}

static int test(genops_engine *engine, const struct policy_options *chosen)
{
	struct genops_attribute attributes[OPTION_LIST_MAX];
	struct genops_operation_options question;
	genops_operation *operation;
	struct genops_error err;
	int code = read_attributes(&chosen->attributes, attributes);
	if (code >= 0)
		return code;
	genops_operation_options_init(&question);
	question.provider = genops_str_of(chosen->provider);
	question.model = genops_str_of(chosen->model);
	question.region = genops_str_of(chosen->region);
	question.content = genops_str_of(chosen->content);
	question.attributes = attributes;
	question.n_attributes = chosen->attributes.n;
	question.expected.input_tokens = chosen->input_tokens;
	question.expected.output_tokens = chosen->output_tokens;
	question.is_dry_run = true;
	if (chosen->cost) {
		char *end;
		double usd = strtod(chosen->cost, &end);
		if (*end || end == chosen->cost || !(usd >= 0 && usd < 9e9))
			return complain_text(EXIT_WRONG_USE, "--cost wants an amount in USD, like 0.25, not \"%s\"", chosen->cost);
		question.estimated_cost_nano_usd = (int64_t)(usd * 1e9 + 0.5);
	}
	if (genops_operation_begin(engine, &question, &operation, &err) != GENOPS_OK)
		return complain(&err);
	const struct genops_decision *decision = genops_operation_decision(operation);
	code = decision->is_refused ? EXIT_REFUSED : EXIT_DONE;
	if (chosen->as_json)
		print_json(decision);
	else
		explain(decision);
	genops_operation_end(operation, GENOPS_OUTCOME_NOT_SENT, &err);
	return code;
}

static bool describes_call(const struct policy_options *chosen)
{
	return chosen->provider || chosen->model || chosen->region || chosen->content || chosen->cost || chosen->attributes.n ||
	       chosen->input_tokens || chosen->output_tokens;
}

static int run(const struct invocation *invocation)
{
	const struct policy_options *chosen = invocation->options;
	const char *verb = invocation->n_arguments ? invocation->arguments[0] : "list";
	bool is_test = !strcmp(verb, "test");
	int code = EXIT_DONE;
	if (!is_test && strcmp(verb, "list") != 0)
		return complain_text(EXIT_WRONG_USE, "unknown \"%s\"; genops policy takes list or test", verb);
	if (is_test && !chosen->model)
		return complain_text(EXIT_WRONG_USE, "policy test needs the model that would be called, like --model gpt-4o");
	if (!is_test && describes_call(chosen))
		return complain_text(EXIT_WRONG_USE, "what describes a call is for `genops policy test`; list takes --json only");
	genops_engine *engine = open_engine(invocation, &code);
	if (!engine)
		return code;
	code = is_test ? test(engine, chosen) : list(engine, chosen->as_json);
	genops_engine_close(engine);
	return code;
}

const struct command command_policy = {
    .name = "policy",
    .summary = "list the policies in force, or test a call and have the verdict explained",
    .usage = "[list | test --model NAME [--provider NAME] [--attribute K=V]... [--content TEXT]] [--json]",
    .details = "  genops policy test --provider openai --model gpt-4o -a team=search --content 'a confidential text'\n\n"
	       "Exit code of test: 0 the call may be made, 3 it would be refused.",
    .options = options,
    .options_size = sizeof(struct policy_options),
    .max_arguments = 1,
    .run = run,
};
