/* SPDX-License-Identifier: Apache-2.0 - engine/pump/pump_prepare.c: what is asked before a request, in whichever order it comes; and
 * net/read_file.c, by which files are asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "engine/pump/pump_prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct session {
	int n_wanted, n_asked;
	char path[64], token[32];
	enum genops_verdict_kind kind;
};

static int prepare(const struct genops_destination_settings *settings, int64_t now_unix_ns, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	struct session *session = settings->session;
	if (session->n_asked == session->n_wanted)
		return 0;
	*ret_request = (struct genops_request){.transport = GENOPS_TRANSPORT_READ, .url = genops_str_of(session->path), .answer_max = 16};
	return 1;
}

static void prepared(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	struct session *session = settings->session;
	session->n_asked++;
	ret_verdict->kind = response->status == 200 ? session->kind : GENOPS_REJECTED;
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "%.*s", GENOPS_STR_ARG(response->network_error));
	snprintf(session->token, sizeof session->token, "%.*s", GENOPS_STR_ARG(response->body));
}

static const struct genops_destination_type type = {
    .name = "t", .session_size = sizeof(struct session), .prepare = prepare, .prepared = prepared};

static bool ask(struct session *session, struct genops_send_verdict *verdict)
{
	struct genops_destination_settings settings = {0};
	struct genops_arena arena;
	struct genops_error err;
	int cancel = 0;
	genops_arena_init(&arena, 4096);
	struct genops_http_client *client = genops_http_client_new(&err);
	assert_int_equal(genops_pump_session_begin(&type, &settings, &err), GENOPS_OK);
	memcpy(settings.session, session, sizeof *session);
	bool is_ready = genops_pump_prepare(&type, &settings, client, &arena, &cancel, verdict);
	memcpy(session, settings.session, sizeof *session);
	genops_pump_session_end(&type, &settings);
	assert_null(settings.session);
	genops_http_client_free(client);
	genops_arena_done(&arena);
	return is_ready;
}

static void asks_until_nothing_is_missing(void **state)
{
	struct genops_send_verdict verdict = {0};
	struct session session = {.n_wanted = 3, .path = "/tmp/genops-token-XXXXXX", .kind = GENOPS_SENT};
	int fd = mkstemp(session.path);
	assert_int_equal(write(fd, "0123456789abcdefXYZ", 19), 19);
	close(fd);
	assert_true(ask(&session, &verdict));
	assert_int_equal(session.n_asked, 3);
	unlink(session.path);
	assert_string_equal(session.token, "0123456789abcdef"); /* as long as was asked for */

	session = (struct session){.n_wanted = 1, .kind = GENOPS_REJECTED, .path = ""};
	memcpy(session.path, "/tmp", 5);
	assert_false(ask(&session, &verdict)); /* a folder */
	assert_int_equal(verdict.kind, GENOPS_RETRY); /* what waits is not given up for that */
	assert_non_null(strstr(verdict.reason, "is not a file"));
}

static void a_missing_file_is_told(void **state)
{
	struct genops_send_verdict verdict = {0};
	struct session session = {.n_wanted = 1, .path = "/nowhere/token"};
	assert_false(ask(&session, &verdict));
	assert_int_equal(verdict.kind, GENOPS_RETRY);
	assert_non_null(strstr(verdict.reason, "/nowhere/token"));
}

static void it_comes_to_an_end(void **state)
{
	struct genops_send_verdict verdict = {0};
	struct session session = {.n_wanted = 1000000, .path = "/proc/self/status", .kind = GENOPS_SENT};
	assert_false(ask(&session, &verdict));
	assert_int_equal(session.n_asked, GENOPS_DESTINATION_PREPARES_MAX);
	assert_int_equal(verdict.kind, GENOPS_RETRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(asks_until_nothing_is_missing),
	    cmocka_unit_test(a_missing_file_is_told),
	    cmocka_unit_test(it_comes_to_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
