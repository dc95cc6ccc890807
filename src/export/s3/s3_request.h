/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_request.h - requests about objects by their keys: written whole or in parts, read, listed, removed; and what the answers say.
 *
 * For archives (engine/backup/); events go by s3_put.h. The same bucket, credentials and signature. Pure: time is an argument.
 */
#ifndef EXPORT_S3_S3_REQUEST_H
#define EXPORT_S3_S3_REQUEST_H

#include "export/s3/s3_settings.h"

#define GENOPS_S3_LIST_MAX ((size_t)2 << 20) /* bytes of an answer: 1000 objects with keys of 1024 bytes */

struct genops_s3_ask {
	const char *method;
	genops_str key;                 /* "" : the bucket itself */
	genops_str query;               /* percent-encoded: "uploadId=a&partNumber=1"; "" : none */
	genops_str body;                /* borrowed by the request */
	genops_str range;               /* "bytes=0-99"; "" : all */
	bool is_new;                    /* it makes an object: storage class and encryption are said */
	const char *kept_header;
	size_t answer_max;
	int64_t timeout_ns;
};

/* The body is borrowed, not owned: do not end it. LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_s3_request(const struct genops_s3_settings *own, const struct genops_s3_session *session,
    const struct genops_s3_ask *ask, int64_t now_unix_ns, struct genops_arena *arena, struct genops_request *ret_request,
    struct genops_error *err);

/* REMOTE, DENIED, NOT_FOUND, EXISTS or TIMEOUT with what the store said and what to do about it; OK for 2xx. */
GENOPS_NODISCARD int genops_s3_judge(const struct genops_response *response, const char *what, struct genops_error *err);

/* The objects of a ListObjectsV2 answer, in its order; keys that are no text are passed over. on_object fails to end it. *ret_token: where the
 * next one begins, "" : that was all. SYNTAX: no such answer. */
typedef int genops_s3_object_fn(void *arg, genops_str key, int64_t size, struct genops_error *err);
GENOPS_NODISCARD int genops_s3_list_read(
    genops_str xml, genops_s3_object_fn *on_object, void *arg, char ret_token[1024], struct genops_error *err);

/* The uploads in parts that are not complete, of a ListMultipartUploads answer: key, upload, and when it began (0: not known). */
typedef int genops_s3_upload_fn(void *arg, genops_str key, genops_str upload, int64_t begun_unix_s, struct genops_error *err);
GENOPS_NODISCARD int genops_s3_uploads_read(genops_str xml, genops_s3_upload_fn *on_upload, void *arg, struct genops_error *err);

#endif
