/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_access.c - see s3_access.h: the questions, and what their answers say. */
#include "export/s3/s3_access.h"

#include "base/clock.h"
#include "export/http_verdict.h"
#include "export/s3/xml_text.h"
#include "pipeline/value.h"

#include <stdio.h>
#include <time.h>

#define MARGIN_NS      (300 * GENOPS_NS_PER_S) /* renewed so long before the end, or after two thirds of a short life */
#define LAST_NS        (10 * GENOPS_NS_PER_S)  /* what has no longer to live is not used any more */
#define QUIET_NS       (30 * GENOPS_NS_PER_S)
#define ANSWER_MAX     ((size_t)64 << 10)
#define MACHINE_NS     (5 * GENOPS_NS_PER_S)   /* it is near, or not there */
#define FORM_MAX       ((size_t)64 << 10)

static bool lasts(const struct genops_s3_keys *keys, int64_t now_unix_ns)
{
	return keys->expires_unix_ns - LAST_NS > now_unix_ns;
}

static bool is_fresh(const struct genops_s3_keys *keys, int64_t now_unix_ns)
{
	int64_t third = (keys->expires_unix_ns - keys->got_unix_ns) / 3;
	return lasts(keys, now_unix_ns) && keys->expires_unix_ns - (third < MARGIN_NS ? third : MARGIN_NS) > now_unix_ns;
}

/* A web identity's own role is the one that is wanted, unless the document names another. */
static bool has_role(const struct genops_s3_access *access)
{
	return access->role_arn.len && !(access->source == GENOPS_S3_WEB && genops_str_equal(access->role_arn, access->token_role_arn));
}

struct genops_sigv4_keys genops_s3_access_keys(const struct genops_s3_access *access, const struct genops_s3_session *session)
{
	const struct genops_s3_keys *keys = has_role(access) ? &session->role : &session->first;
	if (access->source == GENOPS_S3_GIVEN && keys == &session->first)
		return (struct genops_sigv4_keys){access->access_key, access->secret_key, access->session_token};
	return (struct genops_sigv4_keys){genops_str_of(keys->access_key), genops_str_of(keys->secret_key), genops_str_of(keys->session_token)};
}

void genops_s3_access_refused(const struct genops_s3_access *access, struct genops_s3_session *session)
{
	explicit_bzero(&session->first, sizeof session->first);
	explicit_bzero(&session->role, sizeof session->role);
	session->quiet_until_unix_ns = 0;
}

/* --- questions --- */

static enum genops_s3_question first_question(const struct genops_s3_access *access, const struct genops_s3_session *session)
{
	bool has_token = session->token[0] != '\0';
	switch (access->source) {
	case GENOPS_S3_WEB:
		return has_token ? GENOPS_S3_ASK_WEB_IDENTITY : GENOPS_S3_ASK_TOKEN_FILE;
	case GENOPS_S3_CONTAINER:
		return access->container_token_file.len && !has_token ? GENOPS_S3_ASK_TOKEN_FILE : GENOPS_S3_ASK_CONTAINER;
	case GENOPS_S3_MACHINE:
		return !has_token ? GENOPS_S3_ASK_MACHINE_TOKEN : session->machine_role[0] ? GENOPS_S3_ASK_MACHINE : GENOPS_S3_ASK_MACHINE_ROLE;
	case GENOPS_S3_GIVEN:
		break;
	}
	return GENOPS_S3_ASK_NOTHING;
}

static enum genops_s3_question question_of(const struct genops_s3_access *access, const struct genops_s3_session *session, int64_t now_unix_ns)
{
	const struct genops_s3_keys *used = has_role(access) ? &session->role : &session->first;
	if (access->source == GENOPS_S3_GIVEN && !has_role(access))
		return GENOPS_S3_ASK_NOTHING;
	if (is_fresh(used, now_unix_ns) || (lasts(used, now_unix_ns) && now_unix_ns < session->quiet_until_unix_ns))
		return GENOPS_S3_ASK_NOTHING;
	bool is_quiet = now_unix_ns < session->quiet_until_unix_ns && lasts(&session->first, now_unix_ns);
	if (access->source != GENOPS_S3_GIVEN && !is_fresh(&session->first, now_unix_ns) && !is_quiet)
		return first_question(access, session);
	return has_role(access) ? GENOPS_S3_ASK_ROLE : GENOPS_S3_ASK_NOTHING;
}

static void add_parameter(struct genops_buffer *form, const char *name, genops_str value)
{
	if (!value.len)
		return;
	if (form->len)
		genops_buffer_add_char(form, '&');
	genops_buffer_add_text(form, name);
	genops_buffer_add_char(form, '=');
	genops_sigv4_encode(value, false, form);
}

static void add_header(struct genops_request *request, const char *name, genops_str value)
{
	request->headers[request->n_headers++] = (struct genops_text_pair){genops_str_of(name), value};
}

static int sign_form(const struct genops_s3_access *access, const struct genops_s3_session *session, struct genops_arena *arena,
    struct genops_request *request, struct genops_error *err)
{
	bool is_given = access->source == GENOPS_S3_GIVEN;
	const struct genops_s3_keys *first = &session->first;
	const struct genops_sigv4_keys keys = {is_given ? access->access_key : genops_str_of(first->access_key),
	    is_given ? access->secret_key : genops_str_of(first->secret_key), is_given ? access->session_token : genops_str_of(first->session_token)};
	char date[GENOPS_SIGV4_DATE_SIZE], hash_hex[GENOPS_SIGV4_SHA256_SIZE];
	genops_str kept, authorization;
	uint8_t hash[32];
	genops_sigv4_date(session->now_unix_ns, date);
	if (!genops_arena_dup(arena, genops_str_of(date), &kept) || !genops_sigv4_sha256(genops_buffer_view(&request->body), hash))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a request to STS");
	genops_sigv4_hex(hash, hash_hex);
	add_header(request, "x-amz-date", kept);
	if (keys.session_token.len)
		add_header(request, "x-amz-security-token", keys.session_token);
	const struct genops_sigv4_request sign = {.method = GENOPS_STR("POST"), .path = GENOPS_STR("/"), .headers = request->headers,
	    .n_headers = request->n_headers, .payload_sha256 = hash_hex, .region = access->region, .service = GENOPS_STR("sts"), .date = date};
	GENOPS_TRY(genops_sigv4_authorization(&sign, &keys, arena, &authorization, err));
	add_header(request, "authorization", authorization);
	return GENOPS_OK;
}

/* To STS: with the first keys, or with a web identity's token. */
static int ask_sts(const struct genops_s3_access *access, struct genops_s3_session *session, struct genops_arena *arena,
    struct genops_request *request, struct genops_error *err)
{
	bool is_web = session->asked == GENOPS_S3_ASK_WEB_IDENTITY;
	char seconds[24];
	*request = (struct genops_request){.transport = GENOPS_TRANSPORT_HTTP, .method = "POST", .url = access->sts_origin, .answer_max = ANSWER_MAX};
	genops_buffer_init(&request->body, FORM_MAX);
	add_parameter(&request->body, "Action", is_web ? GENOPS_STR("AssumeRoleWithWebIdentity") : GENOPS_STR("AssumeRole"));
	add_parameter(&request->body, "Version", GENOPS_STR("2011-06-15"));
	add_parameter(&request->body, "RoleArn", is_web ? access->token_role_arn : access->role_arn);
	add_parameter(&request->body, "RoleSessionName", access->role_session_name);
	snprintf(seconds, sizeof seconds, "%lld", (long long)(access->role_duration_ns / GENOPS_NS_PER_S));
	add_parameter(&request->body, "DurationSeconds", genops_str_of(seconds));
	if (is_web)
		add_parameter(&request->body, "WebIdentityToken", genops_str_of(session->token));
	else
		add_parameter(&request->body, "ExternalId", access->external_id);
	add_header(request, "host", access->sts_host);
	add_header(request, "content-type", GENOPS_STR("application/x-www-form-urlencoded; charset=utf-8"));
	int code = request->body.error ? genops_fail(err, request->body.error, "a request to STS does not fit into memory") : GENOPS_OK;
	if (code == GENOPS_OK && !is_web)
		code = sign_form(access, session, arena, request, err);
	if (code != GENOPS_OK)
		genops_buffer_done(&request->body);
	return code;
}

static int ask_machine(const struct genops_s3_access *access, const struct genops_s3_session *session, struct genops_arena *arena,
    struct genops_request *request, struct genops_error *err)
{
	static const char keys_path[] = "/latest/meta-data/iam/security-credentials/";
	char url[512];
	genops_str kept;
	bool is_token = session->asked == GENOPS_S3_ASK_MACHINE_TOKEN;
	snprintf(url, sizeof url, "%.*s%s%s", (int)(access->machine_url.len < 256 ? access->machine_url.len : 256), access->machine_url.ptr,
	    is_token ? "/latest/api/token" : keys_path, session->asked == GENOPS_S3_ASK_MACHINE ? session->machine_role : "");
	if (!genops_arena_dup(arena, genops_str_of(url), &kept))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a request");
	*request = (struct genops_request){.transport = GENOPS_TRANSPORT_HTTP, .method = is_token ? "PUT" : "GET", .url = kept,
	    .answer_max = ANSWER_MAX, .timeout_ns = MACHINE_NS};
	if (is_token)
		add_header(request, "x-aws-ec2-metadata-token-ttl-seconds", GENOPS_STR("300"));
	else
		add_header(request, "x-aws-ec2-metadata-token", genops_str_of(session->token));
	return GENOPS_OK;
}

int genops_s3_access_prepare(const struct genops_s3_access *access, struct genops_s3_session *session, int64_t now_unix_ns,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	session->asked = question_of(access, session, now_unix_ns);
	session->now_unix_ns = now_unix_ns;
	switch (session->asked) {
	case GENOPS_S3_ASK_NOTHING:
		return 0;
	case GENOPS_S3_ASK_TOKEN_FILE:
		*ret_request = (struct genops_request){.transport = GENOPS_TRANSPORT_READ,
		    .url = access->source == GENOPS_S3_WEB ? access->token_file : access->container_token_file,
		    .answer_max = sizeof session->token};
		return 1;
	case GENOPS_S3_ASK_CONTAINER:
		*ret_request = (struct genops_request){.transport = GENOPS_TRANSPORT_HTTP, .method = "GET", .url = access->container_url,
		    .answer_max = ANSWER_MAX, .timeout_ns = MACHINE_NS};
		if (session->token[0] || access->container_token.len)
			add_header(ret_request, "authorization", session->token[0] ? genops_str_of(session->token) : access->container_token);
		return 1;
	case GENOPS_S3_ASK_MACHINE_TOKEN:
	case GENOPS_S3_ASK_MACHINE_ROLE:
	case GENOPS_S3_ASK_MACHINE:
		GENOPS_TRY(ask_machine(access, session, arena, ret_request, err));
		return 1;
	case GENOPS_S3_ASK_WEB_IDENTITY:
	case GENOPS_S3_ASK_ROLE:
		break;
	}
	GENOPS_TRY(ask_sts(access, session, arena, ret_request, err));
	return 1;
}

/* --- answers --- */

static const char *const asked_names[] = {"", "the token's file", "STS AssumeRoleWithWebIdentity", "the container's credentials",
    "the machine's credentials (IMDS)", "the machine's credentials (IMDS)", "the machine's credentials (IMDS)", "STS AssumeRole"};

/* 2026-11-21T22:00:00Z; 0: it is none. */
static int64_t unix_ns_of(const char *text)
{
	struct tm tm = {0};
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int64_t seconds = (int64_t)timegm(&tm);
	return seconds > 0 && seconds < INT64_MAX / GENOPS_NS_PER_S ? seconds * GENOPS_NS_PER_S : 0;
}

static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

static bool is_whole(struct genops_s3_keys *keys, const char *expires, int64_t now_unix_ns)
{
	keys->got_unix_ns = now_unix_ns;
	keys->expires_unix_ns = unix_ns_of(expires);
	return keys->access_key[0] && keys->secret_key[0] && is_plain(keys->access_key) && is_plain(keys->session_token) &&
	       lasts(keys, now_unix_ns);
}

static bool read_sts(genops_str xml, int64_t now_unix_ns, struct genops_s3_keys *keys)
{
	char expires[40];
	return genops_xml_text(xml, "AccessKeyId", keys->access_key, sizeof keys->access_key) &&
	       genops_xml_text(xml, "SecretAccessKey", keys->secret_key, sizeof keys->secret_key) &&
	       genops_xml_text(xml, "SessionToken", keys->session_token, sizeof keys->session_token) &&
	       genops_xml_text(xml, "Expiration", expires, sizeof expires) && is_whole(keys, expires, now_unix_ns);
}

static bool get_text(const struct genops_value_object *object, const char *name, char *out, size_t size)
{
	struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	const struct genops_value *value = genops_value_object_get(object, &key);
	if (!value || value->type != GENOPS_VALUE_TEXT || value->len >= size)
		return false;
	memcpy(out, value->as.text, value->len);
	out[value->len] = '\0';
	return true;
}

static bool read_json(genops_str json, int64_t now_unix_ns, struct genops_s3_keys *keys)
{
	struct genops_arena arena;
	struct genops_value value = {0};
	struct genops_error err;
	char expires[40];
	genops_arena_init(&arena, (size_t)1 << 20);
	bool ok = genops_value_from_json(json, &arena, &value, &err) == GENOPS_OK && value.type == GENOPS_VALUE_OBJECT &&
		  get_text(value.as.object, "AccessKeyId", keys->access_key, sizeof keys->access_key) &&
		  get_text(value.as.object, "SecretAccessKey", keys->secret_key, sizeof keys->secret_key) &&
		  get_text(value.as.object, "Token", keys->session_token, sizeof keys->session_token) &&
		  get_text(value.as.object, "Expiration", expires, sizeof expires) && is_whole(keys, expires, now_unix_ns);
	genops_arena_done(&arena);
	return ok;
}

static bool take_text(genops_str text, char *out, size_t size)
{
	genops_str rest = genops_str_trim(text), line = genops_str_split(&rest, '\n');
	line = genops_str_trim(line);
	if (!line.len || line.len >= size || memchr(line.ptr, '\0', line.len))
		return false;
	memcpy(out, line.ptr, line.len);
	out[line.len] = '\0';
	return is_plain(out);
}

static bool take(struct genops_s3_session *session, genops_str body)
{
	struct genops_s3_keys keys = {0};
	bool is_role = session->asked == GENOPS_S3_ASK_ROLE;
	bool is_xml = is_role || session->asked == GENOPS_S3_ASK_WEB_IDENTITY;
	if (session->asked == GENOPS_S3_ASK_TOKEN_FILE || session->asked == GENOPS_S3_ASK_MACHINE_TOKEN)
		return take_text(body, session->token, sizeof session->token);
	if (session->asked == GENOPS_S3_ASK_MACHINE_ROLE)
		return take_text(body, session->machine_role, sizeof session->machine_role);
	bool ok = is_xml ? read_sts(body, session->now_unix_ns, &keys) : read_json(body, session->now_unix_ns, &keys);
	if (ok)
		*(is_role ? &session->role : &session->first) = keys;
	explicit_bzero(&keys, sizeof keys);
	return ok;
}

/* A reason that never has what the answer has of secrets: of a success nothing is shown. */
static void fail(struct genops_s3_session *session, const struct genops_response *response, struct genops_send_verdict *verdict)
{
	char code[64], message[128], line[sizeof verdict->reason];
	const char *asked = asked_names[session->asked];
	bool is_success = response->status >= 200 && response->status < 300;
	genops_http_verdict(response, verdict);
	verdict->kind = GENOPS_RETRY;
	if (response->status == 0)
		snprintf(line, sizeof line, "%s: %.*s", asked, (int)(response->network_error.len < 160 ? response->network_error.len : 160), response->network_error.ptr);
	else if (is_success)
		snprintf(line, sizeof line, "%s: the answer has no credentials that last", asked);
	else if (genops_xml_text(response->body, "Code", code, sizeof code) && genops_xml_text(response->body, "Message", message, sizeof message))
		snprintf(line, sizeof line, "%s: HTTP %d %s: %s", asked, response->status, code, message);
	else
		snprintf(line, sizeof line, "%s: HTTP %d", asked, response->status);
	genops_http_verdict_text(verdict->reason, sizeof verdict->reason, genops_str_of(line));
	if (response->status > 0 && response->status < 500 && verdict->retry_after_ns < QUIET_NS)
		verdict->retry_after_ns = QUIET_NS;
}

void genops_s3_access_prepared(const struct genops_s3_access *access, struct genops_s3_session *session, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	enum genops_s3_question asked = session->asked;
	const struct genops_s3_keys *used = has_role(access) ? &session->role : &session->first;
	bool ok = response->status >= 200 && response->status < 300 && take(session, response->body);
	bool is_last = asked == GENOPS_S3_ASK_WEB_IDENTITY || asked == GENOPS_S3_ASK_CONTAINER || asked == GENOPS_S3_ASK_MACHINE;
	if (!ok || is_last) { /* the next time it begins with the first question again */
		session->machine_role[0] = '\0';
		explicit_bzero(session->token, sizeof session->token);
	}
	*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
	if (ok)
		return;
	session->quiet_until_unix_ns = session->now_unix_ns + QUIET_NS;
	if (!lasts(used, session->now_unix_ns)) /* else there is time: the keys in use still last */
		fail(session, response, ret_verdict);
}
