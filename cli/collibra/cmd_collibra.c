/* SPDX-License-Identifier: Apache-2.0
 * cmd_collibra.c - genops collibra: how the exchange with Collibra goes, and parts of it done now. One function an action; what is
 * long is in a file of its own. */
#include "collibra/collibra.h"

#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct collibra_options, field)

static const struct command_option options[] = {
    {"json", 'j', OPTION_FLAG, AT(as_json), NULL, "print JSON"},
    {"dry-run", 0, OPTION_FLAG, AT(is_dry_run), NULL, "setup: say what would be made, make nothing"},
    {"community", 0, OPTION_TEXT, AT(community), "NAME", "setup: where a domain is made, if there is none (the only one)"},
    {"timeout", 0, OPTION_COUNT, AT(timeout_s), "SECONDS", "flush: how long to wait for Collibra (60)"},
    {0},
};

static const struct {
	const char *name;
	collibra_action *run;
} actions[] = {{"status", collibra_status}, {"sync", collibra_sync}, {"policies", collibra_policies},
    {"flush", collibra_flush}, {"setup", collibra_setup}};

static int run(const struct invocation *invocation)
{
	const char *name = invocation->n_arguments ? invocation->arguments[0] : "status";
	size_t i = 0;
	int code = EXIT_DONE;
	while (i < sizeof actions / sizeof *actions && strcmp(actions[i].name, name) != 0)
		i++;
	if (i == sizeof actions / sizeof *actions)
		return complain_text(EXIT_WRONG_USE, "genops collibra can status, sync, flush, policies or setup, not \"%s\"", name);
	struct invocation own = *invocation;
	/* Only who flushes may become the one who drains: else the background would import what sync was asked for. */
	if (actions[i].run != collibra_flush)
		own.engine.drain = GENOPS_DRAIN_NEVER;
	genops_engine *engine = open_engine(&own, &code);
	if (!engine)
		return code;
	code = actions[i].run(&own, engine);
	genops_engine_close(engine);
	return code;
}

const struct command command_collibra = {
    .name = "collibra",
    .summary = "the exchange with Collibra: how it goes, import policies and export operations now, set it up",
    .usage = "[status|sync|flush|policies|setup] [--dry-run] [--json]",
    .details = "  genops collibra            what was imported and exported, and what went wrong\n"
	       "  genops collibra sync       import the policies now; within a second they\n"
	       "                             govern every process\n"
	       "  genops collibra flush      send what waits, until Collibra has confirmed it\n"
	       "  genops collibra policies   the policies that are known, whether in force\n"
	       "  genops collibra setup      make the domain, types and assignments that are\n"
	       "                             missing; --dry-run: only say which",
    .options = options,
    .options_size = sizeof(struct collibra_options),
    .max_arguments = 1,
    .run = run,
};
