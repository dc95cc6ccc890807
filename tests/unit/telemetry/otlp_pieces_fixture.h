/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/telemetry/otlp_pieces_fixture.h - a request, the pieces that it is cut into, and what is counted. */
#ifndef TESTS_OTLP_PIECES_FIXTURE_H
#define TESTS_OTLP_PIECES_FIXTURE_H

#include "otlp_fixture.h"

struct run {
	struct genops_buffer request, scratch;
	struct pieces pieces;
	struct genops_otlp_count count;
	struct genops_error err;
};

static inline void begin(struct run *run)
{
	*run = (struct run){0};
	genops_buffer_init(&run->request, 64 << 20);
	genops_buffer_init(&run->scratch, 2 << 20);
	genops_buffer_init(&run->pieces.all, 128 << 20);
}

static inline int cut(struct run *run, enum genops_signal signal)
{
	genops_buffer_clear(&run->pieces.all);
	run->pieces.n = 0;
	run->pieces.longest = 0;
	run->count = (struct genops_otlp_count){77, 77, "untouched"};
	assert_int_equal(run->request.error, 0);
	return genops_otlp_request_pieces(
	    signal, genops_buffer_view(&run->request), &run->scratch, take_piece, &run->pieces, &run->count, &run->err);
}

static inline void end(struct run *run)
{
	genops_buffer_done(&run->request);
	genops_buffer_done(&run->scratch);
	genops_buffer_done(&run->pieces.all);
}

static inline void expect_untouched(const struct run *run)
{
	assert_true(run->count.n_accepted == 77 && run->count.n_rejected == 77);
	assert_int_equal(run->pieces.n, 0);
}

static inline void expect_count(const struct run *run, int64_t n_accepted, int64_t n_rejected)
{
	assert_true(run->count.n_accepted == n_accepted);
	assert_true(run->count.n_rejected == n_rejected);
	assert_true((n_rejected != 0) == (run->count.reason[0] != '\0'));
}

#endif
