/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/follow.c - follows a response by its endpoint's rows (fields.h) into a
 * genops_answer. See follow.h.
 *
 * Never fails: what cannot be read is not known, and passes on. Nothing of the content is kept,
 * only counted. Unmetered endpoints (models, count_tokens, stored responses) are followed for their
 * errors only.
 */
#include "dialect/read/follow.h"

#include "base/str.h"

#define DATA_MAX	((size_t)1 << 20)
#define TEXT_MAX	((size_t)32 << 20) /* of one text: only its length is taken */
#define MODELS_MAX	4
#define MODEL_LEN_MAX	((size_t)256)
#define BYTES_PER_TOKEN 25 /* of sound: 500 bytes and 20 tokens a second */

static void copy_text(char *to, size_t size, genops_str text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;
	for (size_t i = 0; i < len; i++)
		to[i] =
		    (unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? ' ' : text.ptr[i];
	to[len] = '\0';
}

static void read_model(struct genops_follow *follow, genops_str model)
{
	struct genops_answer *answer = follow->answer;
	if (!model.len || model.len > MODEL_LEN_MAX || genops_str_equal(model, answer->model) ||
	    follow->n_models == MODELS_MAX)
		return;
	follow->n_models++;
	genops_str copy;
	if (genops_arena_dup(follow->arena, model, &copy))
		answer->model = copy;
}

/* The tier that served. What a provider calls otherwise is its standard. */
static void read_tier(struct genops_follow *follow, genops_str tier)
{
	genops_usage *usage = &follow->answer->usage;
	if (genops_str_equal(tier, GENOPS_STR("default")))
		usage->tier = GENOPS_TIER_STANDARD;
	else if (genops_str_is(tier, "flex"))
		usage->tier = GENOPS_TIER_FLEX;
	else if (genops_str_is(tier, "priority") || genops_str_is(tier, "fast"))
		usage->tier = GENOPS_TIER_PRIORITY;
	else if (genops_str_is(tier, "batch"))
		usage->tier = GENOPS_TIER_BATCH;
	else if (!genops_str_is(tier, "auto"))
		usage->tier = GENOPS_TIER_STANDARD;
}

void genops_follow_commit(struct genops_follow *follow, bool is_first)
{
	struct genops_answer *answer = follow->answer;
	if (!follow->info.endpoint->is_metered)
		return;
	if (follow->pending.is_bad) {
		answer->usage.is_estimated = true;
		answer->has_usage = false;
		return;
	}
	if (!genops_counts_normalise(&follow->pending, &answer->usage))
		return;
	follow->known = follow->pending;
	answer->has_input_usage = true;
	if (!is_first)
		answer->has_usage = true;
}

static void read_usage(
    struct genops_follow *follow, const struct genops_json_value *value, bool is_first)
{
	if (value->type == GENOPS_JSON_NULL) {
		follow->null_start = value->start;
		follow->null_end = value->end;
	}
	if (value->type != GENOPS_JSON_OBJECT)
		return;
	if (!value->is_end) {
		follow->has_usage_object = true;
		follow->pending = follow->known;
		genops_counts_begin(&follow->pending);
	} else {
		genops_follow_commit(follow, is_first);
	}
}

/* The API's own ends and errors, by the type of the event. */
static void read_type(struct genops_follow *follow, genops_str type)
{
	static const struct {
		const char *type;
		bool is_final; /* of several images each has its own end */
	} ends[] = {{"message_stop", true}, {"response.completed", true}, {"response.incomplete", true},
	    {"response.failed", true}, {"speech.audio.done", true}, {"transcript.text.done", true},
	    {"image_generation.completed", false}, {"image_edit.completed", false}};
	struct genops_answer *answer = follow->answer;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		if (!genops_str_is(type, ends[i].type))
			continue;
		answer->is_complete = true;
		answer->is_final = ends[i].is_final;
	}
	if (genops_str_is(type, "error") || genops_str_is(type, "response.failed"))
		answer->is_error = true;
	if (genops_str_is(type, "image_generation.completed") ||
	    genops_str_is(type, "image_edit.completed"))
		answer->usage.images++;
	follow->is_repeat = genops_str_is(type, "response.output_item.done");
}

static void read_item_type(struct genops_follow *follow, genops_str type)
{
	if (genops_str_ends(type, GENOPS_STR("_call")) ||
	    genops_str_ends(type, GENOPS_STR("tool_use")))
		follow->n_calls++;
	if (genops_str_is(type, "web_search_call"))
		follow->n_searches++;
}

/* Output items are told when they begin and when they end, and all again at the response's end. */
static void count_items(struct genops_follow *follow)
{
	if (!follow->is_repeat) {
		follow->answer->n_tool_calls += follow->n_calls;
		follow->answer->usage.web_searches += follow->n_searches;
	}
	follow->n_calls = follow->n_searches = 0;
}

static void read_error(struct genops_follow *follow, const struct genops_json_value *value)
{
	if (value->type == GENOPS_JSON_OBJECT ||
	    (value->type == GENOPS_JSON_STRING && value->text.len))
		follow->answer->is_error = true;
}

static void read_text(struct genops_follow *follow, int kind, genops_str text)
{
	struct genops_answer *answer = follow->answer;
	switch (kind) {
	case GENOPS_ANSWER_MODEL:
		read_model(follow, text);
		break;
	case GENOPS_ANSWER_ID:
		if (!answer->response_id[0])
			copy_text(answer->response_id, sizeof answer->response_id, text);
		break;
	case GENOPS_ANSWER_TIER:
		read_tier(follow, text);
		break;
	case GENOPS_ANSWER_SPEED:
		if (genops_str_is(text, "fast"))
			read_tier(follow, text);
		break;
	case GENOPS_ANSWER_END:
	case GENOPS_ANSWER_FINISH:
		answer->is_complete = answer->is_complete || kind == GENOPS_ANSWER_END;
		if (text.len)
			copy_text(answer->finish_reason, sizeof answer->finish_reason, text);
		break;
	case GENOPS_ANSWER_TOOL:
		answer->n_tool_calls += text.len > 0;
		answer->output_bytes += (int64_t)text.len;
		break;
	case GENOPS_ANSWER_ITEM_TYPE:
		read_item_type(follow, text);
		break;
	case GENOPS_ANSWER_ERROR_TYPE:
		if (!answer->error_type[0])
			copy_text(answer->error_type, sizeof answer->error_type, text);
		break;
	case GENOPS_ANSWER_OBJECT:
		answer->is_error = answer->is_error || genops_str_equal(text, GENOPS_STR("error"));
		break;
	case GENOPS_ANSWER_TYPE:
		read_type(follow, text);
		break;
	default:
		break;
	}
}

static void read_list(struct genops_follow *follow, int kind, const struct genops_json_value *value)
{
	if (kind == GENOPS_ANSWER_CHOICE)
		follow->has_choice = true;
	else if (kind == GENOPS_ANSWER_ITEMS && value->type == GENOPS_JSON_ARRAY && !value->is_end)
		follow->answer->n_tool_calls = follow->answer->usage.web_searches = 0;
	else if (kind == GENOPS_ANSWER_IMAGE && value->type == GENOPS_JSON_OBJECT && !value->is_end)
		follow->answer->usage.images++;
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct genops_follow *follow = arg;
	int kind = follow->info.endpoint->reading->answer->rows[value->id].kind;
	if (kind >= GENOPS_ANSWER_COUNT) {
		genops_counts_set(
		    &follow->pending, (enum genops_count)(kind - GENOPS_ANSWER_COUNT), value);
		return;
	}
	switch (kind) {
	case GENOPS_ANSWER_TEXT:
		if (value->type == GENOPS_JSON_STRING)
			follow->answer->output_bytes += (int64_t)value->text.len;
		break;
	case GENOPS_ANSWER_FIRST_USAGE:
	case GENOPS_ANSWER_USAGE:
		read_usage(follow, value, kind == GENOPS_ANSWER_FIRST_USAGE);
		break;
	case GENOPS_ANSWER_DURATION:
		genops_counts_set(&follow->pending, GENOPS_COUNT_SECONDS, value);
		break;
	case GENOPS_ANSWER_ERROR:
		read_error(follow, value);
		break;
	case GENOPS_ANSWER_CHOICE:
	case GENOPS_ANSWER_ITEMS:
	case GENOPS_ANSWER_IMAGE:
		read_list(follow, kind, value);
		break;
	default:
		if (value->type == GENOPS_JSON_STRING)
			read_text(follow, kind, value->text);
	}
}

/* A chunk that is there for its usage alone. */
static bool is_usage_chunk(const struct genops_follow *follow)
{
	return follow->has_usage_object && !follow->has_choice;
}

static void on_event(void *arg, const struct genops_sse_event *event)
{
	struct genops_follow *follow = arg;
	struct genops_answer *answer = follow->answer;
	if (genops_str_is(event->data, "[DONE]")) {
		answer->is_complete = answer->is_final = true;
		return;
	}
	answer->is_complete = answer->is_final = false;
	follow->is_repeat = follow->has_choice = follow->has_usage_object = false;
	follow->null_start = follow->null_end = 0;
	if (genops_str_is(event->name, "error"))
		answer->is_error = true;
	genops_json_scan_reset(follow->scan);
	int code = genops_json_scan_feed(follow->scan, event->data, NULL);
	if (code == GENOPS_OK && !event->is_cut)
		code = genops_json_scan_end(follow->scan, NULL);
	count_items(follow);
	if (code != GENOPS_OK)
		answer->is_complete = answer->is_final = false; /* an end that was itself cut short */
	if (code != GENOPS_OK || !follow->info.call->asks_usage)
		return;
	if (is_usage_chunk(follow))
		genops_rewrite_drop(&follow->rewrite, event);
	else if (follow->null_end)
		genops_rewrite_drop_member(
		    &follow->rewrite, event, follow->null_start, follow->null_end);
}

int genops_follow_begin(
    void *state, struct genops_arena *arena, const struct genops_response_info *info)
{
	struct genops_follow *follow = state;
	*follow = (struct genops_follow){.info = *info, .arena = arena};
	const struct genops_reading *reading = info->endpoint->reading;
	bool is_on = info->is_stream && info->call->asks_usage;
	genops_rewrite_begin(&follow->rewrite, false);
	if (!reading->answer)
		return GENOPS_OK;
	const struct genops_json_paths *paths = genops_fields_paths(reading->answer, false);
	struct genops_json_scan_options options = {.text_max = TEXT_MAX, .allow_duplicates = true, .arena = arena};
	if (paths)
		follow->scan = genops_json_scan_new(paths, &options, on_value, follow);
	if (!follow->scan)
		return GENOPS_NOMEM;
	if (info->is_stream)
		follow->sse = genops_sse_new(
		    reading->data_max ? reading->data_max : DATA_MAX, on_event, follow);
	if (info->is_stream && !follow->sse)
		return GENOPS_NOMEM;
	genops_rewrite_begin(&follow->rewrite, is_on);
	return GENOPS_OK;
}

void genops_follow_header(
    void *state, genops_str name, genops_str value, struct genops_answer *answer)
{
	if (genops_str_is_nocase(name, "x-request-id") ||
	    genops_str_is_nocase(name, "request-id") ||
	    (genops_str_is_nocase(name, "apim-request-id") && !answer->request_id[0]))
		copy_text(answer->request_id, sizeof answer->request_id, value);
}

static void feed_stream(struct genops_follow *follow, genops_str piece, struct genops_tap *ret_tap)
{
	bool is_rewriting = follow->rewrite.is_on;
	uint64_t start = follow->offset;
	if (is_rewriting)
		genops_rewrite_piece(&follow->rewrite, piece, start);
	genops_sse_feed(follow->sse, piece);
	uint64_t boundary = genops_sse_event_start(follow->sse);
	if (is_rewriting)
		genops_rewrite_end_piece(&follow->rewrite, piece, boundary, ret_tap);
	struct genops_answer *answer = follow->answer;
	answer->can_cut = boundary >= start;
	answer->cut_offset = boundary >= start ? (size_t)(boundary - start) : 0;
	if (follow->rewrite.is_on) {
		answer->can_cut =
		    follow->rewrite.sent <= boundary; /* then only whole events went out */
		answer->cut_offset = 0;
	}
}

static void read_document(struct genops_follow *follow, genops_str piece)
{
	/* A fault is remembered by the scan: finish finds the document incomplete. */
	int code = genops_json_scan_feed(follow->scan, piece, NULL);
	(void)code;
	count_items(follow);
}

void genops_follow_feed(
    void *state, genops_str piece, struct genops_tap *ret_tap, struct genops_answer *answer)
{
	struct genops_follow *follow = state;
	*ret_tap = (struct genops_tap){0};
	follow->answer = answer;
	answer->can_cut = false;
	answer->cut_offset = 0;
	if (!follow->offset)
		answer->usage.tier = follow->info.call->tier == GENOPS_TIER_PRIORITY
					 ? GENOPS_TIER_PRIORITY
					 : GENOPS_TIER_STANDARD;
	if (follow->sse)
		feed_stream(follow, piece, ret_tap);
	else if (follow->scan)
		read_document(follow, piece);
	follow->offset += piece.len;
	if (follow->info.endpoint->reading->has_binary_answer && !follow->sse)
		answer->output_bytes = (int64_t)(follow->offset / BYTES_PER_TOKEN);
	answer->usage.tool_calls = answer->n_tool_calls;
}

static void finish_stream(struct genops_follow *follow, struct genops_tap *ret_tap)
{
	bool is_rewriting = follow->rewrite.is_on;
	if (is_rewriting)
		genops_rewrite_piece(&follow->rewrite, (genops_str){0}, follow->offset);
	/* Behind the stream's own end may stand the beginning of what is not an answer any more. */
	if (!follow->answer->is_final)
		genops_sse_end(follow->sse);
	if (is_rewriting)
		genops_rewrite_end_piece(
		    &follow->rewrite, (genops_str){0}, follow->offset, ret_tap);
}

void genops_follow_finish(void *state, struct genops_tap *ret_tap, struct genops_answer *answer)
{
	struct genops_follow *follow = state;
	const struct genops_reading *reading = follow->info.endpoint->reading;
	*ret_tap = (struct genops_tap){0};
	follow->answer = answer;
	answer->can_cut = true;
	if (follow->sse)
		finish_stream(follow, ret_tap);
	else if (follow->scan && !reading->has_binary_answer)
		answer->is_complete = genops_json_scan_end(follow->scan, NULL) == GENOPS_OK;
	else
		answer->is_complete = true;
	if (follow->info.status >= 400)
		answer->is_error = true;
	if (!answer->is_error)
		answer->error_type[0] = '\0';
	if (reading->answer_finish && follow->info.endpoint->is_metered)
		reading->answer_finish(follow);
	answer->usage.tool_calls = answer->n_tool_calls;
}

void genops_follow_done(void *state)
{
	struct genops_follow *follow = state;
	genops_json_scan_free(follow->scan);
	genops_sse_free(follow->sse);
	follow->scan = NULL;
	follow->sse = NULL;
	genops_rewrite_done(&follow->rewrite);
}
