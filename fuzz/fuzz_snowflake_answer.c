/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_snowflake_answer.c - genops_snowflake_answer, and names of tables (genops_snowflake_statement_table).
 * Input: a byte for the status, the rest is the body, and the name.
 * Properties: the reason is one printable, terminated line of UTF-8; only 2xx is sent; a handle is a UUID's characters; a name that is taken is
 * up to three parts in quotes, whatever is in them. */
#include "base/str.h"
#include "export/snowflake/snowflake_answer.h"
#include "export/snowflake/snowflake_statement.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* "a"."b""c" and nothing else. */
static void check_name(genops_str name)
{
	size_t at = 0, n = 0;
	do {
		check(at < name.len && name.ptr[at] == '"');
		for (at++; at < name.len && (name.ptr[at] != '"' || (at + 1 < name.len && name.ptr[at + 1] == '"')); at++)
			at += name.ptr[at] == '"';
		check(at < name.len);
		at++;
		n++;
	} while (at < name.len && name.ptr[at++] == '.');
	check(at == name.len && n <= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char handle[GENOPS_SNOWFLAKE_HANDLE_LEN + 1];
	static struct genops_send_verdict verdict;
	struct genops_arena arena;
	struct genops_error err;
	genops_str table;
	if (!size)
		return 0;
	const genops_str body = {(const char *)data + 1, size - 1};
	const struct genops_response response = {.status = data[0] ? 200 + data[0] * 2 % 400 : 0, .grpc_status = -1, .body = body};
	genops_snowflake_answer(&response, handle, &verdict);
	check(memchr(verdict.reason, '\0', sizeof verdict.reason) != NULL);
	for (const char *at = verdict.reason; *at; at++)
		check((unsigned char)*at >= 0x20 && *at != 0x7f);
	check(genops_str_is_utf8(genops_str_of(verdict.reason)));
	check(verdict.kind != GENOPS_SENT || (response.status >= 200 && response.status < 300 && response.status != 202));
	check(strspn(handle, "0123456789abcdefABCDEF-") == strlen(handle));
	check(!handle[0] || (response.status == 202 && strlen(handle) == GENOPS_SNOWFLAKE_HANDLE_LEN));
	genops_arena_init(&arena, 1 << 20);
	if (genops_snowflake_statement_table(body, &arena, &table, &err) == GENOPS_OK)
		check_name(table);
	genops_arena_done(&arena);
	return 0;
}
