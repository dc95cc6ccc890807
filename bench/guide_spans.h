/* SPDX-License-Identifier: Apache-2.0
 * guide_spans.h - a request of spans for the benchmarks of pipelines: 16 attributes a span, all with a cost; every fourth with a policy's
 * result, every tenth with a budget, every twentieth under a framework. Lengths as SDKs write them. */
#ifndef BENCH_GUIDE_SPANS_H
#define BENCH_GUIDE_SPANS_H

#include "codec/wire.h"

#include <stdio.h>

static inline void guide_span_put(struct genops_buffer *out, const char *key, const char *text, double number)
{
	size_t attribute = genops_wire_begin(out, 9);
	genops_wire_put_text(out, 1, genops_str_of(key));
	size_t value = genops_wire_begin(out, 2);
	if (text)
		genops_wire_put_text(out, 1, genops_str_of(text));
	else
		genops_wire_put_double(out, 4, number);
	genops_wire_end_tight(out, value); /* as SDKs write it */
	genops_wire_end_tight(out, attribute);
}

static inline void guide_span(struct genops_buffer *out, unsigned i, unsigned n_attributes)
{
	static const char *const teams[] = {"search", "ads", "support"}, *const customers[] = {"enterprise-123", "startup-789", "nobody"};
	unsigned n = 10;
	uint8_t id[16];
	for (unsigned j = 0; j < 16; j++)
		id[j] = (uint8_t)(i * 2654435761U >> j);
	size_t span = genops_wire_begin(out, 2);
	genops_wire_put_bytes(out, 1, (genops_str){(const char *)id, 16});
	genops_wire_put_bytes(out, 2, (genops_str){(const char *)id, 8});
	genops_wire_put_text(out, 5, GENOPS_STR("chat gpt-4o"));
	genops_wire_put_uint(out, 6, 3);
	genops_wire_put_fixed64(out, 7, UINT64_C(1700000000000000000));
	genops_wire_put_fixed64(out, 8, UINT64_C(1700000000250000000));
	guide_span_put(out, "genops.cost.total", NULL, 0.001 * (i % 4000));
	guide_span_put(out, "genops.cost.provider", "openai", 0);
	guide_span_put(out, "genops.cost.model", "gpt-4o", 0);
	guide_span_put(out, "genops.cost.currency", "USD", 0);
	guide_span_put(out, "genops.tokens.input", NULL, 1200);
	guide_span_put(out, "genops.tokens.output", NULL, 300);
	guide_span_put(out, "genops.tokens.total", NULL, 1500);
	guide_span_put(out, "genops.team", teams[i % 3], 0);
	guide_span_put(out, "genops.customer_id", customers[i % 3], 0);
	guide_span_put(out, "genops.environment", "production", 0);
	if (i % 4 == 0) {
		guide_span_put(out, "genops.policy.name", "pii", 0);
		guide_span_put(out, "genops.policy.result", i % 40 == 0 ? "blocked" : "allowed", 0);
		guide_span_put(out, "genops.policy.reason", "asked for 123-45-6789 of Jane Doe", 0);
		n += 3;
	}
	if (i % 10 == 0) {
		guide_span_put(out, "genops.budget.name", "search-daily", 0);
		guide_span_put(out, "genops.budget.limit", NULL, 1000);
		guide_span_put(out, "genops.budget.used", NULL, i % 100 ? 100 : 850);
		guide_span_put(out, "genops.budget.remaining", NULL, 150);
		n += 4;
	}
	if (i % 20 == 0) {
		guide_span_put(out, "genops.compliance.framework", "HIPAA", 0);
		n++;
	}
	for (; n < n_attributes; n++) {
		char key[40];
		snprintf(key, sizeof key, "gen_ai.request.field_%u", n);
		guide_span_put(out, key, "a value of some length", 0);
	}
	genops_wire_end_tight(out, span);
}

static inline void guide_spans(struct genops_buffer *out, unsigned n_spans, unsigned n_attributes)
{
	genops_buffer_clear(out);
	size_t resource = genops_wire_begin(out, 1), scope = genops_wire_begin(out, 2);
	for (unsigned i = 0; i < n_spans; i++)
		guide_span(out, i, n_attributes);
	genops_wire_end(out, scope);
	genops_wire_end(out, resource);
}

#endif
