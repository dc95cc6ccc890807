/* SPDX-License-Identifier: Apache-2.0
 * engine/check/reference_pipelines.h - the reference page of the documents of `pipelines`. */
#ifndef ENGINE_REFERENCE_PIPELINES_H
#define ENGINE_REFERENCE_PIPELINES_H

#include "base/buffer.h"

void genops_reference_pipelines(struct genops_buffer *out);

#endif
