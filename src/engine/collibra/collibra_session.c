/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_session.c - see collibra_session.h. */
#include "engine/collibra/collibra_session.h"

#include "base/clock.h"
#include "engine/collibra/collibra_kept.h"

#define RESOLVED_MAX_NS (24 * 60 * GENOPS_NS_PER_MIN)

struct genops_collibra_settings genops_collibra_session_settings(const struct genops_config_collibra *collibra)
{
	return (struct genops_collibra_settings){
	    .url = collibra->url,
	    .username = collibra->username,
	    .password = collibra->password,
	    .api_token = collibra->api_token,
	    .client_id = collibra->client_id,
	    .client_secret = collibra->client_secret,
	    .ca_file = collibra->ca_file,
	    .timeout_ns = collibra->timeout_ns,
	    .max_retries = collibra->max_retries,
	    .rate_limit_per_second = collibra->rate_limit_per_second,
	};
}

int genops_engine_collibra_account(genops_engine *engine, const struct genops_config *config,
    struct genops_collibra_account **ret_account, struct genops_error *err)
{
	const struct genops_collibra_settings settings = genops_collibra_session_settings(&config->collibra);
	struct genops_collibra_account *account = NULL, *old = NULL;
	pthread_mutex_lock(&engine->lock);
	if (engine->collibra_account && genops_collibra_account_fits(engine->collibra_account, &settings))
		account = genops_collibra_account_ref(engine->collibra_account);
	pthread_mutex_unlock(&engine->lock);
	if (account) {
		*ret_account = account;
		return GENOPS_OK;
	}
	struct genops_error own;
	err = err ? err : &own;
	account = genops_collibra_account_new(&settings, err);
	if (!account)
		return err->code;
	pthread_mutex_lock(&engine->lock);
	old = engine->collibra_account;
	engine->collibra_account = genops_collibra_account_ref(account);
	pthread_mutex_unlock(&engine->lock);
	genops_collibra_account_unref(old);
	*ret_account = account;
	return GENOPS_OK;
}

static uint64_t place_of(const struct genops_config_collibra *collibra)
{
	const genops_str texts[] = {collibra->url, collibra->domain_id, collibra->domain, collibra->attribute_prefix};
	uint64_t sum = 1;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		sum = genops_hash_checksum(texts[i].len ? texts[i].ptr : "", texts[i].len, sum + texts[i].len);
	return sum;
}

int genops_collibra_session_open(struct genops_collibra_session *session, genops_engine *engine, const struct genops_config *config,
    const volatile int *cancel, struct genops_error *err)
{
	struct genops_collibra_account *account;
	uint64_t place = place_of(&config->collibra);
	GENOPS_TRY(genops_engine_collibra_account(engine, config, &account, err));
	if (session->client && session->account == account) {
		genops_collibra_account_unref(account);
	} else {
		genops_collibra_session_close(session);
		session->account = account;
		session->client = genops_collibra_client_new(account, cancel, err);
		if (!session->client) {
			genops_collibra_session_close(session);
			return GENOPS_NOMEM;
		}
	}
	if (session->place != place)
		genops_collibra_session_forget(session);
	session->place = place;
	return GENOPS_OK;
}

void genops_collibra_session_close(struct genops_collibra_session *session)
{
	genops_collibra_client_free(session->client);
	genops_collibra_account_unref(session->account);
	*session = (struct genops_collibra_session){0};
}

void genops_collibra_session_forget(struct genops_collibra_session *session)
{
	session->is_resolved = session->has_no_graphql = false;
}

int genops_collibra_session_resolve(
    struct genops_collibra_session *session, const struct genops_config *config, struct genops_error *err)
{
	const struct genops_config_collibra *collibra = &config->collibra;
	int64_t now_ns = genops_clock_monotonic_ns();
	if (session->is_resolved && now_ns - session->resolved_ns < RESOLVED_MAX_NS)
		return GENOPS_OK;
	genops_collibra_session_forget(session);
	GENOPS_TRY(genops_collibra_domain_find(session->client, collibra->domain_id, collibra->domain, &session->domain, err));
	GENOPS_TRY(genops_collibra_types_find(session->client, collibra->attribute_prefix, &session->types, err));
	session->is_resolved = true;
	session->resolved_ns = now_ns;
	return GENOPS_OK;
}
