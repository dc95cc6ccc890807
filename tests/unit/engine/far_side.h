/* SPDX-License-Identifier: Apache-2.0 - a destination of OTLP over HTTP that takes, refuses, fails, hangs or is late, and an engine that sends to it. */
#ifndef TESTS_FAR_SIDE_H
#define TESTS_FAR_SIDE_H

#include "../net/loopback.h"
#include "engine_fixture.h"

#include <genops/destination.h>
#include <genops/status.h>
#include <poll.h>

#define LATE (-2)

struct far_side {
	_Atomic int status;     /* 0: hang up without an answer; -1: never answer; -2: takes it, and answers long after `is_stopping` */
	_Atomic bool is_stopping;
	pthread_mutex_t lock;
	char got[1 << 18];      /* all bodies that were answered with 200 */
	char head[8192];        /* of the last request */
};

static struct far_side far = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* One request: false when there is no more. */
static inline bool read_request(int fd, char *bytes, size_t size, char **ret_body)
{
	size_t n = 0, need = 0;
	while (n < size - 1) {
		ssize_t got = read(fd, bytes + n, size - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		bytes[n] = '\0';
		char *end = strstr(bytes, "\r\n\r\n");
		if (end && !need) {
			char *length = strcasestr(bytes, "content-length:");
			need = (size_t)(end + 4 - bytes) + (length ? (size_t)atol(length + 15) : 0);
		}
		if (need && n >= need) {
			*ret_body = end + 4;
			return true;
		}
	}
	return false;
}

/* Later than those who stop go on sending, unless who asked has gone by then. */
static inline bool answers_late(int fd)
{
	struct pollfd gone = {.fd = fd, .events = POLLIN};
	while (!atomic_load(&far.is_stopping))
		usleep(1000);
	return poll(&gone, 1, 2300) == 0;
}

static inline void serve(struct loopback *loopback, int fd, int number)
{
	static char bytes[1 << 18];
	char *body, answer[256];
	(void)number;
	while (read_request(fd, bytes, sizeof bytes, &body)) {
		int status = atomic_load(&far.status);
		pthread_mutex_lock(&far.lock);
		snprintf(far.head, sizeof far.head, "%.*s", (int)(body - bytes), bytes);
		if (status == 200 || status == LATE)
			strncat(far.got, body, sizeof far.got - strlen(far.got) - 1);
		pthread_mutex_unlock(&far.lock);
		atomic_fetch_add(&loopback->n_requests, 1);
		if (status == 0)
			return;
		if (status == -1) {
			struct pollfd gone = {.fd = fd, .events = POLLIN};
			poll(&gone, 1, 20000);
			return;
		}
		if (status == LATE && !answers_late(fd))
			return;
		if (status == LATE)
			status = 200;
		int n = snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", status);
		if (write(fd, answer, (size_t)n) != n)
			return;
	}
}

static inline genops_engine *open_with(const char *dir, const struct loopback *loopback)
{
	char config[1024];
	snprintf(config, sizeof config,
	    "exporters:\n  otlphttp/far: {endpoint: 'http://127.0.0.1:%d', encoding: json, compression: none, timeout: 20s,\n"
	    "    headers: {authorization: 'Bearer sk-destination'}, retry_on_failure: {initial_interval: 10ms, max_interval: 20ms}}\n",
	    loopback->port);
	return open_engine(dir, config);
}

static inline void reset(int status)
{
	atomic_store(&far.status, status);
	far.got[0] = far.head[0] = '\0';
}

static inline void one_call(genops_engine *engine, char *ret_trace)
{
	genops_operation *operation = begin(engine, (struct call){.estimate = 10});
	snprintf(ret_trace, 33, "%.32s", genops_operation_id(operation));
	genops_operation_record_cost(operation, 10, NULL);
	end(operation, GENOPS_OUTCOME_OK);
}

static inline size_t times(const char *trace)
{
	size_t n = 0;
	pthread_mutex_lock(&far.lock);
	for (const char *at = far.got; (at = strstr(at, trace)); at += 32)
		n++;
	pthread_mutex_unlock(&far.lock);
	return n;
}

/* Until the pump has got through, however often it has to try. */
static inline void flush_until(genops_engine *engine, const char *trace)
{
	for (int i = 0; i < 2000 && !times(trace); i++) {
		flush(engine);
		usleep(1000); /* a retry is due in 10 ms: nothing but its clock can say when */
	}
	assert_int_equal(times(trace), 1);
}

struct doing {
	char state[32];
	int64_t sent, failures;
};

static inline int see_destination(void *arg, const struct genops_destination_status *status)
{
	struct doing *doing = arg;
	snprintf(doing->state, sizeof doing->state, "%.*s", (int)status->state.len, status->state.ptr);
	doing->sent = status->sent;
	doing->failures = status->failures;
	return GENOPS_OK;
}

static inline struct doing wait_for_state(genops_engine *engine, const char *state)
{
	struct doing seen = {0};
	struct genops_error err;
	for (int i = 0; i < 10000 && strcmp(seen.state, state) != 0; i++) {
		assert_int_equal(genops_destination_status_list(engine, see_destination, &seen, &err), GENOPS_OK);
		usleep(1000);
	}
	assert_string_equal(seen.state, state);
	return seen;
}

#endif
