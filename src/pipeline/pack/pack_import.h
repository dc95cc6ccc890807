/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pack/pack_import.h - one import while it is made: routes and files in pack_import.c, functions in pack_import_function.c. */
#ifndef PIPELINE_PACK_IMPORT_H
#define PIPELINE_PACK_IMPORT_H

#include "pipeline/pack/pack.h"

struct genops_pack_lookup { /* a table with its keys: one of our lookups */
	char id[128], file[128], keys[512];
};

struct genops_pack_import {
	const struct genops_pack *in;
	struct genops_pack *out;
	struct genops_buffer lookups;  /* of lookups.yaml */
	size_t n_lookups;
	struct genops_pack_lookup *seen; /* room for FILES_MAX */
	genops_str pipeline;           /* at hand */
	bool is_lame;                  /* something of it could not be said: it is switched off */
};

/* Appends one of conf.yml's functions as processors; a comment is none. */
void genops_pack_import_function(struct genops_pack_import *import, const struct genops_yaml_node *node, size_t index, struct genops_buffer *out);

/* A text of a mapping; "" if it has none. */
genops_str genops_pack_import_text(const struct genops_yaml_node *node, const char *key);
/* Letters, digits, - and _ only. */
void genops_pack_import_clean(genops_str name, char *out, size_t size);

#endif
