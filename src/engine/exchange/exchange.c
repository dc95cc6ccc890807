/* SPDX-License-Identifier: Apache-2.0
 * engine/exchange/exchange.c - the request half of a governed HTTP exchange: route, key, body, decision, what to forward.
 *
 * Nothing is forwarded that was not understood: an unknown provider or route, an ambiguous body, a key that may not are
 * refused in the provider's own words. Threads: an exchange belongs to one thread at a time.
 */
#include "engine/exchange/exchange_state.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#define TARGET_MAX 8192

/* --- the target --- */

static genops_str decode(genops_exchange *exchange, genops_str text)
{
	if (genops_str_find_char(text, '%') == SIZE_MAX)
		return text; /* of the exchange's own copy of the target */
	char *out = genops_arena_dup_text(&exchange->arena, text);
	return out ? genops_str_percent_decode(text, false, out) : (genops_str){0};
}

static bool take_segment(genops_str *rest, genops_str *ret_segment)
{
	if (!rest->len || rest->ptr[0] != '/')
		return false;
	genops_str after = genops_str_skip(*rest, 1);
	size_t end = 0;
	while (end < after.len && after.ptr[end] != '/' && after.ptr[end] != '?')
		end++;
	*ret_segment = (genops_str){after.ptr, end};
	*rest = genops_str_skip(after, end);
	return end > 0;
}

/* "/t/<team>/p/<project>/<provider>/rest" or "/<provider>/rest". */
static void read_target(genops_exchange *exchange, genops_str target)
{
	genops_str rest = target, segment = {0}, value = {0};
	while (take_segment(&rest, &segment)) {
		bool is_team = genops_str_is(segment, "t");
		genops_str *prefix = is_team ? &exchange->prefix_team : &exchange->prefix_project;
		if ((!is_team && !genops_str_is(segment, "p")) || prefix->len || !take_segment(&rest, &value))
			break;
		*prefix = decode(exchange, value);
		if (genops_str_find_char(*prefix, '/') != SIZE_MAX)
			exchange->is_path_ambiguous = true;
		segment = (genops_str){0};
	}
	exchange->provider_name = segment;
	exchange->target = rest.len && rest.ptr[0] == '/' ? rest : GENOPS_STR("/");
}

static genops_str path_of(genops_str target)
{
	size_t query = genops_str_find_char(target, '?');
	return query == SIZE_MAX ? target : (genops_str){target.ptr, query};
}

/* "." and ".." segments, also as %2e or behind %2f: who forwards the request would see another provider in the path. */
static bool has_dot_segment(genops_str decoded)
{
	if (genops_str_find_char(decoded, '.') == SIZE_MAX)
		return false;
	while (decoded.len) {
		genops_str segment = genops_str_split(&decoded, '/');
		if (genops_str_is(segment, ".") || genops_str_is(segment, ".."))
			return true;
	}
	return false;
}

static void find_route(genops_exchange *exchange)
{
	exchange->provider = genops_config_provider_find(exchange->config, exchange->provider_name);
	exchange->row = genops_provider_row_find(exchange->provider_name);
	exchange->dialect = exchange->provider ? genops_dialect_find(exchange->provider->dialect) : NULL;
	if (!exchange->dialect)
		return;
	exchange->endpoint = genops_dialect_route(exchange->dialect, exchange->method, path_of(exchange->target));
	if (!exchange->endpoint && exchange->config->gateway.unknown_routes == 1)
		exchange->endpoint = &genops_dialect_detect;
}

int genops_exchange_new(genops_engine *engine, genops_str method, genops_str target, genops_exchange **ret_exchange,
    struct genops_error *err)
{
	if (target.len > TARGET_MAX || method.len > 32)
		return genops_fail(err, GENOPS_LIMIT, "the request target is longer than %d bytes", TARGET_MAX);
	genops_exchange *exchange = genops_exchange_pool_take(engine);
	if (!exchange)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an exchange");
	exchange->config = genops_engine_config(engine);
	exchange->refused_outcome = GENOPS_OUTCOME_NOT_SENT;
	genops_buffer_init(&exchange->refusal_body, GENOPS_REFUSAL_MAX);
	genops_buffer_init(&exchange->last, GENOPS_REFUSAL_MAX);
	genops_str copy;
	if (!genops_arena_dup(&exchange->arena, method, &exchange->method) ||
	    !genops_arena_dup(&exchange->arena, target, &copy)) {
		genops_exchange_finish(exchange, GENOPS_OUTCOME_NOT_SENT);
		return genops_fail(err, GENOPS_NOMEM, "no memory for an exchange");
	}
	read_target(exchange, copy);
	/* Behind a '#' some servers stop reading, others do not. */
	exchange->is_path_ambiguous |= has_dot_segment(decode(exchange, path_of(copy))) ||
				       genops_str_find_char(copy, '#') != SIZE_MAX;
	genops_exchange_check_value(exchange, "the team in the path", exchange->prefix_team);
	genops_exchange_check_value(exchange, "the project in the path", exchange->prefix_project);
	find_route(exchange);
	*ret_exchange = exchange;
	return GENOPS_OK;
}

/* --- body --- */

static int begin_request(genops_exchange *exchange)
{
	struct genops_request_info info = {
	    .endpoint = exchange->endpoint,
	    .target = exchange->target,
	    .content_type = exchange->content_type,
	    .want_content = exchange->config->wants_content,
	    .may_ask_usage = exchange->row && exchange->row->stream_usage == GENOPS_STREAM_USAGE_ASKED,
	};
	void *state = genops_arena_alloc(&exchange->arena, exchange->endpoint->request_size + 1);
	if (!state)
		return genops_fail(&exchange->fault, GENOPS_NOMEM, "no memory to read the request");
	exchange->request = state;
	int code = exchange->endpoint->request_begin(state, &exchange->arena, &info);
	return code == GENOPS_OK ? code : genops_fail(&exchange->fault, code, "no memory to read the request");
}

int genops_exchange_body(genops_exchange *exchange, genops_str piece, struct genops_error *err)
{
	if (!exchange->endpoint || exchange->fault.code)
		return GENOPS_OK;
	if (!exchange->request && begin_request(exchange) != GENOPS_OK)
		return genops_fail(err, GENOPS_NOMEM, "no memory to read the request");
	/* A fault is told by admit, in the provider's words. */
	(void)exchange->endpoint->request_feed(exchange->request, piece, &exchange->fault);
	return GENOPS_OK;
}

/* --- refusing --- */

/* The message with the operation's id behind it: what a user quotes finds its record. */
static genops_str with_id(genops_exchange *exchange, genops_str message)
{
	static const char between[] = " (operation ";
	if (!exchange->operation)
		return message;
	genops_str id = genops_str_of(genops_operation_id(exchange->operation));
	char *text = genops_arena_alloc(&exchange->arena, message.len + sizeof between + id.len + 2);
	if (!text)
		return message;
	int n = sprintf(text, "%.*s%s%s)", (int)message.len, message.len ? message.ptr : "", between, id.ptr);
	return (genops_str){text, (size_t)n};
}

void genops_exchange_refuse_with(genops_exchange *exchange, const struct genops_decision *decision, int status,
    genops_str message, struct genops_refusal *ret_refusal)
{
	const struct genops_dialect *dialect =
	    exchange->dialect ? exchange->dialect : genops_dialect_find(GENOPS_STR("openai"));
	struct genops_refuse_input input = {
	    .decision = decision,
	    .status = status,
	    .message = with_id(exchange, message),
	    .operation_id = exchange->operation ? genops_str_of(genops_operation_id(exchange->operation)) : (genops_str){0},
	    .now_unix_ns = genops_clock_unix_ns(),
	};
	genops_buffer_clear(&exchange->refusal_body);
	*ret_refusal = (struct genops_refusal){.status = status, .content_type = GENOPS_STR("application/json")};
	dialect->refuse(&input, &exchange->refusal_body, ret_refusal);
}

void genops_exchange_refuse(
    genops_exchange *exchange, int status, const char *message, struct genops_refusal *ret_refusal)
{
	genops_exchange_refuse_with(exchange, NULL, status, genops_str_of(message), ret_refusal);
}

GENOPS_PRINTF(4, 5)
static bool refuse(genops_exchange *exchange, int status, struct genops_refusal *ret_refusal, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	genops_exchange_refuse_with(exchange, NULL, status, genops_str_of(text), ret_refusal);
	return true;
}

#define CUT(text, max) (int)((text).len > (max) ? (max) : (text).len), (text).len ? (text).ptr : ""

static bool refuse_route(genops_exchange *exchange, struct genops_refusal *ret_refusal)
{
	genops_str path = path_of(exchange->target);
	if (exchange->is_path_ambiguous)
		return refuse(exchange, 400, ret_refusal, "GenOps: the path has a segment . or .., a #, or a slash where a name should be");
	if (!exchange->provider)
		return refuse(exchange, 404, ret_refusal,
		    "GenOps: no provider \"%.*s\"; the first path segment names it (openai, anthropic, ... or one under gateway.providers)",
		    CUT(exchange->provider_name, 64));
	if (!exchange->dialect || !exchange->provider->base_url.len)
		return refuse(exchange, 404, ret_refusal, "GenOps: provider \"%.*s\" has no base_url; set gateway.providers.%.*s.base_url",
		    CUT(exchange->provider_name, 64), CUT(exchange->provider_name, 64));
	if (!exchange->endpoint)
		return refuse(exchange, 404, ret_refusal,
		    "GenOps does not know %.*s %.*s of %.*s and refuses what it cannot meter; set gateway.unknown_routes: pass to let it through",
		    CUT(exchange->method, 16), CUT(path, 128), CUT(exchange->provider_name, 64));
	return false;
}

/* --- the key --- */

static genops_str provider_secret(const genops_exchange *exchange)
{
	for (size_t i = 0; exchange->key && i < exchange->key->provider_keys.n; i++) {
		const struct genops_text_pair *pair = &exchange->key->provider_keys.items[i];
		if (genops_str_equal(pair->key, exchange->provider_name))
			return pair->value;
	}
	return exchange->provider->api_key;
}

static bool refuse_key(genops_exchange *exchange, struct genops_refusal *ret_refusal)
{
	exchange->key = exchange->secret.len ? genops_config_key_find(exchange->config, exchange->secret) : NULL;
	if (!exchange->key && genops_exchange_is_foreign(exchange))
		return refuse(exchange, 403, ret_refusal,
		    "GenOps: a web page of another host (Origin %.*s) may not use this gateway without a key of governance.keys",
		    CUT(exchange->origin, 128));
	if (!exchange->key && exchange->config->gateway.require_key)
		return refuse(exchange, 401, ret_refusal,
		    "GenOps: %s; ask whoever runs this gateway for a key (governance.keys)",
		    exchange->secret.len ? "this key is not one of this gateway's" : "no key was sent");
	if (exchange->key && !provider_secret(exchange).len)
		return refuse(exchange, 401, ret_refusal,
		    "GenOps: key \"%.*s\" is good, but the gateway has no key of provider %.*s; set provider_keys, gateway.providers.%.*s.api_key or its variable",
		    CUT(exchange->key->name, 64), CUT(exchange->provider_name, 64), CUT(exchange->provider_name, 64));
	return false;
}

/* --- deciding --- */

static int finish_request(genops_exchange *exchange)
{
	if (!exchange->fault.code && !exchange->request)
		(void)begin_request(exchange);
	if (!exchange->fault.code)
		(void)exchange->endpoint->request_finish(exchange->request, &exchange->call, &exchange->fault);
	return exchange->fault.code;
}

static size_t prefix_attributes(const genops_exchange *exchange, struct genops_attribute *attributes)
{
	size_t n = 0;
	if (exchange->prefix_team.len)
		attributes[n++] = (struct genops_attribute){.key = GENOPS_STR("team"), .value.string = exchange->prefix_team};
	if (exchange->prefix_project.len)
		attributes[n++] = (struct genops_attribute){.key = GENOPS_STR("project"), .value.string = exchange->prefix_project};
	return n;
}

static int decide(genops_exchange *exchange, struct genops_error *err)
{
	const struct genops_call *call = &exchange->call;
	struct genops_attribute prefix[2];
	struct genops_operation_options options;
	genops_operation_options_init(&options);
	options.provider = exchange->provider_name;
	options.model = call->model;
	options.region = exchange->provider->region;
	options.attributes = exchange->attributes;
	options.n_attributes = exchange->n_attributes;
	options.baggage = exchange->baggage;
	options.traceparent = exchange->traceparent;
	options.tracestate = exchange->tracestate;
	options.content = genops_buffer_view(&call->content);
	options.expected = call->expected;
	struct genops_operation_origin origin = {
	    .before_baggage = prefix,
	    .n_before_baggage = prefix_attributes(exchange, prefix),
	    .key = exchange->key,
	    .bound = exchange->key ? exchange->key->attributes : NULL,
	    .n_bound = exchange->key ? exchange->key->n_attributes : 0,
	    .config = exchange->config,
	    .has_content = call->has_content,
	    .price_provider = exchange->provider->price_name,
	    .is_free = !call->is_metered,
	    .is_input_open = call->is_input_open,
	    .n_choices = call->n_choices,
	};
	GENOPS_TRY(genops_operation_begin_from(exchange->engine, &options, &origin, &exchange->operation, err));
	struct genops_record *record = &exchange->operation->record;
	record->is_stream = call->is_stream;
	record->max_output_tokens = call->max_output_tokens;
	record->temperature = call->temperature;
	record->has_temperature = call->has_temperature;
	record->dialect = genops_str_of(exchange->endpoint->name);
	return GENOPS_OK;
}

/* --- forwarding --- */

static void set_header(struct genops_forward *forward, genops_str name, genops_str value)
{
	if (forward->n_headers < sizeof forward->headers / sizeof forward->headers[0])
		forward->headers[forward->n_headers++] = (struct genops_header){name, value};
}

static bool set_secret(genops_exchange *exchange, struct genops_forward *forward)
{
	genops_str secret = provider_secret(exchange);
	/* The client's own key goes through as it came, unless it is one of ours or there is none. */
	if ((!exchange->key && exchange->secret.len) || !secret.len)
		return true;
	genops_str name = exchange->row && exchange->row->key_header ? genops_str_of(exchange->row->key_header)
								     : GENOPS_STR("authorization");
	bool is_bearer = genops_str_is_nocase(name, "authorization");
	char *value = genops_arena_alloc(&exchange->arena, secret.len + 8);
	if (!value)
		return false;
	size_t n = is_bearer ? 7 : 0;
	memcpy(value, "Bearer ", n);
	memcpy(value + n, secret.ptr, secret.len);
	/* Whatever else the SDK put our key into stays here too. */
	for (const char *const *header = exchange->dialect->key_headers; header && *header; header++) {
		if (!genops_str_is_nocase(name, *header))
			set_header(forward, genops_str_of(*header), (genops_str){0});
	}
	set_header(forward, name, (genops_str){value, n + secret.len});
	return true;
}

static int fill_forward(genops_exchange *exchange, struct genops_forward *forward, struct genops_error *err)
{
	forward->provider = exchange->provider_name;
	forward->n_headers = 0;
	genops_str base = exchange->provider->path;
	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	char *path = genops_arena_alloc(&exchange->arena, base.len + exchange->target.len + 1);
	genops_str baggage = {0};
	if (!path || !set_secret(exchange, forward) ||
	    (exchange->baggage.len && !genops_baggage_strip(exchange->baggage, &exchange->arena, &baggage)))
		return genops_fail(err, GENOPS_NOMEM, "no memory to forward the request");
	if (base.len)
		memcpy(path, base.ptr, base.len);
	memcpy(path + base.len, exchange->target.ptr, exchange->target.len);
	forward->path = (genops_str){path, base.len + exchange->target.len};
	forward->delay_ns = genops_operation_decision(exchange->operation)->delay_ns;
	if (exchange->baggage.len)
		set_header(forward, GENOPS_STR("baggage"), baggage);
	set_header(forward, GENOPS_STR("traceparent"), genops_str_of(genops_operation_traceparent(exchange->operation)));
	set_header(forward, GENOPS_STR("accept-encoding"), GENOPS_STR("identity"));
	forward->n_edits = exchange->call.n_edits;
	memcpy(forward->edits, exchange->call.edits, forward->n_edits * sizeof forward->edits[0]);
	return GENOPS_OK;
}

/* What a provider bills that gets the request and is never heard: in the lease before the request goes out, so that it is there if
 * this process dies in between. */
static void meter_request(genops_exchange *exchange)
{
	static const struct genops_answer nothing;
	genops_usage usage = genops_answer_settled(&exchange->call, &nothing);
	if (exchange->call.is_metered)
		(void)genops_operation_record_usage(exchange->operation, &usage, NULL); /* counts are bounded */
}

int genops_exchange_admit(genops_exchange *exchange, enum genops_admission *ret_admission,
    struct genops_forward *ret_forward, struct genops_refusal *ret_refusal, struct genops_error *err)
{
	*ret_admission = GENOPS_ADMIT_REFUSE;
	if (refuse_route(exchange, ret_refusal) || refuse_key(exchange, ret_refusal))
		return GENOPS_OK;
	if (finish_request(exchange) != GENOPS_OK) {
		if (exchange->fault.code == GENOPS_NOMEM)
			return genops_fail(err, GENOPS_NOMEM, "no memory to read the request");
		refuse(exchange, 400, ret_refusal, "GenOps: %s", exchange->fault.message);
		return GENOPS_OK;
	}
	GENOPS_TRY(decide(exchange, err));
	genops_buffer_done(&exchange->call.content); /* prompts are not kept a moment longer than needed */
	const struct genops_decision *decision = genops_operation_decision(exchange->operation);
	if (decision->is_refused) {
		exchange->refused_outcome = GENOPS_OUTCOME_REFUSED;
		genops_exchange_refuse_with(exchange, decision, 0, decision->message, ret_refusal);
		exchange->operation->record.http_status = ret_refusal->status;
		/* Before anybody is told of it: this process may die at once. A record that could not be stored was logged. */
		int code = genops_settle(exchange->operation, GENOPS_OUTCOME_REFUSED, genops_clock_unix_ns(), NULL);
		(void)code;
		return GENOPS_OK;
	}
	GENOPS_TRY(fill_forward(exchange, ret_forward, err));
	meter_request(exchange);
	*ret_admission = GENOPS_ADMIT_FORWARD;
	return GENOPS_OK;
}

size_t genops_exchange_answer_headers(const genops_exchange *exchange, struct genops_header *headers, size_t max)
{
	size_t n = 0;
	if (!exchange->operation)
		return 0;
	const struct genops_decision *decision = genops_operation_decision(exchange->operation);
	if (n < max)
		headers[n++] = (struct genops_header){GENOPS_STR("x-genops-decision"),
		    genops_str_of(genops_result_name(decision->result))};
	if (n < max)
		headers[n++] = (struct genops_header){
		    GENOPS_STR("x-genops-operation-id"), genops_str_of(genops_operation_id(exchange->operation))};
	if (n < max && decision->is_refused)
		headers[n++] = (struct genops_header){GENOPS_STR("x-genops-reason-code"),
		    genops_str_of(genops_reason_name(decision->reason))};
	return n;
}

const genops_operation *genops_exchange_operation(const genops_exchange *exchange)
{
	return exchange->operation;
}
