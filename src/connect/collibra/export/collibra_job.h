/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_job.h - assets through Collibra's Import API: submit a file, poll the job, judge its end.
 *
 * An import sets what it names, so doing it again leaves the same: that is what makes an unknown outcome harmless. A job is a
 * state machine without waits of its own, because urgent assets must not stand behind one that takes long: the caller calls step
 * when next_at_ns has come. One thread.
 *
 * A job that ended is not one that succeeded: its errors say which assets are missing. VALIDATION rejects an asset for ever, RUNTIME is
 * tried again in a job with what is left. If everything fails to validate the set-up is wrong, not the assets: nothing is rejected then.
 */
#ifndef CONNECT_COLLIBRA_EXPORT_COLLIBRA_JOB_H
#define CONNECT_COLLIBRA_EXPORT_COLLIBRA_JOB_H

#include "connect/collibra/export/collibra_body.h"
#include "connect/collibra/export/collibra_read.h"

enum genops_collibra_progress {
	GENOPS_COLLIBRA_DONE,      /* every asset is stored or rejected */
	GENOPS_COLLIBRA_RUNNING,   /* step again at next_at_ns */
	GENOPS_COLLIBRA_AGAIN,     /* not now: begin again later; reason says why */
	GENOPS_COLLIBRA_HELD,      /* not before somebody mends the set-up; reason says what. Begin again now and then */
	GENOPS_COLLIBRA_STALE,     /* a type or the domain is not what it was: find them anew, then begin again */
	GENOPS_COLLIBRA_CANNOT,    /* this way is not open here: the Import API is forbidden or not there */
	GENOPS_COLLIBRA_DOUBTFUL,  /* nobody knows what is there (collibra_bulk.h) */
};

struct genops_collibra_job {
	char id[GENOPS_COLLIBRA_ID_SIZE]; /* "" : between two jobs */
	struct genops_collibra_assets *assets;
	uint32_t *picked;           /* what the running job's commands are, by index */
	uint8_t *marks;             /* what an error said of each */
	size_t n_picked, pick_max;  /* 0: as many as there are; halved when a file is too large */
	int64_t next_at_ns, wait_ns, submitted_ns;
	int n_rounds, n_jobs;       /* rounds after RUNTIME errors; jobs that Collibra took */
	char reason[384];
};

/* Begins the delivery of all pending assets; nothing is sent before the first step. NOMEM. */
GENOPS_NODISCARD int genops_collibra_job_begin(
    struct genops_collibra_job *job, struct genops_collibra_assets *assets, struct genops_error *err);

/* Submits, or asks how the job is. `now_ns`: monotonic. Fates are final when it returns DONE. */
enum genops_collibra_progress genops_collibra_job_step(struct genops_collibra_job *job,
    struct genops_collibra_client *client, const struct genops_collibra_target *target, int64_t now_ns);

/* A job of an earlier life, whose assets are not known any more: RUNNING, or DONE with *ret_success (true: all that it held is
 * there). Anything else, too, is DONE without success. */
enum genops_collibra_progress genops_collibra_job_resume(struct genops_collibra_job *job,
    struct genops_collibra_client *client, int64_t now_ns, bool *ret_success);

/* An answer to one of ours as progress (never DONE or RUNNING), its message in `reason`. */
enum genops_collibra_progress genops_collibra_job_refusal(
    const struct genops_collibra_answer *answer, char *reason, size_t size);

/* The end of a job, for genops_collibra_job_step and its tests. Errors have been marked with genops_collibra_job_mark. */
void genops_collibra_job_mark(void *job, const struct genops_collibra_import_error *error);
enum genops_collibra_progress genops_collibra_job_judge(
    struct genops_collibra_job *job, const struct genops_collibra_job_state *state, int64_t now_ns);

#endif
