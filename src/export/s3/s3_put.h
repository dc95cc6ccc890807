/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_put.h - one object out of the events of one part: body, name, headers, signature. Pure. */
#ifndef EXPORT_S3_PUT_H
#define EXPORT_S3_PUT_H

#include "export/s3/s3_settings.h"

#define GENOPS_S3_OBJECT_MAX ((size_t)255 << 20) /* before compression */
#define GENOPS_S3_HEADERS_MAX 8                  /* of the document's own */

/* What lives as long as a pump. */
struct genops_s3_pump {
	struct genops_s3_session access;
	bool wants_versions;            /* of the request that was made last */
};

GENOPS_NODISCARD int genops_s3_put(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err);

#endif
