/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_gateway.c - section `gateway`: where it listens, who gets in, how long it waits.
 *
 * An address that others can reach needs virtual keys (DESIGN 5): without them loading fails, with them require_key is on. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>

static const char *const route_names[] = {"refuse", "pass", NULL};

#define AT(field) offsetof(struct genops_config_gateway, field)
const struct genops_option genops_config_gateway_rows[] = {
    {.name = "listen",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(listen),
	.default_text = "127.0.0.1:4319",
	.text = "address of gateway, control API and dashboard; port 0 picks a free one"},
    {.name = "listen_h2c",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(listen_h2c),
	.default_text = "127.0.0.1:4320",
	.text = "the gateway again for clients that speak HTTP/2 without TLS only; \"\" or off: not"},
    {.name = "workers",
	.type = GENOPS_OPTION_CUSTOM,
	.default_text = "auto",
	.text = "worker processes, 1 to 256; auto: one for each core"},
    {.name = "max_body",
	.type = GENOPS_OPTION_SIZE,
	.offset = AT(max_body),
	.default_text = "64MiB",
	.min = 1024,
	.max = 4294967296.0,
	.text = "the largest request that is accepted; a larger one gets 413"},
    {.name = "unknown_routes",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(unknown_routes),
	.default_text = "refuse",
	.names = route_names,
	.text = "what happens to a provider's route that GenOps does not know; pass: forwarded and still metered"},
    {.name = "require_key",
	.type = GENOPS_OPTION_BOOL,
	.offset = AT(require_key),
	.default_text = "false",
	.text = "only clients with a virtual key get in; always on when listen is not loopback"},
    {.name = "connect_timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(connect_timeout_ns),
	.default_text = "10s",
	.min = 0.001,
	.max = 600,
	.text = "to a provider"},
    {.name = "read_timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(read_timeout_ns),
	.default_text = "600s",
	.min = 0.001,
	.max = 86400,
	.text = "between two pieces of a provider's answer"},
    {.name = "tls", .type = GENOPS_OPTION_CUSTOM, .text = "HTTPS instead of HTTP"},
    {.name = "providers", .type = GENOPS_OPTION_CUSTOM, .text = "built in with their public addresses; override what differs, or add"},
    {.name = NULL},
};

const struct genops_option genops_config_gateway_tls_rows[] = {
    {.name = "certificate",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(tls_certificate),
	.is_required = true,
	.text = "PEM file with the certificate chain"},
    {.name = "key", .type = GENOPS_OPTION_TEXT, .offset = AT(tls_key), .is_required = true, .text = "PEM file with its key"},
    {.name = NULL},
};

bool genops_config_gateway_split(genops_str address, genops_str *ret_host, int64_t *ret_port)
{
	size_t at = SIZE_MAX;
	for (size_t i = 0; i < address.len; i++) {
		if (address.ptr[i] == ':')
			at = i;
	}
	if (at == SIZE_MAX || at == 0 || !genops_str_to_int(genops_str_skip(address, at + 1), ret_port) || *ret_port < 0 ||
	    *ret_port > 65535)
		return false;
	genops_str host = {address.ptr, at};
	bool is_v6 = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	if (is_v6)
		host = (genops_str){host.ptr + 1, host.len - 2};
	if (!is_v6 && genops_str_find_char(host, ':') != SIZE_MAX)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_word && !memchr("-.:*", c, 4))
			return false; /* it ends up in a server's configuration file */
	}
	*ret_host = host;
	return true;
}

bool genops_config_gateway_is_loopback(genops_str host)
{
	char text[64];
	struct in_addr v4;
	struct in6_addr v6;
	if (genops_str_is_nocase(host, "localhost"))
		return true;
	if (!host.len || host.len >= sizeof text)
		return false;
	snprintf(text, sizeof text, "%.*s", (int)host.len, host.ptr);
	if (inet_pton(AF_INET, text, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static int check_address(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *name,
    genops_str *address)
{
	struct genops_config_gateway *gateway = &reader->config->gateway;
	const struct genops_yaml_node *place = genops_yaml_get(node, name);
	genops_str host;
	int64_t port;
	*address = genops_str_trim(*address);
	if (!genops_config_gateway_split(*address, &host, &port))
		return genops_config_read_fail(reader, place, "write host:port, like 127.0.0.1:4319",
		    "%s: \"%.*s\" is not an address", name, address->len > 80 ? 80 : (int)address->len, address->ptr);
	if (genops_config_gateway_is_loopback(host))
		return GENOPS_OK;
	if (!reader->config->n_keys)
		return genops_config_read_fail(reader, place,
		    "add a virtual key under governance.keys, or listen on 127.0.0.1",
		    "%s: %.*s can be reached by others, and nothing asks them for a key", name,
		    GENOPS_STR_ARG(*address));
	gateway->require_key = true;
	if (gateway->tls_certificate.len && !genops_str_is(genops_str_of(name), "listen_h2c"))
		return GENOPS_OK;
	return genops_config_read_warn(reader, place, "set gateway.tls, or put a TLS proxy in front",
	    "%s: keys and prompts cross the network to %.*s in plain text", name, GENOPS_STR_ARG(*address));
}

static int check_addresses(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_gateway *gateway = &reader->config->gateway;
	if (genops_str_is_nocase(gateway->listen_h2c, "off"))
		gateway->listen_h2c = (genops_str){0};
	GENOPS_TRY(check_address(reader, node, "listen", &gateway->listen));
	if (!gateway->listen_h2c.len)
		return GENOPS_OK;
	GENOPS_TRY(check_address(reader, node, "listen_h2c", &gateway->listen_h2c));
	if (genops_str_equal(gateway->listen, gateway->listen_h2c) &&
	    !genops_str_ends(gateway->listen, GENOPS_STR(":0")))
		return genops_config_read_fail(reader, genops_yaml_get(node, "listen_h2c"), "give it a port of its own",
		    "listen and listen_h2c are the same address");
	return GENOPS_OK;
}

static int read_workers(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	int64_t *workers = &reader->config->gateway.workers;
	genops_str text;
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_text(reader, node, "workers", &text));
	if (genops_str_is(genops_str_trim(text), "auto"))
		return GENOPS_OK;
	if (!genops_str_to_int(genops_str_trim(text), workers) || *workers < 1 || *workers > 256)
		return genops_config_read_fail(reader, node, NULL, "workers: it must be auto, or from 1 to 256");
	return GENOPS_OK;
}

static int read_tls(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_gateway *gateway = &reader->config->gateway;
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, node, "gateway.tls", genops_config_gateway_tls_rows, gateway));
	GENOPS_TRY(
	    genops_config_file_path(reader, gateway->tls_certificate, reader->folder, &gateway->tls_certificate));
	GENOPS_TRY(genops_config_file_path(reader, gateway->tls_key, reader->folder, &gateway->tls_key));
	/* Everything else can be quoted for nginx; in these two it looks for variables, and knows no way to write the character. */
	if (genops_str_find_char(gateway->tls_certificate, '$') != SIZE_MAX ||
	    genops_str_find_char(gateway->tls_key, '$') != SIZE_MAX)
		return genops_config_read_fail(reader, node, "move the file", "gateway.tls: nginx takes no path with a $ in it here");
	return GENOPS_OK;
}

int genops_config_gateway_read(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	const struct genops_option *rows = genops_config_gateway_rows;
	struct genops_config_gateway *gateway = &reader->config->gateway;
	GENOPS_TRY(genops_config_read_section(reader, node, "gateway", rows, gateway));
	GENOPS_TRY(read_workers(reader, genops_config_read_get(node, rows, "workers")));
	GENOPS_TRY(genops_config_performance_gateway(reader, node));
	GENOPS_TRY(read_tls(reader, genops_config_read_get(node, rows, "tls")));
	GENOPS_TRY(check_addresses(reader, node));
	if (gateway->require_key && !reader->config->n_keys)
		return genops_config_read_fail(reader, genops_yaml_get(node, "require_key"),
		    "add a virtual key under governance.keys", "require_key is on and there are no keys");
	return genops_config_provider_read(reader, genops_config_read_get(node, rows, "providers"));
}
