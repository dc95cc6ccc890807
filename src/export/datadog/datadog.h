/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog.h - what the destinations at Datadog have in common: address, key, body. Pure. */
#ifndef EXPORT_DATADOG_DATADOG_H
#define EXPORT_DATADOG_DATADOG_H

#include "export/destination.h"

struct genops_datadog_account {
	genops_str endpoint, site, api_key, host;
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
	    {.name = "api_key", .type = GENOPS_OPTION_TEXT, .offset = GENOPS_DATADOG_ACCOUNT_AT(api_key), .is_required = true, .is_secret = true, .text = "the API key, from ${DATADOG_API_KEY} or ${file:/run/secrets/datadog}"}, \
	{                                                                                                                                  \
		.name = "compression", .type = GENOPS_OPTION_ENUM, .offset = GENOPS_DATADOG_ACCOUNT_AT(compression), .default_text = "gzip",  \
		.names = genops_datadog_compressions, .text = "of requests"                                                               \
	}

/* After the rows: endpoint out of site. CONFIG with place, NOMEM. */
GENOPS_NODISCARD int genops_datadog_account_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_datadog_account *account);

/* URL and headers of a request to a path of the endpoint. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_datadog_request(const struct genops_destination_settings *settings, const struct genops_datadog_account *account,
    const char *path, const char *content_type, struct genops_request *request,
    struct genops_arena *arena, struct genops_error *err);
/* *ret_encoding: what the header content-encoding has to say, "" : nothing. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_datadog_compress(
    const struct genops_datadog_account *account, struct genops_buffer *body, genops_str *ret_encoding, struct genops_error *err);
/* GET /api/v1/validate. */
GENOPS_NODISCARD int genops_datadog_probe(const struct genops_destination_settings *settings, const struct genops_datadog_account *account,
    struct genops_request *request, struct genops_arena *arena, struct genops_error *err);

#endif
