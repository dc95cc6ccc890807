/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog.c - see datadog.h. */
#include "export/datadog/datadog.h"

#include "base/str.h"
#include "export/otlp_outgoing.h"
#include "export/outgoing_body.h"

#include <stdio.h>

#define EXAMPLE "as endpoint: https://api.datadoghq.com, or site: datadoghq.eu"

const char *const genops_datadog_compressions[] = {"gzip", "deflate", "none", NULL};
static const enum genops_compress_kind kinds[] = {GENOPS_COMPRESS_GZIP, GENOPS_COMPRESS_ZLIB, GENOPS_COMPRESS_NONE};

/* --- settings --- */

static bool is_site(genops_str site)
{
	for (size_t i = 0; i < site.len; i++) {
		char c = site.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
			return false;
	}
	return site.len > 0 && site.len <= 200 && site.ptr[0] != '.';
}

static bool is_key(genops_str key)
{
	for (size_t i = 0; i < key.len; i++) {
		if ((unsigned char)key.ptr[i] <= 0x20 || (unsigned char)key.ptr[i] >= 0x7f)
			return false;
	}
	return key.len > 0;
}

int genops_datadog_account_read(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_datadog_account *account)
{
	char url[256];
	if (account->endpoint.len && account->site.len)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "site"), "keep one of them", "endpoint and site say the same");
	if (account->site.len && !is_site(account->site))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "site"), "like datadoghq.com or datadoghq.eu", "site is no name of a host");
	snprintf(url, sizeof url, "https://api.%.*s", GENOPS_STR_ARG(account->site));
	if (account->site.len && !genops_arena_dup(in->arena, genops_str_of(url), &account->endpoint))
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
	if (!account->endpoint.len)
		return genops_yaml_rows_fail(in, node, EXAMPLE, "endpoint is missing");
	const struct genops_yaml_node *place = genops_yaml_get(node, "endpoint");
	GENOPS_TRY(genops_yaml_rows_place(in, place ? place : node, genops_otlp_outgoing_check_url(account->endpoint, EXAMPLE, in->err)));
	if (!is_key(account->api_key))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "api_key"), "look for a blank or a line break in it", "api_key is empty, or has characters that no key has");
	return GENOPS_OK;
}

/* --- requests --- */

static int add_header(struct genops_request *request, const char *name, genops_str value, struct genops_arena *arena, struct genops_error *err)
{
	return genops_otlp_outgoing_header(request, genops_str_of(name), value, arena, err);
}

int genops_datadog_request(const struct genops_destination_settings *settings, const struct genops_datadog_account *account,
    const char *path, const char *content_type, struct genops_request *request,
    struct genops_arena *arena, struct genops_error *err)
{
	genops_str base = account->endpoint;
	if (genops_str_ends(base, genops_str_of(path)))
		base.len -= strlen(path);
	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	char *url = genops_arena_alloc(arena, base.len + strlen(path) + 1);
	if (!url)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a request");
	memcpy(url, base.ptr, base.len);
	memcpy(url + base.len, path, strlen(path));
	request->url = genops_str_of(url);
	GENOPS_TRY(add_header(request, "dd-api-key", account->api_key, arena, err));
	if (content_type)
		GENOPS_TRY(add_header(request, "content-type", genops_str_of(content_type), arena, err));
	return genops_otlp_outgoing_headers(settings, request, arena, err);
}

int genops_datadog_compress(const struct genops_datadog_account *account, struct genops_buffer *body, genops_str *ret_encoding, struct genops_error *err)
{
	return genops_outgoing_body_compress(kinds[account->compression], body, ret_encoding, err);
}

int genops_datadog_probe(const struct genops_destination_settings *settings, const struct genops_datadog_account *account,
    struct genops_request *request, struct genops_arena *arena, struct genops_error *err)
{
	*request = (struct genops_request){.transport = GENOPS_TRANSPORT_HTTP, .method = "GET"};
	return genops_datadog_request(settings, account, "/api/v1/validate", NULL, request, arena, err);
}
