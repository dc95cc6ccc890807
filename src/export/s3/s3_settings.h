/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_settings.h - what a document of type s3 says, and what one of a route's keys changes of it. Immutable once read. */
#ifndef EXPORT_S3_SETTINGS_H
#define EXPORT_S3_SETTINGS_H

#include "codec/compress.h"
#include "export/destination.h"
#include "export/s3/s3_access.h"
#include "export/s3/s3_term.h"
#include "pipeline/template.h"

/* How an object is written: what a route may say otherwise. */
struct genops_s3_object {
	bool is_parquet;                /* else lines of JSON */
	enum genops_compress_kind compression; /* of the lines; Parquet has its own */
	enum genops_s3_encryption encryption;
	enum genops_s3_lock lock;
	int64_t lock_ns;                /* how long it is locked */
	int64_t retention_ns;           /* how long it is to be kept, at least; 0: nothing said */
	bool wants_versions;            /* the bucket has to be versioned */
};

struct genops_s3_settings {
	genops_str bucket, endpoint, storage_class, kms_key_id, content_type;
	genops_str compression_text, encryption_text, lock_text, lock_mode, lock_retention, retention, versioning;
	int addressing, auth, format;   /* of their rows */
	int64_t compression_level;
	bool legal_hold, if_none_match;
	struct genops_s3_access access; /* its texts are filled by rows, too */
	/* made of them */
	struct genops_s3_object object;
	struct genops_template *path, *filename;
	bool is_random;                 /* chance alone tells names apart */
	genops_str origin;              /* "https://bucket.s3.us-east-1.amazonaws.com" */
	genops_str host;                /* of it, as the header Host has it */
	genops_str root;                /* what every path begins with: "/" or "/bucket/", percent-encoded */
};

extern const struct genops_destination_form genops_s3_form;

/* One of a route's keys over `object`. CONFIG, message without place. */
GENOPS_NODISCARD int genops_s3_settings_route(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err);
/* All of a route's settings, a JSON object. What does not read is left as it is: it was checked when the route was read. */
void genops_s3_settings_routed(const struct genops_s3_settings *settings, genops_str route_settings, struct genops_arena *arena,
    struct genops_s3_object *ret_object);

/* scheme://host[:port], nothing behind it but slashes. False: it is not one. The host is borrowed from it. */
bool genops_s3_settings_origin(genops_str url, genops_str *ret_origin, genops_str *ret_host);

#endif
