/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_key.c - `governance.keys`: virtual keys. Only the SHA-256 of a key stays; its text is overwritten.
 *
 * Looking a key up compares against every key in constant time, so that neither the time nor the order tells
 * which keys exist. */
#include "engine/config/config_read.h"

#include "base/pool.h"
#include "base/str.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#define SHORT_KEY 16

struct key {
	genops_str name, sha256;
	struct genops_texts models, budgets;
	struct genops_text_map provider_keys;
	int control;
};

/* By the names' place in the row below: true and false are other words for all and none. */
static const enum genops_control_right control_rights[] = {
    GENOPS_CONTROL_OWN, GENOPS_CONTROL_ALL, GENOPS_CONTROL_NONE, GENOPS_CONTROL_ALL, GENOPS_CONTROL_NONE};

#define AT(field) offsetof(struct key, field)
const struct genops_option genops_config_key_rows[] = {
    {.name = "name",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(name),
	.is_required = true,
	.text = "its name in reports; one of its own"},
    {.name = "key",
	.type = GENOPS_OPTION_CUSTOM,
	.is_secret = true,
	.text = "what the client sends, usually ${VARIABLE}; kept only as a hash"},
    {.name = "sha256",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(sha256),
	.text = "instead of key: its SHA-256 as 64 hex digits (printf %s KEY | sha256sum)"},
    {.name = "attributes",
	.type = GENOPS_OPTION_CUSTOM,
	.text = "team, project ...: bound to the key, no header changes them"},
    {.name = "models",
	.type = GENOPS_OPTION_LIST,
	.offset = AT(models),
	.text = "models that the key may use: names, families or globs; none: all"},
    {.name = "budgets",
	.type = GENOPS_OPTION_LIST,
	.offset = AT(budgets),
	.text = "budgets that pay for the key, whatever their match says"},
    {.name = "provider_keys",
	.type = GENOPS_OPTION_MAP,
	.offset = AT(provider_keys),
	.is_secret = true,
	.text = "provider to its API key, used for calls with this key"},
    {.name = "control",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(control),
	.default_text = "own",
	.names = (const char *const[]){"own", "all", "none", "true", "false", NULL},
	.text = "what the key may read of the control API: what it is bound to (without attributes: its own calls), or all (true), also /metrics, or none (false)"},
    {.name = NULL},
};

static const EVP_MD *hash_method;
static struct genops_pool hash_contexts; /* EVP_MD_CTX, set to hash_method; for as long as the process lives */

static void fetch_sha256(void)
{
	hash_method = EVP_MD_fetch(NULL, "SHA256", NULL); /* for as long as the process lives */
	if (!hash_method)
		hash_method = EVP_sha256();
}

/* On the path of every call with a virtual key: EVP_sha256() would be looked up anew each time, and a context made, which take longer
 * than the hash. What OpenSSL leaves of a text in a context it wipes itself when the hash is done. */
bool genops_config_key_hash(genops_str text, uint8_t ret_sha256[32])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch_sha256);
	unsigned len = 0;
	EVP_MD_CTX *context = genops_pool_take(&hash_contexts);
	if (!context)
		context = EVP_MD_CTX_new();
	bool is_done = context && EVP_DigestInit_ex(context, hash_method, NULL) == 1 &&
		       EVP_DigestUpdate(context, text.len ? text.ptr : "", text.len) == 1 &&
		       EVP_DigestFinal_ex(context, ret_sha256, &len) == 1 && len == 32;
	if (!is_done || !genops_pool_put(&hash_contexts, context))
		EVP_MD_CTX_free(context);
	return is_done;
}

/* Hashes the key and overwrites it, in the tree and in the arena. */
static int read_secret(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    struct genops_config_key *key)
{
	genops_str text = {0};
	int code = genops_config_read_text(reader, node, "key", &text);
	if (code == GENOPS_OK && !text.len)
		code = genops_config_read_fail(reader, node, "set the variable that it comes from, or remove the entry",
		    "key \"%.*s\" is empty", GENOPS_STR_ARG(key->name));
	if (code == GENOPS_OK && !genops_config_key_hash(text, key->sha256))
		code = genops_fail(reader->err, GENOPS_INTERNAL, "SHA-256 is not available");
	if (code == GENOPS_OK && text.len < SHORT_KEY)
		code = genops_config_read_warn(reader, node, "use a long random one: openssl rand -hex 24",
		    "key \"%.*s\" is shorter than %d characters", GENOPS_STR_ARG(key->name), SHORT_KEY);
	if (text.len) /* the arena's bytes are ours; const only guards readers */
		explicit_bzero((char *)(uintptr_t)text.ptr, text.len);
	genops_yaml_wipe(node);
	return code;
}

static int read_hash(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct key *raw,
    struct genops_config_key *key)
{
	const struct genops_yaml_node *secret = genops_config_read_get(node, genops_config_key_rows, "key");
	if (secret && raw->sha256.len)
		return genops_config_read_fail(
		    reader, node, "keep one of them", "a key has both \"key\" and \"sha256\"");
	if (secret)
		return read_secret(reader, secret, key);
	if (!raw->sha256.len)
		return genops_config_read_fail(reader, node, NULL, "a key needs \"key\" or \"sha256\"");
	if (!genops_str_from_hex(raw->sha256, key->sha256, sizeof key->sha256))
		return genops_config_read_fail(
		    reader, genops_yaml_get(node, "sha256"), NULL, "sha256 is not 64 hex digits");
	return GENOPS_OK;
}

static int check_unique(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_config_key *key)
{
	const struct genops_config *config = reader->config;
	for (size_t i = 0; i < config->n_keys; i++) {
		if (genops_str_equal(config->keys[i].name, key->name))
			return genops_config_read_fail(reader, genops_yaml_get(node, "name"),
			    "give each key a name of its own", "there are two keys \"%s\"", key->name.ptr);
		if (CRYPTO_memcmp(config->keys[i].sha256, key->sha256, sizeof key->sha256) == 0)
			return genops_config_read_fail(reader, node, NULL, "keys \"%s\" and \"%s\" are the same key",
			    config->keys[i].name.ptr, key->name.ptr);
	}
	return GENOPS_OK;
}

static int check_budgets(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct genops_config_key *key)
{
	const struct genops_config *config = reader->config;
	const char *names[64];
	char fix[160] = "";
	size_t n = 0;
	for (; n < config->n_budgets && n < 64; n++)
		names[n] = config->budgets[n].name.ptr;
	for (size_t i = 0; i < key->budgets.n; i++) {
		bool is_there = false;
		for (size_t j = 0; j < config->n_budgets; j++)
			is_there |= genops_str_equal(config->budgets[j].name, key->budgets.items[i]);
		if (is_there)
			continue;
		const char *nearest = genops_str_nearest(key->budgets.items[i], names, n);
		if (nearest)
			snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
		return genops_config_read_fail(reader, genops_yaml_get(node, "budgets"), fix,
		    "there is no budget \"%s\"", key->budgets.items[i].ptr);
	}
	return GENOPS_OK;
}

static int read_key(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config *config = reader->config;
	struct genops_attributes attributes;
	struct key raw = {0};
	GENOPS_TRY(genops_config_read_expect(reader, node, "a key", GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_config_read_section(reader, node, "a key", genops_config_key_rows, &raw));
	struct genops_config_key key = {.name = raw.name,
	    .models = raw.models,
	    .budgets = raw.budgets,
	    .provider_keys = raw.provider_keys,
	    .control = control_rights[raw.control]};
	GENOPS_TRY(read_hash(reader, node, &raw, &key));
	GENOPS_TRY(check_unique(reader, node, &key));
	GENOPS_TRY(check_budgets(reader, node, &key));
	genops_attributes_init(&attributes, reader->arena);
	GENOPS_TRY(genops_config_match_attributes(reader,
	    genops_config_read_get(node, genops_config_key_rows, "attributes"), "a key's attributes", &attributes));
	key.attributes = attributes.items;
	key.n_attributes = attributes.n;
	config->keys[config->n_keys++] = key;
	return GENOPS_OK;
}

int genops_config_key_read(struct genops_config_reader *reader, const struct genops_yaml_node *list)
{
	struct genops_config *config = reader->config;
	if (!list)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, list, "governance.keys", GENOPS_YAML_SEQUENCE));
	if (list->n > GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(
		    reader, list, NULL, "there are more than %d keys", GENOPS_CONFIG_ITEMS_MAX);
	config->keys = genops_arena_alloc(reader->arena, (list->n + 1) * sizeof *config->keys);
	if (!config->keys)
		return genops_config_read_no_memory(reader);
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_key(reader, entry->value));
	return GENOPS_OK;
}

const struct genops_config_key *genops_config_key_find(const struct genops_config *config, genops_str secret)
{
	uint8_t sha256[32];
	size_t found = SIZE_MAX;
	if (!secret.len || !genops_config_key_hash(secret, sha256))
		return NULL;
	for (size_t i = 0; i < config->n_keys; i++) {
		if (CRYPTO_memcmp(config->keys[i].sha256, sha256, sizeof sha256) == 0)
			found = i;
	}
	return found == SIZE_MAX ? NULL : &config->keys[found];
}
