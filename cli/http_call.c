/* SPDX-License-Identifier: Apache-2.0
 * http_call.c - see http_call.h. libcurl's easy interface; answers are cut at 1 MiB. */
#include "http_call.h"

#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MAX ((size_t)1 << 20)

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_answer *answer = arg;
	size_t len = size * n;
	if (answer->body_len + len > ANSWER_MAX)
		return 0;
	char *grown = realloc(answer->body, answer->body_len + len + 1);
	if (!grown)
		return 0;
	memcpy(grown + answer->body_len, bytes, len);
	answer->body = grown;
	answer->body_len += len;
	answer->body[answer->body_len] = '\0';
	return len;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_answer *answer = arg;
	const struct {
		const char *name;
		char *to;
		size_t size;
	} wanted[] = {
	    {"x-genops-decision:", answer->decision, sizeof answer->decision},
	    {"x-genops-reason-code:", answer->reason, sizeof answer->reason},
	    {"x-genops-operation-id:", answer->operation_id, sizeof answer->operation_id},
	};
	size_t len = size * n;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		size_t skip = strlen(wanted[i].name);
		if (len <= skip || strncasecmp(line, wanted[i].name, skip) != 0)
			continue;
		while (skip < len && line[skip] == ' ')
			skip++;
		size_t end = len;
		while (end > skip && (line[end - 1] == '\r' || line[end - 1] == '\n'))
			end--;
		snprintf(wanted[i].to, wanted[i].size, "%.*s", (int)(end - skip), line + skip);
	}
	return len;
}

void http_call(const char *url, const char *const *headers, const char *body, long timeout_ms, struct http_answer *ret)
{
	char failure[CURL_ERROR_SIZE] = "";
	struct curl_slist *list = NULL;
	long status = 0;
	memset(ret, 0, sizeof *ret);
	CURL *curl = curl_easy_init();
	if (!curl) {
		snprintf(ret->failure, sizeof ret->failure, "out of memory");
		return;
	}
	for (; headers && *headers; headers++)
		list = curl_slist_append(list, *headers);
	if (body)
		list = curl_slist_append(list, "Content-Type: application/json");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, failure);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, ret);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	CURLcode code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	else
		snprintf(ret->failure, sizeof ret->failure, "%s", failure[0] ? failure : curl_easy_strerror(code));
	ret->status = (int)status;
	curl_slist_free_all(list);
	curl_easy_cleanup(curl);
}

void http_answer_done(struct http_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}
