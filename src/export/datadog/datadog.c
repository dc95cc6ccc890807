/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog.c - see datadog.h. */
#include "export/datadog/datadog.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/compress.h"
#include "export/otlp_outgoing.h"

#include <stdio.h>

#define EXAMPLE "as endpoint: https://api.datadoghq.com, or site: datadoghq.eu"
#define REREAD_NS (60 * GENOPS_NS_PER_S)

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
	if (!account->api_key.len == !account->api_key_file.len)
		return genops_yaml_rows_fail(in, node, "api_key: ${DATADOG_API_KEY}, or api_key_file: /run/secrets/datadog",
		    account->api_key.len ? "api_key and api_key_file: keep one of them" : "the API key is missing");
	const struct genops_yaml_node *place = genops_yaml_get(node, "endpoint");
	GENOPS_TRY(genops_yaml_rows_place(in, place ? place : node, genops_otlp_outgoing_check_url(account->endpoint, EXAMPLE, in->err)));
	if (account->api_key.len && !is_key(account->api_key))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "api_key"), "look for a blank or a line break at its end",
		    "api_key has characters that no key has");
	if (account->api_key_file.len && account->api_key_file.ptr[0] != '/')
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "api_key_file"), "write the path from / on", "api_key_file is no absolute path");
	return GENOPS_OK;
}

/* --- the key --- */

int genops_datadog_key_prepare(const struct genops_datadog_account *account, const struct genops_datadog_key *key, int64_t now_unix_ns,
    struct genops_request *ret_request)
{
	bool is_fresh = key->text[0] && !key->is_refused && now_unix_ns - key->read_at_ns < REREAD_NS && now_unix_ns >= key->read_at_ns;
	if (!account->api_key_file.len || is_fresh)
		return 0;
	*ret_request = (struct genops_request){.transport = GENOPS_TRANSPORT_READ, .url = account->api_key_file, .answer_max = sizeof key->text};
	return 1;
}

void genops_datadog_key_prepared(struct genops_datadog_key *key, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_str rest = response->body, line = genops_str_trim(genops_str_split(&rest, '\n'));
	*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_RETRY};
	if (response->status != 200) {
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "api_key_file: %.*s", (int)(response->network_error.len < 200 ? response->network_error.len : 200),
		    response->network_error.len ? response->network_error.ptr : "");
	} else if (!is_key(line) || line.len >= sizeof key->text) {
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "api_key_file: there is no key in its first line");
	} else {
		snprintf(key->text, sizeof key->text, "%.*s", GENOPS_STR_ARG(line));
		key->read_at_ns = response->received_unix_ns;
		key->is_refused = false;
		ret_verdict->kind = GENOPS_SENT;
	}
}

void genops_datadog_key_judged(struct genops_datadog_key *key, const struct genops_response *response)
{
	key->is_refused = response->status == 401 || response->status == 403;
}

/* --- requests --- */

static int add_header(struct genops_request *request, const char *name, genops_str value, struct genops_arena *arena, struct genops_error *err)
{
	return genops_otlp_outgoing_header(request, genops_str_of(name), value, arena, err);
}

int genops_datadog_request(const struct genops_destination_settings *settings, const struct genops_datadog_account *account,
    const struct genops_datadog_key *key, const char *path, const char *content_type, struct genops_request *request,
    struct genops_arena *arena, struct genops_error *err)
{
	genops_str base = account->endpoint, text = account->api_key.len ? account->api_key : genops_str_of(key ? key->text : "");
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
	GENOPS_TRY(add_header(request, "dd-api-key", text, arena, err));
	if (content_type)
		GENOPS_TRY(add_header(request, "content-type", genops_str_of(content_type), arena, err));
	if (content_type && kinds[account->compression] != GENOPS_COMPRESS_NONE)
		GENOPS_TRY(add_header(request, "content-encoding", genops_str_of(genops_datadog_compressions[account->compression]), arena, err));
	return genops_otlp_outgoing_headers(settings, request, arena, err);
}

int genops_datadog_compress(const struct genops_datadog_account *account, struct genops_buffer *body, struct genops_error *err)
{
	enum genops_compress_kind kind = kinds[account->compression];
	struct genops_buffer small;
	if (kind == GENOPS_COMPRESS_NONE)
		return GENOPS_OK;
	genops_buffer_init(&small, GENOPS_DESTINATION_BODY_MAX);
	int code = genops_compress_encode(kind, 1, genops_buffer_view(body), &small, err);
	genops_buffer_done(code == GENOPS_OK ? body : &small);
	if (code == GENOPS_OK)
		*body = small;
	return code;
}

int genops_datadog_probe(const struct genops_destination_settings *settings, const struct genops_datadog_account *account,
    const struct genops_datadog_key *key, struct genops_request *request, struct genops_arena *arena, struct genops_error *err)
{
	*request = (struct genops_request){.transport = GENOPS_TRANSPORT_HTTP, .method = "GET"};
	return genops_datadog_request(settings, account, key, "/api/v1/validate", NULL, request, arena, err);
}
