/* SPDX-License-Identifier: Apache-2.0
 * net/incoming.c - see incoming.h. */
#include "net/incoming.h"

#include "base/clock.h"
#include "base/str.h"
#include "net/http.h"

#include <stdarg.h>
#include <stdio.h>

void genops_incoming_init(struct genops_incoming *incoming)
{
	*incoming = (struct genops_incoming){0};
	genops_buffer_init(&incoming->body, GENOPS_HTTP_ANSWER_MAX);
	genops_grpc_status_init(&incoming->grpc);
}

void genops_incoming_done(struct genops_incoming *incoming)
{
	genops_buffer_done(&incoming->body);
}

void genops_incoming_clear(struct genops_incoming *incoming)
{
	struct genops_buffer body = incoming->body;
	genops_buffer_clear(&body);
	*incoming = (struct genops_incoming){.body = body, .kept_name = incoming->kept_name};
	genops_grpc_status_init(&incoming->grpc);
}

static void keep(char *out, size_t size, genops_str value)
{
	snprintf(out, size, "%.*s", (int)(value.len < size ? value.len : size - 1),
	    value.len ? value.ptr : "");
}

void genops_incoming_header(struct genops_incoming *incoming, genops_str name, genops_str value)
{
	value = genops_str_trim(value);
	if (incoming->kept_name && genops_str_is_nocase(name, incoming->kept_name))
		keep(incoming->kept_header, sizeof incoming->kept_header, value);
	if (genops_str_is_nocase(name, "content-type"))
		keep(incoming->content_type, sizeof incoming->content_type, value);
	else if (genops_str_is_nocase(name, "retry-after"))
		keep(incoming->retry_after, sizeof incoming->retry_after, value);
	else
		genops_grpc_status_header(&incoming->grpc, name, value);
}

bool genops_incoming_body(struct genops_incoming *incoming, genops_str bytes)
{
	size_t room = incoming->body.max - incoming->body.len;
	if (bytes.len > room) {
		incoming->is_cut = true;
		bytes.len = room;
	}
	genops_buffer_add(&incoming->body, bytes);
	return !incoming->is_cut && !incoming->body.error;
}

void genops_incoming_fail(struct genops_incoming *incoming, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(incoming->network_error, sizeof incoming->network_error, format, args);
	va_end(args);
	incoming->status = 0;
	genops_buffer_clear(&incoming->body);
}

void genops_incoming_export(
    const struct genops_incoming *incoming, bool is_grpc, struct genops_response *ret_response)
{
	genops_str body = genops_buffer_view(&incoming->body);
	*ret_response = (struct genops_response){
	    .status = incoming->status,
	    .grpc_status = incoming->status ? incoming->grpc.status : -1,
	    .body = is_grpc ? genops_grpc_status_message(body) : body,
	    .retry_after = genops_str_of(incoming->retry_after),
	    .grpc_message = genops_str_of(incoming->grpc.message),
	    .network_error = genops_str_of(incoming->network_error),
	    .content_type = genops_str_of(incoming->content_type),
	    .retry_info_ns = incoming->grpc.retry_info_ns,
	    .received_unix_ns = genops_clock_unix_ns(),
	    .is_unsent = incoming->is_unsent,
	    .is_timeout = incoming->is_timeout,
	    .is_cut = incoming->is_cut,
	    .file_inode = incoming->file_inode,
	    .file_len = incoming->file_len,
	    .kept_header = genops_str_of(incoming->kept_header),
	};
}
