/* SPDX-License-Identifier: Apache-2.0
 * gateway_conf_receivers.h - the receivers' part of nginx's configuration. */
#ifndef CLI_GATEWAY_CONF_RECEIVERS_H
#define CLI_GATEWAY_CONF_RECEIVERS_H

#include "gateway/gateway_conf.h"

#include <stdio.h>

/* ports[i]: of gateway->listeners[i]; -1: not served. */
void gateway_conf_receivers(FILE *out, const struct genops_gateway *gateway, const int *ports);

/* gateway_conf.c: a quoted word of nginx's language; and `listen`. */
void gateway_conf_path(FILE *out, const char *before, const char *path, const char *after);
void gateway_conf_health(FILE *out, const struct genops_gateway *gateway); /* what answers for the whole */
void gateway_conf_listen(FILE *out, const char *host, int port, const char *how);

#endif
