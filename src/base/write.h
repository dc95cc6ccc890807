/* SPDX-License-Identifier: Apache-2.0
 * base/write.h - all of some bytes to a descriptor, through interruptions and short writes; names that survive a power failure. Any thread. */
#ifndef BASE_WRITE_H
#define BASE_WRITE_H

#include <genops/attribute.h>

#include <stdbool.h>

/* False: errno says why; some bytes may have been written. */
bool genops_write_all(int fd, genops_str bytes);

/* fsync of a folder: the names made, moved and removed in it until now stay. False: errno says why. */
bool genops_write_names(const char *folder);

#endif
