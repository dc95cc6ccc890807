/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_images.c - POST /v1/images/generations (JSON), /edits and /variations
 * (forms; edits also JSON).
 *
 * Some models are paid by the image (dall-e), some by tokens (gpt-image): both are bounded, and the
 * answer's usage or, without one, its number of images says what it was. The token bound of one
 * image is the documented most for 1536x1024 in high quality (6240), three partial images (100
 * each) and a reserve for larger sizes.
 */
#include "base/str.h"
#include "dialect/openai/openai.h"
#include "dialect/read/follow.h"
#include "dialect/read/request.h"
#include "dialect/read/usage_rows.h"

#define IMAGE_OUTPUT_TOKENS 8192
#define DATA_MAX	    ((size_t)32 << 20)

static const struct genops_field request_rows[] = {
    {"", GENOPS_FIELD_ROOT},
    {"model", GENOPS_FIELD_MODEL},
    {"prompt", GENOPS_FIELD_TEXT},
    {"n", GENOPS_FIELD_CHOICES},
    {"stream", GENOPS_FIELD_STREAM},
    {"images[]", GENOPS_FIELD_IMAGE},
    {"image", GENOPS_FIELD_IMAGE},
    {"image[]", GENOPS_FIELD_IMAGE},
    {"mask", GENOPS_FIELD_IMAGE},
};

static const struct genops_field form_rows[] = {
    {"model", GENOPS_FIELD_MODEL},
    {"prompt", GENOPS_FIELD_TEXT},
    {"n", GENOPS_FIELD_CHOICES},
    {"stream", GENOPS_FIELD_STREAM},
};

static const struct genops_field answer_rows[] = {
    {"type", GENOPS_ANSWER_TYPE},
    {"model", GENOPS_ANSWER_MODEL},
    {"data[]", GENOPS_ANSWER_IMAGE},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
    GENOPS_OPENAI_USAGE_ROWS("usage"),
    GENOPS_RESPONSES_USAGE_ROWS("usage"),
};

static struct genops_fields request_fields = GENOPS_FIELDS(request_rows);
static struct genops_fields form_fields = GENOPS_FIELDS(form_rows);
static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

static void request_finish(struct genops_request *request, struct genops_call *call)
{
	genops_openai_deployment(request, call);
	int64_t form_images = request->n_form_files * genops_request_image_tokens(call->model);
	call->expected.image_input_tokens += form_images;
	call->expected.input_tokens += form_images;
	call->expected.images = call->n_choices;
	call->expected.image_output_tokens = call->n_choices * IMAGE_OUTPUT_TOKENS;
	call->expected.output_tokens = call->expected.image_output_tokens;
}

static void answer_finish(struct genops_follow *follow)
{
	struct genops_answer *answer = follow->answer;
	bool is_by_token =
	    genops_str_find(follow->info.call->model, GENOPS_STR("gpt-image")) != SIZE_MAX;
	if (answer->is_complete && !answer->is_error && answer->usage.images > 0 && !is_by_token)
		answer->has_usage = true;
	/* All output of an image model is image, also where the details are not told. */
	if (answer->has_usage && !answer->usage.image_output_tokens)
		answer->usage.image_output_tokens = answer->usage.output_tokens;
}

const struct genops_reading genops_openai_images_reading = {
    .request = &request_fields,
    .answer = &answer_fields,
    .request_finish = request_finish,
    .answer_finish = answer_finish,
    .data_max = DATA_MAX,
};

const struct genops_reading genops_openai_image_forms_reading = {
    .request = &form_fields,
    .answer = &answer_fields,
    .request_finish = request_finish,
    .answer_finish = answer_finish,
    .data_max = DATA_MAX,
};
