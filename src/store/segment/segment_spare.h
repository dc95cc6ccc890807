/* SPDX-License-Identifier: Apache-2.0
 * store/segment/segment_spare.h - drained files that wait for their next writer; see
 * segment_spare.c. Inner header. */
#ifndef STORE_SEGMENT_SPARE_H
#define STORE_SEGMENT_SPARE_H

#include "store/segment/segment_format.h"

/* Of a drained file: makes a spare of it, or unlinks it where it is none worth keeping. *n_spares is
 * how many there are (genops_segment_spare_count) and is kept up to date. Only the drain calls it. */
void genops_segment_spare_retire(int folder, const char *name, size_t *n_spares);
/* Also unlinks what a drain left behind that was killed while it retired a file. */
size_t genops_segment_spare_count(const char *folder);

/* Gives some spare the name `path`. Returns its descriptor, open for reading and writing, with the
 * writer's lock: a file of GENOPS_SEGMENT_SIZE zero bytes, just as a new one. -1: there is none, or
 * `path` is taken. Any process. */
int genops_segment_spare_take(const char *folder, const char *path);

#endif
