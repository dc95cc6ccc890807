/* SPDX-License-Identifier: Apache-2.0
 * gateway_conf_receivers.c - nginx's servers for telemetry: one for each protocol of each receiver, and for each address that is
 * scraped.
 *
 * The module answers every path (genops/receiver.h); nginx does what it is best at: TLS, HTTP/2, slow and greedy clients, who may connect
 * and how often. Whatever nginx itself refuses goes out in OTLP's words through error_page. Bodies to 1 MB stay in memory, larger ones are
 * written aside and read by the thread pool.
 */
#include "gateway/gateway_conf_receivers.h"

#include <stdlib.h>
#include <string.h>

#define BURST_S 1 /* what a client may send at once, as seconds of its rate */

static void write_zone(FILE *out, const struct genops_gateway_listener *listener, size_t index)
{
	if (listener->rate_per_second)
		fprintf(out, "\tlimit_req_zone $binary_remote_addr zone=genops_receiver_%zu:2m rate=%lldr/s;\n", index,
		    (long long)listener->rate_per_second);
}

/* Of "10.0.0.0/8" it is 8, of one address all of its bits, of "all" -1. */
static int bits_of(const char *network)
{
	const char *slash = strchr(network, '/');
	if (!strcmp(network, "all"))
		return -1;
	return slash ? atoi(slash + 1) : strchr(network, ':') ? 128 : 32;
}

static void write_networks(FILE *out, const char *word, const char *const *networks, int bits)
{
	for (; *networks; networks++) {
		if (bits_of(*networks) == bits)
			fprintf(out, "\t\t%s %s;\n", word, *networks);
	}
}

static void write_limits(FILE *out, const struct genops_gateway_listener *listener, size_t index)
{
	if (listener->rate_per_second)
		fprintf(out, "\t\tlimit_req zone=genops_receiver_%zu burst=%lld nodelay;\n\t\tlimit_req_status 429;\n", index,
		    (long long)listener->rate_per_second * BURST_S);
	/* nginx takes the first that fits; here the narrowest one does, and of two equal ones the refusal. */
	for (int bits = 128; bits >= -1; bits--) {
		write_networks(out, "deny", listener->deny, bits);
		write_networks(out, "allow", listener->allow, bits);
	}
	/* Who is named is all who may. */
	if (listener->allow[0])
		fprintf(out, "\t\tdeny all;\n");
}

static void write_tls(FILE *out, const struct genops_gateway_listener *listener)
{
	if (!listener->tls_certificate[0])
		return;
	gateway_conf_path(out, "\t\tssl_certificate ", listener->tls_certificate, ";\n");
	gateway_conf_path(out, "\t\tssl_certificate_key ", listener->tls_key, ";\n");
	fprintf(out, "\t\tssl_protocols %sTLSv1.3;\n\t\tssl_session_cache shared:genops_receivers:1m;\n", listener->wants_tls13 ? "" : "TLSv1.2 ");
	if (listener->tls_client_ca[0])
		gateway_conf_path(
		    out, "\t\tssl_client_certificate ", listener->tls_client_ca, ";\n\t\tssl_verify_client on;\n\t\tssl_verify_depth 6;\n");
}

static void write_times(FILE *out, const struct genops_gateway_listener *listener)
{
	fprintf(out, "\t\tclient_body_timeout %lldms;\n\t\tclient_header_timeout %lldms;\n\t\tsend_timeout %lldms;\n",
	    (long long)listener->read_timeout_ms, (long long)listener->header_timeout_ms, (long long)listener->write_timeout_ms);
	fprintf(out, "\t\tkeepalive_timeout %lldms;\n\t\tkeepalive_requests 1000000000;\n", (long long)listener->idle_timeout_ms);
	fprintf(out, "\t\tkeepalive_time %lldms;\n", (long long)(listener->max_age_ms ? listener->max_age_ms : 31536000000));
	if (listener->max_streams)
		fprintf(out, "\t\thttp2_max_concurrent_streams %lld;\n", (long long)listener->max_streams);
}

/* An exporter's own address, for Prometheus. */
static void write_metrics(FILE *out, const struct genops_gateway_listener *listener, int port)
{
	fprintf(out, "\tserver {\n");
	gateway_conf_listen(out, listener->host, port, listener->tls_certificate[0] ? " ssl" : "");
	write_tls(out, listener);
	write_times(out, listener);
	fprintf(out, "\t\tgzip on;\n\t\tgzip_min_length 1024;\n\t\tgzip_types text/plain application/openmetrics-text;\n");
	fprintf(out, "\t\tlocation = /metrics { genops_control metrics \"%s\"; }\n\t\tlocation / { return 404; }\n\t}\n", listener->receiver);
}

static void write_server(FILE *out, const struct genops_gateway *gateway, const struct genops_gateway_listener *listener, int port, size_t index)
{
	const char *protocol = listener->is_grpc ? "grpc" : "http";
	bool has_tls = listener->tls_certificate[0];
	char how[32];
	snprintf(how, sizeof how, "%s%s", has_tls ? " ssl" : "", listener->is_grpc || has_tls ? " http2" : "");
	fprintf(out, "\tserver {\n");
	gateway_conf_listen(out, listener->host, port, how);
	/* nginx warns of every body that it writes aside: with large batches that is a line a request. */
	fprintf(out, "\t\terror_log stderr error;\n");
	write_tls(out, listener);
	write_times(out, listener);
	/* A message of gRPC has 5 bytes before it. */
	fprintf(out, "\t\tclient_max_body_size %lld;\n", (long long)listener->max_body_bytes + (listener->is_grpc ? 5 : 0));
	fprintf(out, "\t\tlocation / {\n\t\t\tgenops_receive \"%s\" %s;\n", listener->receiver, protocol);
	fprintf(out, "\t\t}\n");
	/* What is too large comes here with its length (HTTP/2), and is not to be refused again. */
	fprintf(out, "\t\tlocation = /genops-error { internal; allow all; client_max_body_size 0; genops_receive \"%s\" %s error; }\n", listener->receiver, protocol);
	fprintf(out, "\t\terror_page 400 403 404 405 408 411 413 414 415 429 431 500 501 502 503 504 505 /genops-error;\n");
	/* nginx would say 400 for its own numbers. */
	for (int status = 494; status <= 497; status++)
		fprintf(out, "\t\terror_page %d =%d /genops-error;\n", status, status);
	if (!listener->is_grpc)
		gateway_conf_health(out, gateway);
	write_limits(out, listener, index);
	fprintf(out, "\t}\n");
}

void gateway_conf_receivers(FILE *out, const struct genops_gateway *gateway, const int *ports)
{
	for (size_t i = 0; i < gateway->n_listeners; i++) {
		if (ports[i] >= 0)
			write_zone(out, &gateway->listeners[i], i);
	}
	for (size_t i = 0; i < gateway->n_listeners; i++) {
		if (ports[i] >= 0 && gateway->listeners[i].is_metrics)
			write_metrics(out, &gateway->listeners[i], ports[i]);
		else if (ports[i] >= 0)
			write_server(out, gateway, &gateway->listeners[i], ports[i], i);
	}
}
