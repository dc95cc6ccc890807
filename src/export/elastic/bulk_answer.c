/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/bulk_answer.c - see bulk_answer.h.
 *
 * An item of the batch can be several documents: it is sent when all are, comes again when one has to (the others then answer
 * 409), and is rejected when one is and none has to come again. What the answer does not tell of, because it was cut, comes again. */
#include "export/elastic/bulk_answer.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "export/http_verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT_MAX 80
#define LINE_MAX_LEN 512

enum { ERRORS = 1, ITEM, STATUS, TYPE, REASON, CAUSE };

struct reading {
	const uint32_t *documents; /* of each item */
	struct genops_send_verdict *verdict;
	size_t item;           /* the one that the next document belongs to */
	uint32_t left;         /* documents of it that are not read yet */
	int64_t n_documents, n_again, n_rejected;
	bool is_own_index;
	bool has_errors, is_told; /* "errors": false says all */
	bool is_short_wait;    /* one of those that come again need not wait for somebody */
	int status, first_status;
	char type[TEXT_MAX], text[TEXT_MAX], cause[TEXT_MAX], reason[3 * TEXT_MAX + 16];
};

/* Goes on to an item that has documents. */
static void next_item(struct reading *reading)
{
	while (reading->item < reading->verdict->n_kinds && !(reading->left = reading->documents[reading->item]))
		reading->item++;
}

static enum genops_verdict_kind kind_of(const struct reading *reading, int status)
{
	bool is_about_index = status == 403 || status == 404;
	if ((status >= 200 && status < 300) || status == 409)
		return GENOPS_SENT;
	if (status == 429 || status >= 500 || status == 401 || (is_about_index && !reading->is_own_index))
		return GENOPS_RETRY;
	return GENOPS_REJECTED;
}

/* RETRY before REJECTED before SENT. */
static void mark(struct reading *reading, enum genops_verdict_kind kind)
{
	struct genops_send_verdict *verdict = reading->verdict;
	if (reading->item >= verdict->n_kinds)
		return;
	uint8_t *now = &verdict->kinds[reading->item];
	if (kind == GENOPS_RETRY || (kind == GENOPS_REJECTED && *now != GENOPS_RETRY))
		*now = (uint8_t)kind;
	if (--reading->left == 0) {
		reading->item++;
		next_item(reading);
	}
}

static void keep_reason(struct reading *reading, enum genops_verdict_kind kind)
{
	/* What is lost for ever is told before what comes again. */
	bool is_first = !reading->reason[0] || (kind == GENOPS_REJECTED && kind_of(reading, reading->first_status) != GENOPS_REJECTED);
	char text[sizeof reading->reason];
	snprintf(text, sizeof text, "%d %s: %s%s%s", reading->status, reading->type[0] ? reading->type : "error", reading->text,
	    reading->cause[0] ? ": " : "", reading->cause);
	if (kind == GENOPS_REJECTED && reading->item < reading->verdict->n_kinds)
		genops_destination_set_cause(reading->verdict, reading->item, text);
	if (!is_first)
		return;
	reading->first_status = reading->status;
	memcpy(reading->reason, text, sizeof text);
}

static void end_document(struct reading *reading)
{
	enum genops_verdict_kind kind = kind_of(reading, reading->status);
	if (!reading->status)
		return;
	reading->n_documents++;
	reading->n_again += kind == GENOPS_RETRY;
	reading->n_rejected += kind == GENOPS_REJECTED;
	reading->is_short_wait |= kind == GENOPS_RETRY && (reading->status == 429 || reading->status >= 500);
	if (kind != GENOPS_SENT)
		keep_reason(reading, kind);
	mark(reading, kind);
	reading->status = 0;
	reading->type[0] = reading->text[0] = reading->cause[0] = '\0';
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct reading *reading = arg;
	if (value->id == ERRORS && (value->type == GENOPS_JSON_TRUE || value->type == GENOPS_JSON_FALSE)) {
		reading->is_told = true;
		reading->has_errors = value->type == GENOPS_JSON_TRUE;
	} else if (value->id == ITEM && value->type == GENOPS_JSON_OBJECT && value->is_end) {
		end_document(reading);
	} else if (value->id == STATUS && value->is_integer && value->integer > 0 && value->integer < 1000) {
		reading->status = (int)value->integer;
	} else if (value->type == GENOPS_JSON_STRING && value->id == TYPE) {
		genops_http_verdict_text(reading->type, sizeof reading->type, value->text);
	} else if (value->type == GENOPS_JSON_STRING && value->id == REASON) {
		genops_http_verdict_text(reading->text, sizeof reading->text, value->text);
	} else if (value->type == GENOPS_JSON_STRING && value->id == CAUSE) {
		genops_http_verdict_text(reading->cause, sizeof reading->cause, value->text);
	}
}

static const struct genops_json_path paths_of[] = {{"errors", ERRORS}, {"items[]", ITEM}, {"items[].create.status", STATUS},
    {"items[].create.error.type", TYPE}, {"items[].create.error.reason", REASON}, {"items[].create.error.caused_by.reason", CAUSE}};

/* What was told before a fault counts: it is about documents that the server has done with. False: it is no whole answer. */
static bool read_body(struct reading *reading, genops_str body)
{
	const struct genops_json_scan_options options = {.text_max = TEXT_MAX, .allow_duplicates = true};
	struct genops_error ignored;
	struct genops_json_paths *paths = genops_json_paths_new(paths_of, sizeof paths_of / sizeof *paths_of, NULL);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, &options, on_value, reading) : NULL;
	bool is_whole = scan && genops_json_scan_feed(scan, body, &ignored) == GENOPS_OK && genops_json_scan_end(scan, &ignored) == GENOPS_OK;
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	return is_whole;
}

/* Items of which nothing was said, and the one of which not all was. */
static void mark_untold(struct reading *reading)
{
	while (reading->item < reading->verdict->n_kinds) {
		reading->n_again += reading->left;
		mark(reading, GENOPS_RETRY);
	}
}

static void sum_up(struct reading *reading)
{
	struct genops_send_verdict *verdict = reading->verdict;
	if (reading->n_again) {
		verdict->kind = GENOPS_RETRY;
		if (!reading->is_short_wait && reading->reason[0])
			verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	} else if (reading->n_rejected) {
		/* Records have one verdict: which of them it is, halving finds out; those that are there answer 409. */
		verdict->kind = GENOPS_REJECTED;
		verdict->is_divisible = !verdict->n_kinds;
	}
	char line[LINE_MAX_LEN];
	snprintf(line, sizeof line, "%" PRId64 " of %" PRId64 " documents were refused, %" PRId64 " of them for ever: %s",
	    reading->n_again + reading->n_rejected, reading->n_documents, reading->n_rejected,
	    reading->reason[0] ? reading->reason : "the answer is cut off");
	if (reading->n_again || reading->n_rejected)
		genops_http_verdict_text(verdict->reason, sizeof verdict->reason, genops_str_of(line));
}

void genops_elastic_bulk_answer(const struct genops_response *response, const uint32_t *documents, size_t n_items, bool is_own_index,
    struct genops_send_verdict *ret_verdict)
{
	struct reading reading = {.documents = documents, .verdict = ret_verdict, .is_own_index = is_own_index};
	*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT, .n_kinds = n_items};
	next_item(&reading);
	bool is_whole = read_body(&reading, response->body);
	if (is_whole && reading.is_told && !reading.has_errors) {
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
	} else if (!reading.n_documents && (!is_whole || !reading.is_told)) {
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_RETRY};
		snprintf(ret_verdict->reason, sizeof ret_verdict->reason,
		    "the answer is none of Elasticsearch's _bulk; check what is behind the endpoint");
	} else {
		mark_untold(&reading);
		reading.n_again += !is_whole && !reading.n_again;
		sum_up(&reading);
	}
}
