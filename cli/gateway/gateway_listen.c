/* SPDX-License-Identifier: Apache-2.0
 * gateway_listen.c - see gateway_listen.h.
 *
 * A port that the configuration asks for and that is taken is an error. The receivers' usual ports, for which nobody asked, are gone without:
 * a Collector may stand there already, and AI calls are governed all the same.
 */
#include "gateway/gateway_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT_WITHIN_MS 2000

int gateway_fail(struct genops_error *err, int code, const char *fix, const char *format, ...)
{
	va_list args;
	memset(err, 0, sizeof *err);
	err->code = code;
	va_start(args, format);
	vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	snprintf(err->fix, sizeof err->fix, "%s", fix ? fix : "");
	return code;
}

struct address {
	const char *host;
	int port;
	int patience_ms;      /* for a port that is taken */
	const char *settings; /* where it comes from */
};

/* A gateway that was killed lets go of its port a moment later: a supervisor's first try shall succeed. */
static int bind_patiently(int fd, const struct addrinfo *address, int patience_ms)
{
	struct timespec pause = {.tv_nsec = 20000000};
	for (int waited = 0;; waited += 20) {
		if (bind(fd, address->ai_addr, address->ai_addrlen) == 0)
			return 0;
		if (errno != EADDRINUSE || waited >= patience_ms)
			return -1;
		nanosleep(&pause, NULL);
	}
}

static int open_socket(const struct address *wanted, const struct addrinfo *list, int *ret_fd, struct genops_error *err)
{
	char fix[200];
	int on = 1, fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0); /* nginx takes them as they are */
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd >= 0 && bind_patiently(fd, list, wanted->patience_ms) == 0 && listen(fd, 4096) == 0) {
		*ret_fd = fd;
		return GENOPS_OK;
	}
	int error = errno;
	if (fd >= 0)
		close(fd);
	snprintf(fix, sizeof fix, error == EADDRINUSE ? "stop whatever listens there, or set another %s" : "check %s", wanted->settings);
	return gateway_fail(err, error == EADDRINUSE ? GENOPS_EXISTS : GENOPS_IO, fix, "cannot listen on %s port %d: %s", wanted->host,
	    wanted->port, strerror(error));
}

static int keep_socket(struct gateway_process *process, int fd, int *ret_port, struct genops_error *err)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof bound;
	int *sockets = realloc(process->sockets, (process->n_sockets + 1) * sizeof *sockets);
	if (!sockets) {
		close(fd);
		return gateway_fail(err, GENOPS_NOMEM, NULL, "no memory for a socket");
	}
	getsockname(fd, (struct sockaddr *)&bound, &len);
	*ret_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port);
	process->sockets = sockets;
	process->sockets[process->n_sockets++] = fd;
	return GENOPS_OK;
}

static int bind_one(const struct address *wanted, struct gateway_process *process, int *ret_port, struct genops_error *err)
{
	char service[8];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
	snprintf(service, sizeof service, "%d", wanted->port);
	int failure = getaddrinfo(wanted->host, service, &hints, &list), fd = -1;
	if (failure)
		return gateway_fail(err, GENOPS_CONFIG, "give an address of this machine, like 127.0.0.1:4319", "cannot listen on %s: %s",
		    wanted->host, gai_strerror(failure));
	int code = open_socket(wanted, list, &fd, err);
	freeaddrinfo(list);
	return code == GENOPS_OK ? keep_socket(process, fd, ret_port, err) : code;
}

static int bind_listener(const struct genops_gateway_listener *listener, struct gateway_process *process, int *ret_port, struct genops_error *err)
{
	char settings[160];
	snprintf(settings, sizeof settings, listener->is_metrics ? "exporters: %.60s: endpoint%s" : "receivers: %.60s: protocols: %s: endpoint",
	    listener->receiver, listener->is_metrics ? "" : listener->is_grpc ? "grpc" : "http");
	struct address address = {listener->host, listener->port, listener->is_implicit ? 0 : PORT_WITHIN_MS, settings};
	int code = bind_one(&address, process, ret_port, err);
	if (code != GENOPS_EXISTS || !listener->is_implicit)
		return code;
	fprintf(stderr, "genops: %s port %d is taken, so no telemetry (OTLP over %s) is received here; set %s to another address, or receivers: {}\n",
	    listener->host, listener->port, listener->is_grpc ? "gRPC" : "HTTP", settings);
	*ret_port = -1;
	return GENOPS_OK;
}

static int bind_receivers(const struct gateway_start *start, struct gateway_process *process, struct genops_error *err)
{
	const struct genops_gateway *gateway = process->gateway;
	int code = GENOPS_OK;
	process->listener_ports = calloc(gateway->n_listeners + 1, sizeof *process->listener_ports);
	if (!process->listener_ports)
		return gateway_fail(err, GENOPS_NOMEM, NULL, "no memory for the receivers");
	for (size_t i = 0; i < gateway->n_listeners; i++)
		process->listener_ports[i] = -1;
	for (size_t i = 0; i < gateway->n_listeners && start->has_receivers && code == GENOPS_OK; i++)
		code = bind_listener(&gateway->listeners[i], process, &process->listener_ports[i], err);
	return code;
}

int gateway_listen(const struct gateway_start *start, struct gateway_process *process, struct genops_error *err)
{
	static const char settings[] = "gateway.listen / gateway.listen_h2c";
	const struct genops_gateway *gateway = process->gateway;
	struct address address = {gateway->listen_host, start->any_port ? 0 : gateway->listen_port, PORT_WITHIN_MS, settings};
	int code = bind_one(&address, process, &process->port, err);
	if (code == GENOPS_OK && gateway->listen_h2c_port >= 0) {
		address.host = gateway->listen_h2c_host;
		address.port = start->any_port ? 0 : gateway->listen_h2c_port;
		code = bind_one(&address, process, &process->h2c_port, err);
	}
	return code == GENOPS_OK ? bind_receivers(start, process, err) : code;
}

int gateway_listen_simulated(const struct gateway_start *start, struct gateway_process *process, struct genops_error *err)
{
	char port[8];
	struct address address = {"127.0.0.1", start->simulated_port, PORT_WITHIN_MS, "--simulated"};
	if (!start->has_simulated)
		return GENOPS_OK;
	int code = bind_one(&address, process, &process->simulated_port, err);
	snprintf(port, sizeof port, "%d", process->simulated_port);
	if (code == GENOPS_OK)
		setenv("GENOPS_SIMULATED_PORT", port, 1);
	return code;
}

int *gateway_listen_ports(const struct gateway_process *process, const struct genops_gateway *fresh)
{
	const struct genops_gateway *old = process->gateway;
	int *ports = calloc(fresh->n_listeners + 1, sizeof *ports);
	for (size_t i = 0; ports && i < fresh->n_listeners; i++) {
		const struct genops_gateway_listener *listener = &fresh->listeners[i];
		/* A socket of no fixed port can only be bound by who tells its number: at the start. Nobody's usual one stays untaken. */
		ports[i] = listener->port && !listener->is_implicit ? listener->port : -1;
		for (size_t j = 0; j < old->n_listeners; j++) {
			const struct genops_gateway_listener *before = &old->listeners[j];
			if (before->port == listener->port && !strcmp(before->host, listener->host) && before->is_grpc == listener->is_grpc &&
			    before->is_metrics == listener->is_metrics &&
			    (listener->port || !strcmp(before->receiver, listener->receiver)) && process->listener_ports[j] >= 0)
				ports[i] = process->listener_ports[j];
		}
	}
	return ports;
}

void gateway_listen_close(struct gateway_process *process)
{
	for (size_t i = 0; i < process->n_sockets; i++)
		close(process->sockets[i]);
	free(process->sockets);
	process->sockets = NULL;
	process->n_sockets = 0;
}
