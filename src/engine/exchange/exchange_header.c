/* SPDX-License-Identifier: Apache-2.0
 * engine/exchange/exchange_header.c - the request headers that governance reads: key, attribution, trace, origin. */
#include "engine/exchange/exchange_state.h"

#include "base/str.h"

void genops_exchange_check_value(genops_exchange *exchange, const char *what, genops_str value)
{
	if (value.len > GENOPS_ATTRIBUTE_VALUE_MAX)
		genops_fail(&exchange->fault, GENOPS_SYNTAX, "%s is longer than %d bytes", what, GENOPS_ATTRIBUTE_VALUE_MAX);
	else if (!genops_str_is_utf8(value))
		genops_fail(&exchange->fault, GENOPS_SYNTAX, "%s is not UTF-8", what);
}

static genops_str without_scheme(genops_str value)
{
	if (value.len > 7 && genops_str_equal_nocase((genops_str){value.ptr, 7}, GENOPS_STR("bearer ")))
		return genops_str_trim(genops_str_skip(value, 7));
	return genops_str_trim(value);
}

static bool is_key_header(const genops_exchange *exchange, genops_str name)
{
	static const char *const everywhere[] = {"authorization", "x-api-key", "api-key", NULL};
	const char *const *headers = exchange->dialect && exchange->dialect->key_headers ? exchange->dialect->key_headers : everywhere;
	for (; *headers; headers++) {
		if (genops_str_is_nocase(name, *headers))
			return true;
	}
	return false;
}

/* The header's name stands for the attribute's. */
static int add_attribute(genops_exchange *exchange, int key, genops_str value)
{
	static const char *const names[] = {
#define X(symbol, name, telemetry_key, header) header,
	    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	};
	size_t i = 0;
	genops_exchange_check_value(exchange, names[key], value);
	while (i < exchange->n_attributes && !genops_str_is(exchange->attributes[i].key, names[key]))
		i++;
	exchange->attributes[i].key = genops_str_of(names[key]);
	exchange->attributes[i].type = GENOPS_ATTRIBUTE_STRING;
	exchange->attributes[i].value.string = value;
	if (i == exchange->n_attributes)
		exchange->n_attributes++;
	return GENOPS_OK;
}

/* Several baggage headers are one list. */
static int add_baggage(genops_exchange *exchange, genops_str value, struct genops_error *err)
{
	genops_str before = exchange->baggage;
	char *list = genops_arena_alloc(&exchange->arena, before.len + value.len + 1);
	if (!list)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a request header");
	size_t n = before.len;
	if (n) {
		memcpy(list, before.ptr, n);
		list[n++] = ',';
	}
	if (value.len)
		memcpy(list + n, value.ptr, value.len);
	exchange->baggage = (genops_str){list, n + value.len};
	return GENOPS_OK;
}

int genops_exchange_header(genops_exchange *exchange, genops_str name, genops_str value, struct genops_error *err)
{
	genops_str *place = NULL, copy;
	int key = -1;
	if (genops_str_is_nocase(name, "content-type"))
		place = &exchange->content_type;
	else if (genops_str_is_nocase(name, "traceparent"))
		place = &exchange->traceparent;
	else if (genops_str_is_nocase(name, "tracestate"))
		place = &exchange->tracestate;
	else if (genops_str_is_nocase(name, "origin"))
		place = &exchange->origin;
	if (!place && is_key_header(exchange, name) && !exchange->secret.len) {
		place = &exchange->secret;
		value = without_scheme(value);
	}
	if (genops_str_is_nocase(name, "baggage"))
		return add_baggage(exchange, value, err);
	if (!place && name.len > 9 && genops_str_equal_nocase((genops_str){name.ptr, 9}, GENOPS_STR("x-genops-")))
		key = genops_attributes_standard_key(name);
	if (!place && key < 0)
		return GENOPS_OK;
	if (!genops_arena_dup(&exchange->arena, value, &copy))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a request header");
	if (place)
		*place = copy;
	else
		return add_attribute(exchange, key, copy);
	return GENOPS_OK;
}

static bool is_this_host(genops_str host)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		genops_str name = genops_str_of(names[i]);
		if (host.len >= name.len && genops_str_equal_nocase((genops_str){host.ptr, name.len}, name) &&
		    (host.len == name.len || host.ptr[name.len] == ':'))
			return true;
	}
	return false;
}

bool genops_exchange_is_foreign(const genops_exchange *exchange)
{
	genops_str origin = exchange->origin;
	size_t scheme = genops_str_find(origin, GENOPS_STR("://"));
	if (!origin.len)
		return false;
	return scheme == SIZE_MAX || !is_this_host(genops_str_skip(origin, scheme + 3));
}
