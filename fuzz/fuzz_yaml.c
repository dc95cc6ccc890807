/* SPDX-License-Identifier: Apache-2.0
 * fuzz_yaml.c - genops_yaml_parse, genops_yaml_expand (codec/yaml.h).
 * Property: any bytes give a tree whose weights are true and within the maximum, with places from 1 and
 * scalars NUL-terminated, or an error with a place; expanding any scalar stays within its buffer. */
#include "codec/yaml.h"

#include <stdlib.h>

static const char *get(void *arg, const char *name)
{
	return *name == 'A' ? "a-value" : arg;
}

static size_t walk(const struct genops_yaml_node *node)
{
	static const struct genops_yaml_variables variables = {get, NULL};
	size_t weight = 1, n = 0;
	if (node->line < 1 || node->column < 1)
		abort();
	if (node->kind == GENOPS_YAML_SCALAR) {
		struct genops_buffer out;
		if (node->text.ptr[node->text.len] != '\0')
			abort();
		genops_buffer_init(&out, 4096);
		if (genops_yaml_expand(node->text, &variables, &out, NULL) == GENOPS_OK && out.error)
			abort();
		genops_buffer_done(&out);
	}
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next, n++)
		weight += (entry->key ? walk(entry->key) : 0) + walk(entry->value);
	if (weight != node->weight || n != node->n || weight > GENOPS_YAML_NODES_MAX)
		abort();
	return weight;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_yaml *yaml;
	struct genops_error err = {0};
	int code = genops_yaml_parse("fuzz", (genops_str){(const char *)data, size}, &yaml, &err);
	if (code != GENOPS_OK) {
		if (err.code != code || err.line < 1 || !err.message[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < yaml->n_documents; i++)
		walk(yaml->documents[i]);
	genops_yaml_free(yaml);
	return 0;
}
