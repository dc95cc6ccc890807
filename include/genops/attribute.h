/* SPDX-License-Identifier: Apache-2.0
 * genops/attribute.h - strings by view, and the attributes that attribute a cost.
 *
 * A genops_str borrows its bytes: it is passed by value, never freed, need not be NUL-terminated, and is
 * not kept after the call returns unless the function's comment says that it copies.
 */
#ifndef GENOPS_ATTRIBUTE_H
#define GENOPS_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct genops_str {
	const char *ptr; /* NULL only with len 0 */
	size_t len;      /* bytes */
} genops_str;

/* A view of a string literal, and of a C string (NULL gives the empty view). */
#define GENOPS_STR(literal) ((genops_str){"" literal, sizeof(literal) - 1})

static inline genops_str genops_str_of(const char *text)
{
	genops_str view = {text, text ? strlen(text) : 0};
	return view;
}

/* The standard attributes (contract CORE-009, CORE-010) and those that policies and budgets match on.
 * X(symbol, short name used in configuration, telemetry key, header or NULL) */
#define GENOPS_STANDARD_ATTRIBUTES(X)                                                                 \
	X(TEAM, "team", "genops.team", "x-genops-team")                                               \
	X(PROJECT, "project", "genops.project", "x-genops-project")                                   \
	X(CUSTOMER_ID, "customer_id", "genops.customer_id", "x-genops-customer-id")                   \
	X(ENVIRONMENT, "environment", "genops.environment", "x-genops-environment")                   \
	X(COST_CENTER, "cost_center", "genops.cost_center", "x-genops-cost-center")                   \
	X(FEATURE, "feature", "genops.feature", "x-genops-feature")

enum genops_attribute_key {
#define X(symbol, name, key, header) GENOPS_ATTRIBUTE_##symbol,
	GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	GENOPS_ATTRIBUTE_N_STANDARD
};

enum genops_attribute_type {
	GENOPS_ATTRIBUTE_STRING,
	GENOPS_ATTRIBUTE_INT,
	GENOPS_ATTRIBUTE_DOUBLE,
	GENOPS_ATTRIBUTE_BOOL,
};

/* One attribute. `key` is a short name ("team"), or for anything else the telemetry key as it is. */
struct genops_attribute {
	genops_str key;
	enum genops_attribute_type type;
	union {
		genops_str string;
		int64_t integer;
		double number;
		bool boolean;
	} value;
};

/* An operation carries at most this many; a further one is refused with GENOPS_LIMIT. */
#define GENOPS_ATTRIBUTES_MAX 128
/* A key is at most this long, a string value at most GENOPS_ATTRIBUTE_VALUE_MAX (bytes, UTF-8). */
#define GENOPS_ATTRIBUTE_KEY_MAX   256
#define GENOPS_ATTRIBUTE_VALUE_MAX 4096

#ifdef __cplusplus
}
#endif
#endif
