/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/published.h - the end of <state>/metrics.prom, and what pipelines had counted before this process. Private to publish.c and
 * published.c. */
#ifndef ENGINE_PUBLISHED_H
#define ENGINE_PUBLISHED_H

#include "engine/drain/publish.h"

#define GENOPS_PUBLISHED_END "# genops: whole; the ledger to "

/* Appends the exposition of this process's pipelines, to each counter what it had before. */
void genops_published_add(const struct genops_published *published, genops_str pipelines, struct genops_buffer *out);

#endif
