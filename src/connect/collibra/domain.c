/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/domain.c - see domain.h. */
#include "connect/collibra/domain.h"

#include "base/str.h"
#include "codec/json_scan.h"

#include <stdio.h>

#define SEEN_MAX 8 /* candidates that an error names */

enum { ELEMENT, ID, NAME, COMMUNITY, TYPE_ID, TYPE_NAME };

#define PATHS(at) {at "id", ID}, {at "name", NAME}, {at "community.name", COMMUNITY}, {at "type.id", TYPE_ID}, {at "type.name", TYPE_NAME}
static const struct genops_json_path list_paths[] = {{"results[]", ELEMENT}, PATHS("results[].")};
static const struct genops_json_path one_paths[] = {{"", ELEMENT}, PATHS("")};
#define N_PATHS (sizeof one_paths / sizeof *one_paths)

struct search {
	struct genops_json_paths *compiled;
	genops_str name; /* wanted exactly; "" : any */
	size_t n;        /* that fit */
	struct genops_collibra_domain current, found[SEEN_MAX];
};

static void keep(char *out, size_t size, genops_str text)
{
	snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size - 1), text.len ? text.ptr : "");
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct search *search = arg;
	struct genops_collibra_domain *domain = &search->current;
	if (value->id == ELEMENT && value->type == GENOPS_JSON_OBJECT && !value->is_end) {
		*domain = (struct genops_collibra_domain){{0}};
	} else if (value->id == ELEMENT) {
		bool is_wanted = domain->id[0] && (!search->name.len || genops_str_is(search->name, domain->name));
		if (value->type == GENOPS_JSON_OBJECT && is_wanted && search->n++ < SEEN_MAX)
			search->found[search->n - 1] = *domain;
	} else if (value->type == GENOPS_JSON_STRING) {
		switch (value->id) {
		case ID:
			keep(domain->id, sizeof domain->id, value->text);
			break;
		case NAME:
			keep(domain->name, sizeof domain->name, value->text);
			break;
		case COMMUNITY:
			keep(domain->community, sizeof domain->community, value->text);
			break;
		case TYPE_ID:
			keep(domain->type_id, sizeof domain->type_id, value->text);
			break;
		default:
			keep(domain->type_name, sizeof domain->type_name, value->text);
		}
	}
}

static int scan_domains(void *arg, genops_str body, struct genops_error *err)
{
	struct search *search = arg;
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_NAME_SIZE, .allow_duplicates = true};
	struct genops_json_scan *scan = genops_json_scan_new(search->compiled, &options, on_value, search);
	int code = scan ? genops_json_scan_feed(scan, body, err) : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's domains");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	return code;
}

static int find_by_id(
    struct genops_collibra_client *client, genops_str id, struct genops_collibra_domain *ret_domain, struct genops_error *err)
{
	struct genops_collibra_answer answer;
	struct search search = {.compiled = genops_json_paths_new(one_paths, N_PATHS, err)};
	struct genops_buffer path;
	genops_buffer_init(&path, 1024);
	genops_buffer_add_text(&path, "/domains/");
	genops_collibra_path_add(&path, id);
	int code = search.compiled && !path.error ? GENOPS_OK : genops_fail(err, GENOPS_CONFIG, "collibra.domain_id is too long");
	if (code == GENOPS_OK)
		code = genops_collibra_client_get(client, genops_buffer_view(&path), (genops_str){0}, "the domain", &answer, err);
	if (code == GENOPS_NOT_FOUND)
		code = genops_fail_fix(err, code, "copy the id from the domain's address in Collibra, or leave domain_id out and name it with domain",
		    "there is no Collibra domain with the id \"%.*s\", or the account may not see it", id.len > 64 ? 64 : (int)id.len, id.ptr);
	if (code == GENOPS_OK)
		code = scan_domains(&search, answer.body, err);
	if (code == GENOPS_OK && !search.n)
		code = genops_fail(err, GENOPS_SYNTAX, "the domain: Collibra's answer is no domain");
	if (code == GENOPS_OK)
		*ret_domain = search.found[0];
	genops_buffer_done(&path);
	genops_json_paths_free(search.compiled);
	return code;
}

static int list_domains(struct genops_collibra_client *client, struct search *search, struct genops_error *err)
{
	struct genops_buffer query;
	search->n = 0;
	genops_buffer_init(&query, 4096);
	if (search->name.len) {
		genops_collibra_query_add(&query, "name", search->name);
		genops_collibra_query_add(&query, "nameMatchMode", GENOPS_STR("EXACT"));
	}
	int code = query.error ? genops_fail(err, GENOPS_CONFIG, "collibra.domain is too long")
			       : genops_collibra_client_list(client, GENOPS_STR("/domains"), genops_buffer_view(&query), true, "the domains",
				     scan_domains, search, err);
	genops_buffer_done(&query);
	return code;
}

/* One: that; several: an error that names them. */
static int choose(const struct search *search, struct genops_collibra_domain *ret_domain, struct genops_error *err)
{
	char list[360] = "";
	size_t len = 0;
	if (search->n == 1) {
		*ret_domain = search->found[0];
		return GENOPS_OK;
	}
	for (size_t i = 0; i < search->n && i < SEEN_MAX && len < 300; i++)
		len += (size_t)snprintf(list + len, sizeof list - len, "%s\"%.40s\"%s%.30s (%s)", i ? ", " : "", search->found[i].name,
		    search->found[i].community[0] ? " in " : "", search->found[i].community, search->found[i].id);
	return genops_fail_fix(err, GENOPS_CONFIG, "set collibra.domain_id (GENOPS_COLLIBRA_DOMAIN_ID) to the id of the one for AI governance",
	    "there are %zu Collibra domains to choose from: %s%s", search->n, list, search->n > SEEN_MAX ? " ..." : "");
}

int genops_collibra_domain_find(struct genops_collibra_client *client, genops_str id, genops_str name,
    struct genops_collibra_domain *ret_domain, struct genops_error *err)
{
	if (id.len)
		return find_by_id(client, id, ret_domain, err);
	struct search search = {.compiled = genops_json_paths_new(list_paths, N_PATHS, err),
	    .name = name.len ? name : GENOPS_STR(GENOPS_COLLIBRA_DOMAIN_NAME)};
	if (!search.compiled)
		return GENOPS_NOMEM;
	int code = list_domains(client, &search, err);
	if (code == GENOPS_OK && !search.n && name.len)
		code = genops_fail_fix(err, GENOPS_NOT_FOUND, "correct collibra.domain, or give the account the right to view the domain",
		    "there is no Collibra domain called \"%.*s\" that the account can see", name.len > 120 ? 120 : (int)name.len, name.ptr);
	if (code == GENOPS_OK && !search.n) {
		search.name = (genops_str){0};
		code = list_domains(client, &search, err);
		if (code == GENOPS_OK && !search.n)
			code = genops_fail_fix(err, GENOPS_NOT_FOUND,
			    "create a domain \"" GENOPS_COLLIBRA_DOMAIN_NAME "\" in Collibra, or give the account the right to view it",
			    "No Collibra domains found");
	}
	if (code == GENOPS_OK)
		code = choose(&search, ret_domain, err);
	genops_json_paths_free(search.compiled);
	return code;
}
