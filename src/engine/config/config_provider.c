/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_provider.c - `gateway.providers`: the built-in rows of dialect/, with what the configuration changes and adds. */
#include "engine/config/config_read.h"

#include "base/str.h"
#include "dialect/dialect.h"

#include <stdio.h>

struct provider {
	genops_str base_url, dialect, price_provider, region, api_key, api_key_file, ca_file;
	int64_t connect_timeout_ns, read_timeout_ns;
};

#define AT(field) offsetof(struct provider, field)
const struct genops_option genops_config_provider_rows[] = {
    {.name = "base_url", .type = GENOPS_OPTION_TEXT, .offset = AT(base_url), .text = "https://host/path in front of the API's own paths"},
    {.name = "dialect",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(dialect),
	.text = "the API it speaks; a provider that is not built in speaks openai unless set"},
    {.name = "price_provider",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(price_provider),
	.text = "the provider in the price catalogue; unset: its own name"},
    {.name = "region", .type = GENOPS_OPTION_TEXT, .offset = AT(region), .text = "where it computes, for region policies"},
    {.name = "api_key",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(api_key),
	.is_secret = true,
	.text = "used for clients with a virtual key; unset: api_key_file, the provider's usual variable, the client's own"},
    {.name = "api_key_file", .type = GENOPS_OPTION_TEXT, .offset = AT(api_key_file), .text = "a file with the key in it"},
    {.name = "ca_file", .type = GENOPS_OPTION_TEXT, .offset = AT(ca_file), .text = "certificate authorities to trust beside the system's"},
    {.name = "connect_timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(connect_timeout_ns),
	.min = 0.001,
	.max = 600,
	.text = "instead of the gateway's"},
    {.name = "read_timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(read_timeout_ns),
	.min = 0.001,
	.max = 86400,
	.text = "instead of the gateway's"},
    {.name = NULL},
};

/* First path segments of the gateway itself. */
static const char *const reserved[] = {"api", "metrics", "health", "ready", "t", "p", "dashboard", "static"};

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("-._", c, 3);
}

/* "host", "host:port", "[v6]:port" into host and port; a port that is not written stays. */
static bool split_authority(genops_str authority, genops_str *ret_host, int64_t *port)
{
	genops_str rest = authority;
	size_t end = genops_str_find_char(authority, ']');
	if (authority.len && authority.ptr[0] == '[') {
		if (end == SIZE_MAX || end < 3)
			return false;
		*ret_host = (genops_str){authority.ptr + 1, end - 1};
		for (size_t i = 0; i < ret_host->len; i++) {
			if (!memchr("0123456789abcdefABCDEF:.", ret_host->ptr[i], 24))
				return false;
		}
		rest = genops_str_skip(authority, end + 1);
	} else {
		*ret_host = genops_str_split(&rest, ':');
		for (size_t i = 0; i < ret_host->len; i++) {
			if (!is_host_byte(ret_host->ptr[i]))
				return false;
		}
		return ret_host->len && (!rest.ptr || (genops_str_to_int(rest, port) && *port > 0 && *port < 65536));
	}
	return !rest.len || (rest.ptr[0] == ':' && genops_str_to_int(genops_str_skip(rest, 1), port) && *port > 0 &&
				*port < 65536);
}

static bool split_url(genops_str url, struct genops_config_provider *provider)
{
	bool is_tls = genops_str_starts(url, GENOPS_STR("https://"));
	int64_t port = is_tls ? 443 : 80;
	if (!is_tls && !genops_str_starts(url, GENOPS_STR("http://")))
		return false;
	genops_str path = genops_str_skip(url, is_tls ? 8 : 7);
	genops_str authority = genops_str_split(&path, '/');
	if (!split_authority(authority, &provider->host, &port))
		return false;
	while (path.len && path.ptr[path.len - 1] == '/')
		path.len--;
	for (size_t i = 0; i < path.len; i++) {
		if (path.ptr[i] <= ' ' || path.ptr[i] > '~' || memchr("?#\"'\\{}$;", path.ptr[i], 9))
			return false; /* no query, and nothing that means something to a server's configuration */
	}
	provider->scheme = is_tls ? GENOPS_STR("https") : GENOPS_STR("http");
	provider->port = (int)port;
	provider->path = path.len ? (genops_str){path.ptr - 1, path.len + 1} : (genops_str){0};
	provider->base_url = url;
	return true;
}

static int use_url(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str url,
    struct genops_config_provider *provider)
{
	if (!url.len)
		return GENOPS_OK;
	if (!split_url(url, provider))
		return genops_config_read_fail(reader, node, "write https://host or https://host:port/path",
		    "base_url of provider \"%s\" is not an address", provider->name.ptr);
	bool is_local = genops_str_is(provider->host, "localhost") || genops_str_is(provider->host, "::1") ||
			genops_str_starts(provider->host, GENOPS_STR("127."));
	if (!node || is_local || genops_str_is(provider->scheme, "https"))
		return GENOPS_OK;
	return genops_config_read_warn(reader, node, "use https",
	    "keys and prompts reach provider \"%s\" in plain text", provider->name.ptr);
}

static int use_dialect(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str name,
    struct genops_config_provider *provider)
{
	const char *names[32];
	char fix[160] = "";
	size_t n;
	if (!name.len)
		return GENOPS_OK;
	provider->dialect = name;
	if (genops_dialect_find(name))
		return GENOPS_OK;
	const struct genops_dialect *const *dialects = genops_dialects(&n);
	n = n > 32 ? 32 : n;
	for (size_t i = 0; i < n; i++)
		names[i] = dialects[i]->name;
	const char *nearest = genops_str_nearest(name, names, n);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_fail(reader, node, fix, "there is no dialect \"%.*s\"",
	    name.len > 40 ? 40 : (int)name.len, name.ptr);
}

static void replace(genops_str *field, genops_str value)
{
	if (value.len)
		*field = value;
}

static int apply(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct provider *raw,
    struct genops_config_provider *provider)
{
	const struct genops_yaml_node *url = genops_yaml_get(node, "base_url");
	GENOPS_TRY(use_url(reader, url, raw->base_url, provider));
	GENOPS_TRY(use_dialect(reader, genops_yaml_get(node, "dialect"), raw->dialect, provider));
	replace(&provider->price_name, raw->price_provider);
	replace(&provider->region, raw->region);
	replace(&provider->api_key, raw->api_key);
	if (raw->ca_file.len)
		GENOPS_TRY(genops_config_file_path(reader, raw->ca_file, reader->folder, &provider->tls_ca_file));
	if (raw->connect_timeout_ns)
		provider->connect_timeout_ns = raw->connect_timeout_ns;
	if (raw->read_timeout_ns)
		provider->read_timeout_ns = raw->read_timeout_ns;
	if (raw->api_key.len || !raw->api_key_file.len)
		return GENOPS_OK;
	return genops_config_file_secret(
	    reader, genops_yaml_get(node, "api_key_file"), raw->api_key_file, &provider->api_key);
}

static int check_name(struct genops_config_reader *reader, const struct genops_yaml_node *key)
{
	genops_str name = key->text;
	bool is_good = name.len > 0 && name.len <= 48;
	for (size_t i = 0; i < name.len; i++)
		is_good &= (name.ptr[i] >= 'a' && name.ptr[i] <= 'z') || (name.ptr[i] >= '0' && name.ptr[i] <= '9') ||
			   name.ptr[i] == '-' || name.ptr[i] == '_';
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		is_good &= !genops_str_is(name, reserved[i]);
	if (is_good)
		return GENOPS_OK;
	return genops_config_read_fail(reader, key,
	    "use lower-case letters, digits, - and _; not the gateway's own api, metrics, health, ready, t, p",
	    "\"%.*s\" cannot be a provider's name", name.len > 64 ? 64 : (int)name.len, name.ptr);
}

/* A provider that is not built in. */
static int add_provider(struct genops_config_reader *reader, const struct genops_yaml_entry *entry,
    const struct provider *raw, struct genops_config_provider **ret_provider)
{
	struct genops_config_gateway *gateway = &reader->config->gateway;
	const char *names[64];
	char fix[200] = "write https://host or https://host:port/path";
	size_t n = 0;
	GENOPS_TRY(check_name(reader, entry->key));
	if (!raw->base_url.len) {
		for (; n < gateway->n_providers && n < 64; n++)
			names[n] = gateway->providers[n].name.ptr;
		const char *nearest = genops_str_nearest(entry->key->text, names, n);
		if (nearest)
			snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
		return genops_config_read_fail(reader, entry->key, fix,
		    "provider \"%s\" is not built in and has no base_url", entry->key->text.ptr);
	}
	struct genops_config_provider *provider = &gateway->providers[gateway->n_providers];
	*provider = (struct genops_config_provider){.dialect = GENOPS_STR("openai"),
	    .connect_timeout_ns = gateway->connect_timeout_ns,
	    .read_timeout_ns = gateway->read_timeout_ns};
	if (!genops_arena_dup(reader->arena, entry->key->text, &provider->name))
		return genops_config_read_no_memory(reader);
	provider->price_name = provider->name;
	gateway->n_providers++;
	*ret_provider = provider;
	return GENOPS_OK;
}

static int read_provider(struct genops_config_reader *reader, const struct genops_yaml_entry *entry)
{
	struct genops_config_gateway *gateway = &reader->config->gateway;
	struct genops_config_provider *provider = NULL;
	struct provider raw = {0};
	char what[80];
	snprintf(what, sizeof what, "provider %.*s", entry->key->text.len > 48 ? 48 : (int)entry->key->text.len,
	    entry->key->text.ptr);
	GENOPS_TRY(genops_config_read_section(reader, entry->value, what, genops_config_provider_rows, &raw));
	for (size_t i = 0; i < gateway->n_providers && !provider; i++) {
		if (genops_str_equal(gateway->providers[i].name, entry->key->text))
			provider = &gateway->providers[i];
	}
	if (!provider)
		GENOPS_TRY(add_provider(reader, entry, &raw, &provider));
	return apply(reader, entry->value, &raw, provider);
}

static int add_built_in(struct genops_config_reader *reader, const struct genops_provider_row *row)
{
	struct genops_config_gateway *gateway = &reader->config->gateway;
	struct genops_config_provider *provider = &gateway->providers[gateway->n_providers++];
	*provider = (struct genops_config_provider){.name = genops_str_of(row->name),
	    .dialect = genops_str_of(row->dialect),
	    .price_name = genops_str_of(row->price_name),
	    .connect_timeout_ns = gateway->connect_timeout_ns,
	    .read_timeout_ns = gateway->read_timeout_ns};
	return use_url(reader, NULL, genops_str_of(row->base_url), provider);
}

/* The weakest source of a key: the variable that the provider's own SDK reads. */
static int read_key_variables(struct genops_config_reader *reader, const struct genops_provider_row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		struct genops_config_provider *provider = &reader->config->gateway.providers[i];
		const char *value =
		    rows[i].key_variable ? genops_config_environment_get(reader, rows[i].key_variable) : NULL;
		if (provider->api_key.len || !value)
			continue;
		if (!genops_arena_dup(reader->arena, genops_str_of(value), &provider->api_key))
			return genops_config_read_no_memory(reader);
	}
	return GENOPS_OK;
}

/* GENOPS_OPENAI_BASE_URL and the like: environment beats file. `genops run` sets them from the SDKs' own variables. */
static int read_url_variables(struct genops_config_reader *reader)
{
	struct genops_config_gateway *gateway = &reader->config->gateway;
	for (size_t i = 0; i < gateway->n_providers; i++) {
		struct genops_config_provider *provider = &gateway->providers[i];
		char variable[96] = "GENOPS_";
		size_t n = strlen(variable);
		genops_str url;
		for (size_t j = 0; j < provider->name.len && n < sizeof variable - 16; j++) {
			char c = provider->name.ptr[j];
			variable[n++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c >= '0' && c <= '9' ? c : '_';
		}
		snprintf(variable + n, sizeof variable - n, "_BASE_URL");
		const char *value = genops_config_environment_get(reader, variable);
		if (!value)
			continue;
		if (!genops_arena_dup(reader->arena, genops_str_of(value), &url))
			return genops_config_read_no_memory(reader);
		if (!split_url(url, provider))
			return genops_fail_fix(reader->err, GENOPS_CONFIG, "write https://host or https://host:port/path, or unset it",
			    "environment variable %s is not an address", variable);
	}
	return GENOPS_OK;
}

int genops_config_provider_read(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_gateway *gateway = &reader->config->gateway;
	size_t n_rows, n_more = node && node->kind == GENOPS_YAML_MAPPING ? node->n : 0;
	const struct genops_provider_row *rows = genops_provider_rows(&n_rows);
	if (n_more > GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(
		    reader, node, NULL, "there are more than %d providers", GENOPS_CONFIG_ITEMS_MAX);
	gateway->providers = genops_arena_alloc(reader->arena, (n_rows + n_more + 1) * sizeof *gateway->providers);
	if (!gateway->providers)
		return genops_config_read_no_memory(reader);
	for (size_t i = 0; i < n_rows; i++)
		GENOPS_TRY(add_built_in(reader, &rows[i]));
	if (node) {
		GENOPS_TRY(genops_config_read_expect(reader, node, "gateway.providers", GENOPS_YAML_MAPPING));
		for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
			GENOPS_TRY(read_provider(reader, entry));
	}
	GENOPS_TRY(read_url_variables(reader));
	return read_key_variables(reader, rows, n_rows);
}

const struct genops_config_provider *genops_config_provider_find(const struct genops_config *config, genops_str name)
{
	for (size_t i = 0; i < config->gateway.n_providers; i++) {
		if (genops_str_equal(config->gateway.providers[i].name, name))
			return &config->gateway.providers[i];
	}
	return NULL;
}
