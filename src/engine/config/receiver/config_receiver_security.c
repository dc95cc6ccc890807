/* SPDX-License-Identifier: Apache-2.0
 * engine/config/receiver/config_receiver_security.c - section `security`, as the Cribl guide writes it: what receivers have that say nothing else.
 *
 * A receiver's own settings go before it, but for one: where bearer tokens are asked for, none lets everybody in. Words that name nobody
 * ("GenOps application IPs") and what is not done (a secrets manager, the age of tokens) are warned about. */
#include "engine/config/receiver/config_receiver.h"

#include "base/str.h"

#include <stdio.h>

struct genops_config_security { /* -1: not said */
	int auth_type, validation, rotation;
	genops_str token_rotation, secrets_manager;
	bool has_tls, has_rate;
	int tls_min, suites;
	genops_str certificate, key, max_requests;
	struct genops_texts allow, deny;
	int64_t rate_per_second;
};

#define AT(field) offsetof(struct genops_config_security, field)
#define NAMES(...) .names = (const char *const[]){__VA_ARGS__, NULL}

const struct genops_option genops_config_security_rows[] = {
    {.name = "source_auth", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "destination_auth", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "tls", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "network", .type = GENOPS_OPTION_CUSTOM, .text = "firewall_rules and rate_limiting"},
    {.name = NULL},
};

const struct genops_option genops_config_security_source_rows[] = {
    {.name = "type", .type = GENOPS_OPTION_ENUM, .offset = AT(auth_type), NAMES("bearer_token"), .text = "every receiver asks for a token or a key"},
    {.name = "token_validation", .type = GENOPS_OPTION_ENUM, .offset = AT(validation), NAMES("strict"), .text = "the whole token, letter by letter; always so"},
    {.name = "token_rotation", .type = GENOPS_OPTION_TEXT, .offset = AT(token_rotation), .text = "not done: the age of tokens is not known; warned about"},
    {.name = NULL},
};

const struct genops_option genops_config_security_destination_rows[] = {
    {.name = "secrets_manager",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(secrets_manager),
	.text = "not done: secrets come from ${VARIABLE} and ${file:PATH}; warned about"},
    {.name = "rotation", .type = GENOPS_OPTION_ENUM, .offset = AT(rotation), NAMES("automatic"), .text = "a secret from ${file:PATH} is read again when its file changes; always so"},
    {.name = NULL},
};

const struct genops_option genops_config_security_tls_rows[] = {
    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .offset = AT(has_tls), .default_text = "true", .text = "receivers without tls of their own have this one"},
    {.name = "min_version", .type = GENOPS_OPTION_ENUM, .offset = AT(tls_min), .default_text = "TLS 1.2", NAMES("TLS 1.2", "TLS 1.3"), .text = "of TLS"},
    {.name = "cipher_suites", .type = GENOPS_OPTION_ENUM, .offset = AT(suites), NAMES("strong_ciphers_only"), .text = "always so"},
    {.name = "certificate", .type = GENOPS_OPTION_TEXT, .offset = AT(certificate), .text = "PEM file with the certificate chain"},
    {.name = "private_key", .type = GENOPS_OPTION_TEXT, .offset = AT(key), .text = "PEM file with its key"},
    {.name = NULL},
};

const struct genops_option genops_config_security_network_rows[] = {
    {.name = "firewall_rules", .type = GENOPS_OPTION_CUSTOM, .text = "a list of {allow: ADDRESSES} and {deny: ADDRESSES}: receivers' allow and deny; `all others` is all"},
    {.name = "rate_limiting", .type = GENOPS_OPTION_CUSTOM, .text = "enabled, and max_requests like 10000/second/ip: receivers' rate_limit"},
    {.name = NULL},
};

static const struct genops_option rate_rows[] = {
    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .offset = AT(has_rate), .default_text = "true"},
    {.name = "max_requests", .type = GENOPS_OPTION_TEXT, .offset = AT(max_requests)},
    {.name = NULL},
};

static const struct genops_yaml_node *part(const struct genops_yaml_node *node, const char *name)
{
	return genops_config_read_get(node, genops_config_security_rows, name);
}

/* --- the network --- */

/* Addresses of one rule. What names nobody is told: a wall that is not there must not look as if it were. */
static int read_rule(struct genops_config_reader *reader, const struct genops_yaml_entry *entry, struct genops_config_security *security)
{
	bool is_allow = genops_str_is(entry->key->text, "allow");
	struct genops_texts said, *to = is_allow ? &security->allow : &security->deny;
	if (!is_allow && !genops_str_is(entry->key->text, "deny"))
		return genops_config_read_fail(reader, entry->key, "write allow or deny", "firewall_rules: \"%.*s\" is neither",
		    entry->key->text.len > 64 ? 64 : (int)entry->key->text.len, entry->key->text.ptr);
	GENOPS_TRY(genops_config_read_texts(reader, entry->value, "firewall_rules", &said));
	genops_str *items = genops_arena_alloc(reader->arena, (to->n + said.n + 1) * sizeof *items);
	if (!items)
		return genops_config_read_no_memory(reader);
	if (to->n)
		memcpy(items, to->items, to->n * sizeof *items);
	to->items = items;
	for (size_t i = 0; i < said.n; i++) {
		genops_str text = genops_str_trim(said.items[i]);
		bool is_all = genops_str_is_nocase(text, "all others") || genops_str_is_nocase(text, "all");
		if (is_all || genops_config_receiver_is_network(text))
			items[to->n++] = is_all ? GENOPS_STR("all") : text;
		else
			GENOPS_TRY(genops_config_read_warn(reader, entry->value, "write addresses and networks, like 10.0.0.0/8",
			    "firewall_rules: \"%.*s\" names no address, so this rule has no effect", text.len > 64 ? 64 : (int)text.len, text.ptr));
	}
	return GENOPS_OK;
}

static int read_network(struct genops_config_reader *reader, const struct genops_yaml_node *network, struct genops_config_security *security)
{
	const struct genops_yaml_node *rules = genops_config_read_get(network, genops_config_security_network_rows, "firewall_rules");
	const struct genops_yaml_node *rate = genops_config_read_get(network, genops_config_security_network_rows, "rate_limiting");
	if (rules)
		GENOPS_TRY(genops_config_read_expect(reader, rules, "firewall_rules", GENOPS_YAML_SEQUENCE));
	for (const struct genops_yaml_entry *rule = rules ? rules->first : NULL; rule; rule = rule->next) {
		GENOPS_TRY(genops_config_read_expect(reader, rule->value, "a rule", GENOPS_YAML_MAPPING));
		for (const struct genops_yaml_entry *entry = rule->value->first; entry; entry = entry->next)
			GENOPS_TRY(read_rule(reader, entry, security));
	}
	if (security->deny.n && !security->allow.n) { /* nobody at all would get in */
		security->deny.n = 0;
		GENOPS_TRY(genops_config_read_warn(
		    reader, rules, "name who is allowed", "firewall_rules: nobody is allowed by address, so nobody is denied either"));
	}
	if (!rate)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, rate, "rate_limiting", rate_rows, security));
	return security->has_rate
		   ? genops_config_receiver_rate(reader, genops_yaml_get(rate, "max_requests"), genops_str_trim(security->max_requests), &security->rate_per_second)
		   : GENOPS_OK;
}

/* --- the section --- */

static int read_tls(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_security *security)
{
	genops_str *paths[] = {&security->certificate, &security->key};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, node, "tls", genops_config_security_tls_rows, security));
	if (security->has_tls && (!security->certificate.len || !security->key.len))
		return genops_config_read_fail(reader, node, "name PEM files", "security.tls needs certificate and private_key");
	for (size_t i = 0; i < 2 && security->has_tls; i++) {
		GENOPS_TRY(genops_config_file_path(reader, *paths[i], reader->folder, paths[i]));
		if (genops_str_find_char(*paths[i], '$') != SIZE_MAX)
			return genops_config_read_fail(reader, node, "move the file", "security.tls: nginx takes no path with a $ in it here");
	}
	return GENOPS_OK;
}

int genops_config_receiver_security(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_security *security = genops_arena_alloc(reader->arena, sizeof *security);
	if (!security)
		return genops_config_read_no_memory(reader);
	*security = (struct genops_config_security){.auth_type = -1, .validation = -1, .rotation = -1, .suites = -1};
	GENOPS_TRY(genops_config_read_section(reader, node, "security", genops_config_security_rows, security));
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, part(node, "source_auth"), "source_auth", genops_config_security_source_rows, security));
	GENOPS_TRY(genops_config_read_section(
	    reader, part(node, "destination_auth"), "destination_auth", genops_config_security_destination_rows, security));
	GENOPS_TRY(genops_config_read_section(reader, part(node, "network"), "network", genops_config_security_network_rows, security));
	GENOPS_TRY(read_tls(reader, part(node, "tls"), security));
	GENOPS_TRY(read_network(reader, part(node, "network"), security));
	if (security->token_rotation.len)
		GENOPS_TRY(genops_config_read_warn(reader, part(node, "source_auth"), "keep tokens in a file, and write it anew in time",
		    "token_rotation has no effect: the age of tokens is not known"));
	if (security->secrets_manager.len)
		GENOPS_TRY(genops_config_read_warn(reader, part(node, "destination_auth"), "let it write files, and name them as ${file:PATH}",
		    "secrets_manager has no effect: secrets come from the environment and from files"));
	reader->security = security;
	return GENOPS_OK;
}

/* --- a receiver --- */

int genops_config_receiver_secure_listener(
    struct genops_config_reader *reader, const struct genops_yaml_node *place, struct genops_config_listener *listener)
{
	const struct genops_config_security *security = reader->security;
	struct genops_config_access *access = &listener->access;
	if (!security)
		return GENOPS_OK;
	if (security->has_tls && !listener->tls_certificate.len) {
		listener->tls_certificate = security->certificate;
		listener->tls_key = security->key;
		listener->tls_min = security->tls_min;
	}
	if (security->auth_type < 0)
		return GENOPS_OK;
	if (access->is_set && access->mode == GENOPS_ACCESS_OPEN)
		return genops_config_read_fail(reader, place, "give it tokens, or remove security.source_auth",
		    "a receiver lets everybody in, and security.source_auth asks for tokens");
	if (!access->n_tokens && !reader->config->n_keys && place)
		return genops_config_read_fail(reader, place, "give the receiver auth: {bearer_tokens: [...]}",
		    "security.source_auth asks for tokens, and a receiver has none");
	if (!access->n_tokens && !reader->config->n_keys) /* nobody asked for this receiver */
		GENOPS_TRY(genops_config_read_warn(reader, NULL, "give receivers auth: {bearer_tokens: [...]}",
		    "security.source_auth asks for tokens, and there are none: nobody may send telemetry"));
	access->is_set = true;
	access->mode = GENOPS_ACCESS_REQUIRED;
	return GENOPS_OK;
}

void genops_config_receiver_secure(const struct genops_config_reader *reader, struct genops_config_receiver *receiver)
{
	const struct genops_config_security *security = reader->security;
	if (!security)
		return;
	if (!receiver->rate_per_second)
		receiver->rate_per_second = security->rate_per_second;
	if (!receiver->allow.n && !receiver->deny.n) {
		receiver->allow = security->allow;
		receiver->deny = security->deny;
	}
}
