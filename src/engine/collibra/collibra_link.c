/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_link.c - the exporter's way to the far side: its session, made when there is something to send, kept until the
 * configuration changes or an id turns out to be stale. */
#include "engine/collibra/collibra_exporter.h"

#include <stdio.h>

void genops_collibra_link_close(struct genops_collibra_exporter *exporter)
{
	genops_collibra_session_close(&exporter->session);
	exporter->is_connected = exporter->is_import_closed = false;
}

static int find(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	struct genops_collibra_session *session = &exporter->session;
	const struct genops_config *config = exporter->config;
	bool is_new = !session->client;
	GENOPS_TRY(genops_collibra_session_open(session, exporter->engine, config, &exporter->must_abort, err));
	if (is_new) /* others may have used the account before */
		genops_collibra_account_counts(session->account, &exporter->counted);
	genops_collibra_session_forget(session);
	GENOPS_TRY(genops_collibra_session_resolve(session, config, err));
	GENOPS_TRY(genops_collibra_types_need(
	    &session->types, GENOPS_COLLIBRA_OF_EXPORTS, config->collibra.attribute_prefix, err));
	memcpy(exporter->target.domain_id, session->domain.id, sizeof exporter->target.domain_id);
	exporter->target.types = session->types;
	return GENOPS_OK;
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
