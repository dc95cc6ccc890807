/* SPDX-License-Identifier: Apache-2.0
 * engine/operation/pending.h - records that could not be appended (full disk), kept until they can.
 *
 * At most GENOPS_PENDING_MAX; while any is kept, new operations are refused with GENOPS_FULL, so what is kept stays small. Each one's
 * lease stays committed: if this process dies first, the reaper records the call at its exact amount.
 */
#ifndef ENGINE_PENDING_H
#define ENGINE_PENDING_H

#include "engine/engine.h"

#define GENOPS_PENDING_MAX 4096

void genops_pending_add(genops_engine *engine, uint32_t lease, genops_str encoded);
void genops_pending_retry(genops_engine *engine);
void genops_pending_free(genops_engine *engine);

#endif
