/* SPDX-License-Identifier: Apache-2.0
 * export/lake/lake_settings.c - see lake_settings.h. */
#include "export/lake/lake_settings.h"

#include "base/str.h"
#include "export/s3/s3_term.h"

#include <stdio.h>

#define AT(field) offsetof(struct genops_lake_settings, field)

static const struct genops_option rows[] = {
    {.name = "url", .type = GENOPS_OPTION_TEXT, .offset = AT(url), .aliases = (const char *const[]){"endpoint", NULL}, .text = "of the Direct Access (HTTP) source: https://<host>.cribl.cloud:10080; unset: CRIBL_LAKE_URL"},
    {.name = "token", .type = GENOPS_OPTION_TEXT, .offset = AT(token), .is_secret = true, .text = "one of its auth tokens, as ${VAR}; unset: CRIBL_LAKE_TOKEN"},
    {.name = "dataset", .type = GENOPS_OPTION_TEXT, .offset = AT(dataset), .text = "for routes that name none"},
    {.name = "datasets", .type = GENOPS_OPTION_CUSTOM, .text = "name, description, retention and partition_by of each; at most 10, as Direct Access has it"},
    {.name = "compression", .type = GENOPS_OPTION_ENUM, .offset = AT(compression), .default_text = "gzip", .names = (const char *const[]){"gzip", "parquet", "none", NULL}, .text = "none: requests are not compressed; parquet: datasets are made with that format (api_url)"},
    {.name = "compression_codec", .type = GENOPS_OPTION_ENUM, .offset = AT(codec), .default_text = "snappy", .names = (const char *const[]){"snappy", NULL}, .text = "of parquet; the Lake's own"},
    {.name = "indexes", .type = GENOPS_OPTION_LIST, .offset = AT(indexes), .text = "fields that are searched by: every event has them; accelerated fields of datasets that are made (api_url)"},
    {.name = "api_url", .type = GENOPS_OPTION_TEXT, .offset = AT(api_url), .text = "https://<workspace>-<organization>.cribl.cloud: missing datasets are made, and too short retentions made longer; unset: CRIBL_API_URL, else neither"},
    {.name = "api_token", .type = GENOPS_OPTION_TEXT, .offset = AT(api_token), .is_secret = true, .text = "bearer token for it; unset: CRIBL_API_TOKEN"},
    {.name = "lake", .type = GENOPS_OPTION_TEXT, .offset = AT(lake), .default_text = "default", .text = "the Lake's id, for api_url"},
    {.name = NULL},
};

struct entry {
	genops_str name, description, retention;
	struct genops_texts partition_by;
};

static const struct genops_option dataset_rows[] = {
    {.name = "name", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct entry, name), .is_required = true, .text = "the dataset's id"},
    {.name = "description", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct entry, description), .text = "for people"},
    {.name = "retention", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct entry, retention), .text = "1 to 3650 days, from when it was uploaded"},
    {.name = "partition_by", .type = GENOPS_OPTION_LIST, .offset = offsetof(struct entry, partition_by), .text = "fields whose values do not share a request; year is the event's"},
    {.name = NULL},
};

bool genops_lake_dataset_is_name(genops_str name)
{
	bool ok = name.len && name.len <= 128 && !genops_str_is(name, "cribl_logs") && !genops_str_is(name, "cribl_metrics");
	for (size_t i = 0; ok && i < name.len; i++) {
		char c = name.ptr[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		ok = is_letter || (i && ((c >= '0' && c <= '9') || c == '_' || c == '-'));
	}
	return ok;
}

bool genops_lake_days(genops_str text, int64_t *ret_days)
{
	int64_t ns;
	if (!genops_s3_term_days(text, &ns) || ns < GENOPS_S3_TERM_DAY_NS || ns / GENOPS_S3_TERM_DAY_NS > GENOPS_LAKE_DAYS_MAX)
		return false;
	*ret_days = (ns + GENOPS_S3_TERM_DAY_NS - 1) / GENOPS_S3_TERM_DAY_NS;
	return true;
}

const struct genops_lake_dataset *genops_lake_dataset_find(const struct genops_lake_settings *settings, genops_str name)
{
	for (size_t i = 0; i < settings->n_datasets; i++) {
		if (genops_str_equal(settings->datasets[i].name, name))
			return &settings->datasets[i];
	}
	return NULL;
}

static int read_dataset(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_lake_settings *settings)
{
	struct genops_lake_dataset *dataset = &settings->datasets[settings->n_datasets];
	struct entry entry = {0};
	GENOPS_TRY(genops_yaml_rows_section(in, node, "a dataset", dataset_rows, &entry));
	*dataset = (struct genops_lake_dataset){.name = entry.name, .description = entry.description, .partition_by = entry.partition_by};
	if (!genops_lake_dataset_is_name(entry.name))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "name"), "letters, digits, _ and -, a letter first; cribl_logs and cribl_metrics are Cribl's own",
		    "\"%.80s\" is not a dataset's name", entry.name.ptr);
	if (genops_lake_dataset_find(settings, entry.name))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "name"), NULL, "there are two datasets \"%.80s\"", entry.name.ptr);
	if (entry.retention.len && !genops_lake_days(entry.retention, &dataset->days))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "retention"), "write 1 day to 3650 days", "retention: \"%.80s\" is not one that Cribl Lake has",
		    entry.retention.ptr);
	if (entry.partition_by.n > GENOPS_LAKE_FIELDS_MAX)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "partition_by"), NULL, "partition_by: at most %d fields", GENOPS_LAKE_FIELDS_MAX);
	settings->n_datasets++;
	return GENOPS_OK;
}

static int read_datasets(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_lake_settings *settings)
{
	const struct genops_yaml_node *list = genops_yaml_rows_get(node, rows, "datasets");
	if (!list)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(in, list, "datasets", GENOPS_YAML_SEQUENCE));
	if (list->n > GENOPS_LAKE_DATASETS_MAX)
		return genops_yaml_rows_fail(in, list, "make a second destination", "datasets: Direct Access (HTTP) takes at most %d", GENOPS_LAKE_DATASETS_MAX);
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_dataset(in, entry->value, settings));
	return GENOPS_OK;
}

static bool get(const struct genops_yaml_rows *in, const char *name, genops_str *text)
{
	const char *value = in->variables && in->variables->get ? in->variables->get(in->variables->arg, name) : NULL;
	if (!text->len && value)
		(void)genops_arena_dup(in->arena, genops_str_of(value), text);
	while (text->len && text->ptr[text->len - 1] == '/')
		text->len--;
	return text->len > 0;
}

static bool is_url(genops_str url)
{
	bool ok = genops_str_starts(url, GENOPS_STR("https://")) || genops_str_starts(url, GENOPS_STR("http://"));
	for (size_t i = 0; ok && i < url.len; i++)
		ok = url.ptr[i] > ' ' && url.ptr[i] <= '~' && url.ptr[i] != '?' && url.ptr[i] != '#';
	return ok;
}

static int read_document(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *own)
{
	struct genops_lake_settings *settings = own;
	if (!get(in, "CRIBL_LAKE_URL", &settings->url))
		return genops_yaml_rows_fail(in, node, "set CRIBL_LAKE_URL, or url: https://<host>.cribl.cloud:10080, as Cribl Lake shows it under Direct Access",
		    "url of the Lake's Direct Access (HTTP) is missing");
	if (!get(in, "CRIBL_LAKE_TOKEN", &settings->token))
		return genops_yaml_rows_fail(in, node, "set CRIBL_LAKE_TOKEN, or token: ${VAR}", "token is missing: Direct Access (HTTP) takes nothing without one");
	if (get(in, "CRIBL_API_URL", &settings->api_url) && !get(in, "CRIBL_API_TOKEN", &settings->api_token))
		return genops_yaml_rows_fail(in, node, "set CRIBL_API_TOKEN, or api_token: ${VAR}", "api_url needs api_token");
	if (!is_url(settings->url) || (settings->api_url.len && !is_url(settings->api_url)))
		return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, is_url(settings->url) ? "api_url" : "url"), "write https://...", "not an address");
	GENOPS_TRY(read_datasets(in, node, settings));
	if (settings->indexes.n > GENOPS_LAKE_FIELDS_MAX)
		return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, "indexes"), NULL, "indexes: at most %d fields", GENOPS_LAKE_FIELDS_MAX);
	if (settings->dataset.len && settings->n_datasets && !genops_lake_dataset_find(settings, settings->dataset))
		return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, "dataset"), NULL, "dataset \"%.80s\" is not among datasets", settings->dataset.ptr);
	if (!settings->dataset.len && settings->n_datasets == 1)
		settings->dataset = settings->datasets[0].name;
	const struct genops_yaml_node *list = genops_yaml_rows_get(node, rows, "datasets");
	if (list && !settings->api_url.len)
		return genops_yaml_rows_warn(in, list, "set api_url and api_token, or make the datasets so in Cribl Lake",
		    "retention, format and accelerated fields of datasets are not set from here: Direct Access cannot");
	return GENOPS_OK;
}

const struct genops_destination_form genops_lake_form = {.rows = rows, .size = sizeof(struct genops_lake_settings), .read = read_document};
