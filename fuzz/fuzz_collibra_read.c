/* SPDX-License-Identifier: Apache-2.0
 * fuzz_collibra_read.c - connect/collibra/export/collibra_read.h and what a job makes of it. Properties: texts are NUL-terminated
 * and bounded; after a fault nothing was stored; an asset's fate is decided by commands of the file alone, never by an index beyond it.
 */
#include "connect/collibra/export/collibra_job.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N 12

static void on_element(void *arg, genops_str id, genops_str name)
{
	size_t *n = arg;
	if (!id.len || id.len >= GENOPS_COLLIBRA_ID_SIZE || name.len >= 2048)
		abort();
	(*n)++;
}

static void judge(genops_str body)
{
	struct genops_collibra_job_state state;
	struct genops_collibra_asset items[N] = {0};
	struct genops_collibra_job job;
	struct genops_arena arena;
	struct genops_error err;
	genops_arena_init(&arena, 1 << 22);
	struct genops_collibra_assets assets = {.arena = &arena, .n = N, .max = N, .items = items};
	if (genops_collibra_job_begin(&job, &assets, &err) == GENOPS_OK) {
		for (uint32_t i = 0; i < N; i++) {
			job.picked[i] = i;
			job.marks[i] = 0;
		}
		job.n_picked = N;
		bool is_read = genops_collibra_read_errors(body, genops_collibra_job_mark, &job, &err) == GENOPS_OK;
		if (is_read && genops_collibra_read_job(body, &state, &err) == GENOPS_OK) {
			enum genops_collibra_progress progress = genops_collibra_job_judge(&job, &state, 1);
			size_t n_pending = genops_collibra_assets_count(&assets, GENOPS_COLLIBRA_PENDING);
			if ((progress == GENOPS_COLLIBRA_DONE) != (n_pending == 0))
				abort();
			if (progress == GENOPS_COLLIBRA_HELD && n_pending != N)
				abort();
		} else if (genops_collibra_assets_count(&assets, GENOPS_COLLIBRA_PENDING) != N) {
			abort();
		}
	}
	genops_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str body = {(const char *)data, size};
	struct genops_error err;
	size_t n = 0;
	if (genops_collibra_read_assets(body, on_element, &n, &err) != GENOPS_OK && err.code == GENOPS_OK)
		abort();
	if (genops_collibra_read_attributes(body, on_element, &n, &err) != GENOPS_OK && err.code == GENOPS_OK)
		abort();
	judge(body);
	return 0;
}
