/* SPDX-License-Identifier: Apache-2.0
 * genops/genops.h - everything of the C API in one include. Begin here: the program below is compiled and run by the tests.
 *
 * Build it with:  cc example.c $(pkg-config --cflags --libs libgenops)
 *
 *	#include <genops/genops.h>
 *
 *	#include <stdio.h>
 *
 *	static const char configuration[] =
 *	    "governance:\n"
 *	    "  attributes: {team: search, project: assistant}\n"
 *	    "  budgets: [{name: all, daily_budget: 1.0}]\n";
 *
 *	int main(void)
 *	{
 *		struct genops_engine_options options = {.size = sizeof options, .config_text = configuration};
 *		struct genops_operation_options call;
 *		struct genops_error err;
 *		genops_operation *operation;
 *		genops_usage usage = {.input_tokens = 900, .output_tokens = 120};
 *
 *		genops_engine *engine = genops_engine_open(&options, &err);
 *		if (!engine) {
 *			fprintf(stderr, "%s; %s\n", err.message, err.fix);
 *			return 1;
 *		}
 *		genops_operation_options_init(&call);
 *		call.provider = GENOPS_STR("openai");
 *		call.model = GENOPS_STR("gpt-4o-mini");
 *		call.expected.input_tokens = 1000; // bounds: what the call may use at most
 *		call.expected.output_tokens = 500;
 *		if (genops_operation_begin(engine, &call, &operation, &err) != GENOPS_OK) {
 *			fprintf(stderr, "%s; %s\n", err.message, err.fix);
 *			genops_engine_close(engine);
 *			return 1;
 *		}
 *		const struct genops_decision *decision = genops_operation_decision(operation);
 *		printf("decision %s, may cost up to %.6f USD\n", genops_result_name(decision->result),
 *		    (double)decision->estimated_cost_nano_usd / 1e9);
 *		if (!decision->is_refused) {
 *			// Make the call here, after decision->delay_ns, and say what the provider reported.
 *			if (genops_operation_record_usage(operation, &usage, &err) != GENOPS_OK)
 *				fprintf(stderr, "%s\n", err.message);
 *			printf("cost %.6f USD\n", (double)genops_operation_cost(operation) / 1e9);
 *		}
 *		int code = genops_operation_end(operation, GENOPS_OUTCOME_OK, &err); // also after a refusal
 *		if (code != GENOPS_OK)
 *			fprintf(stderr, "%s; %s\n", err.message, err.fix);
 *		genops_engine_close(engine);
 *		return code == GENOPS_OK ? 0 : 1;
 *	}
 *
 * In a process that others share the state directory with, budgets and rate limits are one: `genops serve`, `genops run` and every
 * program that links this library count together.
 */
#ifndef GENOPS_GENOPS_H
#define GENOPS_GENOPS_H

#include <genops/attribute.h>
#include <genops/config.h>
#include <genops/control.h>
#include <genops/decision.h>
#include <genops/backup.h>
#include <genops/destination.h>
#include <genops/engine.h>
#include <genops/error.h>
#include <genops/exchange.h>
#include <genops/gateway.h>
#include <genops/operation.h>
#include <genops/policy.h>
#include <genops/report.h>
#include <genops/simulated.h>
#include <genops/status.h>
#include <genops/usage.h>

#endif
