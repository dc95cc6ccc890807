/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_link.c - the exporter's way to the far side: account, client, types, domain. Made when there is something to
 * send, kept until the configuration changes or an id turns out to be stale. */
#include "engine/collibra/collibra_exporter.h"

#include "base/clock.h"

#include <stdio.h>

#define EXPORTS GENOPS_COLLIBRA_OF_EXPORTS

static struct genops_collibra_settings settings_of(const struct genops_config_collibra *from)
{
	return (struct genops_collibra_settings){
	    .url = from->url,
	    .username = from->username,
	    .password = from->password,
	    .api_token = from->api_token,
	    .client_id = from->client_id,
	    .client_secret = from->client_secret,
	    .ca_file = from->ca_file,
	    .timeout_ns = from->timeout_ns,
	    .max_retries = from->max_retries ? from->max_retries : -1,
	    .rate_limit_per_second = from->rate_limit_per_second,
	};
}

void genops_collibra_link_close(struct genops_collibra_exporter *exporter)
{
	genops_collibra_client_free(exporter->client);
	genops_collibra_account_free(exporter->account);
	exporter->client = NULL;
	exporter->account = NULL;
	exporter->counted = (struct genops_collibra_counts){0};
	exporter->is_connected = exporter->is_import_closed = false;
}

static int open_account(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	struct genops_collibra_settings settings = settings_of(&exporter->config->collibra);
	if (exporter->client)
		return GENOPS_OK;
	exporter->account = genops_collibra_account_new(&settings, err);
	if (!exporter->account)
		return err->code;
	exporter->client = genops_collibra_client_new(exporter->account, &exporter->must_abort, err);
	return exporter->client ? GENOPS_OK : GENOPS_NOMEM;
}

static int find_domain(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	genops_str id = exporter->config->collibra.domain_id;
	if (!id.len || id.len >= GENOPS_COLLIBRA_ID_SIZE)
		return genops_fail_fix(err, GENOPS_CONFIG, "set collibra.domain_id", "collibra: no domain is set");
	snprintf(exporter->target.domain_id, sizeof exporter->target.domain_id, "%.*s", (int)id.len, id.ptr);
	return GENOPS_OK;
}

static int find(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	genops_str prefix = exporter->config->collibra.attribute_prefix;
	GENOPS_TRY(open_account(exporter, err));
	GENOPS_TRY(genops_collibra_types_find(exporter->client, prefix, &exporter->target.types, err));
	GENOPS_TRY(genops_collibra_types_need(&exporter->target.types, EXPORTS, prefix, err));
	return find_domain(exporter, err);
}

bool genops_collibra_link_open(struct genops_collibra_exporter *exporter)
{
	struct genops_error err = {0};
	char reason[GENOPS_COLLIBRA_REASON_SIZE];
	if (exporter->is_connected)
		return true;
	int code = find(exporter, &err);
	if (code == GENOPS_OK) {
		exporter->is_connected = true;
		return true;
	}
	snprintf(reason, sizeof reason, "%.255s%s%.120s", err.message, err.fix[0] ? "; " : "", err.fix);
	bool is_mendable = code == GENOPS_CONFIG || code == GENOPS_DENIED || code == GENOPS_NOT_FOUND;
	genops_collibra_delivery_fail(exporter, is_mendable ? GENOPS_COLLIBRA_HELD : GENOPS_COLLIBRA_AGAIN, reason);
	return false;
}
