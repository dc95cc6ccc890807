/* SPDX-License-Identifier: Apache-2.0
 * base/resident.h - how much memory a process has for itself. */
#ifndef BASE_RESIDENT_H
#define BASE_RESIDENT_H

#include <stdint.h>

/* Bytes of its pages that are in memory, without those of files that it maps; pid 0: of this process. 0: not known, or there is none. */
uint64_t genops_resident_bytes(uint32_t pid);

#endif
