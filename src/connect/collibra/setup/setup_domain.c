/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/setup/setup_domain.c - the domain: the configured one, or one that is made in a community that is named or the only one. */
#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"
#include "connect/collibra/setup/collibra_setup.h"

#include <stdio.h>

#define BODY_MAX     ((size_t)16 << 10)
#define GOVERNANCE   "Governance Asset Domain"

/* One of a listing, by its name. */
struct named {
	char id[GENOPS_COLLIBRA_ID_SIZE], name[GENOPS_COLLIBRA_NAME_SIZE];
};

struct pick {
	struct genops_json_paths *paths;
	genops_str wanted;         /* "" : any */
	struct named current, found;
	size_t n;                  /* that fit */
};

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct pick *pick = arg;
	if (value->id == 0 && value->type == GENOPS_JSON_OBJECT && !value->is_end) {
		pick->current = (struct named){{0}};
	} else if (value->id == 0 && value->type == GENOPS_JSON_OBJECT) {
		if (pick->current.id[0] && (!pick->wanted.len || genops_str_is(pick->wanted, pick->current.name)) && pick->n++ == 0)
			pick->found = pick->current;
	} else if (value->type == GENOPS_JSON_STRING) {
		char *to = value->id == 1 ? pick->current.id : pick->current.name;
		snprintf(to, value->id == 1 ? sizeof pick->current.id : sizeof pick->current.name, "%.*s", GENOPS_STR_ARG(value->text));
	}
}

static int on_page(void *arg, genops_str body, struct genops_error *err)
{
	struct pick *pick = arg;
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_NAME_SIZE - 1, .allow_duplicates = true};
	struct genops_json_scan *scan = genops_json_scan_new(pick->paths, &options, on_value, pick);
	int code = scan ? genops_json_scan_feed(scan, body, err) : genops_fail(err, GENOPS_NOMEM, "no memory for a listing of Collibra");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	return code;
}

static int choose(struct genops_collibra_setup *setup, genops_str path, bool by_cursor, genops_str wanted, const char *what,
    struct pick *ret_pick, struct genops_error *err)
{
	static const struct genops_json_path paths[] = {{"results[]", 0}, {"results[].id", 1}, {"results[].name", 2}};
	struct pick pick = {.wanted = wanted, .paths = genops_json_paths_new(paths, 3, err)};
	if (!pick.paths)
		return GENOPS_NOMEM;
	int code = genops_collibra_client_list(setup->client, path, (genops_str){0}, by_cursor, what, on_page, &pick, err);
	genops_json_paths_free(pick.paths);
	pick.paths = NULL;
	if (code == GENOPS_OK)
		*ret_pick = pick;
	return code;
}

static int read_id(genops_str body, char id[GENOPS_COLLIBRA_ID_SIZE], struct genops_error *err)
{
	static const struct genops_json_path paths[] = {{"", 0}, {"id", 1}, {"name", 2}};
	struct pick pick = {.paths = genops_json_paths_new(paths, 3, err)};
	int code = pick.paths ? on_page(&pick, body, err) : GENOPS_NOMEM;
	genops_json_paths_free(pick.paths);
	if (code == GENOPS_OK && !pick.n)
		code = genops_fail(err, GENOPS_SYNTAX, "Collibra does not say the id of what it made");
	if (code == GENOPS_OK)
		memcpy(id, pick.found.id, GENOPS_COLLIBRA_ID_SIZE);
	return code;
}

/* {"name": ...} and, for a domain, where it belongs. */
static int make(struct genops_collibra_setup *setup, const char *path, const char *name, const char *community_id, const char *type_id,
    char id[GENOPS_COLLIBRA_ID_SIZE], struct genops_error *err)
{
	struct genops_collibra_answer answer;
	struct genops_json_writer json;
	struct genops_buffer body;
	genops_buffer_init(&body, BODY_MAX);
	genops_json_writer_init(&json, &body);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "name", genops_str_of(name));
	if (community_id) {
		genops_json_key_string(&json, "communityId", genops_str_of(community_id));
		genops_json_key_string(&json, "typeId", genops_str_of(type_id));
	}
	genops_json_object_end(&json);
	int code = genops_collibra_setup_call(setup, "POST", genops_str_of(path), &body, name, &answer, err);
	genops_buffer_done(&body);
	return code == GENOPS_OK ? read_id(answer.body, id, err) : code;
}

static int find_community(struct genops_collibra_setup *setup, struct named *ret_community, struct genops_error *err)
{
	struct pick pick;
	struct named community = {{0}};
	GENOPS_TRY(choose(setup, GENOPS_STR("/communities"), true, setup->community, "the communities", &pick, err));
	if (pick.n > 1)
		return genops_fail_fix(err, GENOPS_CONFIG, "name one with --community", "there are %zu communities that a domain could be made in", pick.n);
	if (pick.n) {
		*ret_community = pick.found;
		return GENOPS_OK;
	}
	snprintf(community.name, sizeof community.name, "%.*s", (int)(setup->community.len > 200 ? 200 : setup->community.len),
	    setup->community.len ? setup->community.ptr : "");
	if (!community.name[0])
		snprintf(community.name, sizeof community.name, GENOPS_COLLIBRA_DOMAIN_NAME);
	if (!setup->is_dry_run)
		GENOPS_TRY(make(setup, "/communities", community.name, NULL, NULL, community.id, err));
	*ret_community = community;
	return genops_collibra_setup_tell(setup, "create", "community", community.name, false, "for the domain");
}

static int make_domain(struct genops_collibra_setup *setup, struct genops_error *err)
{
	struct named community;
	struct pick type;
	struct genops_collibra_domain *domain = &setup->domain;
	GENOPS_TRY(choose(setup, GENOPS_STR("/domainTypes"), false, GENOPS_STR(GOVERNANCE), "the domain types", &type, err));
	if (!type.n)
		return genops_fail_fix(err, GENOPS_NOT_FOUND, "create a domain for AI governance in Collibra and set collibra.domain_id",
		    "there is no domain type \"" GOVERNANCE "\" to make a domain of");
	GENOPS_TRY(find_community(setup, &community, err));
	snprintf(domain->name, sizeof domain->name, "%.*s", (int)(setup->domain_name.len > 200 ? 200 : setup->domain_name.len),
	    setup->domain_name.len ? setup->domain_name.ptr : "");
	if (!domain->name[0])
		snprintf(domain->name, sizeof domain->name, GENOPS_COLLIBRA_DOMAIN_NAME);
	snprintf(domain->type_id, sizeof domain->type_id, "%s", type.found.id);
	snprintf(domain->type_name, sizeof domain->type_name, "%s", type.found.name);
	if (!setup->is_dry_run)
		GENOPS_TRY(make(setup, "/domains", domain->name, community.id, domain->type_id, domain->id, err));
	setup->has_domain = true;
	return genops_collibra_setup_tell(
	    setup, "create", "domain", domain->name, false, "a %s in the community %s", domain->type_name, community.name);
}

int genops_collibra_setup_domain(struct genops_collibra_setup *setup, struct genops_error *err)
{
	int code = genops_collibra_domain_find(setup->client, setup->domain_id, setup->domain_name, &setup->domain, err);
	if (code == GENOPS_OK) {
		setup->has_domain = true;
		return genops_collibra_setup_tell(setup, "keep", "domain", setup->domain.name, true, "%s", setup->domain.id);
	}
	/* An id that is wrong is not mended by another domain. */
	if (code != GENOPS_NOT_FOUND || setup->domain_id.len)
		return code;
	return make_domain(setup, err);
}
