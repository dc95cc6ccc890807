/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/net/loopback.h - a server on 127.0.0.1 in a thread, which hands each connection to a function of the test. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct loopback;
typedef void loopback_fn(
    struct loopback *loopback, int fd, int number); /* number: of the connection, from 0 */

struct loopback {
	int fd, port;
	pthread_t thread;
	loopback_fn *serve;
	void *arg;
	atomic_int n_connections, n_requests;
	char url[64];
};

static void *loopback_run(void *arg)
{
	struct loopback *loopback = arg;
	for (;;) {
		int fd = accept(loopback->fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		loopback->serve(loopback, fd, atomic_fetch_add(&loopback->n_connections, 1));
		close(fd);
	}
}

static void loopback_start(struct loopback *loopback, loopback_fn *serve, void *arg)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	memset(loopback, 0, sizeof *loopback);
	setenv("no_proxy", "*", 1); /* whatever proxy this machine uses */
	loopback->serve = serve;
	loopback->arg = arg;
	loopback->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(loopback->fd >= 0);
	assert_int_equal(bind(loopback->fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(loopback->fd, 8), 0);
	assert_int_equal(getsockname(loopback->fd, (struct sockaddr *)&address, &len), 0);
	loopback->port = ntohs(address.sin_port);
	snprintf(loopback->url, sizeof loopback->url, "http://127.0.0.1:%d", loopback->port);
	assert_int_equal(pthread_create(&loopback->thread, NULL, loopback_run, loopback), 0);
}

/* After the client is gone: a connection that is served ends with it. */
static void loopback_stop(struct loopback *loopback)
{
	shutdown(loopback->fd, SHUT_RDWR);
	pthread_join(loopback->thread, NULL);
	close(loopback->fd);
}

#endif
