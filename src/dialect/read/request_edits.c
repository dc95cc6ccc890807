/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/request_edits.c - the edit that asks for a stream's usage where the client did not:
 * stream_options.include_usage set to true, whatever of it stands in the body.
 */
#include "dialect/read/request.h"

#include "base/str.h"

/* Is anything in the object stream_options? The first byte that is no space, behind its brace,
 * tells. */
void genops_request_edits_look(struct genops_request *request, genops_str piece)
{
	uint64_t piece_start = request->n_bytes;
	uint64_t at = request->options_start + 1;
	if (!request->has_options || request->is_options_null || request->is_options_known)
		return;
	for (at = at > piece_start ? at : piece_start; at < piece_start + piece.len; at++) {
		char c = piece.ptr[at - piece_start];
		if (c == '}' || c == '"') {
			request->is_options_known = true;
			request->is_options_empty = c == '}';
			return;
		}
	}
}

static void add_edit(struct genops_request *request, uint64_t offset, uint64_t end, genops_str text)
{
	request->call.asks_usage = true;
	request->call.edits[request->call.n_edits++] =
	    (struct genops_edit){offset, end - offset, text};
}

/* Azure's versions are dates; those before this one refuse stream_options. */
static bool is_old_version(genops_str target)
{
	static const genops_str first = {"2024-09-01", 10};
	size_t at = genops_str_find(target, GENOPS_STR("api-version="));
	if (at == SIZE_MAX)
		return false;
	genops_str version = genops_str_skip(target, at + sizeof "api-version=" - 1);
	return version.len >= first.len && memcmp(version.ptr, first.ptr, first.len) < 0;
}

/* Asks for the usage chunk where the client did not. */
void genops_request_edits_ask(struct genops_request *request)
{
	if (!request->call.is_stream || request->call.wants_stream_usage ||
	    !request->info.may_ask_usage || !request->info.endpoint->reading->can_ask_usage ||
	    is_old_version(request->info.target))
		return;
	if (request->has_include)
		add_edit(request, request->include_start, request->include_end, GENOPS_STR("true"));
	else if (request->is_options_null)
		add_edit(request, request->options_start, request->options_end,
		    GENOPS_STR("{\"include_usage\":true}"));
	else if (request->has_options)
		add_edit(request, request->options_start + 1, request->options_start + 1,
		    request->is_options_empty ? GENOPS_STR("\"include_usage\":true")
					      : GENOPS_STR("\"include_usage\":true,"));
	else
		add_edit(request, request->root_start + 1, request->root_start + 1,
		    GENOPS_STR("\"stream_options\":{\"include_usage\":true},"));
}
