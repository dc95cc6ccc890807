/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_session.h - a thread's session with Collibra: a client over the process's account, the domain, the types.
 *
 * The account is shared by all threads of an engine (pace, OAuth token); a session belongs to one thread. Domain and types are looked up
 * once and kept until they turn out to be wrong, the configuration changes, or a day has passed. */
#ifndef ENGINE_COLLIBRA_COLLIBRA_SESSION_H
#define ENGINE_COLLIBRA_COLLIBRA_SESSION_H

#include "connect/collibra/domain.h"
#include "engine/engine.h"

struct genops_collibra_session {
	struct genops_collibra_account *account; /* one reference */
	struct genops_collibra_client *client;
	uint64_t place;                          /* fingerprint of what domain and types were looked up by */
	bool is_resolved;
	int64_t resolved_ns;
	bool has_no_graphql;
	struct genops_collibra_domain domain;
	struct genops_collibra_types types;
};

/* Borrowed from the snapshot. */
struct genops_collibra_settings genops_collibra_session_settings(const struct genops_config_collibra *collibra);

/* The account of the configuration's Collibra, made when there is none that fits. The caller unrefs. CONFIG: no URL or credentials. */
GENOPS_NODISCARD int genops_engine_collibra_account(genops_engine *engine, const struct genops_config *config,
    struct genops_collibra_account **ret_account, struct genops_error *err);

/* Makes a zeroed or older session one of this configuration. `cancel` may be NULL. */
GENOPS_NODISCARD int genops_collibra_session_open(struct genops_collibra_session *session, genops_engine *engine,
    const struct genops_config *config, const volatile int *cancel, struct genops_error *err);
void genops_collibra_session_close(struct genops_collibra_session *session);

/* Looks up domain and types unless they are known. What types are missing is for the caller to judge (genops_collibra_types_need). */
GENOPS_NODISCARD int genops_collibra_session_resolve(
    struct genops_collibra_session *session, const struct genops_config *config, struct genops_error *err);
/* They turned out to be wrong. */
void genops_collibra_session_forget(struct genops_collibra_session *session);

#endif
