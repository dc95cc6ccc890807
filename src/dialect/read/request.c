/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/request.c - reads a JSON request by its endpoint's rows (fields.h) into a
 * genops_call.
 *
 * Fields that governance acts on must have their one type; everything else is the provider's to
 * judge. Texts are copied (arena, content buffer); nothing else of the body is kept. Results do not
 * depend on where pieces end.
 */
#include "dialect/read/request.h"

#include "base/str.h"

/* The provider's words are longest for a picture in text form; no wanted text is cut but by the
 * body's own limit. */
#define TEXT_MAX GENOPS_REQUEST_CONTENT_MAX

static void refuse(struct genops_request *request, const char *field, const char *fault)
{
	if (request->code != GENOPS_OK)
		return;
	request->code = GENOPS_SYNTAX;
	request->field = field;
	request->fault = fault;
}

static void out_of_memory(struct genops_request *request)
{
	if (request->code == GENOPS_OK)
		request->code = GENOPS_NOMEM;
}

static void read_model(struct genops_request *request, const char *field, genops_str text)
{
	if (text.len > GENOPS_REQUEST_MODEL_MAX) {
		refuse(request, field, "is longer than 256 bytes");
		return;
	}
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
			refuse(request, field, "has control characters");
			return;
		}
	}
	if (!genops_arena_dup(request->arena, text, &request->call.model))
		out_of_memory(request);
}

static void read_tier(struct genops_request *request, genops_str text)
{
	enum genops_tier tier = GENOPS_TIER_STANDARD;
	if (genops_str_is(text, "flex"))
		tier = GENOPS_TIER_FLEX;
	else if (genops_str_is(text, "batch"))
		tier = GENOPS_TIER_BATCH;
	else if (genops_str_is(text, "priority") || genops_str_is(text, "auto") ||
		 genops_str_is(text, "fast"))
		tier = GENOPS_TIER_PRIORITY; /* auto may be served by the dearest */
	if (tier > request->call.tier)
		request->call.tier = tier;
}

static void keep_content(struct genops_request *request, genops_str text)
{
	struct genops_buffer *content = &request->call.content;
	request->call.has_content = true;
	if (content->len)
		genops_buffer_add_char(content, '\n');
	genops_buffer_add(content, text);
	if (content->error && request->code == GENOPS_OK)
		request->code = content->error;
}

static void read_content(struct genops_request *request, genops_str text)
{
	request->growth += genops_request_growth(text);
	if (request->info.want_content)
		keep_content(request, text);
}

/* For the filters alone: the bounds are those of the bytes, whether or not a filter is on. */
static void read_words(struct genops_request *request, const struct genops_json_value *value)
{
	if (value->type != GENOPS_JSON_STRING)
		return;
	if (value->is_cut)
		request->code = GENOPS_LIMIT;
	else
		keep_content(request, value->text);
}

static void read_text(struct genops_request *request, const struct genops_json_value *value)
{
	if (value->type != GENOPS_JSON_STRING)
		return;
	if (value->is_cut) {
		request->code = GENOPS_LIMIT;
		return;
	}
	request->slack_bytes += value->end - value->start - 2 - value->text.len;
	read_content(request, value->text);
}

static void read_count(struct genops_request *request, const char *field,
    const struct genops_json_value *value, int64_t *count)
{
	if (!value->is_integer || value->type != GENOPS_JSON_NUMBER)
		refuse(request, field, "must be a whole number");
	else if (value->integer < 0 || value->integer > GENOPS_REQUEST_COUNT_MAX)
		refuse(request, field, "must be between 0 and 1000000000");
	else if (value->integer > *count)
		*count = value->integer;
}

static bool read_bool(
    struct genops_request *request, const char *field, const struct genops_json_value *value)
{
	if (value->type != GENOPS_JSON_TRUE && value->type != GENOPS_JSON_FALSE)
		refuse(request, field, "must be true or false");
	return value->type == GENOPS_JSON_TRUE;
}

static void read_options(
    struct genops_request *request, const char *field, const struct genops_json_value *value)
{
	request->has_options = true;
	request->is_options_null = value->type == GENOPS_JSON_NULL;
	request->options_start = value->start;
	request->options_end = value->end;
	if (value->type != GENOPS_JSON_OBJECT && !request->is_options_null)
		refuse(request, field, "must be an object");
}

static void read_include(
    struct genops_request *request, const char *field, const struct genops_json_value *value)
{
	request->has_include = true;
	request->include_start = value->start;
	request->include_end = value->end;
	if (value->type != GENOPS_JSON_NULL)
		request->call.wants_stream_usage = read_bool(request, field, value);
}

/* Objects are measured whole at their end; a text (a URL, a data URL) likewise. */
static void read_media(
    struct genops_request *request, const struct genops_json_value *value, bool is_audio)
{
	bool is_whole = value->type == GENOPS_JSON_STRING ||
			(value->type == GENOPS_JSON_OBJECT && value->is_end);
	if (!is_whole)
		return;
	uint64_t len = value->end - value->start;
	request->media_bytes += len;
	if (is_audio)
		request->audio_bytes += (int64_t)len;
	else
		request->n_images++;
}

static void read_source(struct genops_request *request, const struct genops_json_value *value)
{
	if (value->type == GENOPS_JSON_OBJECT && !value->is_end) {
		request->is_text_source = request->is_media_source = false;
	} else if (request->is_text_source) {
		request->n_text_sources++;
	} else {
		read_media(request, value, false);
	}
}

static void read_source_type(struct genops_request *request, const struct genops_json_value *value)
{
	if (value->type != GENOPS_JSON_STRING)
		return;
	request->is_text_source =
	    genops_str_is(value->text, "text") || genops_str_is(value->text, "content");
	request->is_media_source = !request->is_text_source;
}

static void read_part_type(struct genops_request *request, const struct genops_json_value *value)
{
	static const char *const files[] = {
	    "file", "input_file", "document", "container_upload", "item_reference"};
	for (size_t i = 0; value->type == GENOPS_JSON_STRING && i < sizeof files / sizeof files[0];
	     i++)
		request->n_files += genops_str_is(value->text, files[i]);
}

static void read_open(struct genops_request *request, const struct genops_json_value *value)
{
	bool is_nothing =
	    value->type == GENOPS_JSON_NULL || value->type == GENOPS_JSON_FALSE ||
	    (value->type == GENOPS_JSON_STRING && !value->text.len) ||
	    ((value->type == GENOPS_JSON_ARRAY || value->type == GENOPS_JSON_OBJECT) &&
		(!value->is_end || value->end - value->start <= 2));
	if (!is_nothing)
		request->call.is_input_open = true;
}

static void read_temperature(
    struct genops_request *request, const char *field, const struct genops_json_value *value)
{
	if (value->type != GENOPS_JSON_NUMBER) {
		refuse(request, field, "must be a number");
		return;
	}
	request->call.has_temperature = true;
	request->call.temperature = value->number;
}

static void read_prediction(struct genops_request *request, const struct genops_json_value *value)
{
	if (value->type == GENOPS_JSON_OBJECT && value->is_end)
		request->call.expected.output_tokens += (int64_t)(value->end - value->start);
}

/* Fields whose null means the same as their absence, and that must have one type. */
static void read_governed(struct genops_request *request, const struct genops_field *row,
    const struct genops_json_value *value)
{
	if (value->type == GENOPS_JSON_NULL)
		return;
	bool is_text = value->type == GENOPS_JSON_STRING;
	switch (row->kind) {
	case GENOPS_FIELD_STREAM:
		request->call.is_stream = read_bool(request, row->path, value);
		break;
	case GENOPS_FIELD_MAX_TOKENS:
		read_count(request, row->path, value, &request->call.max_output_tokens);
		break;
	case GENOPS_FIELD_CHOICES:
		read_count(request, row->path, value, &request->n_choices);
		break;
	case GENOPS_FIELD_TEMPERATURE:
		read_temperature(request, row->path, value);
		break;
	default: /* MODEL, TIER, SPEED */
		if (!is_text)
			refuse(request, row->path, "must be text");
		else if (row->kind == GENOPS_FIELD_MODEL)
			read_model(request, row->path, value->text);
		else
			read_tier(request, value->text);
	}
}

/* What is words, pictures, sound, tools. */
static void read_matter(
    struct genops_request *request, int kind, const struct genops_json_value *value)
{
	switch (kind) {
	case GENOPS_FIELD_PROMPT:
		request->n_prompts += value->type == GENOPS_JSON_STRING ||
				      (value->type == GENOPS_JSON_ARRAY && !value->is_end);
		read_text(request, value);
		break;
	case GENOPS_FIELD_SPOKEN:
		if (value->type == GENOPS_JSON_STRING)
			request->call.expected.characters += genops_request_characters(value->text);
		read_text(request, value);
		break;
	case GENOPS_FIELD_SOURCE_DATA:
		if (!request->is_media_source)
			read_text(request, value);
		break;
	case GENOPS_FIELD_TEXT:
		read_text(request, value);
		break;
	case GENOPS_FIELD_WORDS:
		read_words(request, value);
		break;
	case GENOPS_FIELD_IMAGE:
	case GENOPS_FIELD_AUDIO:
		read_media(request, value, kind == GENOPS_FIELD_AUDIO);
		break;
	case GENOPS_FIELD_SOURCE:
		read_source(request, value);
		break;
	case GENOPS_FIELD_SOURCE_TYPE:
		read_source_type(request, value);
		break;
	case GENOPS_FIELD_PART_TYPE:
		read_part_type(request, value);
		break;
	case GENOPS_FIELD_OPEN:
		read_open(request, value);
		break;
	case GENOPS_FIELD_TOOL_TYPE:
		if (value->type == GENOPS_JSON_STRING)
			genops_request_tool(request, value->text);
		break;
	default: /* TOOLS */
		request->has_tools = request->has_tools || value->type != GENOPS_JSON_NULL;
	}
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct genops_request *request = arg;
	const struct genops_field *row = &request->info.endpoint->reading->request->rows[value->id];
	switch (row->kind) {
	case GENOPS_FIELD_ROOT:
		request->root_start = value->start;
		if (value->type != GENOPS_JSON_OBJECT)
			refuse(request, "the body", "must be a JSON object");
		break;
	case GENOPS_FIELD_STREAM_OPTIONS:
		read_options(request, row->path, value);
		break;
	case GENOPS_FIELD_INCLUDE_USAGE:
		read_include(request, row->path, value);
		break;
	case GENOPS_FIELD_PREDICTION:
		read_prediction(request, value);
		break;
	case GENOPS_FIELD_MODEL:
	case GENOPS_FIELD_STREAM:
	case GENOPS_FIELD_MAX_TOKENS:
	case GENOPS_FIELD_CHOICES:
	case GENOPS_FIELD_TEMPERATURE:
	case GENOPS_FIELD_TIER:
	case GENOPS_FIELD_SPEED:
		read_governed(request, row, value);
		break;
	default:
		read_matter(request, row->kind, value);
	}
}

int genops_request_begin(
    void *state, struct genops_arena *arena, const struct genops_request_info *info)
{
	struct genops_request *request = state;
	*request = (struct genops_request){.info = *info, .arena = arena};
	genops_buffer_init(&request->call.content, GENOPS_REQUEST_CONTENT_MAX);
	struct genops_fields *fields = info->endpoint->reading->request;
	if (!fields || info->endpoint->body_form != GENOPS_BODY_JSON)
		return GENOPS_OK;
	const struct genops_json_paths *paths = genops_fields_paths(fields, info->want_content);
	struct genops_json_scan_options options = {.text_max = TEXT_MAX, .arena = arena};
	if (paths)
		request->scan = genops_json_scan_new(paths, &options, on_value, request);
	return request->scan ? GENOPS_OK : GENOPS_NOMEM;
}

static int stop_reading(struct genops_request *request)
{
	genops_json_scan_free(request->scan);
	request->scan = NULL;
	return GENOPS_OK;
}

int genops_request_feed(void *state, genops_str piece, struct genops_error *err)
{
	struct genops_request *request = state;
	/* The words are never longer than the body: room for those of the first piece, mostly all, at once. */
	if (request->scan && request->info.want_content && !request->n_bytes && piece.len < GENOPS_REQUEST_CONTENT_MAX &&
	    !genops_buffer_reserve(&request->call.content, piece.len))
		return genops_fail(err, GENOPS_NOMEM, "no memory for the request's words");
	if (request->scan) {
		int code = genops_json_scan_feed(request->scan, piece, err);
		if (code != GENOPS_OK && request->info.endpoint->reading->is_lenient)
			code = stop_reading(request);
		GENOPS_TRY(code);
		genops_request_edits_look(request, piece);
	}
	request->n_bytes += piece.len;
	return GENOPS_OK;
}

int genops_request_conclude(
    struct genops_request *request, struct genops_call *call, struct genops_error *err)
{
	const struct genops_endpoint *endpoint = request->info.endpoint;
	if (request->code == GENOPS_SYNTAX && !endpoint->reading->is_lenient)
		return genops_fail(err, GENOPS_SYNTAX, "%s %s", request->field, request->fault);
	if (request->code != GENOPS_OK && request->code != GENOPS_SYNTAX)
		return genops_fail(err, request->code, "the request is too large to be read: %s",
		    genops_error_text(request->code));
	request->call.operation = endpoint->operation;
	request->call.is_metered = endpoint->is_metered;
	request->call.n_choices = (request->n_choices ? request->n_choices : 1) *
				  (request->n_prompts ? request->n_prompts : 1);
	if (request->n_files > request->n_text_sources)
		request->call.is_input_open = true;
	genops_request_bound(request, &request->call);
	if (endpoint->reading->request_finish)
		endpoint->reading->request_finish(request, &request->call);
	*call = request->call;
	request->is_handed_over = true;
	return GENOPS_OK;
}

int genops_request_finish(void *state, struct genops_call *call, struct genops_error *err)
{
	struct genops_request *request = state;
	if (request->scan) {
		int code = genops_json_scan_end(request->scan, err);
		if (code != GENOPS_OK && request->info.endpoint->reading->is_lenient)
			code = stop_reading(request);
		GENOPS_TRY(code);
		genops_request_edits_ask(request);
	}
	return genops_request_conclude(request, call, err);
}

void genops_request_done(void *state)
{
	struct genops_request *request = state;
	genops_json_scan_free(request->scan);
	request->scan = NULL;
	if (!request->is_handed_over)
		genops_buffer_done(&request->call.content);
}

/* Numbers and booleans of a form are texts: read by the same rules. */
static bool form_value(
    const struct genops_field *row, genops_str text, struct genops_json_value *ret_value)
{
	*ret_value = (struct genops_json_value){
	    .type = GENOPS_JSON_STRING, .is_end = true, .text = text, .end = text.len + 2};
	if (row->kind == GENOPS_FIELD_STREAM) {
		if (genops_str_is_nocase(text, "true") || genops_str_is(text, "1"))
			ret_value->type = GENOPS_JSON_TRUE;
		else if (genops_str_is_nocase(text, "false") || genops_str_is(text, "0") ||
			 !text.len)
			ret_value->type = GENOPS_JSON_FALSE;
		return true;
	}
	if (row->kind != GENOPS_FIELD_MAX_TOKENS && row->kind != GENOPS_FIELD_CHOICES &&
	    row->kind != GENOPS_FIELD_TEMPERATURE)
		return true;
	if (!text.len)
		return false;
	ret_value->is_integer = genops_str_to_int(text, &ret_value->integer);
	if (ret_value->is_integer || genops_str_to_double(text, &ret_value->number))
		ret_value->type = GENOPS_JSON_NUMBER;
	if (ret_value->is_integer)
		ret_value->number = (double)ret_value->integer;
	return true;
}

void genops_request_form_field(struct genops_request *request, const char *path, genops_str text)
{
	const struct genops_fields *fields = request->info.endpoint->reading->request;
	for (size_t i = 0; fields && i < fields->n_rows; i++) {
		struct genops_json_value value;
		if (strcmp(fields->rows[i].path, path) != 0 ||
		    !form_value(&fields->rows[i], text, &value))
			continue;
		value.id = (int)i;
		on_value(request, &value);
	}
}
