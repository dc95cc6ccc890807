/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_number.h - the grammar of a JSON number, resumable, and its value. Private to the
 * scanner. */
#ifndef CODEC_JSON_JSON_NUMBER_H
#define CODEC_JSON_JSON_NUMBER_H

#include <genops/attribute.h>

#define GENOPS_JSON_NUMBER_MAX ((size_t)1024) /* characters of a number whose value is wanted */

struct genops_json_number {
	uint8_t state;
};

void genops_json_number_begin(struct genops_json_number *number);

/* Moves over the bytes that continue the number; stops at the first that cannot. */
const char *genops_json_number_feed(
    struct genops_json_number *number, const char *at, const char *end);

/* May it end here? */
bool genops_json_number_is_whole(const struct genops_json_number *number);

/* True: written as an integer and one of int64; both are set. False: *ret_number is the nearest
 * double (or an infinity), *ret_integer untouched. `text` is a whole number of at most
 * GENOPS_JSON_NUMBER_MAX characters. */
bool genops_json_number_value(const struct genops_json_number *number, genops_str text,
    int64_t *ret_integer, double *ret_number);

#endif
