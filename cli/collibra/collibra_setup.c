/* SPDX-License-Identifier: Apache-2.0
 * collibra_setup.c - genops collibra setup: what is missing in Collibra is made, or with --dry-run told. */
#include "collibra/collibra.h"
#include "json_text.h"

struct progress {
	bool as_json, is_dry_run;
	size_t n, n_changes, n_manual;
};

static bool is_kept(const struct genops_collibra_step *step)
{
	return step->action[0] == 'k';
}

static void print_step_json(const struct progress *progress, const struct genops_collibra_step *step)
{
	printf("%s{", progress->n ? "," : "");
	json_text("action", genops_str_of(step->action));
	putchar(',');
	json_text("kind", genops_str_of(step->kind));
	putchar(',');
	json_text("name", genops_str_of(step->name));
	putchar(',');
	json_text("detail", genops_str_of(step->detail));
	printf(",\"done\":%s,\"by_hand\":%s}", step->is_done ? "true" : "false", step->is_manual && !is_kept(step) ? "true" : "false");
}

static int on_step(void *arg, const struct genops_collibra_step *step)
{
	struct progress *progress = arg;
	if (progress->as_json)
		print_step_json(progress, step);
	else if (is_kept(step))
		printf("there is    %s \"%s\" (%s)\n", step->kind, step->name, step->detail);
	else
		printf("%s%s%s %s \"%s\" (%s)\n", step->is_manual ? "BY HAND: " : progress->is_dry_run ? "would " : "", step->action,
		    step->is_done ? (step->action[0] == 'c' ? "d" : "ed") : "", step->kind, step->name, step->detail);
	progress->n++;
	progress->n_manual += step->is_manual && !is_kept(step);
	progress->n_changes += !step->is_manual;
	return GENOPS_OK;
}

int collibra_setup(const struct invocation *invocation, genops_engine *engine)
{
	const struct collibra_options *chosen = invocation->options;
	struct progress progress = {.as_json = chosen->as_json, .is_dry_run = chosen->is_dry_run};
	struct genops_error err = {0};
	if (chosen->as_json)
		printf("{\"dry_run\":%s,\"steps\":[", chosen->is_dry_run ? "true" : "false");
	int code = genops_collibra_set_up(engine, chosen->community, chosen->is_dry_run, on_step, &progress, &err);
	if (chosen->as_json) {
		printf("],\"changes\":%zu,\"by_hand\":%zu,", progress.n_changes, progress.n_manual);
		json_text("error", genops_str_of(code == GENOPS_OK ? "" : err.message));
		printf("}\n");
	} else if (code == GENOPS_OK) {
		if (!progress.n_changes && !progress.n_manual)
			printf("Nothing is missing.\n");
		else
			printf("%zu %s%s\n", progress.n_changes, chosen->is_dry_run ? "changes would be made; nothing was" : "changes made",
			    progress.n_manual ? "; the rest by hand, as said above" : "");
	}
	return code == GENOPS_OK ? EXIT_DONE : complain(&err);
}
