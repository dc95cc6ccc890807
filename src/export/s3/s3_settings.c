/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_settings.c - see s3_settings.h. */
#include "export/s3/s3_settings.h"

#include "base/str.h"
#include "pipeline/value.h"

#include <stdio.h>

#define AT(field) offsetof(struct genops_s3_settings, field)
#define FILENAME  "genops-${_time:%Y%m%d%H%M%S}-${_random:12}"
#define RANDOM_LEAST 6  /* characters of a name, of objects of one second */
#define RANDOM_ALONE 12 /* of all that there will ever be */

enum { ADDRESS_AUTO, ADDRESS_PATH, ADDRESS_HOST };

static const char *const auth_types[] = {"auto", "access_key", "iam_role", "web_identity", NULL};
static const char *const formats[] = {"json", "parquet", NULL};
static const char *const addressings[] = {"auto", "true", "false", NULL};

static const struct genops_option rows[] = {
    {.name = "region", .type = GENOPS_OPTION_TEXT, .offset = AT(access.region), .text = "of the bucket; unset: AWS_REGION, AWS_DEFAULT_REGION"},
    {.name = "bucket", .type = GENOPS_OPTION_TEXT, .offset = AT(bucket), .is_required = true, .text = "its name"},
    {.name = "path", .type = GENOPS_OPTION_CUSTOM, .text = "folders, with ${...} over each event: those with another path go to another object; unset: ${_time:%Y/%m/%d}/"},
    {.name = "filename", .type = GENOPS_OPTION_CUSTOM, .text = "with ${...} over the first event; ${_random:6} is made of what is in the object, so that a repetition has the same name; unset: " FILENAME ".json, or .parquet"},
    {.name = "endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(endpoint), .text = "of a store that is not AWS: https://minio:9000; unset: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else AWS's own"},
    {.name = "path_style", .type = GENOPS_OPTION_ENUM, .offset = AT(addressing), .default_text = "auto", .names = addressings, .text = "the bucket in the path and not in the host's name; auto: with endpoint, and for names with dots"},
    {.name = "auth_type", .type = GENOPS_OPTION_ENUM, .offset = AT(auth), .default_text = "auto", .names = auth_types, .text = "whose keys: given ones, a role's, a web identity's; auto: whatever there is"},
    {.name = "access_key_id", .type = GENOPS_OPTION_TEXT, .offset = AT(access.access_key), .text = "unset: AWS_ACCESS_KEY_ID"},
    {.name = "secret_access_key", .type = GENOPS_OPTION_TEXT, .offset = AT(access.secret_key), .is_secret = true, .text = "as ${VAR}; unset: AWS_SECRET_ACCESS_KEY"},
    {.name = "session_token", .type = GENOPS_OPTION_TEXT, .offset = AT(access.session_token), .is_secret = true, .text = "of keys that last for a while; unset: AWS_SESSION_TOKEN"},
    {.name = "role_arn", .type = GENOPS_OPTION_TEXT, .offset = AT(access.role_arn), .text = "assumed at STS with the first keys; renewed ahead of time"},
    {.name = "external_id", .type = GENOPS_OPTION_TEXT, .offset = AT(access.external_id), .text = "what the role's trust policy asks for"},
    {.name = "role_session_name", .type = GENOPS_OPTION_TEXT, .offset = AT(access.role_session_name), .text = "as CloudTrail shows it; unset: genops"},
    {.name = "role_duration", .type = GENOPS_OPTION_DURATION, .offset = AT(access.role_duration_ns), .default_text = "1h", .min = 900, .max = 43200, .text = "how long the role's keys last"},
    {.name = "web_identity_token_file", .type = GENOPS_OPTION_TEXT, .offset = AT(access.token_file), .text = "read anew for each renewal; unset: AWS_WEB_IDENTITY_TOKEN_FILE"},
    {.name = "sts_endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(access.sts_endpoint), .text = "unset: AWS_ENDPOINT_URL_STS, else AWS's own of the region"},
    {.name = "storage_class", .type = GENOPS_OPTION_TEXT, .offset = AT(storage_class), .text = "STANDARD, STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER, DEEP_ARCHIVE ..."},
    {.name = "server_side_encryption", .type = GENOPS_OPTION_TEXT, .offset = AT(encryption_text), .text = "AES256 or aws:kms", .aliases = (const char *const[]){"encryption", NULL}},
    {.name = "kms_key_id", .type = GENOPS_OPTION_TEXT, .offset = AT(kms_key_id), .text = "for aws:kms; with AES256 it is not used"},
    {.name = "object_lock", .type = GENOPS_OPTION_TEXT, .offset = AT(lock_text), .text = "true, with object_lock_mode and object_lock_retention; or all at once: COMPLIANCE mode, 7 years"},
    {.name = "object_lock_mode", .type = GENOPS_OPTION_TEXT, .offset = AT(lock_mode), .text = "COMPLIANCE or GOVERNANCE"},
    {.name = "object_lock_retention", .type = GENOPS_OPTION_TEXT, .offset = AT(lock_retention), .text = "2555 days, 7 years (365 days each), from when it is written"},
    {.name = "legal_hold", .type = GENOPS_OPTION_BOOL, .offset = AT(legal_hold), .default_text = "false", .text = "objects cannot be removed until somebody lifts it"},
    {.name = "retention", .type = GENOPS_OPTION_TEXT, .offset = AT(retention), .text = "at least so long: of the lock, if there is one; written as metadata either way"},
    {.name = "versioning", .type = GENOPS_OPTION_TEXT, .offset = AT(versioning), .text = "enabled: told when the bucket turns out not to be versioned"},
    {.name = "format", .type = GENOPS_OPTION_ENUM, .offset = AT(format), .default_text = "json", .names = formats, .text = "one event a line, or a table with a column each field; a route's output_format goes before it"},
    {.name = "compression", .type = GENOPS_OPTION_TEXT, .offset = AT(compression_text), .text = "of lines of JSON: gzip or none; unset: gzip, unless filename says otherwise. Parquet has its own: snappy"},
    {.name = "compression_level", .type = GENOPS_OPTION_INT, .offset = AT(compression_level), .default_text = "6", .min = 1, .max = 9, .text = "1 fast to 9 small"},
    {.name = "if_none_match", .type = GENOPS_OPTION_BOOL, .offset = AT(if_none_match), .default_text = "true", .text = "an object is written once and never over; false for stores that do not know If-None-Match"},
    {.name = "content_type", .type = GENOPS_OPTION_TEXT, .offset = AT(content_type), .text = "unset: application/gzip, application/x-ndjson"},
    {.name = NULL},
};

/* --- a route's keys, and the document's of the same name --- */

static int fail_value(struct genops_error *err, const char *fix, genops_str key, genops_str value)
{
	return genops_fail_fix(err, GENOPS_CONFIG, fix, "%.*s: \"%.*s\" is not understood", GENOPS_STR_ARG(key), (int)(value.len < 80 ? value.len : 80), value.ptr);
}

static int set_compression(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err)
{
	if (!genops_str_is_nocase(value, "gzip") && !genops_str_is_nocase(value, "none"))
		return fail_value(err, "write gzip or none", key, value);
	object->compression = genops_str_is_nocase(value, "gzip") ? GENOPS_COMPRESS_GZIP : GENOPS_COMPRESS_NONE;
	return GENOPS_OK;
}

static int set_format(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err)
{
	if (!genops_str_is_nocase(value, "json") && !genops_str_is_nocase(value, "parquet"))
		return fail_value(err, "write json or parquet", key, value);
	object->is_parquet = genops_str_is_nocase(value, "parquet");
	return GENOPS_OK;
}

/* What the destination encrypts with a key of its own is encrypted by AES-256, too. */
static int set_encryption(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err)
{
	enum genops_s3_encryption encryption;
	if (!genops_s3_term_encryption(value, &encryption))
		return fail_value(err, "write AES256 or aws:kms", key, value);
	if (encryption > object->encryption)
		object->encryption = encryption;
	return GENOPS_OK;
}

static void at_least(int64_t *ns, int64_t more_ns)
{
	*ns = *ns > more_ns ? *ns : more_ns;
}

static int set_lock(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err)
{
	enum genops_s3_lock lock;
	int64_t ns;
	if (!genops_s3_term_lock(value, &lock, &ns) || (!ns && !object->lock_ns))
		return fail_value(err, "write COMPLIANCE mode, 7 years", key, value);
	if (lock > object->lock)
		object->lock = lock;
	at_least(&object->lock_ns, ns);
	return GENOPS_OK;
}

static int set_retention(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err)
{
	int64_t ns;
	if (!genops_s3_term_days(value, &ns))
		return fail_value(err, "write 7 years, or 2555 days", key, value);
	at_least(&object->retention_ns, ns);
	return GENOPS_OK;
}

static int set_versioning(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err)
{
	if (!genops_str_is_nocase(value, "enabled") && !genops_str_is_nocase(value, "true"))
		return fail_value(err, "write enabled, or remove it: a bucket's versions are not switched off from here", key, value);
	object->wants_versions = true;
	return GENOPS_OK;
}

int genops_s3_settings_route(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err)
{
	static const struct {
		const char *key;
		int (*set)(struct genops_s3_object *object, genops_str key, genops_str value, struct genops_error *err);
	} keys[] = {{"compression", set_compression}, {"encryption", set_encryption}, {"object_lock", set_lock}, {"retention", set_retention},
	    {"versioning", set_versioning}, {"output_format", set_format}};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (genops_str_is(key, keys[i].key))
			return keys[i].set(object, key, genops_str_trim(value), err);
	}
	return GENOPS_OK;
}

void genops_s3_settings_routed(const struct genops_s3_settings *settings, genops_str route_settings, struct genops_arena *arena,
    struct genops_s3_object *ret_object)
{
	struct genops_value value;
	*ret_object = settings->object;
	bool ok = route_settings.len && genops_value_from_json(route_settings, arena, &value, NULL) == GENOPS_OK && value.type == GENOPS_VALUE_OBJECT;
	for (uint32_t i = 0; ok && i < value.as.object->n; i++) {
		const struct genops_value_member *member = &value.as.object->members[i];
		if (member->value.type == GENOPS_VALUE_TEXT)
			ok = genops_s3_settings_route(ret_object, member->key.text, genops_value_str(member->value), NULL) != GENOPS_NOMEM;
	}
	if (ret_object->lock)
		at_least(&ret_object->lock_ns, ret_object->retention_ns);
	at_least(&ret_object->retention_ns, ret_object->lock ? ret_object->lock_ns : 0);
}

/* --- the document --- */

static bool get_variable(void *arg, genops_str name, genops_str *ret_value)
{
	const struct genops_yaml_variables *variables = arg;
	char copy[256];
	if (!variables || name.len >= sizeof copy)
		return false;
	memcpy(copy, name.ptr, name.len);
	copy[name.len] = '\0';
	const char *value = variables->get(variables->arg, copy);
	if (value)
		*ret_value = genops_str_of(value);
	return value != NULL;
}

static int compile(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *name, genops_str unset,
    struct genops_template **ret, genops_str *ret_source)
{
	const struct genops_yaml_node *value = genops_yaml_rows_get(node, rows, name);
	struct genops_error inner = {0};
	if (value)
		GENOPS_TRY(genops_yaml_rows_expect(in, value, name, GENOPS_YAML_SCALAR));
	*ret_source = value ? value->text : unset;
	if (genops_template_compile(*ret_source, GENOPS_TEMPLATE_TEXT, get_variable, (void *)(uintptr_t)in->variables, ret, &inner) != GENOPS_OK)
		return genops_yaml_rows_fail(in, value ? value : node, inner.fix, "%s: %s", name, inner.message);
	return GENOPS_OK;
}

/* Is what a file's name has by chance enough that never two objects have one name? "It is there already" counts as sent. */
static bool is_unique(const struct genops_s3_settings *settings)
{
	const struct genops_template *const templates[] = {settings->path, settings->filename};
	struct genops_template_piece piece;
	unsigned n_random = 0;
	bool has_seconds = false;
	for (size_t t = 0; t < 2; t++) {
		for (size_t i = 0; genops_template_piece_at(templates[t], i, &piece); i++) {
			has_seconds |= piece.kind == GENOPS_PIECE_TIME && genops_str_find(piece.text, GENOPS_STR("%S")) != SIZE_MAX;
			n_random += t ? piece.n : 0; /* a path's may be cut off */
		}
	}
	return n_random >= (has_seconds ? RANDOM_LEAST : RANDOM_ALONE);
}

bool genops_s3_settings_origin(genops_str url, genops_str *ret_origin, genops_str *ret_host)
{
	size_t begin = genops_str_starts(url, GENOPS_STR("https://")) ? 8 : genops_str_starts(url, GENOPS_STR("http://")) ? 7 : 0;
	while (url.len && url.ptr[url.len - 1] == '/')
		url.len--;
	genops_str host = genops_str_skip(url, begin);
	if (!begin || !host.len)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		if (host.ptr[i] <= ' ' || host.ptr[i] > '~' || strchr("/?#@%\\", host.ptr[i]))
			return false;
	}
	*ret_origin = url;
	*ret_host = host;
	if (genops_str_ends(host, GENOPS_STR(":443")) && begin == 8) /* as clients write it, and servers sign it */
		ret_host->len -= 4;
	if (genops_str_ends(host, GENOPS_STR(":80")) && begin == 7)
		ret_host->len -= 3;
	return true;
}

static bool is_bucket(genops_str name)
{
	bool ok = name.len >= 3 && name.len <= 63;
	for (size_t i = 0; ok && i < name.len; i++) {
		char c = name.ptr[i];
		ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || ((c == '-' || c == '.') && i && i + 1 < name.len);
	}
	return ok;
}

/* The parts, up to the first that is empty, one behind the other. */
static bool join(struct genops_arena *arena, genops_str *ret, const genops_str parts[4])
{
	char text[640];
	size_t n = 0;
	for (size_t i = 0; i < 4 && parts[i].len; i++) {
		if (n + parts[i].len > sizeof text)
			return false;
		memcpy(text + n, parts[i].ptr, parts[i].len);
		n += parts[i].len;
	}
	return genops_arena_dup(arena, (genops_str){text, n}, ret);
}

static int set_address(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_s3_settings *settings)
{
	static const char *const variables[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};
	genops_str region = settings->access.region, origin, host, url = settings->endpoint;
	for (size_t i = 0; i < 2 && !url.len; i++)
		(void)get_variable((void *)(uintptr_t)in->variables, genops_str_of(variables[i]), &url);
	bool is_own = url.len > 0, has_dots = genops_str_find_char(settings->bucket, '.') != SIZE_MAX;
	bool is_path = settings->addressing == ADDRESS_AUTO ? is_own || has_dots : settings->addressing == ADDRESS_PATH;
	const genops_str of_aws[4] = {GENOPS_STR("https://s3."), region,
	    genops_str_starts(region, GENOPS_STR("cn-")) ? GENOPS_STR(".amazonaws.com.cn") : GENOPS_STR(".amazonaws.com")};
	if (!is_own && !join(in->arena, &url, of_aws))
		return genops_yaml_rows_fail(in, node, NULL, "region is too long");
	if (!genops_s3_settings_origin(url, &origin, &host))
		return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, "endpoint"), "write https://minio:9000", "endpoint is not an address");
	genops_str scheme = {origin.ptr, genops_str_starts(origin, GENOPS_STR("https://")) ? 8 : 7};
	const genops_str dot = GENOPS_STR("."), slash = GENOPS_STR("/"), bucket = settings->bucket;
	const genops_str root[4] = {slash, is_path ? bucket : (genops_str){0}, slash};
	const genops_str hosts[4] = {is_path ? host : bucket, is_path ? (genops_str){0} : dot, host};
	const genops_str origins[4] = {is_path ? origin : scheme, is_path ? (genops_str){0} : bucket, dot, genops_str_skip(origin, scheme.len)};
	bool ok = join(in->arena, &settings->root, root) && join(in->arena, &settings->host, hosts) && join(in->arena, &settings->origin, origins);
	return ok ? GENOPS_OK : genops_yaml_rows_fail(in, node, NULL, "endpoint is too long");
}

/* A key of the document that a route could have, too. */
static int apply(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_s3_object *object, const char *row,
    const char *key, genops_str value)
{
	struct genops_error inner = {0};
	if (!value.len || genops_s3_settings_route(object, genops_str_of(key), value, &inner) == GENOPS_OK)
		return GENOPS_OK;
	return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, row), inner.fix, "%s: \"%.80s\" is not understood", row, value.ptr);
}

static int set_lock_of_document(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_s3_settings *settings)
{
	struct genops_s3_object *object = &settings->object;
	genops_str text = settings->lock_text;
	const struct genops_yaml_node *place = genops_yaml_rows_get(node, rows, "object_lock");
	bool is_off = genops_str_is_nocase(text, "false");
	if (settings->lock_retention.len && !genops_s3_term_days(settings->lock_retention, &object->lock_ns))
		return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, "object_lock_retention"), "write 2555 days, or 7 years",
		    "object_lock_retention: \"%.80s\" is not understood", settings->lock_retention.ptr);
	if (is_off && (settings->lock_mode.len || settings->lock_retention.len))
		return genops_yaml_rows_fail(in, place, "write object_lock: true, or remove its mode and retention", "object_lock is false, and has a mode or a retention");
	if (!text.len && !settings->lock_mode.len && !settings->lock_retention.len)
		return GENOPS_OK;
	if (is_off)
		return GENOPS_OK;
	if (text.len && !genops_str_is_nocase(text, "true"))
		return apply(in, node, object, "object_lock", "object_lock", text);
	if (!settings->lock_mode.len || !settings->lock_retention.len)
		return genops_yaml_rows_fail(in, place ? place : node, "as object_lock_mode: COMPLIANCE, object_lock_retention: 2555 days",
		    "object_lock needs object_lock_mode and object_lock_retention");
	return apply(in, node, object, "object_lock_mode", "object_lock", settings->lock_mode);
}

static int set_compression_of_document(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_s3_settings *settings,
    genops_str filename)
{
	bool is_gz = genops_str_ends(filename, GENOPS_STR(".gz")), is_json = genops_str_ends(filename, GENOPS_STR(".json"));
	settings->object.compression = is_gz || !genops_yaml_rows_get(node, rows, "filename") || !is_json ? GENOPS_COMPRESS_GZIP : GENOPS_COMPRESS_NONE;
	GENOPS_TRY(apply(in, node, &settings->object, "compression", "compression", settings->compression_text));
	if (settings->object.is_parquet && (is_gz || genops_str_is_nocase(settings->compression_text, "gzip")))
		return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, is_gz ? "filename" : "compression"), "remove it",
		    "format parquet has a compression of its own, and gzip is not it");
	if (is_gz && settings->object.compression == GENOPS_COMPRESS_NONE)
		return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, "compression"), "write compression: gzip, or another filename",
		    "filename ends in .gz, and compression is none");
	return GENOPS_OK;
}

static int read_document(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *own)
{
	struct genops_s3_settings *settings = own;
	genops_str path, filename;
	if (!is_bucket(settings->bucket))
		return genops_yaml_rows_fail(in, genops_yaml_rows_get(node, rows, "bucket"), "3 to 63 of a-z, 0-9, - and .",
		    "bucket: \"%.80s\" is not a bucket's name", settings->bucket.ptr);
	GENOPS_TRY(genops_s3_access_read(in, node, (enum genops_s3_auth)settings->auth, &settings->access));
	GENOPS_TRY(set_address(in, node, settings));
	GENOPS_TRY(compile(in, node, "path", GENOPS_STR("${_time:%Y/%m/%d}/"), &settings->path, &path));
	settings->object.is_parquet = settings->format == 1;
	GENOPS_TRY(compile(in, node, "filename", settings->object.is_parquet ? GENOPS_STR(FILENAME ".parquet") : GENOPS_STR(FILENAME ".json"),
	    &settings->filename, &filename));
	settings->is_random = is_unique(settings);
	GENOPS_TRY(set_compression_of_document(in, node, settings, filename));
	GENOPS_TRY(apply(in, node, &settings->object, "server_side_encryption", "encryption", settings->encryption_text));
	GENOPS_TRY(apply(in, node, &settings->object, "retention", "retention", settings->retention));
	GENOPS_TRY(apply(in, node, &settings->object, "versioning", "versioning", settings->versioning));
	GENOPS_TRY(set_lock_of_document(in, node, settings));
	if (settings->kms_key_id.len && settings->object.encryption != GENOPS_S3_SSE_KMS)
		return genops_yaml_rows_warn(in, genops_yaml_rows_get(node, rows, "kms_key_id"), "write server_side_encryption: aws:kms to use it",
		    "kms_key_id is not used: AES256 encrypts with S3's own keys");
	return GENOPS_OK;
}

static void done(void *own)
{
	struct genops_s3_settings *settings = own;
	genops_template_free(settings->path);
	genops_template_free(settings->filename);
	settings->path = settings->filename = NULL;
}

const struct genops_destination_form genops_s3_form = {
    .rows = rows, .size = sizeof(struct genops_s3_settings), .read = read_document, .done = done};
