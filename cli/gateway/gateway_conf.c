/* SPDX-License-Identifier: Apache-2.0
 * gateway_conf.c - writes nginx's configuration from the gateway's settings.
 *
 * One upstream per provider (never shared: two TLS hosts may sit behind one address). Providers that are trusted by the
 * system's authorities share one location, and both addresses one server: nginx keeps a TLS context for each location whose
 * proxy_pass has a variable, with every authority parsed anew (20 ms and 1 MB each). Everything runs from one directory of its own and without
 * privileges. proxy_buffering is off: what the provider sends is metered and passed on as it comes.
 */
#include "gateway/gateway_conf_receivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS     8192 /* of one worker, unless the configuration asks for more */
#define CONNECTIONS_OWN 192  /* listening, signals, resolvers */

/* A quoted word of nginx's language. Within quotes only these two have a meaning; $ has one only in directives that take variables, and no path
 * stands in such a one but the certificates, which are checked when the configuration is read. */
void gateway_conf_path(FILE *out, const char *before, const char *path, const char *after)
{
	fprintf(out, "%s\"", before);
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			fputc('\\', out);
		fputc(*path, out);
	}
	fprintf(out, "\"%s", after);
}

static void write_in_run_dir(FILE *out, const struct gateway_place *place, const char *before, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", place->run_dir, name);
	gateway_conf_path(out, before, path, ";\n");
}

static void write_head(FILE *out, const struct genops_gateway *gateway, const struct gateway_place *place)
{
	gateway_conf_path(out, "load_module ", place->module, ";\n");
	/* As root the workers stay root: the state directory is its owner's alone. */
	fprintf(out, "daemon off;\nmaster_process on;\n%s", geteuid() == 0 ? "user root root;\n" : "");
	write_in_run_dir(out, place, "pid ", "nginx.pid");
	write_in_run_dir(out, place, "lock_file ", "nginx.lock");
	fprintf(out, "error_log stderr %s;\n", place->log_level);
	if (gateway->workers > 0)
		fprintf(out, "worker_processes %d;\n", gateway->workers);
	else
		fprintf(out, "worker_processes auto;\n");
	fprintf(out, "worker_shutdown_timeout 30s;\n");
	/* Half a kilobyte each, touched at the start. One of a client and one to a provider; all clients may come to one worker. */
	fprintf(out, "events { worker_connections %d; multi_accept on; }\n",
	    gateway->connections_max > CONNECTIONS / 2 ? 2 * gateway->connections_max + CONNECTIONS_OWN : CONNECTIONS);
	fprintf(out, "thread_pool default threads=4 max_queue=1024;\n");
}

/* nginx clears the environment of its workers; their engines need keys, ${VAR}s and GENOPS_ settings. */
static void write_environment(FILE *out)
{
	for (char **entry = environ; *entry; entry++) {
		size_t n = strspn(*entry, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
		if (n && (*entry)[n] == '=' && strncmp(*entry, "NGINX=", 6) != 0)
			fprintf(out, "env %.*s;\n", (int)n, *entry);
	}
}

static void write_http(FILE *out, const struct genops_gateway *gateway, const struct gateway_place *place)
{
	static const char *const temporary[] = {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"};
	for (size_t i = 0; i < sizeof temporary / sizeof temporary[0]; i++) {
		fprintf(out, "\t%s", temporary[i]);
		write_in_run_dir(out, place, "_temp_path ", temporary[i]);
	}
	if (place->config_file[0])
		gateway_conf_path(out, "\tgenops_config ", place->config_file, ";\n");
	gateway_conf_path(out, "\tgenops_state ", gateway->state_dir, ";\n");
	/* Who runs nginx drains: a worker that was there first would keep the memory and the work. nginx ends with him. */
	fprintf(out, "\tgenops_drain off;\n");
	fprintf(out, "\taccess_log off;\n\tserver_tokens off;\n\tdefault_type application/json;\n");
	fprintf(out, "\tkeepalive_timeout %s;\n\tkeepalive_requests 100000;\n\ttcp_nodelay %s;\n", gateway->is_keeping_alive ? "75s" : "0",
	    gateway->has_no_delay ? "on" : "off");
	if (gateway->connections_max)
		fprintf(out, "\tgenops_connections %d;\n", gateway->connections_max);
	fprintf(out, "\tclient_max_body_size %lld;\n", (long long)gateway->max_body_bytes);
	fprintf(out, "\tclient_body_buffer_size 1m;\n\tclient_header_buffer_size 4k;\n\tlarge_client_header_buffers 4 32k;\n");
	fprintf(out, "\tproxy_http_version 1.1;\n\tproxy_buffering off;\n\tproxy_request_buffering on;\n");
	fprintf(out, "\tproxy_buffer_size 16k;\n\tproxy_buffers 8 16k;\n\tproxy_busy_buffers_size 32k;\n\tproxy_max_temp_file_size 0;\n");
	/* A call that costs money is not sent twice by the gateway; only an address that refused the connection is passed over. */
	fprintf(out, "\tproxy_next_upstream error timeout;\n\tproxy_next_upstream_tries 3;\n");
	/* What a provider sends does not steer this nginx: X-Accel-Redirect would open locations of ours to it. */
	fprintf(out, "\tproxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset\n"
		     "\t\tExpires Cache-Control Set-Cookie Vary;\n\tproxy_hide_header Alt-Svc;\n");
	fprintf(out, "\tproxy_redirect off;\n\tproxy_ignore_client_abort off;\n\tproxy_pass_request_headers on;\n");
	fprintf(out, "\tproxy_ssl_protocols TLSv1.2 TLSv1.3;\n\tproxy_ssl_server_name on;\n\tproxy_ssl_verify on;\n");
	fprintf(out, "\tproxy_ssl_verify_depth 6;\n");
	if (place->trusted_ca[0])
		gateway_conf_path(out, "\tproxy_ssl_trusted_certificate ", place->trusted_ca, ";\n");
}

static void write_upstream(FILE *out, const struct genops_gateway_provider *provider)
{
	const char *left = strchr(provider->host, ':') ? "[" : "", *right = left[0] ? "]" : "";
	fprintf(out, "\tupstream genops_%s {\n", provider->name);
	fprintf(out, "\t\tgenops_resolve \"%s%s%s:%d\" 30s;\n", left, provider->host, right, provider->port);
	fprintf(out, "\t\tkeepalive 64;\n\t\tkeepalive_requests 100000;\n\t\tkeepalive_timeout 55s;\n\t}\n");
}

static void write_timeouts(FILE *out, int64_t connect_ms, int64_t read_ms, const char *indent)
{
	fprintf(out, "%sproxy_connect_timeout %lldms;\n", indent, (long long)connect_ms);
	fprintf(out, "%sproxy_read_timeout %lldms;\n%sproxy_send_timeout %lldms;\n", indent, (long long)read_ms, indent,
	    (long long)read_ms);
}

static bool has_default_port(const struct genops_gateway_provider *provider)
{
	return (!strcmp(provider->scheme, "https") && provider->port == 443) ||
	       (!strcmp(provider->scheme, "http") && provider->port == 80);
}

/* May it stand in a location with others? */
static bool is_ordinary(const struct genops_gateway_provider *provider)
{
	return !provider->ca_file[0];
}

/* The first of those that share a location, whose time-outs are theirs; NULL: none. */
static const struct genops_gateway_provider *find_common(const struct genops_gateway *gateway)
{
	for (size_t i = 0; i < gateway->n_providers; i++) {
		if (is_ordinary(&gateway->providers[i]))
			return &gateway->providers[i];
	}
	return NULL;
}

static bool is_common(const struct genops_gateway *gateway, const struct genops_gateway_provider *provider)
{
	const struct genops_gateway_provider *first = find_common(gateway);
	return first && is_ordinary(provider) && provider->connect_timeout_ms == first->connect_timeout_ms &&
	       provider->read_timeout_ms == first->read_timeout_ms;
}

/* What the common location says of the provider that the module found. */
static void write_maps(FILE *out, const struct genops_gateway *gateway)
{
	static const char *const names[] = {"genops_scheme", "genops_host", "genops_tls_name"};
	for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
		fprintf(out, "\tmap $genops_provider $%s {\n", names[k]);
		for (size_t i = 0; i < gateway->n_providers; i++) {
			const struct genops_gateway_provider *provider = &gateway->providers[i];
			if (!is_common(gateway, provider))
				continue;
			fprintf(out, "\t\t\"%s\" \"%s", provider->name, k ? provider->host : provider->scheme);
			if (k == 1 && !has_default_port(provider))
				fprintf(out, ":%d", provider->port);
			fprintf(out, "\";\n");
		}
		fprintf(out, "\t}\n");
	}
}

static void write_common_location(FILE *out, const struct genops_gateway *gateway)
{
	const struct genops_gateway_provider *first = find_common(gateway);
	/* No such provider: the module itself says so, in words. */
	fprintf(out, "\t\tlocation / {\n\t\t\tgenops_gateway on;\n");
	if (first) {
		fprintf(out, "\t\t\tproxy_set_header Host $genops_host;\n\t\t\tproxy_set_header Connection \"\";\n");
		fprintf(out, "\t\t\tproxy_set_header X-Genops-Removed \"\";\n\t\t\tproxy_ssl_name $genops_tls_name;\n");
		write_timeouts(out, first->connect_timeout_ms, first->read_timeout_ms, "\t\t\t");
		fprintf(out, "\t\t\tproxy_pass $genops_scheme://genops_$genops_provider$genops_path;\n");
	}
	fprintf(out, "\t\t}\n");
}

static void write_provider(FILE *out, const struct genops_gateway_provider *provider, const char *where, const char *indent)
{
	fprintf(out, "%slocation %s {\n", indent, where);
	fprintf(out, "%s\tgenops_gateway on;\n", indent);
	/* proxy_set_header of a location replaces all inherited ones: they stand together. */
	if (has_default_port(provider))
		fprintf(out, "%s\tproxy_set_header Host \"%s\";\n", indent, provider->host);
	else
		fprintf(out, "%s\tproxy_set_header Host \"%s:%d\";\n", indent, provider->host, provider->port);
	fprintf(out, "%s\tproxy_set_header Connection \"\";\n", indent);
	fprintf(out, "%s\tproxy_set_header X-Genops-Removed \"\";\n", indent);
	fprintf(out, "%s\tproxy_ssl_name \"%s\";\n", indent, provider->host);
	char inner[8];
	snprintf(inner, sizeof inner, "%s\t", indent);
	if (provider->ca_file[0]) {
		fprintf(out, "%s", inner);
		gateway_conf_path(out, "proxy_ssl_trusted_certificate ", provider->ca_file, ";\n");
	}
	write_timeouts(out, provider->connect_timeout_ms, provider->read_timeout_ms, inner);
	fprintf(out, "%s\tproxy_pass %s://genops_%s$genops_path;\n", indent, provider->scheme, provider->name);
	fprintf(out, "%s}\n", indent);
}

static void write_providers(FILE *out, const struct genops_gateway *gateway)
{
	char where[256];
	size_t n_own = 0;
	for (size_t i = 0; i < gateway->n_providers; i++) {
		if (is_common(gateway, &gateway->providers[i]))
			continue;
		snprintf(where, sizeof where, "^~ /%s/", gateway->providers[i].name);
		write_provider(out, &gateway->providers[i], where, "\t\t");
		n_own++;
	}
	write_common_location(out, gateway);
	if (!n_own)
		return;
	/* /t/<team>/p/<project>/<provider>/...: attribution by base URL. */
	for (size_t i = 0; i < gateway->n_providers; i++) {
		if (is_common(gateway, &gateway->providers[i]))
			continue;
		snprintf(where, sizeof where, "~ \"^(/[tp]/[^/]+){1,2}/%s/\"", gateway->providers[i].name);
		write_provider(out, &gateway->providers[i], where, "\t\t");
	}
}

void gateway_conf_health(FILE *out, const struct genops_gateway *gateway)
{
	const char *path = gateway->health_path;
	fprintf(out, "\t\tlocation = /health { genops_control health; }\n\t\tlocation = /ready { genops_control ready; }\n");
	if (path && path[0] && strcmp(path, "/health") && strcmp(path, "/ready"))
		fprintf(out, "\t\tlocation = %s { genops_control health; }\n", path);
}

static void write_own(FILE *out, const struct genops_gateway *gateway)
{
	static const char *const own[][2] = {{"/api/v1/", "api"}, {"= /metrics", "metrics"}};
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		fprintf(out, "\t\tlocation %s { genops_control %s; }\n", own[i][0], own[i][1]);
	gateway_conf_health(out, gateway);
	fprintf(out, "\t\tlocation = /genops-error { internal; genops_control error; }\n");
	fprintf(out, "\t\terror_page 400 405 408 411 413 414 431 494 500 501 502 503 504 505 /genops-error;\n");
}

void gateway_conf_listen(FILE *out, const char *host, int port, const char *how)
{
	const char *left = strchr(host, ':') ? "[" : "", *right = left[0] ? "]" : "";
	fprintf(out, "\t\tlisten %s%s%s:%d%s backlog=4096;\n", left, host, right, port, how);
}

static void write_server(FILE *out, const struct genops_gateway *gateway, const struct gateway_place *place)
{
	bool has_tls = gateway->tls_certificate[0];
	fprintf(out, "\tserver {\n");
	gateway_conf_listen(out, gateway->listen_host, place->port, has_tls ? " ssl http2" : "");
	if (place->h2c_port >= 0)
		gateway_conf_listen(out, gateway->listen_h2c_host, place->h2c_port, " http2");
	if (has_tls) {
		gateway_conf_path(out, "\t\tssl_certificate ", gateway->tls_certificate, ";\n");
		gateway_conf_path(out, "\t\tssl_certificate_key ", gateway->tls_key, ";\n\t\tssl_protocols TLSv1.2 TLSv1.3;\n");
	}
	write_providers(out, gateway);
	write_own(out, gateway);
	fprintf(out, "\t}\n");
}

char *gateway_conf_text(const struct genops_gateway *gateway, const struct gateway_place *place)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	write_head(out, gateway, place);
	write_environment(out);
	fprintf(out, "http {\n");
	write_http(out, gateway, place);
	for (size_t i = 0; i < gateway->n_providers; i++)
		write_upstream(out, &gateway->providers[i]);
	write_maps(out, gateway);
	write_server(out, gateway, place);
	gateway_conf_receivers(out, gateway, place->listener_ports);
	if (place->simulated_port >= 0)
		fprintf(out, "\tserver { listen 127.0.0.1:%d; location / { genops_control simulated; } }\n", place->simulated_port);
	fprintf(out, "}\n");
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
