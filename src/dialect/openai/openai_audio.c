/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_audio.c - POST /v1/audio/speech (JSON in, sound out), /transcriptions and
 * /translations (forms).
 *
 * Bounds: spoken text gives at most 10 audio tokens a character (20 a second, slow speech at a
 * quarter of the speed); a file at least 500 bytes a second (Opus' lowest rate), so a byte is at
 * most 2 ms and 50 bytes a token.
 */
#include "base/str.h"
#include "dialect/openai/openai.h"
#include "dialect/read/follow.h"
#include "dialect/read/request.h"
#include "dialect/read/usage_rows.h"

#define TOKENS_PER_CHARACTER 10
#define MS_PER_BYTE	     2
#define BYTES_PER_TOKEN	     50

static const struct genops_field speech_rows[] = {
    {"", GENOPS_FIELD_ROOT},
    {"model", GENOPS_FIELD_MODEL},
    {"input", GENOPS_FIELD_SPOKEN},
    {"instructions", GENOPS_FIELD_TEXT},
};

static const struct genops_field form_rows[] = {
    {"model", GENOPS_FIELD_MODEL},
    {"prompt", GENOPS_FIELD_TEXT},
    {"stream", GENOPS_FIELD_STREAM},
    {"temperature", GENOPS_FIELD_TEMPERATURE},
};

static const struct genops_field answer_rows[] = {
    {"type", GENOPS_ANSWER_TYPE},
    {"model", GENOPS_ANSWER_MODEL},
    {"text", GENOPS_ANSWER_TEXT},
    {"delta", GENOPS_ANSWER_TEXT},
    {"duration", GENOPS_ANSWER_DURATION},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
    GENOPS_OPENAI_USAGE_ROWS("usage"),
    GENOPS_RESPONSES_USAGE_ROWS("usage"),
};

static struct genops_fields speech_fields = GENOPS_FIELDS(speech_rows);
static struct genops_fields form_fields = GENOPS_FIELDS(form_rows);
static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

static void speech_request_finish(struct genops_request *request, struct genops_call *call)
{
	genops_openai_deployment(request, call);
	call->expected.output_tokens = call->expected.characters * TOKENS_PER_CHARACTER;
	call->expected.audio_output_tokens = call->expected.output_tokens;
}

/* tts-1 is paid by the character: then the request says what it was. */
static void speech_answer_finish(struct genops_follow *follow)
{
	struct genops_answer *answer = follow->answer;
	const struct genops_call *call = follow->info.call;
	if (answer->is_error || answer->has_usage ||
	    !genops_str_starts(call->model, GENOPS_STR("tts-1")))
		return;
	answer->usage.characters = call->expected.characters;
	answer->has_usage = answer->is_complete;
}

static void form_request_finish(struct genops_request *request, struct genops_call *call)
{
	genops_openai_deployment(request, call);
	call->expected.audio_ms = request->file_bytes * MS_PER_BYTE;
	call->expected.audio_input_tokens = request->file_bytes / BYTES_PER_TOKEN;
	call->expected.input_tokens += call->expected.audio_input_tokens;
}

static void form_answer_finish(struct genops_follow *follow)
{
	if (follow->answer->is_complete && !follow->answer->has_usage && follow->pending.seen)
		genops_follow_commit(follow, false);
}

const struct genops_reading genops_openai_speech_reading = {
    .request = &speech_fields,
    .answer = &answer_fields,
    .request_finish = speech_request_finish,
    .answer_finish = speech_answer_finish,
    .has_binary_answer = true,
};

const struct genops_reading genops_openai_transcriptions_reading = {
    .request = &form_fields,
    .answer = &answer_fields,
    .request_finish = form_request_finish,
    .answer_finish = form_answer_finish,
};
