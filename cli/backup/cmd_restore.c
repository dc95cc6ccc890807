/* SPDX-License-Identifier: Apache-2.0
 * cmd_restore.c - genops restore ARCHIVE: an archive of genops backup, checked and unpacked. */
#include "backup/backup_time.h"
#include "command.h"
#include "json_text.h"

#include <genops/backup.h>

#include <inttypes.h>
#include <string.h>

struct restore_options {
	bool as_json, is_forced;
	const char *to;
};

static const struct command_option options[] = {
    {"to", 't', OPTION_TEXT, offsetof(struct restore_options, to), "DIRECTORY", "where to; it is made (the archive's name, here)"},
    {"force", 'f', OPTION_FLAG, offsetof(struct restore_options, is_forced), NULL, "also where something is: that is moved aside, to DIRECTORY.before-TIME"},
    {"json", 'j', OPTION_FLAG, offsetof(struct restore_options, as_json), NULL, "print JSON"},
    {0},
};

static void print_json(const struct genops_restored *restored)
{
	char time[32];
	printf("{\"kind\":\"%s\",\"time\":\"%s\",\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",", genops_backup_kind_name(restored->kind),
	    backup_time(restored->unix_ns, time), restored->n_files, restored->bytes);
	json_text("to", genops_str_of(restored->to));
	putchar(',');
	json_text("before", genops_str_of(restored->before));
	putchar(',');
	json_text("config", genops_str_of(restored->config));
	printf(",\"outside\":%" PRIu64 ",\"secrets\":%" PRIu64 ",", restored->n_outside, restored->n_secrets);
	json_text("variables", genops_str_of(restored->variables));
	printf(",\"leftovers\":%" PRIu64 "}\n", restored->n_leftovers);
}

static void print_text(const struct genops_restored *restored)
{
	char time[32];
	bool is_state = restored->kind == GENOPS_BACKUP_STATE;
	printf("%s: the %s as of %s, %" PRIu64 " files, every one as it was packed\n", restored->to, is_state ? "state directory" : "configuration",
	    backup_time(restored->unix_ns, time), restored->n_files);
	if (restored->before[0])
		printf("what was there is in %s\n", restored->before);
	if (restored->n_leftovers)
		printf("%" PRIu64 " %s killed had left %s beside: removed\n", restored->n_leftovers,
		    restored->n_leftovers == 1 ? "restore that was" : "restores that were", restored->n_leftovers == 1 ? "its folder" : "their folders");
	if (restored->n_outside)
		printf("%" PRIu64 " files come from elsewhere: they are in %s/outside, by their paths; put them back there\n", restored->n_outside, restored->to);
	if (restored->n_secrets)
		printf("%" PRIu64 " secrets are not in it: set %s\n", restored->n_secrets, restored->variables);
	if (is_state)
		printf("look at it with: genops audit verify --state %s\n", restored->to);
	else if (restored->config[0])
		printf("look at it with: genops validate --config %s/%s\n", restored->to, restored->config);
}

/* The archive's name without its ending, here. */
static void default_to(const char *archive, char *out, size_t size)
{
	const char *slash = strrchr(archive, '/'), *name = slash ? slash + 1 : archive;
	size_t n = strlen(name), end = strlen(".tar.zst");
	snprintf(out, size, "%.*s", (int)(n > end && !strcmp(name + n - end, ".tar.zst") ? n - end : n), name);
}

static int run(const struct invocation *invocation)
{
	const struct restore_options *chosen = invocation->options;
	const char *archive = invocation->arguments[0];
	struct genops_restored restored;
	struct genops_error err;
	char to[512];
	default_to(archive, to, sizeof to);
	if (genops_backup_restore(archive, chosen->to ? chosen->to : to, chosen->is_forced, &restored, &err) != GENOPS_OK)
		return complain(&err);
	if (chosen->as_json)
		print_json(&restored);
	else
		print_text(&restored);
	return EXIT_DONE;
}

const struct command command_restore = {
    .name = "restore",
    .summary = "unpack an archive of genops backup into a directory, checked",
    .usage = "ARCHIVE [--to DIRECTORY] [--force] [--json]",
    .details = "  genops restore s3://bucket/prefix/state-20261122T010000Z.tar.zst --to /var/lib/genops/state\n"
	       "\n"
	       "All of it is unpacked beside and checked against the SHA-256 of each file first; then it takes\n"
	       "the directory's name. A state directory that a process uses is not replaced. Credentials for S3\n"
	       "come from the environment (AWS_ACCESS_KEY_ID ..., or the machine's role).",
    .options = options,
    .options_size = sizeof(struct restore_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
