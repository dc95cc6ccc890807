/* SPDX-License-Identifier: Apache-2.0
 * export/destination.c - see destination.h: the table of types, and the verdict that all files share. */
#include "export/destination.h"

#include "base/str.h"
#include "export/http_verdict.h"

#include <stdio.h>
#include <string.h>

#define X(name) extern const struct genops_destination_type genops_destination_type_##name;
GENOPS_DESTINATION_TYPES(X)
#undef X

static const struct genops_destination_type *const types[] = {
#define X(name) &genops_destination_type_##name,
    GENOPS_DESTINATION_TYPES(X)
#undef X
	NULL,
};

const struct genops_destination_type *const *genops_destination_types(void)
{
	return types;
}

const struct genops_destination_type *genops_destination_type_find(genops_str name)
{
	genops_str type = genops_str_split(&name, '/');
	for (size_t i = 0; types[i]; i++) {
		if (genops_str_is(type, types[i]->name) ||
		    (types[i]->alias && genops_str_is(type, types[i]->alias)))
			return types[i];
	}
	return NULL;
}

const char *const genops_route_keys_all[] = {"payload_template", "output_format", "compression", "dataset", "retention", "encryption",
    "versioning", "object_lock", "table", NULL};

bool genops_destination_type_takes_key(const struct genops_destination_type *type, genops_str key)
{
	for (const char *const *known = type->route_keys; known && *known; known++) {
		if (genops_str_is(key, *known))
			return true;
	}
	return false;
}

void genops_destination_set_cause(struct genops_send_verdict *verdict, size_t item, const char *text)
{
	size_t at = 0;
	if (item >= GENOPS_VERDICT_ITEMS_MAX)
		return;
	while (at < verdict->n_causes && strncmp(verdict->causes[at], text, sizeof verdict->causes[at] - 1) != 0)
		at++;
	if (at == GENOPS_VERDICT_CAUSES_MAX)
		return;
	if (at == verdict->n_causes)
		genops_http_verdict_text(verdict->causes[verdict->n_causes++], sizeof verdict->causes[at], genops_str_of(text));
	verdict->cause_of[item] = (uint8_t)(at + 1);
}

const char *genops_destination_cause(const struct genops_send_verdict *verdict, size_t item)
{
	bool is_own = item < GENOPS_VERDICT_ITEMS_MAX && verdict->cause_of[item];
	return is_own ? verdict->causes[verdict->cause_of[item] - 1] : verdict->reason;
}

/* A disk that is full or a directory that is missing can be mended: try again, lose nothing. */
void genops_destination_judge_file(
    const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
	if (response->status == 200)
		return;
	ret_verdict->kind = GENOPS_RETRY;
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "%.*s",
	    (int)(response->network_error.len < 255 ? response->network_error.len : 255),
	    response->network_error.len ? response->network_error.ptr : "");
}
