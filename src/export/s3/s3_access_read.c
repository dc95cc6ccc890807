/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_access_read.c - see s3_access.h: which keys there are to begin with, from the document and the environment. */
#include "export/s3/s3_access.h"

#include "base/clock.h"
#include "base/str.h"
#include "export/s3/s3_settings.h"

#include <stdio.h>

static bool get(const struct genops_yaml_rows *in, const char *name, genops_str *text)
{
	const char *value = in->variables && in->variables->get ? in->variables->get(in->variables->arg, name) : NULL;
	if (text->len)
		return true;
	return value && value[0] && genops_arena_dup(in->arena, genops_str_of(value), text);
}

/* The document's own, else the environment's, never half of each. */
static int read_given(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, enum genops_s3_auth auth, struct genops_s3_access *access)
{
	bool is_own = access->access_key.len || access->secret_key.len;
	if (!is_own && auth != GENOPS_S3_AUTH_WEB_IDENTITY) {
		get(in, "AWS_ACCESS_KEY_ID", &access->access_key);
		get(in, "AWS_SECRET_ACCESS_KEY", &access->secret_key);
		if (access->access_key.len)
			get(in, "AWS_SESSION_TOKEN", &access->session_token);
	}
	if (!access->access_key.len != !access->secret_key.len)
		return genops_yaml_rows_fail(in, node, NULL, "access_key_id and secret_access_key (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) belong together");
	if (auth == GENOPS_S3_AUTH_ACCESS_KEY && !access->access_key.len)
		return genops_yaml_rows_fail(in, node, "set access_key_id and secret_access_key, as ${VAR}, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		    "auth_type access_key: there is no key");
	return GENOPS_OK;
}

static bool read_web_identity(const struct genops_yaml_rows *in, struct genops_s3_access *access)
{
	if (!get(in, "AWS_WEB_IDENTITY_TOKEN_FILE", &access->token_file))
		return false;
	get(in, "AWS_ROLE_ARN", &access->token_role_arn);
	if (!access->token_role_arn.len)
		access->token_role_arn = access->role_arn;
	return access->token_role_arn.len > 0;
}

static bool read_container(const struct genops_yaml_rows *in, struct genops_s3_access *access)
{
	genops_str relative = {0};
	char url[512];
	if (!get(in, "AWS_CONTAINER_CREDENTIALS_FULL_URI", &access->container_url)) {
		if (!get(in, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", &relative))
			return false;
		snprintf(url, sizeof url, "http://169.254.170.2%.400s", relative.ptr);
		if (!genops_arena_dup(in->arena, genops_str_of(url), &access->container_url))
			return false;
	}
	get(in, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &access->container_token_file);
	get(in, "AWS_CONTAINER_AUTHORIZATION_TOKEN", &access->container_token);
	return true;
}

static int read_sts(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_s3_access *access)
{
	char url[160];
	get(in, "AWS_ENDPOINT_URL_STS", &access->sts_endpoint);
	if (!access->sts_endpoint.len) {
		snprintf(url, sizeof url, "https://sts.%.64s.amazonaws.com%s", access->region.ptr,
		    genops_str_starts(access->region, GENOPS_STR("cn-")) ? ".cn" : "");
		if (!genops_arena_dup(in->arena, genops_str_of(url), &access->sts_endpoint))
			return genops_fail(in->err, GENOPS_NOMEM, "no memory for a destination");
	}
	if (!genops_s3_settings_origin(access->sts_endpoint, &access->sts_origin, &access->sts_host))
		return genops_yaml_rows_fail(in, node, "write https://sts.us-east-1.amazonaws.com", "sts_endpoint is not an address");
	return GENOPS_OK;
}

static int read_role(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, enum genops_s3_auth auth, struct genops_s3_access *access)
{
	if (auth == GENOPS_S3_AUTH_ACCESS_KEY && access->role_arn.len)
		return genops_yaml_rows_fail(in, node, "write auth_type: iam_role", "auth_type access_key has no role_arn");
	if (access->role_arn.len && !genops_str_starts(access->role_arn, GENOPS_STR("arn:")))
		return genops_yaml_rows_fail(in, node, "as arn:aws:iam::123456789012:role/Writer", "role_arn is not an ARN");
	if (!access->role_session_name.len)
		access->role_session_name = GENOPS_STR("genops");
	return GENOPS_OK;
}

int genops_s3_access_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, enum genops_s3_auth auth, struct genops_s3_access *access)
{
	genops_str off = {0};
	if (!get(in, "AWS_REGION", &access->region) && !get(in, "AWS_DEFAULT_REGION", &access->region))
		return genops_yaml_rows_fail(in, node, "as region: us-east-1, or AWS_REGION", "region is missing");
	GENOPS_TRY(read_role(in, node, auth, access));
	GENOPS_TRY(read_given(in, node, auth, access));
	GENOPS_TRY(read_sts(in, node, access));
	access->source = GENOPS_S3_GIVEN;
	if (access->access_key.len)
		return GENOPS_OK;
	if (read_web_identity(in, access))
		access->source = GENOPS_S3_WEB;
	else if (auth == GENOPS_S3_AUTH_WEB_IDENTITY)
		return genops_yaml_rows_fail(in, node, "set web_identity_token_file and role_arn, or AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN",
		    "auth_type web_identity: there is no token, or no role");
	else if (read_container(in, access))
		access->source = GENOPS_S3_CONTAINER;
	else if (get(in, "AWS_EC2_METADATA_DISABLED", &off) && genops_str_is_nocase(off, "true"))
		return genops_yaml_rows_fail(in, node, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or auth_type and its keys", "there are no AWS credentials");
	else
		access->source = GENOPS_S3_MACHINE;
	if (!get(in, "AWS_EC2_METADATA_SERVICE_ENDPOINT", &access->machine_url))
		access->machine_url = GENOPS_STR("http://169.254.169.254");
	while (access->machine_url.len && access->machine_url.ptr[access->machine_url.len - 1] == '/')
		access->machine_url.len--;
	return GENOPS_OK;
}
