/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_access.h - whose keys sign: given ones, or such as somebody else gives for a while, renewed ahead of time.
 *
 * The chain, the first that there is: keys in the document; keys in the environment; a web identity token (EKS); the container's address
 * (ECS, EKS pods); the machine's (EC2, IMDSv2). With role_arn, these keys assume that role at STS. Each question is a request that the pump
 * sends before the next object (export/destination.h: prepare); secrets live in the session only. One thread a session.
 */
#ifndef EXPORT_S3_ACCESS_H
#define EXPORT_S3_ACCESS_H

#include "codec/yaml_rows.h"
#include "export/destination.h"
#include "export/s3/sigv4.h"

enum genops_s3_auth { GENOPS_S3_AUTH_AUTO, GENOPS_S3_AUTH_ACCESS_KEY, GENOPS_S3_AUTH_IAM_ROLE, GENOPS_S3_AUTH_WEB_IDENTITY };

/* Where the first keys come from. */
enum genops_s3_source { GENOPS_S3_GIVEN, GENOPS_S3_WEB, GENOPS_S3_CONTAINER, GENOPS_S3_MACHINE };

struct genops_s3_access {
	genops_str region;
	genops_str access_key, secret_key, session_token;
	genops_str role_arn, external_id, role_session_name, sts_endpoint;
	int64_t role_duration_ns;
	genops_str token_file, token_role_arn;           /* web identity */
	genops_str container_url, container_token, container_token_file;
	genops_str machine_url;
	enum genops_s3_source source;
	genops_str sts_origin, sts_host;
};

struct genops_s3_keys {
	char access_key[256], secret_key[512], session_token[8192];
	int64_t got_unix_ns, expires_unix_ns;            /* expires: 0: there are none */
};

enum genops_s3_question {
	GENOPS_S3_ASK_NOTHING,
	GENOPS_S3_ASK_TOKEN_FILE,       /* the file of the web identity's or the container's token */
	GENOPS_S3_ASK_WEB_IDENTITY,
	GENOPS_S3_ASK_CONTAINER,
	GENOPS_S3_ASK_MACHINE_TOKEN, GENOPS_S3_ASK_MACHINE_ROLE, GENOPS_S3_ASK_MACHINE,
	GENOPS_S3_ASK_ROLE,
};

struct genops_s3_session {
	struct genops_s3_keys first, role;
	char token[20480];              /* of a file, or the machine's */
	char machine_role[128];
	enum genops_s3_question asked;
	int64_t now_unix_ns;            /* when it was asked */
	int64_t quiet_until_unix_ns;    /* renewing failed: what there is is used until then, if it lasts */
};

/* What must fit together, and what the environment has. `in` for its variables, arena and errors. */
GENOPS_NODISCARD int genops_s3_access_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, enum genops_s3_auth auth, struct genops_s3_access *access);

/* As in export/destination.h. */
GENOPS_NODISCARD int genops_s3_access_prepare(const struct genops_s3_access *access, struct genops_s3_session *session, int64_t now_unix_ns,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err);
void genops_s3_access_prepared(const struct genops_s3_access *access, struct genops_s3_session *session, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict);

/* The keys that sign objects; borrowed. */
struct genops_sigv4_keys genops_s3_access_keys(const struct genops_s3_access *access, const struct genops_s3_session *session);
/* They were refused: others have to be got. */
void genops_s3_access_refused(const struct genops_s3_access *access, struct genops_s3_session *session);

#endif
