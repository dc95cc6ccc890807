/* SPDX-License-Identifier: Apache-2.0
 * test_form.c - multipart requests: fields and files, and every way in which two readers could
 * disagree is refused. */
#include "drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define TYPE "multipart/form-data; boundary=XX"
#define FIELD(name, value)                                                                         \
	"--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define SOUND                                                                                      \
	"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n"
#define END "--XX--\r\n"

static void read_form(struct drive *drive, const char *target, const char *type, genops_str body,
    struct pieces pieces)
{
	struct drive_request request = {.dialect = "openai",
	    .method = "POST",
	    .target = target,
	    .content_type = type,
	    .body = body,
	    .want_content = true};
	drive_init(drive);
	drive_request(drive, &request, pieces);
}

static void fields_are_read_and_files_measured(void **state)
{
	(void)state;
	static const char body[] = FIELD("model", "whisper-1") SOUND
	    "\r\n--X\r\n--XY\r\r\n\0sound\r\n" FIELD("prompt", "words") FIELD("temperature", "0.5")
		FIELD("stream", "true") END;
	genops_str text = {body, sizeof body - 1};
	for (size_t at = 0; at <= text.len; at++) {
		struct drive drive;
		read_form(&drive, "/v1/audio/transcriptions", TYPE, text,
		    at == text.len ? (struct pieces){1, 1} : (struct pieces){at, 0});
		assert_int_equal(drive.code, GENOPS_OK);
		assert_true(genops_str_is(drive.call.model, "whisper-1"));
		assert_true(drive.call.is_stream && drive.call.temperature == 0.5);
		assert_true(genops_str_is(genops_buffer_view(&drive.call.content), "words"));
		/* 20 bytes of sound are at most 2 ms each. */
		assert_int_equal(drive.call.expected.audio_ms, 2 * 20);
		drive_done(&drive);
	}
}

static void images_are_bounded(void **state)
{
	(void)state;
	struct drive drive;
	read_form(&drive, "/v1/images/edits", "Multipart/Form-Data; Boundary=\"XX\"",
	    GENOPS_STR(
		"--XX\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\n\r\nPNG\r\n" FIELD(
		    "n", "3") FIELD("model", "gpt-image-1") END),
	    WHOLE);
	assert_int_equal(drive.code, GENOPS_OK);
	assert_int_equal(drive.call.expected.images, 3);
	assert_true(drive.call.expected.image_input_tokens > 6240);
	assert_int_equal(drive.call.expected.output_tokens, 3 * 8192);
	drive_done(&drive);
}

static const struct {
	const char *type, *body, *message;
} refused[] = {
    {"application/json", "{}", "the content type must be multipart/form-data"},
    {"", FIELD("model", "m") END, "the content type must be multipart/form-data"},
    {"multipart/form-data", FIELD("model", "m") END, "the content type has no usable boundary"},
    {TYPE "; boundary=YY", FIELD("model", "m") END, "the content type has no usable boundary"},
    {TYPE, "preamble\r\n" FIELD("model", "m") END, "the form does not begin with its boundary"},
    {TYPE, "\r\n" FIELD("model", "m") END, "the form does not begin with its boundary"},
    {TYPE, FIELD("model", "m"), "the form ends too early"},
    {TYPE, "", "the form ends too early"},
    {TYPE, FIELD("model", "m") END "more", "something stands behind the end of the form"},
    {TYPE, FIELD("model", "m") FIELD("model", "n") END,
	"a field of the form stands twice or is a file"},
    {TYPE,
	"--XX\r\nContent-Disposition: form-data; name=\"model\"; filename=\"f\"\r\n\r\nm\r\n" END,
	"a field of the form stands twice or is a file"},
    {TYPE,
	"--XX\r\nContent-Disposition: form-data; name=\"model\"\r\nContent-Transfer-Encoding: base64\r\n\r\nbQ==\r\n" END,
	"a part of the form has a transfer encoding"},
    {TYPE, "--XX\r\nContent-Disposition: form-data\r\n\r\nm\r\n" END,
	"a part of the form has no plain name"},
    {TYPE, "--XX\r\nContent-Disposition: form-data; name=\"a\"; name=\"model\"\r\n\r\nm\r\n" END,
	"a part of the form has no plain name"},
    {TYPE, "--XX\r\n\r\nm\r\n" END, "a part of the form has no plain name"},
    {TYPE, FIELD("model", "\xff") END, "a field of the form is not UTF-8"},
    {TYPE, FIELD("temperature", "warm") END, "temperature must be a number"},
    {TYPE, FIELD("stream", "yes") END, "stream must be true or false"},
    {TYPE, "--XXX\r\n" END, "a boundary of the form does not end its line"},
};

static void ambiguous_forms_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		genops_str body = genops_str_of(refused[i].body);
		for (size_t at = 0; at <= body.len; at++) {
			struct drive drive;
			read_form(&drive, "/v1/audio/translations", refused[i].type, body,
			    (struct pieces){at, 0});
			if (drive.code != GENOPS_SYNTAX ||
			    strcmp(drive.err.message, refused[i].message) != 0)
				fail_msg("case %zu: %d %s", i, drive.code, drive.err.message);
			drive_done(&drive);
		}
	}
}

static void durations_are_read(void **state)
{
	(void)state;
	static const char *const answers[] = {
	    "{\"text\":\"x\",\"usage\":{\"type\":\"duration\",\"seconds\":8.47}}",
	    "{\"task\":\"transcribe\",\"duration\":8.47,\"text\":\"x\"}"};
	for (size_t i = 0; i < 2; i++) {
		struct drive drive;
		read_form(&drive, "/v1/audio/transcriptions", TYPE,
		    GENOPS_STR(FIELD("model", "whisper-1") END), WHOLE);
		drive_response(
		    &drive, false, 200, genops_str_of(answers[i]), (struct pieces){9, 3}, true);
		assert_true(drive.answer.has_usage);
		assert_int_equal(drive.answer.usage.audio_ms, 8470);
		drive_done(&drive);
	}
	struct drive drive;
	read_form(&drive, "/v1/audio/transcriptions", TYPE,
	    GENOPS_STR(FIELD("model", "gpt-4o-transcribe") END), WHOLE);
	drive_response(&drive, true, 200,
	    GENOPS_STR(
		"data: {\"type\":\"transcript.text.delta\",\"delta\":\"hey\"}\n\ndata: {\"type\":\"transcript.text.done\","
		"\"text\":\"hey\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,\"input_token_details\":{"
		"\"text_tokens\":0,\"audio_tokens\":14},\"output_tokens\":45,\"total_tokens\":59}}\n\n"),
	    WHOLE, true);
	assert_true(drive.answer.has_usage && drive.answer.is_complete);
	assert_int_equal(drive.answer.usage.audio_input_tokens, 14);
	assert_int_equal(drive.answer.usage.output_tokens, 45);
	drive_done(&drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_are_read_and_files_measured),
	    cmocka_unit_test(images_are_bounded),
	    cmocka_unit_test(ambiguous_forms_are_refused),
	    cmocka_unit_test(durations_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
