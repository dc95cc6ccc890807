/* SPDX-License-Identifier: Apache-2.0
 * engine/check/collibra_check.c - the part of the checklist that asks Collibra: connection, credentials, domain, types, policies. It changes nothing
 * there, so rights to write show only when something is written. */
#include "base/str.h"
#include "codec/json_scan.h"
#include "connect/collibra/policy/policy_fetch.h"
#include "engine/check/checklist.h"
#include "engine/collibra/collibra_kept.h"
#include "engine/collibra/collibra_session.h"

#include <genops/collibra.h>

#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)128 << 20)
#define WORD_MAX  128

struct checking {
	struct genops_checklist_owned *owned;
	const struct genops_config_collibra *collibra;
	struct genops_collibra_client *client;
	struct genops_collibra_domain domain;
	struct genops_collibra_types types;
};

/* In this order; when one fails, those behind it are skipped. */
static const char *const names[] = {"collibra connection", "collibra credentials", "collibra domain", "collibra types", "collibra rights",
    "collibra policies"};
enum { CONNECTION, CREDENTIALS, DOMAIN, TYPES, RIGHTS, POLICIES, N_NAMES };

static void say_failed(struct checking *checking, int which, const struct genops_error *err)
{
	genops_checklist_say(checking->owned, names[which], GENOPS_CHECK_FAILED, err->fix, "%s", err->message);
	for (int i = which + 1; i < N_NAMES; i++)
		genops_checklist_say(checking->owned, names[i], GENOPS_CHECK_SKIPPED, NULL, "%s has to work first", names[which]);
}

/* --- words of an answer --- */

struct words {
	char first[WORD_MAX], second[WORD_MAX];
	bool is_guest;
};

static void on_word(void *arg, const struct genops_json_value *value)
{
	struct words *words = arg;
	char *to = value->id == 0 ? words->first : words->second;
	if (value->type == GENOPS_JSON_STRING && !to[0])
		snprintf(to, WORD_MAX, "%.*s", (int)(value->text.len < WORD_MAX ? value->text.len : WORD_MAX - 1), value->text.ptr);
	words->is_guest |= value->id == 2 && value->type == GENOPS_JSON_TRUE;
}

static int get_words(struct checking *checking, const char *path, const char *what, const struct genops_json_path *paths, size_t n_paths,
    struct words *words, struct genops_error *err)
{
	struct genops_json_scan_options options = {.allow_duplicates = true};
	struct genops_collibra_answer answer;
	GENOPS_TRY(genops_collibra_client_get(checking->client, genops_str_of(path), (genops_str){0}, what, &answer, err));
	struct genops_json_paths *compiled = genops_json_paths_new(paths, n_paths, err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_word, words) : NULL;
	int code = scan ? genops_json_scan_feed(scan, answer.body, err) : genops_fail(err, GENOPS_NOMEM, "no memory for an answer of Collibra");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	return code;
}

/* --- the checks --- */

static bool check_connection(struct checking *checking)
{
	static const struct genops_json_path paths[] = {{"version.displayVersion", 0}, {"version.fullVersion", 0}};
	struct words words = {{0}};
	struct genops_error err = {0};
	if (get_words(checking, "/application/info", "the instance", paths, 2, &words, &err) != GENOPS_OK) {
		say_failed(checking, CONNECTION, &err);
		return false;
	}
	genops_checklist_say(checking->owned, names[CONNECTION], GENOPS_CHECK_PASSED, NULL, "%.*s answers%s%s", GENOPS_STR_ARG(checking->collibra->url),
	    words.first[0] ? ", version " : "", words.first);
	return true;
}

static bool check_credentials(struct checking *checking)
{
	static const struct genops_json_path paths[] = {{"userName", 0}, {"firstName", 1}, {"guestUser", 2}};
	struct words words = {{0}};
	struct genops_error err = {0};
	int code = get_words(checking, "/users/current", "the account", paths, 3, &words, &err);
	if (code == GENOPS_OK && (words.is_guest || !words.first[0]))
		code = genops_fail_fix(&err, GENOPS_DENIED, "check the credentials: Collibra takes them for a guest's", "Authentication failed: the account is the guest");
	if (code != GENOPS_OK)
		say_failed(checking, CREDENTIALS, &err);
	else
		genops_checklist_say(checking->owned, names[CREDENTIALS], GENOPS_CHECK_PASSED, NULL, "signed in as %s", words.first);
	return code == GENOPS_OK;
}

static bool check_domain(struct checking *checking)
{
	struct genops_error err = {0};
	const struct genops_config_collibra *collibra = checking->collibra;
	int code = genops_collibra_domain_find(checking->client, collibra->domain_id, collibra->domain, &checking->domain, &err);
	if (code != GENOPS_OK)
		say_failed(checking, DOMAIN, &err);
	else
		genops_checklist_say(checking->owned, names[DOMAIN], GENOPS_CHECK_PASSED, NULL, "\"%s\" (%s)", checking->domain.name, checking->domain.id);
	return code == GENOPS_OK;
}

/* What is missing is a failure where the configuration needs it. */
static bool check_types(struct checking *checking)
{
	const struct genops_config_collibra *collibra = checking->collibra;
	struct genops_error err = {0};
	bool is_exporting = collibra->export_mode != GENOPS_COLLIBRA_OFF;
	uint32_t wanted = is_exporting ? GENOPS_COLLIBRA_OF_EXPORTS : 0;
	if (collibra->has_policy_sync)
		wanted |= GENOPS_COLLIBRA_OF_POLICIES;
	int code = genops_collibra_types_find(checking->client, collibra->attribute_prefix, &checking->types, &err);
	if (code == GENOPS_OK)
		code = genops_collibra_types_need(&checking->types, wanted, collibra->attribute_prefix, &err);
	if (code != GENOPS_OK) {
		say_failed(checking, TYPES, &err);
		return false;
	}
	if (genops_collibra_types_need(&checking->types, GENOPS_COLLIBRA_OF_EXPORTS | GENOPS_COLLIBRA_OF_POLICIES, collibra->attribute_prefix, &err) == GENOPS_OK)
		genops_checklist_say(checking->owned, names[TYPES], GENOPS_CHECK_PASSED, NULL, "all are there");
	else
		genops_checklist_say(checking->owned, names[TYPES], GENOPS_CHECK_WARNING, err.fix, "%s", err.message);
	return true;
}

/* --- rights: what the domain may hold; whether the account may write shows only when it does --- */

struct allowed {
	const struct genops_collibra_types *types;
	uint32_t asset_types; /* bits */
};

static void on_allowed(void *arg, const struct genops_json_value *value)
{
	struct allowed *allowed = arg;
	for (size_t i = 0; value->type == GENOPS_JSON_STRING && i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if (genops_str_is(value->text, allowed->types->assets[i].id))
			allowed->asset_types |= 1U << i;
	}
}

static int read_allowed(struct checking *checking, struct allowed *allowed, struct genops_error *err)
{
	static const struct genops_json_path paths[] = {{"[].id", 0}, {"results[].id", 0}};
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_ID_SIZE, .allow_duplicates = true};
	struct genops_collibra_answer answer;
	char path[128];
	snprintf(path, sizeof path, "/assignments/domain/%s/assetTypes", checking->domain.id);
	GENOPS_TRY(genops_collibra_client_get(checking->client, genops_str_of(path), (genops_str){0}, "what the domain may hold", &answer, err));
	struct genops_json_paths *compiled = genops_json_paths_new(paths, 2, err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_allowed, allowed) : NULL;
	int code = scan ? genops_json_scan_feed(scan, answer.body, err) : genops_fail(err, GENOPS_NOMEM, "no memory for an answer of Collibra");
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	return code;
}

static bool check_rights(struct checking *checking)
{
	struct allowed allowed = {.types = &checking->types};
	struct genops_error err = {0};
	bool is_exporting = checking->collibra->export_mode != GENOPS_COLLIBRA_OFF;
	int code = read_allowed(checking, &allowed, &err);
	for (size_t i = 0; code == GENOPS_OK && is_exporting && i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		uint32_t bit = 1U << i;
		if ((GENOPS_COLLIBRA_OF_EXPORTS & bit) && !(allowed.asset_types & bit))
			code = genops_fail_fix(&err, GENOPS_DENIED, "run genops collibra setup, or allow it in Collibra (Settings, Operating model)",
			    "the domain \"%.100s\" may not hold assets of type \"%s\"", checking->domain.name, genops_collibra_asset_rows[i].name);
	}
	if (code != GENOPS_OK)
		say_failed(checking, RIGHTS, &err);
	else
		genops_checklist_say(checking->owned, names[RIGHTS], GENOPS_CHECK_PASSED, NULL, "domain, types and assignments can be read%s",
		    is_exporting ? "; the domain may hold what is exported; whether the account may write shows at the first export" : "");
	return code == GENOPS_OK;
}

/* --- policies --- */

static int fetch(struct checking *checking, struct genops_arena *arena, struct genops_collibra_changes *changes, size_t *ret_n, struct genops_error *err)
{
	bool has_no_graphql = false, is_changed;
	const struct genops_collibra_source source = {
	    .client = checking->client,
	    .types = &checking->types,
	    .domain = &checking->domain,
	    .prefix = checking->collibra->attribute_prefix,
	    .has_no_graphql = &has_no_graphql,
	};
	struct genops_collibra_policy_set found, after, before = {0};
	GENOPS_TRY(genops_collibra_policy_fetch(&source, arena, &found, err));
	*ret_n = found.n;
	return genops_collibra_policy_set_diff(&before, &found, arena, &after, changes, &is_changed, err);
}

static void check_policies(struct checking *checking)
{
	struct genops_collibra_changes *changes = calloc(1, sizeof *changes);
	struct genops_error err = {0};
	struct genops_arena arena;
	size_t n = 0;
	genops_arena_init(&arena, ARENA_MAX);
	int code = changes ? fetch(checking, &arena, changes, &n, &err) : genops_fail(&err, GENOPS_NOMEM, "no memory for Collibra's policies");
	if (code != GENOPS_OK) {
		say_failed(checking, POLICIES, &err);
	} else if (!n) {
		genops_checklist_say(checking->owned, names[POLICIES], GENOPS_CHECK_WARNING, "create policies in Collibra, of the types that GenOps imports",
		    "there are none in the domain");
	} else {
		genops_checklist_say(checking->owned, names[POLICIES], GENOPS_CHECK_PASSED, NULL, "%zu, of which %lld can be in force", n, (long long)changes->n_imported);
	}
	for (size_t i = 0; code == GENOPS_OK && i < changes->n_errors; i++)
		genops_checklist_say(checking->owned, names[POLICIES], GENOPS_CHECK_WARNING, "correct it in Collibra", "%s", changes->errors[i]);
	if (code == GENOPS_OK && n && !checking->collibra->has_policy_sync)
		genops_checklist_say(checking->owned, names[POLICIES], GENOPS_CHECK_WARNING, "set collibra.enable_policy_sync: true",
		    "they are imported only when genops collibra sync is run");
	genops_arena_done(&arena);
	free(changes);
}

static void check_all(struct checking *checking)
{
	struct genops_collibra_settings settings = genops_collibra_session_settings(checking->collibra);
	struct genops_error err = {0};
	settings.max_retries = 0; /* whoever asks is waiting */
	struct genops_collibra_account *account = genops_collibra_account_new(&settings, &err);
	if (account)
		checking->client = genops_collibra_client_new(account, NULL, &err);
	if (!checking->client)
		say_failed(checking, CONNECTION, &err);
	else if (check_connection(checking) && check_credentials(checking) && check_domain(checking) && check_types(checking) &&
		 check_rights(checking))
		check_policies(checking);
	genops_collibra_client_free(checking->client);
	genops_collibra_account_unref(account);
}

int genops_collibra_check(const struct genops_engine_options *options, struct genops_checklist *checklist, struct genops_error *err)
{
	struct genops_config_source source = {.without_prices = true};
	struct genops_error cause;
	struct genops_checklist_owned *owned = genops_checklist_of(checklist);
	if (options) {
		source.file = options->config_file;
		source.text = options->config_text;
		source.state_dir = options->state_dir;
	}
	struct genops_config *config = genops_config_load(&source, &cause);
	if (config && config->collibra.url.len) {
		struct checking checking = {.owned = owned, .collibra = &config->collibra};
		check_all(&checking);
	}
	genops_config_unref(config);
	return genops_checklist_judge(owned, err);
}
