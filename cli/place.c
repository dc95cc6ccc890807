/* SPDX-License-Identifier: Apache-2.0
 * place.c - see place.h. GENOPS_MODULE_DIR is the installed place, set by the build. */
#include "place.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool place_find_module(char *ret_path, size_t size)
{
	static const char name[] = "ngx_http_genops_module.so";
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash = NULL;
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
	}
	if (slash) {
		*slash = '\0';
		snprintf(ret_path, size, "%s/nginx/%s", self, name);
		if (access(ret_path, R_OK) == 0)
			return true;
	}
	snprintf(ret_path, size, "%s/%s", GENOPS_MODULE_DIR, name);
	return access(ret_path, R_OK) == 0;
}
