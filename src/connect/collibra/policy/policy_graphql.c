/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/policy/policy_graphql.c - policies through the knowledge graph: one call for up to 200 of them, attributes included.
 *
 * Every list there defaults to 10 elements, so each has a limit; one that is exactly full may be cut, and then REST has to say.
 * Errors come with status 200, also beside data. */
#include "connect/collibra/policy/policy_fetch.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"

#define PAGE       200
#define NESTED_MAX 40 /* Collibra's budget is 100,000 nodes: 200 * 4 * 40, and a type each */
#define PAGES_MAX  100
#define BODY_MAX   ((size_t)64 << 10)

#define QUOTE_(x) #x
#define QUOTE(x)  QUOTE_(x)

static const char query_text[] =
    "query Policies($d: UUID!, $t: [String!], $after: UUID) { assets(where: {domain: {id: {eq: $d}}, type: {publicId: {in: $t}}, "
    "id: {gt: $after}}, order: [{id: asc}], limit: " QUOTE(PAGE) ") { id fullName displayName type { publicId } status { name } "
    "stringAttributes(limit: " QUOTE(NESTED_MAX) ") { type { name } stringValue } "
    "numericAttributes(limit: " QUOTE(NESTED_MAX) ") { type { name } numericValue } "
    "booleanAttributes(limit: " QUOTE(NESTED_MAX) ") { type { name } booleanValue } "
    "multiValueAttributes(limit: " QUOTE(NESTED_MAX) ") { type { name } stringValues } } }";

enum { ERRORS, ASSETS, ASSET, ID, FULL_NAME, TYPE, STATUS, LIST, ATTRIBUTE, ATTRIBUTE_NAME, VALUE };

#define LIST_PATHS(list, value)                                                                                             \
	{"data.assets[]." list, LIST}, {"data.assets[]." list "[]", ATTRIBUTE}, {"data.assets[]." list "[].type.name", ATTRIBUTE_NAME}, \
	    {"data.assets[]." list "[]." value, VALUE}, {"data.assets[]." list "[]." value "[]", VALUE}

static const struct genops_json_path paths[] = {{"errors[]", ERRORS}, {"data.assets", ASSETS}, {"data.assets[]", ASSET},
    {"data.assets[].id", ID}, {"data.assets[].fullName", FULL_NAME}, {"data.assets[].type.publicId", TYPE},
    {"data.assets[].status.name", STATUS}, LIST_PATHS("stringAttributes", "stringValue"), LIST_PATHS("numericAttributes", "numericValue"),
    LIST_PATHS("booleanAttributes", "booleanValue"), LIST_PATHS("multiValueAttributes", "stringValues")};

struct reader {
	const struct genops_collibra_types *types;
	genops_str prefix;
	struct genops_arena *arena;
	struct genops_collibra_policy_set *set;
	struct genops_collibra_policy *policy;
	size_t n, n_in_list;
	bool has_errors, has_assets, has_type, is_cut;
	genops_str name;                           /* of the attribute being read */
	struct genops_texts values;                /* of it */
	int code;
	struct genops_error *err;
};

static genops_str copy(struct reader *reader, genops_str text)
{
	genops_str kept = {0};
	if (!genops_arena_dup(reader->arena, text, &kept))
		reader->code = genops_fail(reader->err, GENOPS_NOMEM, "no memory for Collibra's policies");
	return kept;
}

static void on_asset(struct reader *reader, const struct genops_json_value *value)
{
	if (!value->is_end) {
		reader->n++;
		reader->has_type = false;
		reader->code = genops_collibra_policy_set_add(reader->set, (genops_str){0}, reader->arena, &reader->policy, reader->err);
	} else if (!reader->policy->id.len || !reader->has_type) {
		reader->code = genops_fail(reader->err, GENOPS_UNSUPPORTED, "a policy came without its id or type");
	}
}

static void on_type(struct reader *reader, genops_str public_id)
{
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if (genops_collibra_asset_rows[i].policy_type && reader->types->assets[i].id[0] &&
		    genops_str_is(public_id, reader->types->assets[i].public_id)) {
			reader->policy->type = (enum genops_collibra_asset_type)i;
			reader->has_type = true;
		}
	}
}

static void add_value(struct reader *reader, genops_str text)
{
	if (reader->values.n > GENOPS_COLLIBRA_VALUES_MAX)
		return; /* one more than may be, so that the policy sees it */
	if (!reader->values.items)
		reader->values.items = genops_arena_alloc(reader->arena, (GENOPS_COLLIBRA_VALUES_MAX + 1) * sizeof(genops_str));
	if (!reader->values.items)
		reader->code = genops_fail(reader->err, GENOPS_NOMEM, "no memory for Collibra's policies");
	else
		reader->values.items[reader->values.n++] = copy(reader, text);
}

static void on_value_of(struct reader *reader, const struct genops_json_value *value)
{
	if (value->type == GENOPS_JSON_STRING || value->type == GENOPS_JSON_NUMBER)
		add_value(reader, value->text);
	else if (value->type == GENOPS_JSON_TRUE || value->type == GENOPS_JSON_FALSE)
		add_value(reader, value->type == GENOPS_JSON_TRUE ? GENOPS_STR("true") : GENOPS_STR("false"));
}

static void on_attribute(struct reader *reader, const struct genops_json_value *value)
{
	if (!value->is_end) {
		reader->n_in_list++;
		reader->name = (genops_str){0};
		reader->values.n = 0;
		return;
	}
	if (!genops_str_starts(reader->name, reader->prefix))
		return;
	genops_str name = genops_str_skip(reader->name, reader->prefix.len);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if (!genops_str_is(name, genops_collibra_attribute_rows[i].name))
			continue;
		for (size_t j = 0; j < reader->values.n && reader->code == GENOPS_OK; j++)
			reader->code = genops_collibra_policy_add(reader->policy, (enum genops_collibra_attribute_type)i, reader->values.items[j],
			    reader->arena, reader->err);
	}
}

static void on_list(struct reader *reader, const struct genops_json_value *value)
{
	reader->is_cut |= value->is_end && reader->n_in_list >= NESTED_MAX;
	reader->n_in_list = 0;
}

static void on_text(struct reader *reader, int id, genops_str text)
{
	if (id == ID)
		reader->policy->id = copy(reader, text);
	else if (id == FULL_NAME)
		reader->policy->name = copy(reader, text);
	else if (id == STATUS)
		reader->policy->status = copy(reader, text);
	else if (id == TYPE)
		on_type(reader, text);
	else if (id == ATTRIBUTE_NAME)
		reader->name = copy(reader, text);
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct reader *reader = arg;
	bool is_object = value->type == GENOPS_JSON_OBJECT;
	if (reader->code != GENOPS_OK)
		return;
	if (value->id == ERRORS)
		reader->has_errors = true;
	else if (value->id == ASSETS)
		reader->has_assets = value->type == GENOPS_JSON_ARRAY;
	else if (value->id == ASSET && is_object)
		on_asset(reader, value);
	else if (!reader->policy)
		return;
	else if (value->id == LIST && value->type == GENOPS_JSON_ARRAY)
		on_list(reader, value);
	else if (value->id == ATTRIBUTE && is_object)
		on_attribute(reader, value);
	else if (value->id == VALUE)
		on_value_of(reader, value);
	else if (value->type == GENOPS_JSON_STRING)
		on_text(reader, value->id, value->text);
}

int genops_collibra_policy_graphql_read(genops_str body, genops_str prefix, const struct genops_collibra_types *types,
    struct genops_arena *arena, struct genops_collibra_policy_set *set, size_t *ret_n, bool *ret_is_cut, struct genops_error *err)
{
	struct genops_error own;
	struct reader reader = {.types = types, .prefix = prefix, .arena = arena, .set = set, .err = err ? err : &own};
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_VALUE_MAX + 1, .allow_duplicates = true};
	struct genops_json_paths *compiled = genops_json_paths_new(paths, sizeof paths / sizeof *paths, reader.err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_value, &reader) : NULL;
	int code = scan ? genops_json_scan_feed(scan, body, reader.err) : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's policies");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, reader.err);
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	if (code == GENOPS_OK)
		code = reader.code;
	if (code == GENOPS_OK && (reader.has_errors || !reader.has_assets))
		code = genops_fail(err, GENOPS_UNSUPPORTED, "the policies: Collibra's knowledge graph does not answer the query");
	if (code != GENOPS_OK)
		return code;
	*ret_n = reader.n;
	*ret_is_cut = reader.is_cut;
	return GENOPS_OK;
}

static void write_query(const struct genops_collibra_source *source, genops_str after, struct genops_buffer *body)
{
	struct genops_json_writer json;
	genops_buffer_clear(body);
	genops_json_writer_init(&json, body);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "query", genops_str_of(query_text));
	genops_json_key(&json, GENOPS_STR("variables"));
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "d", genops_str_of(source->domain->id));
	genops_json_key(&json, GENOPS_STR("t"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if (genops_collibra_asset_rows[i].policy_type && source->types->assets[i].id[0])
			genops_json_string(&json, genops_str_of(source->types->assets[i].public_id));
	}
	genops_json_array_end(&json);
	genops_json_key_string(&json, "after", after.len ? after : GENOPS_STR("00000000-0000-0000-0000-000000000000"));
	genops_json_object_end(&json);
	genops_json_object_end(&json);
}

static int fetch_page(const struct genops_collibra_source *source, struct genops_buffer *body, struct genops_arena *arena,
    struct genops_collibra_policy_set *set, size_t *n, struct genops_error *err)
{
	struct genops_collibra_answer answer;
	bool is_cut = false;
	write_query(source, set->n ? set->policies[set->n - 1].id : (genops_str){0}, body);
	const struct genops_collibra_call call = {
	    .method = "POST",
	    .path = GENOPS_STR("/graphql/knowledgeGraph/v1"),
	    .is_root = true,
	    .body = genops_buffer_view(body),
	    .repeat = GENOPS_COLLIBRA_READ,
	};
	if (body->error)
		return genops_fail(err, body->error, "no memory for a query");
	GENOPS_TRY(genops_collibra_client_call(source->client, &call, &answer, err));
	/* Absent, forbidden, or a query that this version does not know: REST may still do. */
	if (answer.outcome == GENOPS_COLLIBRA_NOT_FOUND || answer.outcome == GENOPS_COLLIBRA_FORBIDDEN || answer.outcome == GENOPS_COLLIBRA_REFUSED)
		return genops_fail(err, GENOPS_UNSUPPORTED, "the policies: %s", answer.message);
	if (answer.outcome != GENOPS_COLLIBRA_OK)
		return genops_collibra_answer_fail(&answer, "the policies", err);
	int code = genops_collibra_policy_graphql_read(answer.body, source->prefix, source->types, arena, set, n, &is_cut, err);
	if (code == GENOPS_SYNTAX || (code == GENOPS_OK && is_cut))
		return genops_fail(err, GENOPS_UNSUPPORTED, "the policies: the knowledge graph's answer is not whole");
	return code;
}

int genops_collibra_policy_graphql_fetch(const struct genops_collibra_source *source, struct genops_arena *arena,
    struct genops_collibra_policy_set *set, struct genops_error *err)
{
	struct genops_buffer body;
	size_t n = PAGE;
	int code = GENOPS_OK;
	genops_buffer_init(&body, BODY_MAX);
	for (int i = 0; code == GENOPS_OK && n >= PAGE; i++)
		code = i < PAGES_MAX ? fetch_page(source, &body, arena, set, &n, err)
				     : genops_fail(err, GENOPS_LIMIT, "the policies: the listing does not come to an end");
	genops_buffer_done(&body);
	return code;
}
