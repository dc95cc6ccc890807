/* SPDX-License-Identifier: Apache-2.0
 * gateway_listen.h - the listening sockets that nginx inherits. */
#ifndef CLI_GATEWAY_LISTEN_H
#define CLI_GATEWAY_LISTEN_H

#include "gateway/gateway_process.h"

/* Binds what the gateway's settings name, and keeps the sockets in the process. CONFIG, IO, EXISTS (a port is taken), NOMEM. */
GENOPS_NODISCARD int gateway_listen(const struct gateway_start *start, struct gateway_process *process, struct genops_error *err);
/* Only the simulated provider's, before the configuration is read: that may name the port as ${GENOPS_SIMULATED_PORT}. */
GENOPS_NODISCARD int gateway_listen_simulated(const struct gateway_start *start, struct gateway_process *process, struct genops_error *err);

/* The listeners' ports of a changed configuration: those that stay keep theirs, the others are nginx's to bind. NULL: no memory. */
int *gateway_listen_ports(const struct gateway_process *process, const struct genops_gateway *fresh);

/* Of sockets that were handed over. */
void gateway_listen_close(struct gateway_process *process);

/* Fills *err and returns code. */
int gateway_fail(struct genops_error *err, int code, const char *fix, const char *format, ...) GENOPS_PRINTF(4, 5);

#endif
