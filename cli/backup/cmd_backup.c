/* SPDX-License-Identifier: Apache-2.0
 * cmd_backup.c - genops backup now|list: archives of the configuration and of the state directory, made by hand and looked at. */
#include "backup/backup_time.h"
#include "command.h"
#include "json_text.h"
#include "table.h"

#include <genops/backup.h>

#include <inttypes.h>
#include <string.h>

struct backup_options {
	bool as_json;
	const char *to;
};

static const struct command_option options[] = {
    {"to", 't', OPTION_TEXT, offsetof(struct backup_options, to), "PLACE", "a directory or s3://bucket/prefix (the configuration's)"},
    {"json", 'j', OPTION_FLAG, offsetof(struct backup_options, as_json), NULL, "print JSON"},
    {0},
};

static void print_json(const struct genops_backup *backup)
{
	char time[32];
	printf("{\"kind\":\"%s\",", genops_backup_kind_name(backup->kind));
	json_text("name", genops_str_of(backup->name));
	putchar(',');
	json_text("place", genops_str_of(backup->place));
	printf(",\"time\":\"%s\",\"unix_ns\":%" PRId64 ",\"bytes\":%" PRIu64, backup_time(backup->unix_ns, time), backup->unix_ns, backup->bytes);
}

static void print_made(const struct genops_backup *backup)
{
	printf("%s/%s: %" PRIu64 " files, %.1f KiB\n", backup->place, backup->name, backup->n_files, (double)backup->bytes / 1024);
	if (backup->n_masked)
		printf("  %" PRIu64 " secrets stand in documents: they are not in it, variables stand in their place; genops restore names them\n", backup->n_masked);
	if (backup->n_pruned)
		printf("  %" PRIu64 " older ones were removed\n", backup->n_pruned);
}

/* Both kinds, where none is said and the configuration wants both or a place is named. */
static int now(genops_engine *engine, const char *only, const struct backup_options *chosen)
{
	int code = EXIT_DONE, n = 0;
	if (chosen->as_json)
		printf("{\"backups\":[");
	for (int kind = 0; kind < GENOPS_BACKUP_KINDS; kind++) {
		struct genops_backup backup;
		struct genops_backup_status status;
		struct genops_error err;
		if (genops_backup_status(engine, (enum genops_backup_kind)kind, &status, &err) != GENOPS_OK)
			continue;
		bool is_other = only ? strcmp(only, genops_backup_kind_name((enum genops_backup_kind)kind)) != 0 : !chosen->to && !status.is_scheduled && kind + n > 0;
		if (is_other)
			continue;
		if (genops_backup_make(engine, (enum genops_backup_kind)kind, chosen->to, &backup, &err) != GENOPS_OK) {
			code = complain(&err);
			continue;
		}
		if (!chosen->as_json) {
			print_made(&backup);
		} else {
			putchar(n ? ',' : '\n');
			print_json(&backup);
			printf(",\"files\":%" PRIu64 ",\"masked\":%" PRIu64 ",\"pruned\":%" PRIu64 "}", backup.n_files, backup.n_masked, backup.n_pruned);
		}
		n++;
	}
	if (chosen->as_json)
		printf("]}\n");
	return code;
}

struct listing {
	struct table *table;
	int n;
};

static int add_json(void *arg, const struct genops_backup *backup)
{
	struct listing *listing = arg;
	putchar(listing->n++ ? ',' : '\n');
	print_json(backup);
	putchar('}');
	return GENOPS_OK;
}

static int add_row(void *arg, const struct genops_backup *backup)
{
	struct listing *listing = arg;
	char text[600];
	table_begin_row(listing->table);
	table_add(listing->table, genops_backup_kind_name(backup->kind));
	table_add(listing->table, backup_time(backup->unix_ns, text));
	snprintf(text, sizeof text, "%.1f", (double)backup->bytes / 1024);
	table_add(listing->table, text);
	snprintf(text, sizeof text, "%s/%s", backup->place, backup->name);
	table_add(listing->table, text);
	listing->n++;
	return GENOPS_OK;
}

static int list(genops_engine *engine, const struct backup_options *chosen)
{
	static const struct table_column columns[] = {{"kind", false}, {"of", false}, {"KiB", true}, {"archive", false}, {0}};
	struct listing listing = {.table = chosen->as_json ? NULL : table_new(columns)};
	struct genops_error err;
	if (chosen->as_json)
		printf("{\"backups\":[");
	int code = genops_backup_list(engine, chosen->to, chosen->as_json ? add_json : add_row, &listing, &err);
	if (chosen->as_json)
		printf("]}\n");
	else if (code == GENOPS_OK && listing.n)
		table_print(listing.table, stdout);
	else if (code == GENOPS_OK)
		printf("there are no backups\n");
	table_free(listing.table);
	return code == GENOPS_OK ? EXIT_DONE : complain(&err);
}

static int run(const struct invocation *invocation)
{
	const struct backup_options *chosen = invocation->options;
	const char *verb = invocation->n_arguments ? invocation->arguments[0] : "list";
	const char *only = invocation->n_arguments > 1 ? invocation->arguments[1] : NULL;
	bool is_now = !strcmp(verb, "now");
	int code = EXIT_DONE;
	if (!is_now && strcmp(verb, "list") != 0)
		return complain_text(EXIT_WRONG_USE, "genops backup can now or list, not \"%s\"", verb);
	if (only && (!is_now || (strcmp(only, "config") != 0 && strcmp(only, "state") != 0)))
		return complain_text(EXIT_WRONG_USE, "genops backup now takes config or state, not \"%s\"", only);
	genops_engine *engine = open_engine(invocation, &code);
	if (!engine)
		return code;
	code = is_now ? now(engine, only, chosen) : list(engine, chosen);
	genops_engine_close(engine);
	return code;
}

const struct command command_backup = {
    .name = "backup",
    .summary = "archives of the configuration and of the state directory: make one now, list them",
    .usage = "[now [config | state] | list] [--to PLACE] [--json]",
    .details = "  genops backup now               both, where the configuration's backup_strategy says\n"
	       "  genops backup now state --to DIR\n"
	       "  genops backup list              what is there, oldest first\n"
	       "\n"
	       "While GenOps runs, whoever drains makes them by backup_strategy's schedule. A backup by hand is\n"
	       "made beside a running serve, and stops nothing. Without --to older ones are removed as the\n"
	       "schedule would. Secrets are never in an archive: no file that a key comes from, no variable's\n"
	       "value, and what stands in a document under a secret's name is a ${VARIABLE} there.",
    .options = options,
    .options_size = sizeof(struct backup_options),
    .max_arguments = 2,
    .run = run,
};
