/* SPDX-License-Identifier: Apache-2.0
 * gateway_conf.h - the configuration that nginx runs with, as text. Pure. */
#ifndef CLI_GATEWAY_CONF_H
#define CLI_GATEWAY_CONF_H

#include <genops/gateway.h>

struct gateway_place {
	const char *run_dir;     /* nginx's own files: pid, temporary files, its configuration */
	const char *module;      /* path of ngx_http_genops_module.so */
	const char *trusted_ca;  /* bundle of CA certificates; "" : none found, https providers are refused */
	const char *config_file; /* what the workers read; "" : defaults */
	int port, h2c_port;      /* bound already and inherited; h2c_port -1: none */
	const int *listener_ports; /* of gateway->listeners, likewise; -1: not served */
	int simulated_port;      /* -1: none; else the built-in simulated provider listens here */
	const char *log_level;   /* nginx's: "warn" */
};

/* Returns the text, to be freed with free(), or NULL (no memory). */
char *gateway_conf_text(const struct genops_gateway *gateway, const struct gateway_place *place);

#endif
