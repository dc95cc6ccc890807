/* SPDX-License-Identifier: Apache-2.0
 * engine/config/machine/config_balancer.c - `load_balancer`, as the Cribl guide describes what stands before several machines.
 *
 * GenOps stands no balancer up. What it can do for one is done: the path that it probes is answered by gateway and receivers, and targets that
 * nobody listens on are told. What every balancer refuses is refused here, too. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <stdio.h>

#define PATH_MAX_LEN 128

struct balancer {
	genops_str type, path;
	int64_t interval_ns, timeout_ns, unhealthy, healthy;
	struct genops_texts targets;
};

#define AT(field) offsetof(struct balancer, field)
const struct genops_option genops_config_balancer_rows[] = {
    {.name = "type", .type = GENOPS_OPTION_TEXT, .offset = AT(type), .text = "for people: GenOps stands none up; warned about"},
    {.name = "health_check", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "targets", .type = GENOPS_OPTION_LIST, .offset = AT(targets), .text = "host:port of the machines: a port that no receiver and no gateway listens on is warned about"},
    {.name = NULL},
};

const struct genops_option genops_config_balancer_health_rows[] = {
    {.name = "path", .type = GENOPS_OPTION_TEXT, .offset = AT(path), .default_text = "/health", .text = "answered as /health is, by the gateway and by receivers over HTTP"},
    {.name = "interval", .type = GENOPS_OPTION_DURATION, .offset = AT(interval_ns), .default_text = "30s", .min = 1, .max = 3600, .text = "the balancer's, between two probes"},
    {.name = "timeout", .type = GENOPS_OPTION_DURATION, .offset = AT(timeout_ns), .default_text = "10s", .min = 0.001, .max = 3600, .text = "the balancer's, of one; shorter than the interval"},
    {.name = "unhealthy_threshold", .type = GENOPS_OPTION_INT, .offset = AT(unhealthy), .default_text = "3", .min = 1, .max = 100, .text = "the balancer's"},
    {.name = "healthy_threshold", .type = GENOPS_OPTION_INT, .offset = AT(healthy), .default_text = "3", .min = 1, .max = 100, .text = "the balancer's"},
    {.name = NULL},
};

/* It stands in nginx's configuration. */
static bool is_path(genops_str path)
{
	for (size_t i = 0; i < path.len; i++) {
		char c = path.ptr[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_word && !strchr("/._-", c))
			return false;
	}
	return path.len && path.len <= PATH_MAX_LEN && path.ptr[0] == '/';
}

static bool is_taken(const struct genops_config *config, genops_str path)
{
	if (genops_str_is(path, "/") || genops_str_is(path, "/metrics") || genops_str_is(path, "/genops-error") || genops_str_starts(path, GENOPS_STR("/api/v1/")))
		return true;
	for (size_t i = 0; i < config->n_receivers; i++) {
		for (size_t j = 0; j < config->receivers[i].n_listeners; j++) {
			const struct genops_config_listener *listener = &config->receivers[i].listeners[j];
			for (size_t k = 0; k < GENOPS_SIGNAL_N; k++) {
				if (listener->paths[k].len && genops_str_equal(listener->paths[k], path))
					return true;
			}
		}
	}
	return false;
}

static int read_health(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct balancer *balancer)
{
	const struct genops_yaml_node *path = node ? genops_yaml_get(node, "path") : NULL;
	GENOPS_TRY(genops_config_read_section(reader, node, "health_check", genops_config_balancer_health_rows, balancer));
	if (!is_path(balancer->path))
		return genops_config_read_fail(reader, path, "write it like /health", "load_balancer: the path of health_check is none");
	if (is_taken(reader->config, balancer->path))
		return genops_config_read_fail(reader, path, "write /health, or one of your own",
		    "load_balancer: %.*s is answered by something else, which says nothing of health", GENOPS_STR_ARG(balancer->path));
	if (balancer->timeout_ns >= balancer->interval_ns)
		return genops_config_read_fail(
		    reader, node, "make the timeout shorter", "load_balancer: the timeout of health_check is not below its interval");
	reader->config->gateway.health_path = balancer->path;
	return GENOPS_OK;
}

/* Does something of this configuration listen there, and may others reach it? */
static void look_for(const struct genops_config *config, int64_t port, bool *ret_listens, bool *ret_is_open)
{
	genops_str host;
	int64_t own;
	*ret_listens = *ret_is_open = false;
	if (genops_config_gateway_split(config->gateway.listen, &host, &own) && own == port) {
		*ret_listens = true;
		*ret_is_open = !genops_config_gateway_is_loopback(host);
	}
	for (size_t i = 0; i < config->n_receivers; i++) {
		for (size_t j = 0; j < config->receivers[i].n_listeners; j++) {
			const struct genops_config_listener *listener = &config->receivers[i].listeners[j];
			bool is_same = listener->port == port;
			*ret_listens |= is_same;
			*ret_is_open |= is_same && !genops_config_gateway_is_loopback(listener->host);
		}
	}
}

static int check_target(struct genops_config_reader *reader, const struct genops_yaml_node *place, genops_str target)
{
	bool listens, is_open;
	genops_str host;
	int64_t port;
	if (!genops_config_gateway_split(target, &host, &port) || !port)
		return genops_config_read_fail(reader, place, "write host:4318", "load_balancer: \"%.*s\" is no target", (int)(target.len > 100 ? 100 : target.len), target.ptr);
	look_for(reader->config, port, &listens, &is_open);
	if (!listens)
		return genops_config_read_warn(reader, place, "name the port of a receiver, or let one listen there",
		    "load_balancer: nothing listens on port %lld here, as target %.*s would have it", (long long)port, GENOPS_STR_ARG(target));
	if (!is_open && !genops_config_gateway_is_loopback(host))
		return genops_config_read_warn(reader, place, "let a receiver listen on an address that the balancer reaches, with tokens",
		    "load_balancer: port %lld can be reached from this machine only, so target %.*s answers no balancer", (long long)port, GENOPS_STR_ARG(target));
	return GENOPS_OK;
}

int genops_config_balancer_read(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct balancer balancer = {0};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, node, "load_balancer", genops_config_balancer_rows, &balancer));
	GENOPS_TRY(read_health(reader, genops_config_read_get(node, genops_config_balancer_rows, "health_check"), &balancer));
	const struct genops_yaml_node *targets = genops_yaml_get(node, "targets");
	const struct genops_yaml_entry *entry = targets && targets->kind == GENOPS_YAML_SEQUENCE ? targets->first : NULL;
	for (size_t i = 0; i < balancer.targets.n; i++, entry = entry ? entry->next : NULL)
		GENOPS_TRY(check_target(reader, entry ? entry->value : targets, balancer.targets.items[i]));
	return genops_config_read_warn(reader, node, "set it up where the balancer is",
	    "load_balancer: GenOps answers %.*s and stands no balancer up; type, interval, timeout and thresholds are the balancer's own",
	    GENOPS_STR_ARG(balancer.path));
}
