/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_collibra.c - section `collibra`: parameters beat environment beat file beat defaults (contract COL-016..020, A-033).
 *
 * COLLIBRA_URL and the credentials have the guide's variables, every other key GENOPS_COLLIBRA_<KEY>. Without a URL the
 * connector is off, whatever else is set. */
#include "engine/collibra/collibra_kept.h"

#include "base/str.h"

#include <stdio.h>

#define AT(field) offsetof(struct genops_config_collibra, field)
#define TEXT(key, field, what) {.name = key, .type = GENOPS_OPTION_TEXT, .offset = AT(field), .text = what}
#define SECRET(key, field, what) \
	{.name = key, .type = GENOPS_OPTION_TEXT, .offset = AT(field), .is_secret = true, .text = what}
#define BOOL(key, field, otherwise, what) \
	{.name = key, .type = GENOPS_OPTION_BOOL, .offset = AT(field), .default_text = otherwise, .text = what}
#define TIME(key, field, otherwise, least, most, what) \
	{.name = key, .type = GENOPS_OPTION_DURATION, .offset = AT(field), .default_text = otherwise, .min = least, .max = most, .text = what}
#define INT(key, field, otherwise, least, most, what) \
	{.name = key, .type = GENOPS_OPTION_INT, .offset = AT(field), .default_text = otherwise, .min = least, .max = most, .text = what}

const struct genops_option genops_config_collibra_rows[] = {
    TEXT("url", url, "the instance, https://acme.collibra.com; without it nothing is exported or imported"),
    TEXT("username", username, "of Collibra, with password"),
    SECRET("password", password, "of that user"),
    SECRET("api_token", api_token, "sent as a bearer token: of Collibra's OAuth or a JWT of your identity provider; stronger than a password"),
    TEXT("client_id", client_id, "of an OAuth application of Collibra; with client_secret stronger than a token, and renewed"),
    SECRET("client_secret", client_secret, "of that application"),
    TEXT("ca_file", ca_file, "certificate authorities to trust besides the system's (PEM file)"),
    TEXT("domain_id", domain_id, "the domain (its id) that assets are written to; unset: the one named by `domain`"),
    TEXT("domain", domain, "the name of the domain when domain_id is not set; unset: `AI Governance`, or the only one that there is"),
    TEXT("attribute_prefix", attribute_prefix, "before the names of attribute types, where an instance has types of the same names"),
    {.name = "export_mode",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(export_mode),
	.default_text = "batch",
	.names = (const char *const[]){"batch", "realtime", "hybrid", "off", "real-time", "real_time", NULL},
	.text = "batch; realtime: each operation within a second; hybrid: what is refused, held back, costs over 10 USD or exceeds a budget "
		"at once, the rest in batches; off: no export"},
    INT("batch_size", batch_size, "100", 1, 5000, "operations that make a batch"),
    TIME("batch_interval_seconds", batch_interval_ns, "60", 0.1, 86400, "how long an operation waits for its batch"),
    BOOL("enable_cost_tracking", has_costs, "true", "false: no AI Operation Cost assets"),
    BOOL("enable_policy_sync", has_policy_sync, "false", "policies of Collibra are imported and enforced"),
    {.name = "policy_sync_interval_minutes",
	.type = GENOPS_OPTION_DOUBLE,
	.offset = AT(policy_sync_interval_minutes),
	.default_text = "5",
	.min = 0.01,
	.max = 10080,
	.text = "how often"},
    TIME("timeout", timeout_ns, "30", 0.1, 3600, "of one request"),
    INT("max_retries", max_retries, "3", 0, 20, "tries behind the first one"),
    INT("rate_limit_per_second", rate_limit_per_second, "10", 1, 1000, "requests in any second"),
    {.name = NULL},
};

static const struct {
	const char *variable, *row;
} variables[] = {
    {"COLLIBRA_URL", "url"},
    {"COLLIBRA_USERNAME", "username"},
    {"COLLIBRA_PASSWORD", "password"},
    {"COLLIBRA_API_TOKEN", "api_token"},
    {"COLLIBRA_CLIENT_ID", "client_id"},
    {"COLLIBRA_CLIENT_SECRET", "client_secret"},
};

static int set(struct genops_config_reader *reader, const struct genops_option *row, genops_str value, const char *from)
{
	struct genops_error cause;
	int code = genops_option_set(row, &reader->config->collibra, genops_str_trim(value), reader->arena, &cause);
	if (code != GENOPS_OK)
		return genops_fail_fix(reader->err, code, "correct or unset it", "%s: %.400s", from, cause.message);
	return GENOPS_OK;
}

static int read_variable(struct genops_config_reader *reader, const struct genops_option *row)
{
	char name[80];
	const char *value = NULL;
	int n = snprintf(name, sizeof name, "GENOPS_COLLIBRA_%s", row->name);
	for (int i = 0; i < n; i++)
		name[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		if (!strcmp(row->name, variables[i].row))
			snprintf(name, sizeof name, "%s", variables[i].variable);
	}
	value = genops_config_environment_get(reader, name);
	return value ? set(reader, row, genops_str_of(value), name) : GENOPS_OK;
}

static int check(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_collibra *collibra = &reader->config->collibra;
	const struct genops_yaml_node *url = genops_config_read_get(node, genops_config_collibra_rows, "url");
	char normalized[1024];
	bool has_user = collibra->username.len && collibra->password.len;
	bool has_client = collibra->client_id.len && collibra->client_secret.len;
	if (!collibra->url.len)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_place(
	    reader, url ? url : node, genops_collibra_url_normalize(collibra->url, normalized, sizeof normalized, reader->err)));
	if (!genops_arena_dup(reader->arena, genops_str_of(normalized), &collibra->url))
		return genops_config_read_no_memory(reader);
	if (has_user || has_client || collibra->api_token.len)
		return GENOPS_OK;
	return genops_config_read_fail(reader, node,
	    "set COLLIBRA_API_TOKEN, or COLLIBRA_USERNAME and COLLIBRA_PASSWORD, or COLLIBRA_CLIENT_ID and COLLIBRA_CLIENT_SECRET",
	    "collibra: there is a URL, but no credentials");
}

int genops_config_collibra_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct genops_config_parameters *parameters)
{
	struct genops_config_collibra *collibra = &reader->config->collibra;
	GENOPS_TRY(genops_config_read_section(reader, node, "collibra", genops_config_collibra_rows, collibra));
	for (const struct genops_option *row = genops_config_collibra_rows; row->name; row++)
		GENOPS_TRY(read_variable(reader, row));
	for (size_t i = 0; parameters && i < parameters->n_collibra; i++) {
		const struct genops_text_pair *given = &parameters->collibra[i];
		const struct genops_option *row = genops_option_find(genops_config_collibra_rows, given->key);
		if (!row)
			return genops_fail(reader->err, GENOPS_MISUSE, "collibra has no option %.*s", GENOPS_STR_ARG(given->key));
		GENOPS_TRY(set(reader, row, given->value, row->name));
	}
	collibra->url = genops_str_trim(collibra->url);
	if (collibra->export_mode > GENOPS_COLLIBRA_OFF)
		collibra->export_mode = GENOPS_COLLIBRA_REALTIME; /* its other spellings (contract A-016) */
	if (collibra->ca_file.len)
		GENOPS_TRY(genops_config_file_path(reader, collibra->ca_file, reader->folder, &collibra->ca_file));
	GENOPS_TRY(check(reader, node));
	return genops_collibra_kept_load(reader);
}
