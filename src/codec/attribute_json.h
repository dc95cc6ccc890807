/* SPDX-License-Identifier: Apache-2.0
 * codec/attribute_json.h - a typed attribute as a JSON member. */
#ifndef CODEC_ATTRIBUTE_JSON_H
#define CODEC_ATTRIBUTE_JSON_H

#include "codec/json_write.h"

/* "key": value, inside an object. */
void genops_attribute_json_add(struct genops_json_writer *json, const struct genops_attribute *attribute);

#endif
