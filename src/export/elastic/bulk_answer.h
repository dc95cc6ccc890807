/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/bulk_answer.h - what Elasticsearch says of a _bulk request, document by document. Pure. */
#ifndef EXPORT_ELASTIC_BULK_ANSWER_H
#define EXPORT_ELASTIC_BULK_ANSWER_H

#include "export/destination.h"

/* Only what is read is asked for: an answer about thousands of documents is long. */
#define GENOPS_ELASTIC_ANSWER_FILTER                                                                                                     \
	"filter_path=errors,error.type,error.reason,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
#define GENOPS_ELASTIC_ANSWER_MAX ((size_t)16 << 20)

/* A 2xx answer to `n_items` items, whose documents follow one another, documents[i] of each (n_items 0: records, and the verdict is that of
 * all). 2xx and 409 (it is there already): sent. 429, 5xx: again. 401, 403, 404 (no such index, no right to it): again after a minute, since
 * what waits is good; but with is_own_index, where an event says itself which index it is, that is its own fault, and must not hold up the
 * others. All others: rejected, with the first reason. */
void genops_elastic_bulk_answer(const struct genops_response *response, const uint32_t *documents, size_t n_items, bool is_own_index,
    struct genops_send_verdict *ret_verdict);

#endif
