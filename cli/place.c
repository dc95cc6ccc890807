/* SPDX-License-Identifier: Apache-2.0
 * place.c - see place.h. GENOPS_MODULE_DIR is the installed place, from the command's own folder; set by the build. */
#include "place.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool place_find_module(char *ret_path, size_t size)
{
	static const char name[] = "ngx_http_genops_module.so";
	static const char *const places[] = {"nginx", GENOPS_MODULE_DIR};
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n <= 0)
		return false;
	self[n] = '\0';
	char *slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		int len = snprintf(ret_path, size, "%s/%s/%s", self, places[i], name);
		if (len > 0 && (size_t)len < size && access(ret_path, R_OK) == 0)
			return true;
	}
	return false;
}
