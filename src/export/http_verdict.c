/* SPDX-License-Identifier: Apache-2.0
 * export/http_verdict.c - see http_verdict.h. */
#include "export/http_verdict.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <time.h>

#define RETRY_AFTER_MAX_S INT64_C(86400)
#define TEXT_MAX 160

void genops_http_verdict_text(char *ret_line, size_t size, genops_str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len && n + 1 < size; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		ret_line[n++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	while (n && !genops_str_is_utf8((genops_str){ret_line, n}))
		n--;
	ret_line[n] = '\0';
}

static int month_of(const char *name)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	for (int i = 0; i < 12; i++) {
		if (memcmp(names + 3 * i, name, 3) == 0)
			return i;
	}
	return -1;
}

int64_t genops_http_retry_after(genops_str text, int64_t received_unix_ns)
{
	char date[40], month[4];
	struct tm tm = {0};
	int64_t seconds;
	text = genops_str_trim(text);
	if (genops_str_to_int(text, &seconds)) {
		if (seconds <= 0)
			return 0;
		return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) *
		       GENOPS_NS_PER_S;
	}
	if (!received_unix_ns || text.len >= sizeof date)
		return 0;
	snprintf(date, sizeof date, "%.*s", GENOPS_STR_ARG(text));
	/* IMF-fixdate, the one form that may be sent (RFC 9110): Sun, 06 Nov 1994 08:49:37 GMT */
	if (sscanf(date, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year,
		&tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_mon = strlen(month) == 3 ? month_of(month) : -1;
	tm.tm_year -= 1900;
	seconds = tm.tm_mon < 0 ? 0 : (int64_t)timegm(&tm) - received_unix_ns / GENOPS_NS_PER_S;
	if (seconds <= 0)
		return 0;
	return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * GENOPS_NS_PER_S;
}

void genops_http_verdict_no_answer(const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_str error = response->network_error;
	bool is_untrusted = genops_str_find(error, GENOPS_STR("certificate")) != SIZE_MAX;
	*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_RETRY};
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "no answer: %.*s%s", (int)(error.len < 140 ? error.len : 140),
	    error.len ? error.ptr : "",
	    is_untrusted ? "; tls.ca_file names the authorities to trust, tls.cert_file the certificate to show" : "");
}

static const char *remedy(int status)
{
	if (status >= 300 && status < 400)
		return "; redirects are not followed, set the final address";
	switch (status) {
	case 401:
	case 403:
	case 407:
		return "; what waits is kept: check the credentials, and what they are allowed to do";
	case 404:
	case 405:
	case 410:
		return "; check the address";
	case 413:
		return "; send smaller batches (batch_size)";
	case 415:
		return "; check the format and the compression";
	}
	return "";
}

void genops_http_verdict(const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	char text[TEXT_MAX];
	int status = response->status;
	if (status == 0) {
		genops_http_verdict_no_answer(response, ret_verdict);
		return;
	}
	*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
	if (status >= 200 && status < 300)
		return;
	bool is_refused_login = status == 401 || status == 403 || status == 407;
	bool is_retryable = status == 408 || status == 425 || status == 429 || status >= 500 || is_refused_login;
	ret_verdict->kind = is_retryable ? GENOPS_RETRY : GENOPS_REJECTED;
	if (is_retryable)
		ret_verdict->retry_after_ns = genops_http_retry_after(response->retry_after, response->received_unix_ns);
	if (is_refused_login && ret_verdict->retry_after_ns < GENOPS_HTTP_CREDENTIALS_HOLD_NS)
		ret_verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	genops_http_verdict_text(text, sizeof text, response->body);
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP %d%s%s%s", status, text[0] ? ": " : "", text, remedy(status));
}

static bool is_page(const struct genops_response *response)
{
	genops_str body = genops_str_trim(response->body);
	return genops_str_starts(response->content_type, GENOPS_STR("text/html")) || (body.len && body.ptr[0] == '<');
}

void genops_http_verdict_api(const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	int status = response->status;
	genops_http_verdict(response, ret_verdict);
	bool is_elsewhere = (status >= 300 && status < 400) || status == 404 || status == 405 || status == 410;
	bool is_no_answer = ret_verdict->kind == GENOPS_SENT && is_page(response);
	if (!is_elsewhere && !is_no_answer)
		return;
	ret_verdict->kind = GENOPS_RETRY;
	ret_verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	if (is_no_answer)
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason,
		    "HTTP %d with a page in place of an answer; check the address, and what stands in between", status);
}
