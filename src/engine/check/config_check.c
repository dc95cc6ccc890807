/* SPDX-License-Identifier: Apache-2.0
 * engine/check/config_check.c - the checklist of `genops validate` (genops/config.h): load, then look at everything around.
 *
 * Connectivity is not checked here: this file opens nothing. A list's texts live in its own arena. */
#include "base/str.h"
#include "dialect/dialect.h"
#include "engine/check/checklist.h"
#include "engine/check/config_check_places.h"
#include "engine/config.h"

#include <genops/config.h>

#include <stdio.h>
#include <stdlib.h>

/* --- the configuration itself --- */

static void check_failed_load(struct genops_checklist_owned *owned, const struct genops_error *err)
{
	static const char *const rest[] = {"state directory", "prices", "policies", "budgets", "keys", "provider keys",
	    "gateway", "exporters"};
	genops_checklist_add(owned, &(struct genops_check){.name = "configuration",
		       .status = GENOPS_CHECK_FAILED,
		       .message = err->message,
		       .fix = err->fix,
		       .file = err->file,
		       .line = err->line,
		       .column = err->column});
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
		genops_checklist_say(owned, rest[i], GENOPS_CHECK_SKIPPED, NULL, "the configuration has to load first");
	owned->list.exit_code = genops_error_exit_code(err->code);
}

static void check_loaded(struct genops_checklist_owned *owned, const struct genops_config *config, bool is_text)
{
	if (config->file.len)
		genops_checklist_say(owned, "configuration", GENOPS_CHECK_PASSED, NULL, "%.*s is well formed",
		    GENOPS_STR_ARG(config->file));
	else if (is_text)
		genops_checklist_say(owned, "configuration", GENOPS_CHECK_PASSED, NULL, "the configuration text is well formed");
	else
		genops_checklist_say(owned, "configuration", GENOPS_CHECK_PASSED, "genops init writes a file to start from",
		    "there is no configuration file; the defaults are used");
	for (size_t i = 0; i < config->n_warnings; i++) {
		const struct genops_config_warning *warning = &config->warnings[i];
		genops_checklist_add(owned, &(struct genops_check){.name = "configuration",
			       .status = GENOPS_CHECK_WARNING,
			       .message = warning->message.ptr,
			       .fix = warning->fix.ptr,
			       .file = warning->file.len ? warning->file.ptr : warning->line ? owned->file : "",
			       .line = warning->line,
			       .column = warning->column});
	}
}

/* --- what it says --- */

static void check_prices(struct genops_checklist_owned *owned, const struct genops_config *config)
{
	size_t n = genops_prices_count(config->prices);
	genops_checklist_say(owned, "prices", n ? GENOPS_CHECK_PASSED : GENOPS_CHECK_FAILED, NULL,
	    "%zu prices, %zu files of your own; a model without a price is %s", n, config->price_files.n,
	    config->blocks_unknown_model ? "blocked" : "priced at its provider's dearest");
}

static void check_policies(struct genops_checklist_owned *owned, const struct genops_config *config)
{
	char counts[256] = "";
	size_t n_types, len = 0, n_off = 0;
	const struct genops_policy_type *const *types = genops_policy_types(&n_types);
	for (size_t i = 0; i < n_types; i++) {
		size_t n = 0;
		for (size_t j = 0; j < config->n_policies; j++)
			n += config->policies[j]->type == types[i];
		if (n && len + 64 < sizeof counts)
			len += (size_t)snprintf(counts + len, sizeof counts - len, "%s%zu %s", len ? ", " : "", n, types[i]->name);
	}
	for (size_t i = 0; i < config->n_policies; i++)
		n_off += !config->policies[i]->is_enabled;
	if (!config->n_policies)
		genops_checklist_say(owned, "policies", GENOPS_CHECK_PASSED, NULL, "there are none: every call is allowed");
	else
		genops_checklist_say(owned, "policies", GENOPS_CHECK_PASSED, NULL, "%s; %zu switched off; mode %s", counts, n_off,
		    genops_mode_name(config->mode));
}

static void check_budgets(struct genops_checklist_owned *owned, const struct genops_config *config)
{
	size_t n_blocking = 0;
	for (size_t i = 0; i < config->n_budgets; i++)
		n_blocking += genops_level_result(config->budgets[i].level, config->mode) == GENOPS_BLOCKED;
	if (!config->n_budgets)
		genops_checklist_say(owned, "budgets", GENOPS_CHECK_PASSED, NULL, "there are none: spending is counted, not limited");
	else
		genops_checklist_say(owned, "budgets", GENOPS_CHECK_PASSED, NULL, "%zu, of which %zu block", config->n_budgets, n_blocking);
	if (config->n_keys)
		genops_checklist_say(owned, "keys", GENOPS_CHECK_PASSED, NULL, "%zu virtual keys, kept as hashes", config->n_keys);
}

static bool has_prices(const struct genops_config *config, genops_str provider)
{
	for (size_t i = 0; i < genops_prices_count(config->prices); i++) {
		if (genops_str_equal(genops_prices_at(config->prices, i)->provider, provider))
			return true;
	}
	return false;
}

/* Contract CORE-050: the warning's text is the guides'. */
static void check_providers(struct genops_checklist_owned *owned, const struct genops_config *config)
{
	size_t n_keys = 0;
	char name[64];
	for (size_t i = 0; i < config->gateway.n_providers; i++) {
		const struct genops_config_provider *provider = &config->gateway.providers[i];
		snprintf(name, sizeof name, "provider %.*s", (int)(provider->name.len > 48 ? 48 : provider->name.len),
		    provider->name.ptr);
		n_keys += provider->api_key.len > 0;
		if (!provider->base_url.len)
			genops_checklist_say(owned, name, GENOPS_CHECK_PASSED, NULL,
			    "has no public address; set gateway.providers.%.*s.base_url to use it",
			    GENOPS_STR_ARG(provider->name));
		else if (!genops_dialect_find(provider->dialect))
			genops_checklist_say(owned, name, GENOPS_CHECK_PASSED, NULL, "its API is not available in this build");
		else if (!genops_provider_row_find(provider->name) && !has_prices(config, provider->price_name))
			genops_checklist_say(owned, name, GENOPS_CHECK_WARNING,
			    "set its price_provider to one of `genops catalog`, like openai, or list its prices in pricing.files",
			    "no price of \"%.*s\" is known: every model of it is %s", GENOPS_STR_ARG(provider->price_name),
			    config->blocks_unknown_model ? "blocked (pricing.unknown_model)" : "priced at the dearest rate of all providers");
		else
			genops_checklist_say(owned, name, GENOPS_CHECK_PASSED, NULL, "%.*s, %s", GENOPS_STR_ARG(provider->base_url),
			    provider->api_key.len ? "with a key of the gateway" : "with the client's own key");
	}
	for (size_t i = 0; i < config->n_keys; i++)
		n_keys += config->keys[i].provider_keys.n;
	if (n_keys)
		genops_checklist_say(owned, "provider keys", GENOPS_CHECK_PASSED, NULL, "%zu found", n_keys);
	else
		genops_checklist_say(owned, "provider keys", GENOPS_CHECK_WARNING,
		    "set OPENAI_API_KEY, ANTHROPIC_API_KEY or gateway.providers.NAME.api_key, or let clients bring their own",
		    "No LLM provider API keys found");
}

static void check_file(struct genops_checklist_owned *owned, const char *name, genops_str path)
{
	char message[512];
	if (path.len && !genops_config_check_readable(path.ptr, message, sizeof message))
		genops_checklist_say(owned, name, GENOPS_CHECK_FAILED, "correct the path or its permissions", "%s", message);
}

static void check_gateway(struct genops_checklist_owned *owned, const struct genops_config *config)
{
	const struct genops_config_gateway *gateway = &config->gateway;
	genops_checklist_say(owned, "gateway", GENOPS_CHECK_PASSED, NULL, "listens on %.*s%s%.*s, %s", GENOPS_STR_ARG(gateway->listen),
	    gateway->listen_h2c.len ? " and " : "", GENOPS_STR_ARG(gateway->listen_h2c),
	    gateway->require_key ? "asks for a virtual key" : "answers this host only");
	check_file(owned, "gateway certificate", gateway->tls_certificate);
	check_file(owned, "gateway certificate", gateway->tls_key);
	for (size_t i = 0; i < gateway->n_providers; i++)
		check_file(owned, "provider certificates", gateway->providers[i].tls_ca_file);
}

/* http://host:port/path, host:port. False: it has no port, or none that can be read. */
static bool split_endpoint(genops_str endpoint, genops_str *ret_host, int64_t *ret_port)
{
	size_t scheme = genops_str_find(endpoint, GENOPS_STR("://"));
	genops_str rest = scheme == SIZE_MAX ? endpoint : genops_str_skip(endpoint, scheme + 3);
	rest = genops_str_split(&rest, '/');
	size_t colon = rest.len;
	while (colon && rest.ptr[colon - 1] != ':')
		colon--;
	*ret_host = (genops_str){rest.ptr, colon ? colon - 1 : 0};
	return colon && genops_str_to_int(genops_str_skip(rest, colon), ret_port);
}

static bool is_this_machine(genops_str host)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "[::]"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (genops_str_is_nocase(host, names[i]))
			return true;
	}
	return false;
}

/* The receiver that what goes there would come in at again, for ever; NULL: none. */
static const struct genops_config_receiver *leads_back(const struct genops_config *config, const struct genops_config_exporter *exporter)
{
	genops_str host;
	int64_t port;
	if (!split_endpoint(exporter->endpoint, &host, &port))
		return NULL;
	for (size_t i = 0; i < config->n_receivers; i++) {
		const struct genops_config_receiver *receiver = &config->receivers[i];
		for (size_t j = 0; j < receiver->n_listeners; j++) {
			const struct genops_config_listener *listener = &receiver->listeners[j];
			if (listener->port == port && (is_this_machine(host) || genops_str_equal(host, listener->host)))
				return receiver;
		}
	}
	return NULL;
}

static void check_exporter(struct genops_checklist_owned *owned, const struct genops_config *config, const char *what,
    const struct genops_config_exporter *exporter)
{
	const struct genops_config_receiver *receiver = leads_back(config, exporter);
	char name[128];
	snprintf(name, sizeof name, "%s %.100s", what, exporter->name.ptr);
	/* Not the endpoint: a URL may carry a password. */
	if (receiver)
		genops_checklist_say(owned, name, GENOPS_CHECK_WARNING, "send to another server's address, or let the receiver listen elsewhere",
		    "its endpoint is the address of receiver %.*s here: what is sent comes in again, for ever", GENOPS_STR_ARG(receiver->name));
	else
		genops_checklist_say(owned, name, GENOPS_CHECK_PASSED, NULL, "%.*s%s", GENOPS_STR_ARG(exporter->type),
		    exporter->is_insecure || genops_str_starts(exporter->endpoint, GENOPS_STR("http://")) ? " without TLS" : "");
	check_file(owned, name, exporter->ca_file);
	check_file(owned, name, exporter->certificate_file);
	check_file(owned, name, exporter->key_file);
}

static void check_exporters(struct genops_checklist_owned *owned, const struct genops_config *config)
{
	const struct genops_config_telemetry *telemetry = &config->telemetry;
	for (size_t i = 0; i < telemetry->n_exporters; i++)
		check_exporter(owned, config, "exporter", &telemetry->exporters[i]);
	for (size_t i = 0; i < config->n_destinations; i++)
		check_exporter(owned, config, "destination", &config->destinations[i]);
	if (!telemetry->n_exporters && !config->n_destinations)
		genops_checklist_say(owned, "exporters", GENOPS_CHECK_PASSED, NULL, "there are none: operations stay in the ledger");
}

static void check_pipelines(struct genops_checklist_owned *owned, const struct genops_config *config)
{
	size_t n_enabled = 0, n_routes = 0;
	for (size_t i = 0; i < config->n_pipelines; i++) {
		n_enabled += config->pipelines[i]->is_enabled;
		n_routes += config->pipelines[i]->n_routes;
	}
	if (config->n_pipelines)
		genops_checklist_say(owned, "pipelines", GENOPS_CHECK_PASSED, NULL, "%zu with %zu routes, %zu switched off; %zu lookups, %zu destinations",
		    config->n_pipelines, n_routes, config->n_pipelines - n_enabled, config->n_lookups, config->n_destinations);
}

static void check_places(struct genops_checklist_owned *owned, const struct genops_config *config)
{
	struct genops_config_check_place place;
	if (config) {
		genops_config_check_state(config->state_dir.ptr, &place);
		genops_checklist_say(owned, "state directory", place.status, place.fix, "%s", place.message);
	}
	genops_config_check_nginx(&place);
	genops_checklist_say(owned, "nginx", place.status, place.fix, "%s", place.message);
}

static void check_all(struct genops_checklist_owned *owned, const struct genops_config *config, bool is_text)
{
	char *file = genops_arena_dup_text(&owned->arena, is_text ? GENOPS_STR("configuration text") : config->file);
	owned->file = file ? file : "";
	check_loaded(owned, config, is_text);
	check_places(owned, config);
	check_prices(owned, config);
	check_policies(owned, config);
	check_budgets(owned, config);
	check_providers(owned, config);
	check_gateway(owned, config);
	check_exporters(owned, config);
	check_pipelines(owned, config);
}

struct genops_checklist *genops_config_check(const struct genops_engine_options *options, struct genops_error *err)
{
	struct genops_config_source source = {0};
	struct genops_error cause = {0};
	struct genops_checklist_owned *owned = genops_checklist_new(err);
	if (!owned)
		return NULL;
	if (options)
		source = (struct genops_config_source){options->config_file, options->config_text, options->state_dir};
	struct genops_config *config = genops_config_load(&source, &cause);
	if (config) {
		check_all(owned, config, source.text != NULL);
	} else {
		check_failed_load(owned, &cause);
		check_places(owned, NULL);
	}
	genops_config_unref(config);
	owned->is_out_of_memory |= cause.code == GENOPS_NOMEM;
	if (genops_checklist_judge(owned, err) == GENOPS_OK)
		return &owned->list;
	genops_config_check_free(&owned->list);
	return NULL;
}

void genops_config_check_free(struct genops_checklist *checklist)
{
	genops_checklist_free(genops_checklist_of(checklist));
}

const char *genops_config_check_status(enum genops_check_status status)
{
	static const char *const names[] = {"passed", "warning", "failed", "skipped"};
	return (size_t)status < sizeof names / sizeof *names ? names[status] : "unknown";
}
