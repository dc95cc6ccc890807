/* SPDX-License-Identifier: Apache-2.0
 * test_dialect.c - the tables: routes, and that every dialect, endpoint and provider row is whole.
 */
#include "base/str.h"
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct {
	const char *dialect, *method, *target, *endpoint; /* NULL: unknown */
} routes[] = {
    {"openai", "POST", "/v1/chat/completions", "openai.chat"},
    {"openai", "POST", "/v1/chat/completions?x=/v1/embeddings", "openai.chat"},
    {"openai", "POST", "/openai/v1/chat/completions", "openai.chat"},
    {"openai", "POST", "/beta/chat/completions", "openai.chat"},
    {"openai", "POST", "/v1beta/openai/chat/completions", "openai.chat"},
    {"openai", "POST", "/v1/completions", "openai.completions"},
    {"openai", "POST", "/v1/fim/completions", "openai.fim"},
    {"openai", "POST", "/v1/responses", "openai.responses"},
    {"openai", "POST", "/v1/responses/input_tokens", "openai.input_tokens"},
    {"openai", "GET", "/v1/responses/resp_1", "openai.response"},
    {"openai", "POST", "/v1/responses/resp_1/cancel", "openai.response"},
    {"openai", "POST", "/v1/embeddings", "openai.embeddings"},
    {"openai", "POST", "/v1/images/generations", "openai.images"},
    {"openai", "POST", "/v1/images/edits", "openai.image_edits"},
    {"openai", "POST", "/v1/images/variations", "openai.image_variations"},
    {"openai", "POST", "/v1/audio/speech", "openai.speech"},
    {"openai", "POST", "/v1/audio/transcriptions", "openai.transcriptions"},
    {"openai", "POST", "/v1/audio/translations", "openai.translations"},
    {"openai", "POST", "/v1/moderations", "openai.moderations"},
    {"openai", "GET", "/v1/models", "openai.models"},
    {"openai", "GET", "/v1/models/gpt-4o", "openai.model"},
    {"openai", "GET", "/v1/models/meta-llama/Llama-3", "openai.model"},
    {"azure", "POST", "/openai/deployments/d/chat/completions?api-version=1", "openai.chat"},
    {"azure", "POST", "/openai/v1/responses", "openai.responses"},
    {"mistral", "POST", "/v1/chat/completions", "openai.chat"},
    {"anthropic", "POST", "/v1/messages?beta=true", "anthropic.messages"},
    {"anthropic", "POST", "/v1/messages/count_tokens", "anthropic.count_tokens"},
    {"anthropic", "POST", "/v1/complete", "anthropic.complete"},
    {"anthropic", "GET", "/v1/models", "anthropic.models"},
    {"anthropic", "GET", "/v1/models/claude", "anthropic.model"},
    {"openai", "GET", "/v1/embeddings", NULL},
    {"openai", "post", "/v1/embeddings", NULL},
    {"openai", "POST", "/v1/batches", NULL},
    {"openai", "POST", "/v1/chat/completions/", NULL},
    {"openai", "POST", "/v1/chat%2Fcompletions", NULL},
    {"openai", "POST", "/v1/xchat/completions2", NULL},
    {"openai", "POST", "", NULL},
    {"openai", "GET", "/v1/models/", NULL},
    {"anthropic", "POST", "/v1/messages/batches", NULL},
    {"anthropic", "POST", "/messages", NULL},
};

static void routes_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		const struct genops_endpoint *endpoint =
		    genops_dialect_route(genops_dialect_find(genops_str_of(routes[i].dialect)),
			genops_str_of(routes[i].method), genops_str_of(routes[i].target));
		const char *name = endpoint ? endpoint->name : "(none)";
		if (strcmp(name, routes[i].endpoint ? routes[i].endpoint : "(none)") != 0)
			fail_msg("%s %s is %s", routes[i].method, routes[i].target, name);
	}
}

static void every_endpoint_is_whole(void **state)
{
	(void)state;
	size_t n;
	const struct genops_dialect *const *dialects = genops_dialects(&n);
	assert_true(n >= 4);
	for (size_t i = 0; i < n; i++) {
		assert_true(dialects[i]->refuse && dialects[i]->refuse_in_stream &&
			    dialects[i]->key_headers[0]);
		assert_ptr_equal(
		    genops_dialect_find(genops_str_of(dialects[i]->name)), dialects[i]);
		for (size_t e = 0; e < dialects[i]->n_endpoints; e++) {
			const struct genops_endpoint *endpoint = &dialects[i]->endpoints[e];
			assert_true(endpoint->name && endpoint->operation && endpoint->reading);
			assert_true(endpoint->request_begin && endpoint->request_feed &&
				    endpoint->request_finish && endpoint->request_done &&
				    endpoint->request_size);
			assert_true(endpoint->response_begin && endpoint->response_feed &&
				    endpoint->response_finish && endpoint->response_done &&
				    endpoint->response_size);
		}
	}
	assert_null(genops_dialect_find(GENOPS_STR("gopher")));
}

static void every_provider_row_is_whole(void **state)
{
	(void)state;
	size_t n;
	const struct genops_provider_row *rows = genops_provider_rows(&n);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(genops_dialect_find(genops_str_of(rows[i].dialect)));
		assert_ptr_equal(genops_provider_row_find(genops_str_of(rows[i].name)), &rows[i]);
		genops_str url = genops_str_of(rows[i].base_url);
		assert_true(!url.len || genops_str_starts(url, GENOPS_STR("https://")) ||
			    genops_str_starts(url, GENOPS_STR("http://127.0.0.1:")));
		assert_false(genops_str_ends(url, GENOPS_STR("/")));
		assert_true(rows[i].price_name && rows[i].key_header && rows[i].base_url_suffix &&
			    rows[i].key_variable);
	}
	assert_null(genops_provider_row_find(GENOPS_STR("nobody")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(routes_are_found),
	    cmocka_unit_test(every_endpoint_is_whole),
	    cmocka_unit_test(every_provider_row_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
