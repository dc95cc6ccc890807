/* SPDX-License-Identifier: Apache-2.0
 * place.h - where this command's own files are: in the build tree, or where `make install` put them. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* The nginx module: beside the command in the build tree, else in the installed place. False: neither is there. */
bool place_find_module(char *ret_path, size_t size);

#endif
