/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake_settings.c - see snowflake_settings.h. */
#include "export/snowflake/snowflake_settings.h"

#include "base/str.h"
#include "export/otlp_outgoing.h"
#include "export/snowflake/snowflake_key.h"
#include "export/snowflake/snowflake_statement.h"

#include <stdio.h>

#define AT(field) offsetof(struct genops_snowflake_settings, field)
static const struct genops_option rows[] = {
    {.name = "account", .type = GENOPS_OPTION_TEXT, .offset = AT(account), .is_required = true, .text = "as in myorg-account, or a locator with its region"},
    {.name = "endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(endpoint), .text = "unset: https://ACCOUNT.snowflakecomputing.com (private links have addresses of their own)"},
    {.name = "user", .type = GENOPS_OPTION_TEXT, .offset = AT(user), .text = "whose key it is"},
    {.name = "private_key", .type = GENOPS_OPTION_TEXT, .offset = AT(private_key), .is_secret = true, .text = "RSA, in PEM: ${file:/path/rsa_key.p8}"},
    {.name = "private_key_passphrase", .type = GENOPS_OPTION_TEXT, .offset = AT(passphrase), .is_secret = true, .text = "where the key is encrypted"},
    {.name = "token", .type = GENOPS_OPTION_TEXT, .offset = AT(token), .is_secret = true, .text = "instead of a key: ${SNOWFLAKE_TOKEN} or ${file:/path}"},
    {.name = "token_type",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(token_type),
	.default_text = "programmatic_access_token",
	.names = (const char *const[]){"programmatic_access_token", "oauth", NULL},
	.text = "what token is"},
    {.name = "database", .type = GENOPS_OPTION_TEXT, .offset = AT(database), .text = "as Snowflake has it, mostly upper case; unset: the user's"},
    {.name = "schema", .type = GENOPS_OPTION_TEXT, .offset = AT(schema), .text = "the same"},
    {.name = "warehouse", .type = GENOPS_OPTION_TEXT, .offset = AT(warehouse), .text = "the same"},
    {.name = "role", .type = GENOPS_OPTION_TEXT, .offset = AT(role), .text = "the same"},
    {.name = "table", .type = GENOPS_OPTION_TEXT, .offset = AT(table), .default_text = "genops_events", .text = "of routes that name none"},
    {.name = "statement_timeout", .type = GENOPS_OPTION_DURATION, .offset = AT(statement_timeout_ns), .min = 1, .max = 604800, .text = "after which Snowflake gives a statement up; unset: its own"},
    {.name = NULL},
};

static const struct genops_yaml_node *place(const struct genops_yaml_node *node, const char *key)
{
	const struct genops_yaml_node *value = genops_yaml_get(node, key);
	return value ? value : node;
}

static int no_memory(const struct genops_yaml_rows *in)
{
	return genops_fail(in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
}

static bool is_account(genops_str account)
{
	for (size_t i = 0; i < account.len; i++) {
		char c = account.ptr[i];
		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_' || (c == '.' && i)))
			return false;
	}
	return account.len && account.len < 200;
}

/* Names of hosts have no underscores. */
static int set_url(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_snowflake_settings *own)
{
	char host[256];
	size_t n = 0;
	genops_str url = genops_str_trim(own->endpoint);
	if (!is_account(own->account))
		return genops_yaml_rows_fail(in, place(node, "account"), "as in myorg-account, without snowflakecomputing.com",
		    "account: \"%.*s\" is none", own->account.len > 100 ? 100 : (int)own->account.len, own->account.ptr);
	for (; n < own->account.len; n++) {
		char c = own->account.ptr[n];
		host[n] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	char *made = genops_arena_alloc(in->arena, n + 40);
	if (!made)
		return no_memory(in);
	snprintf(made, n + 40, "https://%.*s.snowflakecomputing.com", (int)n, host);
	own->url = url.len ? url : genops_str_of(made);
	int code = genops_otlp_outgoing_check_url(own->url, "remove it, or as in https://account.privatelink.snowflakecomputing.com", in->err);
	while (own->url.len && own->url.ptr[own->url.len - 1] == '/')
		own->url.len--;
	return genops_yaml_rows_place(in, place(node, "endpoint"), code);
}

static int set_token(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_snowflake_settings *own)
{
	genops_str token = genops_str_trim(own->token); /* files end with a line's end */
	for (size_t i = 0; i < token.len; i++) {
		if ((unsigned char)token.ptr[i] <= ' ' || token.ptr[i] == 0x7f)
			return genops_yaml_rows_fail(in, place(node, "token"), "look for a line break", "token has blanks or control characters");
	}
	char *bearer = genops_arena_alloc(in->arena, token.len + 8);
	if (!bearer)
		return no_memory(in);
	memcpy(bearer, "Bearer ", 7);
	memcpy(bearer + 7, token.ptr, token.len);
	own->bearer = (genops_str){bearer, token.len + 7};
	own->token_type_name = own->token_type == 0 ? GENOPS_STR("PROGRAMMATIC_ACCESS_TOKEN") : GENOPS_STR("OAUTH");
	return GENOPS_OK;
}

static int set_credentials(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_snowflake_settings *own)
{
	struct genops_error inner = {0};
	if (!own->private_key.len == !genops_str_trim(own->token).len)
		return genops_yaml_rows_fail(in, place(node, "private_key"), "user and private_key: ${file:/path/rsa_key.p8}, or token: ${SNOWFLAKE_TOKEN}",
		    own->token.len ? "private_key and token are two ways to say who asks" : "snowflake needs private_key or token");
	if (!own->private_key.len)
		return set_token(in, node, own);
	if (!own->user.len)
		return genops_yaml_rows_fail(in, node, NULL, "private_key needs user");
	int code = genops_snowflake_key_new(own->account, own->user, own->private_key, own->passphrase, &own->key, &inner);
	own->token_type_name = GENOPS_STR("KEYPAIR_JWT");
	if (code == GENOPS_NOMEM)
		return no_memory(in);
	if (code == GENOPS_OK)
		return GENOPS_OK;
	return genops_yaml_rows_fail(in, place(node, "private_key"), inner.fix[0] ? inner.fix : NULL, "%s", inner.message);
}

static int read(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *arg)
{
	struct genops_snowflake_settings *own = arg;
	struct genops_error inner = {0};
	genops_str table;
	GENOPS_TRY(set_url(in, node, own));
	GENOPS_TRY(set_credentials(in, node, own));
	if (genops_snowflake_statement_table(own->table, in->arena, &table, &inner) == GENOPS_OK)
		return GENOPS_OK;
	return inner.code == GENOPS_NOMEM ? no_memory(in)
					  : genops_yaml_rows_fail(in, place(node, "table"), inner.fix[0] ? inner.fix : NULL, "%s", inner.message);
}

static void done(void *arg)
{
	genops_snowflake_key_free(((struct genops_snowflake_settings *)arg)->key);
}

const struct genops_destination_form genops_snowflake_form = {rows, sizeof(struct genops_snowflake_settings), read, done};
