/* SPDX-License-Identifier: Apache-2.0
 * cmd_serve.c - genops serve: the gateway, and the process that drains beside it.
 *
 * This process holds the engine (and with it, as a rule, the drain); nginx holds the connections. Policies, budgets, keys and
 * prices reload by themselves in every worker; a change of addresses or providers reloads nginx, which drops no request.
 */
#include "command.h"
#include "demo_config.h"
#include "gateway/gateway_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define SILENT_MS       1000  /* a stop that takes longer says what it waits for */
#define GRACE_MS        35000 /* nginx cuts off what runs after 30 s (gateway_conf.c), and settles it */

struct serve_options {
	int64_t simulated_port;
	bool is_demo;
};

static const struct command_option options[] = {
    {"simulated", 0, OPTION_COUNT, offsetof(struct serve_options, simulated_port), "PORT",
	"also stand a simulated provider up on this port of 127.0.0.1 (no AI, no money; for trying things out)"},
    {"demo", 0, OPTION_FLAG, offsetof(struct serve_options, is_demo), NULL,
	"serve the demonstration's configuration with its simulated provider"},
    {0},
};

static bool wait_until_ready(struct gateway_process *process)
{
	char url[128];
	const char *host = !strcmp(process->gateway->listen_host, "0.0.0.0") ? "127.0.0.1" : process->gateway->listen_host;
	if (process->gateway->tls_certificate[0])
		return true; /* its certificate is for another name than this address */
	snprintf(url, sizeof url, strchr(host, ':') ? "http://[%s]:%d" : "http://%s:%d", host, process->port);
	return gateway_wait_until_ready(process, url);
}

static void print_receivers(const struct gateway_process *process)
{
	for (size_t i = 0; i < process->gateway->n_listeners; i++) {
		const struct genops_gateway_listener *listener = &process->gateway->listeners[i];
		if (process->listener_ports[i] < 0)
			continue;
		const char *what = listener->is_metrics ? "metrics for Prometheus" : listener->is_grpc ? "OTLP over gRPC" : "OTLP over HTTP";
		printf(strchr(listener->host, ':') ? "  %s at %s://[%s]:%d" : "  %s at %s://%s:%d", what,
		    listener->tls_certificate[0] ? "https" : "http", listener->host, process->listener_ports[i]);
		printf(strcmp(listener->receiver, "otlp") ? "%s (%s)\n" : "\n", listener->is_metrics ? "/metrics" : "", listener->receiver);
	}
}

static void print_addresses(const struct gateway_process *process)
{
	const struct genops_gateway *gateway = process->gateway;
	const char *scheme = gateway->tls_certificate[0] ? "https" : "http";
	char base[128];
	snprintf(base, sizeof base, strchr(gateway->listen_host, ':') ? "%s://[%s]:%d" : "%s://%s:%d", scheme,
	    gateway->listen_host, process->port);
	printf("GenOps gateway at %s\n", base);
	if (process->h2c_port >= 0)
		printf("  HTTP/2 without TLS at http://%s:%d\n", gateway->listen_h2c_host, process->h2c_port);
	printf("  control API %s/api/v1/   metrics %s/metrics   health %s/health\n", base, base, base);
	printf("  state %s\n  configuration %s\n", gateway->state_dir, gateway->config_file[0] ? gateway->config_file : "(defaults)");
	if (process->simulated_port >= 0)
		printf("  simulated provider at http://127.0.0.1:%d (no AI, no money)\n", process->simulated_port);
	print_receivers(process);
	printf("\nPoint an application at it:\n");
	for (size_t i = 0; i < gateway->n_providers; i++) {
		const struct genops_gateway_provider *provider = &gateway->providers[i];
		if (provider->base_url_variables[0])
			printf("  export %s=%s/%s%s\n", provider->base_url_variables[0], base, provider->name,
			    provider->base_url_suffix);
	}
	printf("or start it with: genops run -- COMMAND\n");
	fflush(stdout);
}

#define SETTLES_NS 200000000 /* as the engine: what was written a moment ago may be half written */

/* In nanoseconds: a file may change twice in a second. *ret_is_settling: also when it is empty, as editors make it before they write. */
static int64_t changed_at(const char *file, bool *ret_is_settling)
{
	struct stat info;
	struct timespec clock;
	*ret_is_settling = false;
	if (!file[0] || stat(file, &info) != 0)
		return 0;
	int64_t at = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
	clock_gettime(CLOCK_REALTIME, &clock);
	int64_t age = (int64_t)clock.tv_sec * 1000000000 + clock.tv_nsec - at;
	*ret_is_settling = !info.st_size || (age >= 0 && age < SETTLES_NS);
	return at;
}

/* New addresses or providers in the configuration. Faults in it are the engine's to tell: it reads the same file. */
static void refresh(const struct invocation *invocation, struct gateway_process *process, int64_t *seen)
{
	struct genops_error err;
	bool is_changed = false;
	bool is_settling;
	int64_t now = changed_at(process->gateway->config_file, &is_settling);
	if (now == *seen || is_settling)
		return;
	*seen = now;
	if (gateway_refresh(process, &invocation->engine, &is_changed, &err) == GENOPS_OK && is_changed)
		fprintf(stderr, "genops: the gateway's addresses or providers have changed; nginx is reloading\n");
}

/* Until a signal ends it. Returns the exit code. */
static int watch(const struct invocation *invocation, struct gateway_process *process, genops_engine *engine,
    const sigset_t *signals)
{
	int64_t seen = 0; /* so that what changed while it started is not missed: the first look compares */
	struct timespec second = {.tv_sec = 1};
	struct genops_error err;
	for (;;) {
		int status, number = sigtimedwait(signals, NULL, &second);
		if (number == SIGINT || number == SIGTERM || number == SIGQUIT)
			return EXIT_DONE;
		if (number == SIGHUP && genops_engine_reload(engine, NULL, &err) != GENOPS_OK)
			complain(&err);
		if (gateway_has_ended(process, &status))
			return complain_text(EXIT_FAILED, "nginx ended by itself (status %d); its messages stand above", status);
		refresh(invocation, process, &seen);
	}
}

/* For the auditors: what was in force from when to when. */
static void note(genops_engine *engine, const char *kind)
{
	struct genops_error err;
	if (genops_engine_record_configuration(engine, genops_str_of(kind), &err) != GENOPS_OK)
		complain(&err);
}

/* Returns the milliseconds that whatever still runs may have. Who asks twice does not want to wait for calls. */
static int let_calls_end(const struct invocation *invocation, struct gateway_process *process)
{
	sigset_t hurry;
	sigemptyset(&hurry);
	sigaddset(&hurry, SIGINT);
	sigaddset(&hurry, SIGTERM);
	sigaddset(&hurry, SIGQUIT);
	enum gateway_quit how = gateway_quit(process, SILENT_MS, &hurry);
	if (how == GATEWAY_STILL_RUNS && !invocation->is_quiet)
		fprintf(stderr, "genops: stopping; calls that run have 30 seconds to end (Ctrl-C again: they are cut off now)\n");
	if (how == GATEWAY_STILL_RUNS)
		how = gateway_quit(process, GRACE_MS - SILENT_MS, &hurry);
	if (how == GATEWAY_IS_HURRIED && !invocation->is_quiet)
		fprintf(stderr, "genops: stopping now\n");
	return how == GATEWAY_HAS_QUIT ? GRACE_MS : 0; /* its workers may outlive nginx's master, if that was killed */
}

static int run(const struct invocation *invocation)
{
	const struct serve_options *chosen = invocation->options;
	struct invocation own = *invocation;
	struct gateway_start start = {
	    .engine = &own.engine,
	    .has_receivers = true,
	    .has_simulated = chosen->is_demo || chosen->simulated_port > 0,
	    .simulated_port = (int)chosen->simulated_port,
	};
	struct gateway_process process;
	struct genops_error err;
	sigset_t signals;
	int code = EXIT_DONE;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGQUIT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (chosen->is_demo)
		own.engine.config_text = demo_config;
	if (gateway_start(&start, &process, &err) != GENOPS_OK)
		return complain(&err);
	genops_engine *engine = open_engine(&own, &code);
	if (!engine) {
		gateway_stop(&process, 0);
		return code;
	}
	int grace_ms = GRACE_MS;
	bool is_ready = wait_until_ready(&process);
	if (is_ready) {
		if (!invocation->is_quiet)
			print_addresses(&process);
		note(engine, "serve.started");
		code = watch(&own, &process, engine, &signals);
		grace_ms = let_calls_end(&own, &process);
	} else {
		gateway_explain(&process);
		code = complain_text(EXIT_FAILED, "the gateway did not become ready; what nginx says stands above");
	}
	gateway_stop(&process, grace_ms);
	if (is_ready)
		note(engine, "serve.stopped"); /* after the last call that it governed */
	genops_engine_close(engine);
	return code;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "stand the gateway up and drain the state directory, until Ctrl-C",
    .usage = "[--demo | --simulated PORT]",
    .details = "AI calls to http://127.0.0.1:4319/<provider>/... are priced, decided, metered, settled and recorded, then\n"
	       "forwarded. The configuration is read anew when it changes; a faulty one is reported and the old one stays.\n"
	       "After Ctrl-C or SIGTERM calls that run have 30 seconds to end; a second one cuts them off.",
    .options = options,
    .options_size = sizeof(struct serve_options),
    .max_arguments = 0,
    .run = run,
};
