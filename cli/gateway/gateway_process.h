/* SPDX-License-Identifier: Apache-2.0
 * gateway_process.h - nginx with the genops module, started and stopped. For serve, run and demo.
 */
#ifndef CLI_GATEWAY_PROCESS_H
#define CLI_GATEWAY_PROCESS_H

#include <genops/gateway.h>

#include <signal.h>
#include <sys/types.h>

struct gateway_process {
	struct genops_gateway *gateway; /* owned */
	char run_dir[256];              /* removed by gateway_stop */
	char config_file[300];          /* written for a configuration that is a text; "" : none */
	char module[4096], nginx[4096], trusted_ca[4096];
	int port, h2c_port, simulated_port; /* -1: none */
	int *listener_ports;            /* owned; of gateway->listeners; -1: not served */
	int *sockets;                   /* owned */
	size_t n_sockets;
	pid_t pid, group;               /* of nginx's master; group: it and its workers, also when it is gone */
	char *conf;                     /* the text nginx runs with */
};

struct gateway_start {
	const struct genops_engine_options *engine; /* which configuration */
	bool any_port;                  /* run: pick free ports, loopback only */
	bool has_receivers;             /* also stand the configuration's receivers up */
	int workers;                    /* 0: as configured */
	bool has_simulated;             /* also stand the simulated provider up, on a port of its own */
	int simulated_port;             /* 0: pick one */
	const char *log_file;           /* nginx's and the workers' log; NULL: standard error */
};

/* Binds the ports, writes the configuration, starts nginx. When it returns, clients can connect (the sockets are bound
 * here and handed over), so there is no race for ports. Errors: CONFIG, IO, NOT_FOUND (nginx or the module), EXISTS (port taken). */
GENOPS_NODISCARD int gateway_start(
    const struct gateway_start *start, struct gateway_process *ret_process, struct genops_error *err);

/* Reads the configuration anew; if listen addresses or providers changed, nginx is reloaded without dropping a request. */
GENOPS_NODISCARD int gateway_refresh(
    struct gateway_process *process, const struct genops_engine_options *engine, bool *ret_changed, struct genops_error *err);

/* Tells nginx to let running requests end and waits for it, at most `ms`. With `hurry` (blocked signals; or
 * NULL) the first of them that comes ends the waiting. May be called again. */
enum gateway_quit { GATEWAY_HAS_QUIT, GATEWAY_STILL_RUNS, GATEWAY_IS_HURRIED };
enum gateway_quit gateway_quit(struct gateway_process *process, int ms, const sigset_t *hurry);

/* Lets running requests end, at most `grace_ms`, then stops nginx (what still runs is cut off, and settled) and removes its files. */
void gateway_stop(struct gateway_process *process, int grace_ms);

/* Has nginx ended by itself? Then its exit status is in *ret_status. */
bool gateway_has_ended(struct gateway_process *process, int *ret_status);

/* What nginx said before it had a configuration to log by, on standard error: why it does not start. */
void gateway_explain(const struct gateway_process *process);

/* Waits until the gateway at `base` (http://host:port) answers /ready. `process` may be NULL: somebody else's. False: it did not
 * within ten seconds, or its nginx has ended. */
bool gateway_wait_until_ready(struct gateway_process *process, const char *base);

/* Where nginx and the module are, or an error with the fix. Also for `genops validate`. */
GENOPS_NODISCARD int gateway_find_nginx(char *ret_nginx, char *ret_module, size_t size, struct genops_error *err);

#endif
