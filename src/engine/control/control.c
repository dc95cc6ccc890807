/* SPDX-License-Identifier: Apache-2.0
 * engine/control/control.c - the control API (genops/control.h): routes, authentication, answers. Decide is control_decide.c.
 *
 * A route is one row. Answers are JSON, also the errors. Nothing here keeps state; any thread.
 */
#include "engine/control/control.h"

#include "base/str.h"
#include "codec/json_write.h"

#include <genops/control.h>

#include <stdlib.h>

/* --- queries --- */

static genops_str decode(genops_str text, struct genops_arena *arena)
{
	char *out = genops_arena_dup_text(arena, text);
	return out ? genops_str_percent_decode(text, true, out) : (genops_str){0};
}

static void read_query(struct genops_control *control, genops_str query)
{
	while (query.len && control->n_parameters < GENOPS_CONTROL_PARAMETERS_MAX) {
		genops_str value = genops_str_split(&query, '&');
		genops_str key = genops_str_split(&value, '=');
		struct genops_text_pair *pair = &control->parameters[control->n_parameters];
		pair->key = decode(key, &control->arena);
		pair->value = decode(value, &control->arena);
		if (pair->key.len)
			control->n_parameters++;
	}
	control->is_query_cut = query.len > 0;
}

genops_str genops_control_parameter(const struct genops_control *control, const char *name)
{
	for (size_t i = 0; i < control->n_parameters; i++) {
		if (genops_str_is(control->parameters[i].key, name))
			return control->parameters[i].value;
	}
	return (genops_str){0};
}

/* --- answers --- */

void genops_control_fail(struct genops_control *control, int status, const char *message, const char *fix)
{
	struct genops_json_writer json;
	genops_buffer_clear(&control->body);
	genops_json_writer_init(&json, &control->body);
	control->status = status;
	control->content_type = "application/json";
	genops_json_object_begin(&json);
	genops_json_key(&json, GENOPS_STR("error"));
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "message", genops_str_of(message));
	if (fix && fix[0])
		genops_json_key_string(&json, "fix", genops_str_of(fix));
	genops_json_object_end(&json);
	genops_json_object_end(&json);
}

void genops_control_fail_with(struct genops_control *control, const struct genops_error *err)
{
	int status = 500;
	switch (err->code) {
	case GENOPS_SYNTAX:
	case GENOPS_MISUSE:
	case GENOPS_CONFIG:
		status = 400;
		break;
	case GENOPS_NOT_FOUND:
		status = 404;
		break;
	case GENOPS_BUSY:
	case GENOPS_FULL:
	case GENOPS_TIMEOUT:
		status = 503;
		break;
	default:
		break;
	}
	genops_control_fail(control, status, err->message, err->fix);
}

/* --- authentication --- */

/* What a route wants of a key. */
enum wanted { WANTS_A_KEY, WANTS_OWN, WANTS_ALL };

static bool authenticate(struct genops_control *control, genops_str secret, enum wanted wanted)
{
	const struct genops_config *config = control->config;
	control->key = secret.len ? genops_config_key_find(config, secret) : NULL;
	if (!control->key && (config->gateway.require_key || secret.len)) {
		genops_control_fail(control, 401, secret.len ? "this key is not one of this gateway's" : "no key was sent",
		    "send a key of governance.keys as `Authorization: Bearer ...` or `x-api-key`");
		return false;
	}
	if (control->key && wanted != WANTS_A_KEY && control->key->control == GENOPS_CONTROL_NONE) {
		genops_control_fail(control, 403, "this key may not read governance data", "set control: own for it in governance.keys");
		return false;
	}
	if (control->key && wanted == WANTS_ALL && control->key->control != GENOPS_CONTROL_ALL) {
		genops_control_fail(control, 403, "this key may read what is its own, and this is everybody's",
		    "set control: all for it in governance.keys");
		return false;
	}
	return true;
}

/* --- routes --- */

static const struct {
	const char *method, *path;
	void (*answer)(struct genops_control *control);
	enum wanted wanted;
} routes[] = {
    {"POST", "/api/v1/decide", genops_control_decide, WANTS_A_KEY},
    {"GET", "/api/v1/cost", genops_control_cost, WANTS_OWN},
    {"GET", "/api/v1/budgets", genops_control_budgets, WANTS_OWN},
    {"GET", "/api/v1/policies", genops_control_policies, WANTS_ALL},
    {"GET", "/api/v1/operations", genops_control_operations, WANTS_OWN},
    {"GET", "/metrics", genops_control_metrics, WANTS_ALL},
};

struct asked {
	genops_str method, target, secret, body;
};

static void route(struct genops_control *control, void *arg)
{
	const struct asked *asked = arg;
	genops_str method = asked->method, query = asked->target;
	genops_str path = genops_str_split(&query, '?');
	bool is_path_known = false;
	read_query(control, query);
	control->request_body = asked->body;
	if (genops_str_is(method, "HEAD"))
		method = GENOPS_STR("GET"); /* the host leaves the body out */
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		if (!genops_str_is(path, routes[i].path))
			continue;
		is_path_known = true;
		if (!genops_str_is(method, routes[i].method))
			continue;
		if (authenticate(control, asked->secret, routes[i].wanted))
			routes[i].answer(control);
		return;
	}
	if (is_path_known)
		genops_control_fail(control, 405, "this resource does not take that method", "see docs/control-api.md");
	else
		genops_control_fail(control, 404, "there is no such resource",
		    "one of /api/v1/decide, cost, budgets, policies, operations");
}

bool genops_control_is_let_in(struct genops_control *control, genops_str secret)
{
	return authenticate(control, secret, WANTS_ALL);
}

int genops_control_run(genops_engine *engine, void (*answer)(struct genops_control *control, void *arg), void *arg,
    struct genops_control_answer *ret_answer, struct genops_error *err)
{
	struct genops_control control = {.engine = engine, .status = 200, .content_type = "application/json"};
	genops_arena_init(&control.arena, GENOPS_CONTROL_ARENA_MAX);
	genops_buffer_init(&control.body, GENOPS_CONTROL_ANSWER_MAX);
	control.config = genops_engine_config(engine);
	answer(&control, arg);
	if (control.body.error == GENOPS_LIMIT)
		genops_control_fail(&control, 413, "the answer is too large", "narrow it with since, until, where or limit");
	ret_answer->status = control.status;
	ret_answer->content_type = control.content_type;
	char *text = genops_buffer_take(&control.body, &ret_answer->body_len);
	genops_buffer_done(&control.body);
	genops_arena_done(&control.arena);
	genops_config_unref(control.config);
	if (!text)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an answer");
	ret_answer->body = text;
	return GENOPS_OK;
}

int genops_control_handle(genops_engine *engine, genops_str method, genops_str target, genops_str secret, genops_str body,
    struct genops_control_answer *ret_answer, struct genops_error *err)
{
	struct asked asked = {method, target, secret, body};
	return genops_control_run(engine, route, &asked, ret_answer, err);
}
