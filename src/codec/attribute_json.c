/* SPDX-License-Identifier: Apache-2.0
 * codec/attribute_json.c - see attribute_json.h. Pure; any thread. */
#include "codec/attribute_json.h"

void genops_attribute_json_add(struct genops_json_writer *json, const struct genops_attribute *attribute)
{
	genops_json_key(json, attribute->key);
	switch (attribute->type) {
	case GENOPS_ATTRIBUTE_INT:
		genops_json_int(json, attribute->value.integer);
		break;
	case GENOPS_ATTRIBUTE_DOUBLE:
		genops_json_double(json, attribute->value.number);
		break;
	case GENOPS_ATTRIBUTE_BOOL:
		genops_json_bool(json, attribute->value.boolean);
		break;
	case GENOPS_ATTRIBUTE_STRING:
	default:
		genops_json_string(json, attribute->value.string);
		break;
	}
}
