/* SPDX-License-Identifier: Apache-2.0
 * engine/check/config_check_places.h - checks of the machine around a configuration; they look and change nothing. */
#ifndef ENGINE_CHECK_CONFIG_CHECK_PLACES_H
#define ENGINE_CHECK_CONFIG_CHECK_PLACES_H

#include <genops/config.h>

struct genops_config_check_place {
	enum genops_check_status status;
	char message[512];
	char fix[256];
};

/* Is there, or can be made; ours, private, writable, with room. */
void genops_config_check_state(const char *path, struct genops_config_check_place *ret_place);
/* $GENOPS_NGINX, else on PATH or in the usual places. */
void genops_config_check_nginx(struct genops_config_check_place *ret_place);
/* False: `message` says why it cannot be read. */
bool genops_config_check_readable(const char *path, char *message, size_t size);

#endif
