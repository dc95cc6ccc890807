/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_link.c - the exporter's way to the far side: account, client, types, domain. Made when there is something to
 * send, kept until the configuration changes or an id turns out to be stale. */
#include "engine/collibra/collibra_exporter.h"
#include "engine/collibra/collibra_session.h"

#include "base/clock.h"

#include <stdio.h>

#define EXPORTS GENOPS_COLLIBRA_OF_EXPORTS

void genops_collibra_link_close(struct genops_collibra_exporter *exporter)
{
	genops_collibra_client_free(exporter->client);
	genops_collibra_account_unref(exporter->account);
	exporter->client = NULL;
	exporter->account = NULL;
	exporter->counted = (struct genops_collibra_counts){0};
	exporter->is_connected = exporter->is_import_closed = false;
}

/* The account is the engine's: one pace and one token for whatever calls Collibra in this process. */
static int open_account(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	if (exporter->client)
		return GENOPS_OK;
	GENOPS_TRY(genops_engine_collibra_account(exporter->engine, exporter->config, &exporter->account, err));
	genops_collibra_account_counts(exporter->account, &exporter->counted);
	exporter->client = genops_collibra_client_new(exporter->account, &exporter->must_abort, err);
	return exporter->client ? GENOPS_OK : GENOPS_NOMEM;
}

static int find_domain(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	const struct genops_config_collibra *collibra = &exporter->config->collibra;
	struct genops_collibra_domain domain;
	GENOPS_TRY(genops_collibra_domain_find(exporter->client, collibra->domain_id, collibra->domain, &domain, err));
	snprintf(exporter->target.domain_id, sizeof exporter->target.domain_id, "%s", domain.id);
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
