/* SPDX-License-Identifier: Apache-2.0
 * engine/config/receiver/config_receiver_auth.c - who may send to a receiver.
 *
 * Three ways to say it: `auth: none`; tokens of one's own, `auth: {bearer_tokens: [...]}`; and the Collector's, `auth: {authenticator:
 * bearertokenauth}` with the extension of that name. Only hashes of tokens stay; their texts are overwritten. */
#include "engine/config/receiver/config_receiver.h"

#include "base/str.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define SHORT_TOKEN    16
#define TOKEN_FILE_MAX ((size_t)1 << 20)
#define TENANT_MAX     150

struct token {
	genops_str name, sha256, file, tenant;
	struct genops_attributes attributes;
};

/* What a token stands for, beside its text. */
static void bind(struct genops_config_token *token, const struct token *raw)
{
	token->name = raw->name;
	token->tenant = raw->tenant;
	token->attributes = raw->attributes.items;
	token->n_attributes = raw->attributes.n;
}

struct bearer {
	genops_str scheme, header, filename;
};

const struct genops_option genops_config_receiver_auth_rows[] = {
    {.name = "bearer_tokens", .type = GENOPS_OPTION_CUSTOM, .text = "tokens, or mappings as below; `auth: none` lets everybody in"},
    {.name = "authenticator", .type = GENOPS_OPTION_CUSTOM, .text = "the Collector's: bearertokenauth, or bearertokenauth/NAME, of extensions"},
    {.name = NULL},
};

#define AT(field) offsetof(struct token, field)
const struct genops_option genops_config_receiver_token_rows[] = {
    {.name = "token", .type = GENOPS_OPTION_CUSTOM, .is_secret = true, .text = "what the client sends, usually ${VARIABLE}; kept only as a hash"},
    {.name = "sha256", .type = GENOPS_OPTION_TEXT, .offset = AT(sha256), .text = "instead of token: its SHA-256 as 64 hex digits (printf %s TOKEN | sha256sum)"},
    {.name = "file", .type = GENOPS_OPTION_TEXT, .offset = AT(file), .text = "instead of token: a file with one in each line; read again when it changes"},
    {.name = "name", .type = GENOPS_OPTION_TEXT, .offset = AT(name), .text = "for people"},
    {.name = "tenant", .type = GENOPS_OPTION_TEXT, .offset = AT(tenant), .text = "for whom it sends, whatever X-Scope-OrgID says"},
    {.name = "attributes", .type = GENOPS_OPTION_CUSTOM, .text = "team, project ...: in every span, record and data point that it sends, whatever stood there"},
    {.name = NULL},
};

const struct genops_option genops_config_receiver_bearer_rows[] = {
    {.name = "scheme", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct bearer, scheme), .default_text = "Bearer", .text = "only Bearer"},
    {.name = "header", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct bearer, header), .default_text = "Authorization", .text = "only Authorization"},
    {.name = "token", .type = GENOPS_OPTION_CUSTOM, .is_secret = true, .text = "what the client sends; kept only as a hash"},
    {.name = "tokens", .type = GENOPS_OPTION_CUSTOM, .is_secret = true, .text = "several of them"},
    {.name = "filename",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct bearer, filename),
	.text = "a file with one in each line; read again when it changes"},
    {.name = NULL},
};

/* --- tokens --- */

static bool is_known(const struct genops_config_access *access, const uint8_t sha256[32])
{
	for (size_t i = 0; i < access->n_tokens; i++) {
		if (CRYPTO_memcmp(access->tokens[i].sha256, sha256, 32) == 0)
			return true;
	}
	return false;
}

static int grow(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_access *access)
{
	if (access->n_tokens >= GENOPS_CONFIG_TOKENS_MAX)
		return genops_config_read_fail(reader, node, NULL, "there are more than %d tokens", GENOPS_CONFIG_TOKENS_MAX);
	if (access->n_tokens & (access->n_tokens - 1)) /* room for the next power of two is there */
		return GENOPS_OK;
	size_t cap = access->n_tokens ? 2 * access->n_tokens : 1;
	struct genops_config_token *tokens = genops_arena_alloc(reader->arena, cap * sizeof *tokens);
	if (!tokens)
		return genops_config_read_no_memory(reader);
	if (access->n_tokens)
		memcpy(tokens, access->tokens, access->n_tokens * sizeof *tokens);
	access->tokens = tokens;
	return GENOPS_OK;
}

int genops_config_receiver_own_tokens(struct genops_config_reader *reader, struct genops_config_access *access)
{
	size_t cap = 1;
	while (cap < access->n_tokens)
		cap *= 2;
	struct genops_config_token *tokens = genops_arena_alloc(reader->arena, cap * sizeof *tokens);
	if (!tokens)
		return genops_config_read_no_memory(reader);
	if (access->n_tokens)
		memcpy(tokens, access->tokens, access->n_tokens * sizeof *tokens);
	access->tokens = tokens;
	return GENOPS_OK;
}

static int add_hash(struct genops_config_reader *reader, const struct genops_yaml_node *node, const uint8_t sha256[32],
    struct genops_config_access *access, struct genops_config_token **ret_token)
{
	if (is_known(access, sha256))
		return genops_config_read_fail(reader, node, "keep one of them", "the same token stands here twice");
	GENOPS_TRY(grow(reader, node, access));
	*ret_token = &access->tokens[access->n_tokens++];
	**ret_token = (struct genops_config_token){0};
	memcpy((*ret_token)->sha256, sha256, 32);
	return GENOPS_OK;
}

int genops_config_receiver_add_token(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str text,
    struct genops_config_access *access, struct genops_config_token **ret_token)
{
	uint8_t sha256[32];
	bool is_short = text.len < SHORT_TOKEN, is_placeholder = text.len && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>';
	bool is_hashed = text.len && genops_config_key_hash(text, sha256), is_empty = !text.len;
	if (text.len) /* the arena's bytes are ours; const only guards readers */
		explicit_bzero((char *)(uintptr_t)text.ptr, text.len);
	genops_yaml_wipe(node);
	if (is_empty)
		return genops_config_read_fail(reader, node, "set the variable that it comes from, or remove the entry", "a token is empty");
	if (!is_hashed)
		return genops_fail(reader->err, GENOPS_INTERNAL, "SHA-256 is not available");
	GENOPS_TRY(add_hash(reader, node, sha256, access, ret_token));
	if (is_placeholder)
		return genops_config_read_warn(
		    reader, node, "make one: openssl rand -hex 24", "this token is a placeholder, and anybody knows it");
	if (is_short)
		return genops_config_read_warn(reader, node, "use a long random one: openssl rand -hex 24",
		    "a token is shorter than %d characters", SHORT_TOKEN);
	return GENOPS_OK;
}

/* One in each line. */
static int add_file(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str path,
    const struct token *raw, struct genops_config_access *access)
{
	struct genops_buffer text;
	struct genops_config_token *token;
	size_t n = 0;
	genops_str full;
	uint8_t sha256[32];
	GENOPS_TRY(genops_config_file_path(reader, path, reader->folder, &full));
	GENOPS_TRY(genops_config_file_watch(reader, full));
	int code = genops_config_file_read(full.ptr, TOKEN_FILE_MAX, &text, reader->err);
	if (code != GENOPS_OK)
		return genops_config_read_missing(reader, node, code);
	genops_str rest = genops_buffer_view(&text);
	while (rest.len && code == GENOPS_OK) {
		genops_str line = genops_str_trim(genops_str_split(&rest, '\n'));
		if (!line.len)
			continue;
		n++;
		code = genops_config_key_hash(line, sha256) ? add_hash(reader, node, sha256, access, &token)
							    : genops_fail(reader->err, GENOPS_INTERNAL, "SHA-256 is not available");
		if (code == GENOPS_OK)
			bind(token, raw);
	}
	explicit_bzero(text.ptr, text.cap);
	genops_buffer_done(&text);
	if (code == GENOPS_OK && !n)
		return genops_config_read_fail(reader, node, NULL, "%s holds no token", full.ptr);
	return code;
}

static int read_tenant(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str tenant)
{
	for (size_t i = 0; i < tenant.len; i++) {
		if (tenant.ptr[i] < ' ' || tenant.ptr[i] > '~' || tenant.len > TENANT_MAX)
			return genops_config_read_fail(reader, genops_yaml_get(node, "tenant"), NULL, "tenant: it has at most %d characters, all printable",
			    TENANT_MAX);
	}
	return GENOPS_OK;
}

static int read_token(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_access *access)
{
	struct token raw = {0};
	struct genops_config_token *token = NULL;
	genops_str text;
	uint8_t sha256[32];
	if (node->kind == GENOPS_YAML_SCALAR) {
		GENOPS_TRY(genops_config_read_text(reader, node, "bearer_tokens", &text));
		return genops_config_receiver_add_token(reader, node, text, access, &token);
	}
	GENOPS_TRY(genops_config_read_section(reader, node, "bearer_tokens", genops_config_receiver_token_rows, &raw));
	GENOPS_TRY(read_tenant(reader, node, raw.tenant));
	genops_attributes_init(&raw.attributes, reader->arena);
	GENOPS_TRY(genops_config_match_attributes(
	    reader, genops_config_read_get(node, genops_config_receiver_token_rows, "attributes"), "a token's attributes", &raw.attributes));
	const struct genops_yaml_node *secret = genops_config_read_get(node, genops_config_receiver_token_rows, "token");
	if ((secret != NULL) + (raw.sha256.len > 0) + (raw.file.len > 0) != 1)
		return genops_config_read_fail(reader, node, NULL, "a token needs one of \"token\", \"sha256\" and \"file\"");
	if (raw.file.len)
		return add_file(reader, genops_yaml_get(node, "file"), raw.file, &raw, access);
	if (secret) {
		GENOPS_TRY(genops_config_read_text(reader, secret, "token", &text));
		GENOPS_TRY(genops_config_receiver_add_token(reader, secret, text, access, &token));
	} else {
		if (!genops_str_from_hex(raw.sha256, sha256, sizeof sha256))
			return genops_config_read_fail(reader, genops_yaml_get(node, "sha256"), NULL, "sha256 is not 64 hex digits");
		GENOPS_TRY(add_hash(reader, node, sha256, access, &token));
	}
	bind(token, &raw);
	return GENOPS_OK;
}

static int read_tokens(struct genops_config_reader *reader, const struct genops_yaml_node *list, struct genops_config_access *access)
{
	if (list->kind != GENOPS_YAML_SEQUENCE)
		return read_token(reader, list, access);
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_token(reader, entry->value, access));
	return GENOPS_OK;
}

/* --- the Collector's extension --- */

static int read_bearer(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    struct genops_config_access *access)
{
	const struct genops_option *rows = genops_config_receiver_bearer_rows;
	struct bearer raw = {0};
	struct token none = {0};
	GENOPS_TRY(genops_config_read_section(reader, node, what, rows, &raw));
	if (!genops_str_is_nocase(raw.scheme, "Bearer") || !genops_str_is_nocase(raw.header, "Authorization"))
		return genops_config_read_fail(reader, node, "remove scheme and header",
		    "%s: a receiver only takes `Authorization: Bearer ...`", what);
	const struct genops_yaml_node *token = genops_config_read_get(node, rows, "token"), *tokens = genops_config_read_get(node, rows, "tokens");
	if (token)
		GENOPS_TRY(read_token(reader, token, access));
	if (tokens)
		GENOPS_TRY(read_tokens(reader, tokens, access));
	if (raw.filename.len)
		GENOPS_TRY(add_file(reader, genops_yaml_get(node, "filename"), raw.filename, &none, access));
	if (!access->n_tokens)
		return genops_config_read_fail(reader, node, "give it token, tokens or filename", "%s has no token", what);
	return GENOPS_OK;
}

static int read_authenticator(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_access *access)
{
	const struct genops_yaml_node *extensions = genops_yaml_get(reader->root, "extensions"), *extension = NULL;
	genops_str name, rest;
	char what[160];
	GENOPS_TRY(genops_config_read_text(reader, node, "authenticator", &name));
	rest = name;
	if (!genops_str_is(genops_str_split(&rest, '/'), "bearertokenauth"))
		return genops_config_read_fail(reader, node, "use bearertokenauth, or auth: {bearer_tokens: [...]}",
		    "there is no authenticator \"%.*s\" here", name.len > 64 ? 64 : (int)name.len, name.ptr ? name.ptr : "");
	if (extensions && extensions->kind == GENOPS_YAML_MAPPING)
		extension = genops_yaml_get(extensions, name.ptr);
	if (!extension || genops_yaml_is_null(extension))
		return genops_config_read_fail(reader, node, "add it under extensions, with token, tokens or filename",
		    "there is no extension \"%.*s\"", name.len > 64 ? 64 : (int)name.len, name.ptr);
	snprintf(what, sizeof what, "extensions.%.*s", name.len > 100 ? 100 : (int)name.len, name.ptr);
	return read_bearer(reader, extension, what, access);
}

int genops_config_receiver_auth(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_access *ret_access)
{
	const struct genops_option *rows = genops_config_receiver_auth_rows;
	struct genops_config_access access = {.is_set = true, .mode = GENOPS_ACCESS_REQUIRED};
	if (node->kind == GENOPS_YAML_SCALAR) {
		genops_str word;
		GENOPS_TRY(genops_config_read_text(reader, node, "auth", &word));
		if (!genops_str_is_nocase(word, "none"))
			return genops_config_read_fail(reader, node, NULL, "auth: it is none, or a mapping with bearer_tokens or authenticator");
		*ret_access = (struct genops_config_access){.is_set = true, .mode = GENOPS_ACCESS_OPEN};
		return GENOPS_OK;
	}
	GENOPS_TRY(genops_config_read_section(reader, node, "auth", rows, &access));
	const struct genops_yaml_node *tokens = genops_config_read_get(node, rows, "bearer_tokens");
	const struct genops_yaml_node *authenticator = genops_config_read_get(node, rows, "authenticator");
	if (tokens)
		GENOPS_TRY(read_tokens(reader, tokens, &access));
	if (authenticator)
		GENOPS_TRY(read_authenticator(reader, authenticator, &access));
	if (!access.n_tokens && !reader->config->n_keys)
		return genops_config_read_fail(reader, node, "give it bearer_tokens, or write auth: none", "auth has no token");
	*ret_access = access;
	return GENOPS_OK;
}

/* --- who is let in --- */

static int add_keys(struct genops_config_reader *reader, const struct genops_yaml_node *place, struct genops_config_access *access)
{
	const struct genops_config *config = reader->config;
	struct genops_config_token *token;
	for (size_t i = 0; i < config->n_keys; i++) {
		if (is_known(access, config->keys[i].sha256))
			continue;
		GENOPS_TRY(add_hash(reader, place, config->keys[i].sha256, access, &token));
		token->name = config->keys[i].name;
		token->attributes = config->keys[i].attributes;
		token->n_attributes = config->keys[i].n_attributes;
	}
	return GENOPS_OK;
}

int genops_config_receiver_close_access(struct genops_config_reader *reader, const struct genops_yaml_node *place, const char *what,
    struct genops_config_listener *listener)
{
	struct genops_config_access *access = &listener->access;
	bool is_loopback = genops_config_gateway_is_loopback(listener->host);
	GENOPS_TRY(genops_config_receiver_secure_listener(reader, place, listener));
	/* Loopback is not OPEN: nginx may still listen where the configuration said before, or be somebody's own and listen elsewhere. */
	if (!access->is_set)
		access->mode = is_loopback || !reader->config->n_keys ? GENOPS_ACCESS_LOCAL : GENOPS_ACCESS_REQUIRED;
	GENOPS_TRY(add_keys(reader, place, access));
	if (is_loopback)
		return GENOPS_OK;
	if (access->mode == GENOPS_ACCESS_LOCAL)
		return genops_config_read_warn(reader, place,
		    "give the receiver auth: {bearer_tokens: [...]}, or auth: none to let everybody in",
		    "%s: %.*s can be reached by others, and nothing asks them for a token: only this machine is let in", what,
		    GENOPS_STR_ARG(listener->host));
	if (listener->tls_certificate.len)
		return GENOPS_OK;
	if (access->mode == GENOPS_ACCESS_OPEN)
		return genops_config_read_warn(reader, place, "set tokens and tls where it is not a network of your own",
		    "%s: whoever can reach %.*s may send telemetry", what, GENOPS_STR_ARG(listener->host));
	return genops_config_read_warn(reader, place, "set tls, or put a TLS proxy in front",
	    "%s: tokens and telemetry cross the network to %.*s in plain text", what, GENOPS_STR_ARG(listener->host));
}

const struct genops_config_token *genops_config_token_find(const struct genops_config_access *access, genops_str secret)
{
	uint8_t sha256[32];
	size_t found = SIZE_MAX;
	if (!secret.len || !access->n_tokens || !genops_config_key_hash(secret, sha256))
		return NULL;
	for (size_t i = 0; i < access->n_tokens; i++) {
		if (CRYPTO_memcmp(access->tokens[i].sha256, sha256, sizeof sha256) == 0)
			found = i;
	}
	return found == SIZE_MAX ? NULL : &access->tokens[found];
}
