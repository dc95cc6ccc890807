/* SPDX-License-Identifier: Apache-2.0
 * cmd_audit.c - genops audit: the evidence, shown, verified, exported. */
#include "command.h"
#include "figures.h"
#include "filters.h"
#include "when.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DETAIL_SHOWN  100
#define LIMIT_DEFAULT 50

struct audit_options {
	struct option_list where;
	const char *since, *until, *format, *output;
	int64_t limit;
	bool is_json;
};

static const struct command_option options[] = {
    {"where", 'w', OPTION_LIST, offsetof(struct audit_options, where), "KEY=VALUE",
	"only records that have it: team, model, result, kind, operation (its id), any attribute; again for more"},
    {"since", 0, OPTION_TEXT, offsetof(struct audit_options, since), "TIME", "from then on: " WHEN_HELP},
    {"until", 0, OPTION_TEXT, offsetof(struct audit_options, until), "TIME", "until then; a day or month named here is included"},
    {"limit", 'n', OPTION_COUNT, offsetof(struct audit_options, limit), "COUNT", "show: the newest COUNT (50); export: the first COUNT (all)"},
    {"format", 'f', OPTION_TEXT, offsetof(struct audit_options, format), "FORMAT", "export: json, csv or parquet (by the file's name)"},
    {"output", 'o', OPTION_TEXT, offsetof(struct audit_options, output), "FILE", "export: the file to write; - is standard output"},
    {"json", 'j', OPTION_FLAG, offsetof(struct audit_options, is_json), NULL, "show, verify: as JSON"},
    {0},
};

static int make_query(const struct audit_options *chosen, struct genops_report_filter where[OPTION_LIST_MAX],
    struct genops_audit_report_query *query)
{
	int64_t since, until, max = INT64_MAX / 1000000000;
	*query = (struct genops_audit_report_query){.size = sizeof *query, .where = where, .limit = chosen->limit};
	int code = when_range(chosen->since, chosen->until, &since, &until);
	if (code < 0)
		code = filters_where(&chosen->where, where, &query->n_where);
	query->since_unix_ns = (since < max ? since : max) * 1000000000;
	query->until_unix_ns = (until < max ? until : max) * 1000000000;
	return code;
}

/* --- show --- */

/* An event's facts are JSON of any length: here its beginning, all of it with --json. */
static void add_detail(struct table *table, genops_str detail)
{
	char text[DETAIL_SHOWN + 4];
	size_t len = detail.len;
	if (len <= DETAIL_SHOWN) {
		table_add_view(table, detail);
		return;
	}
	for (len = DETAIL_SHOWN; len && ((unsigned char)detail.ptr[len] & 0xC0) == 0x80;)
		len--;
	snprintf(text, sizeof text, "%.*s...", (int)len, detail.ptr);
	table_add(table, text);
}

static int add_event(void *arg, const struct genops_audit_event *event)
{
	struct table *table = arg;
	bool is_operation = event->operation_id.len > 0;
	table_begin_row(table);
	figures_number(table, event->sequence);
	figures_time(table, event->unix_ns / 1000000000, "-");
	table_add_view(table, is_operation ? event->result : event->kind);
	table_add_view(table, event->team);
	table_add_view(table, event->model);
	if (is_operation)
		figures_money(table, event->cost_nano_usd);
	else
		table_add(table, "");
	table_add_view(table, event->operation_id);
	if (is_operation)
		table_add_view(table, event->message);
	else
		add_detail(table, event->detail);
	return GENOPS_OK;
}

static int write_stdout(void *arg, const char *bytes, size_t len)
{
	return fwrite(bytes, 1, len, stdout) == len ? GENOPS_OK : GENOPS_IO;
}

static int show(const struct invocation *invocation, genops_engine *engine, struct genops_audit_report_query *query)
{
	static const struct table_column columns[] = {{"record", true}, {"time (UTC)", false}, {"what", false}, {"team", false},
	    {"model", false}, {"cost", true}, {"operation", false}, {"why", false}, {NULL, false}};
	const struct audit_options *chosen = invocation->options;
	struct genops_error err;
	query->newest_first = true;
	if (!query->limit)
		query->limit = LIMIT_DEFAULT;
	if (chosen->is_json)
		return genops_report_audit_export(engine, query, GENOPS_AUDIT_JSON, write_stdout, NULL, NULL, &err) == GENOPS_OK
			? EXIT_DONE
			: complain(&err);
	struct table *table = table_new(columns);
	int code = genops_report_audit(engine, query, add_event, table, &err);
	if (code == GENOPS_OK && table_is_empty(table))
		printf(query->n_where || query->since_unix_ns || query->until_unix_ns ? "No record fits.\n" : "Nothing is recorded yet.\n");
	else if (code == GENOPS_OK)
		table_print(table, stdout);
	table_free(table);
	return code == GENOPS_OK ? EXIT_DONE : complain(&err);
}

/* --- verify --- */

static int verify(const struct invocation *invocation, genops_engine *engine, struct genops_audit_report_query *query)
{
	const struct audit_options *chosen = invocation->options;
	struct genops_audit_verification found;
	struct genops_error err;
	char *text;
	size_t len;
	if (genops_report_audit_verify(engine, &found, &err) != GENOPS_OK)
		return complain(&err);
	int code = found.first_bad ? EXIT_FAILED : EXIT_DONE;
	if (chosen->is_json) {
		if (genops_report_audit_verify_json(&found, &text, &len, &err) != GENOPS_OK)
			return complain(&err);
		fwrite(text, 1, len, stdout);
		free(text);
		return code;
	}
	if (found.first_bad) {
		fprintf(stderr, "genops: %s; %lld records before it fit, compare with an export or a backup\n", found.message,
		    (long long)found.n_records);
		return code;
	}
	printf("whole: %lld records, none changed, missing, inserted or moved\n", (long long)found.n_records);
	if (found.n_records)
		printf("head: %lld %s\nKeep this line elsewhere: with it, anybody can prove later that nothing before it was rewritten.\n",
		    (long long)found.head_sequence, found.head_hash);
	return code;
}

/* --- export --- */

static int write_file(void *arg, const char *bytes, size_t len)
{
	int fd = *(int *)arg;
	while (len) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOSPC ? GENOPS_FULL : GENOPS_IO;
		bytes += n;
		len -= (size_t)n;
	}
	return GENOPS_OK;
}

static int choose_format(const struct audit_options *chosen, enum genops_audit_format *ret_format)
{
	static const struct {
		const char *name;
		enum genops_audit_format format;
	} formats[] = {{"json", GENOPS_AUDIT_JSON}, {"csv", GENOPS_AUDIT_CSV}, {"parquet", GENOPS_AUDIT_PARQUET}};
	const char *dot = chosen->output ? strrchr(chosen->output, '.') : NULL;
	const char *name = chosen->format ? chosen->format : dot ? dot + 1 : "";
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (!strcmp(formats[i].name, name)) {
			*ret_format = formats[i].format;
			return -1;
		}
	return chosen->format ? complain_text(EXIT_WRONG_USE, "--format is json, csv or parquet, not \"%s\"", name)
			      : complain_text(EXIT_WRONG_USE, "say --format json, csv or parquet");
}

/* Writes beside the file and renames, so that a file of this name is always a whole one. */
static int export_to_file(genops_engine *engine, const struct genops_audit_report_query *query,
    enum genops_audit_format format, const char *output, bool is_quiet)
{
	char part[4096];
	struct genops_error err;
	int64_t n = 0;
	if (snprintf(part, sizeof part, "%s.part", output) >= (int)sizeof part)
		return complain_text(EXIT_WRONG_USE, "--output: the name is too long");
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain_text(EXIT_FAILED, "cannot write %s: %s", part, strerror(errno));
	int code = genops_report_audit_export(engine, query, format, write_file, &fd, &n, &err) == GENOPS_OK ? EXIT_DONE : complain(&err);
	bool is_written = fsync(fd) == 0 || errno == EINVAL;
	is_written &= close(fd) == 0;
	if (code == EXIT_DONE && (!is_written || rename(part, output) != 0))
		code = complain_text(EXIT_FAILED, "cannot write %s: %s", output, strerror(errno));
	if (code != EXIT_DONE)
		unlink(part);
	else if (!is_quiet)
		fprintf(stderr, "%lld records written to %s\n", (long long)n, output);
	return code;
}

static int export(const struct invocation *invocation, genops_engine *engine, struct genops_audit_report_query *query)
{
	const struct audit_options *chosen = invocation->options;
	struct genops_error err;
	enum genops_audit_format format = GENOPS_AUDIT_JSON;
	int code = choose_format(chosen, &format);
	if (code >= 0)
		return code;
	if (strcmp(chosen->output, "-") != 0)
		return export_to_file(engine, query, format, chosen->output, invocation->is_quiet);
	return genops_report_audit_export(engine, query, format, write_stdout, NULL, NULL, &err) == GENOPS_OK ? EXIT_DONE : complain(&err);
}

/* --- which --- */

static const struct {
	const char *name;
	int (*run)(const struct invocation *invocation, genops_engine *engine, struct genops_audit_report_query *query);
} actions[] = {{"show", show}, {"verify", verify}, {"export", export}};

/* What an action would not look at is a mistake. */
static int refuse_what_is_ignored(const struct audit_options *chosen, const char *action)
{
	bool is_verify = !strcmp(action, "verify"), is_export = !strcmp(action, "export");
	if (is_verify && (chosen->where.n || chosen->since || chosen->until || chosen->limit))
		return complain_text(EXIT_WRONG_USE, "genops audit verify looks at the whole chain: no --where, --since, --until or --limit");
	if (!is_export && (chosen->format || chosen->output))
		return complain_text(EXIT_WRONG_USE, "--format and --output are for genops audit export");
	if (is_export && chosen->is_json)
		return complain_text(EXIT_WRONG_USE, "genops audit export wants --format json instead of --json");
	return -1;
}

static int run(const struct invocation *invocation)
{
	const struct audit_options *chosen = invocation->options;
	struct genops_report_filter where[OPTION_LIST_MAX];
	struct genops_audit_report_query query;
	const char *name = invocation->n_arguments ? invocation->arguments[0] : "show";
	size_t i = 0;
	while (i < sizeof actions / sizeof *actions && strcmp(actions[i].name, name) != 0)
		i++;
	if (i == sizeof actions / sizeof *actions)
		return complain_text(EXIT_WRONG_USE, "genops audit can show, verify or export, not \"%s\"", name);
	if (actions[i].run == export && !chosen->output)
		return complain_text(EXIT_WRONG_USE, "genops audit export wants --output FILE (- for standard output)");
	int code = refuse_what_is_ignored(chosen, name);
	if (code < 0)
		code = make_query(chosen, where, &query);
	if (code >= 0)
		return code;
	genops_engine *engine = open_engine(invocation, &code);
	if (!engine)
		return code;
	code = actions[i].run(invocation, engine, &query);
	genops_engine_close(engine);
	return code;
}

const struct command command_audit = {
    .name = "audit",
    .summary = "the audit trail: show it, verify that it is whole, export it",
    .usage = "[show|verify|export] [--where KEY=VALUE]... [--since TIME] [--until TIME] [--limit COUNT] [--format FORMAT] [--output FILE] [--json]",
    .details = "  genops audit                                   the newest records\n"
	       "  genops audit show --where result=blocked --since 24h\n"
	       "  genops audit verify                            exit 1 and the first bad record if the chain is not whole\n"
	       "  genops audit export --format parquet --output november.parquet --since 2026-11 --until 2026-11",
    .options = options,
    .options_size = sizeof(struct audit_options),
    .max_arguments = 1,
    .run = run,
};
