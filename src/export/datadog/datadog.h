/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog.h - what the destinations at Datadog have in common: address, key, body. Pure. */
#ifndef EXPORT_DATADOG_DATADOG_H
#define EXPORT_DATADOG_DATADOG_H

#include "export/destination.h"

struct genops_datadog_account {
	genops_str endpoint, site, api_key, api_key_file, host;
	int compression;
};

extern const char *const genops_datadog_compressions[];

/* Rows of a struct that begins with the account. */
#define GENOPS_DATADOG_ACCOUNT_AT(field) offsetof(struct genops_datadog_account, field)
#define GENOPS_DATADOG_ACCOUNT_ROWS                                                                                                       \
	{.name = "endpoint",                                                                                                               \
	    .type = GENOPS_OPTION_TEXT,                                                                                                    \
	    .offset = GENOPS_DATADOG_ACCOUNT_AT(endpoint),                                                                                 \
	    .text = "https://api.<site>; /api/v2/series is added"},                                                                        \
	    {.name = "site", .type = GENOPS_OPTION_TEXT, .offset = GENOPS_DATADOG_ACCOUNT_AT(site), .text = "instead of endpoint: datadoghq.com, datadoghq.eu, us5.datadoghq.com ..."}, \
	    {.name = "api_key", .type = GENOPS_OPTION_TEXT, .offset = GENOPS_DATADOG_ACCOUNT_AT(api_key), .is_secret = true, .text = "the API key, from ${DATADOG_API_KEY}"}, \
	    {.name = "api_key_file",                                                                                                       \
		.type = GENOPS_OPTION_TEXT,                                                                                                \
		.offset = GENOPS_DATADOG_ACCOUNT_AT(api_key_file),                                                                         \
		.text = "instead of api_key: a file with the key in it, read again every minute and when Datadog refuses the key"},        \
	{                                                                                                                                  \
		.name = "compression", .type = GENOPS_OPTION_ENUM, .offset = GENOPS_DATADOG_ACCOUNT_AT(compression), .default_text = "gzip",  \
		.names = genops_datadog_compressions, .text = "of requests"                                                               \
	}

/* After the rows: endpoint out of site. CONFIG with place, NOMEM. */
GENOPS_NODISCARD int genops_datadog_account_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_datadog_account *account);

/* A key that somebody renews in a file; part of a session. */
struct genops_datadog_key {
	char text[256];
	int64_t read_at_ns;
	bool is_refused;
};
/* As a type's prepare and prepared. */
int genops_datadog_key_prepare(const struct genops_datadog_account *account, const struct genops_datadog_key *key, int64_t now_unix_ns,
    struct genops_request *ret_request);
void genops_datadog_key_prepared(struct genops_datadog_key *key, const struct genops_response *response, struct genops_send_verdict *ret_verdict);
void genops_datadog_key_judged(struct genops_datadog_key *key, const struct genops_response *response);

/* URL and headers of a request to a path of the endpoint; `key` may be NULL. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_datadog_request(const struct genops_destination_settings *settings, const struct genops_datadog_account *account,
    const struct genops_datadog_key *key, const char *path, const char *content_type, struct genops_request *request,
    struct genops_arena *arena, struct genops_error *err);
/* The body as the header content-encoding of that request says. */
GENOPS_NODISCARD int genops_datadog_compress(
    const struct genops_datadog_account *account, struct genops_buffer *body, struct genops_error *err);
/* GET /api/v1/validate. */
GENOPS_NODISCARD int genops_datadog_probe(const struct genops_destination_settings *settings, const struct genops_datadog_account *account,
    const struct genops_datadog_key *key, struct genops_request *request, struct genops_arena *arena, struct genops_error *err);

#endif
