/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_job.c - see collibra_job.h. */
#include "connect/collibra/export/collibra_job.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

#define FIRST_WAIT_NS	(300 * GENOPS_NS_PER_MS)
#define LONGEST_WAIT_NS (8 * GENOPS_NS_PER_S)
#define UNSEEN_NS	(10 * GENOPS_NS_PER_S)	 /* a job may be unknown that long after it was taken */
#define LOST_NS		(1800 * GENOPS_NS_PER_S) /* one that runs longer is given up */
#define ROUNDS_MAX	6			 /* of RUNTIME errors: 2, 4, ... 64 s apart */
#define HELD_AT_LEAST	8			 /* so many of an aborted job, if they are most of it, are a set-up's fault */

enum mark { UNMARKED, RUNTIME, VALIDATION };

static void say(struct genops_collibra_job *job, const char *text)
{
	snprintf(job->reason, sizeof job->reason, "%.380s", text);
}

enum genops_collibra_progress genops_collibra_job_refusal(
    const struct genops_collibra_answer *answer, char *reason, size_t size)
{
	snprintf(reason, size, "%.250s%s%.120s", answer->message, answer->fix[0] ? "; " : "", answer->fix);
	switch (answer->outcome) {
	case GENOPS_COLLIBRA_FORBIDDEN:
		return GENOPS_COLLIBRA_CANNOT;
	case GENOPS_COLLIBRA_NOT_FOUND:
		return GENOPS_COLLIBRA_STALE;
	case GENOPS_COLLIBRA_REFUSED:
	case GENOPS_COLLIBRA_UNAUTHENTICATED:
		return GENOPS_COLLIBRA_HELD;
	case GENOPS_COLLIBRA_UNKNOWN:
		return GENOPS_COLLIBRA_DOUBTFUL;
	default:
		return GENOPS_COLLIBRA_AGAIN;
	}
}

/* --- beginning --- */

int genops_collibra_job_begin(
    struct genops_collibra_job *job, struct genops_collibra_assets *assets, struct genops_error *err)
{
	uint32_t *picked = genops_arena_take(assets->arena, assets->n * sizeof *picked + 1);
	uint8_t *marks = genops_arena_take(assets->arena, assets->n + 1);
	if (!picked || !marks)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an import");
	*job = (struct genops_collibra_job){.assets = assets, .picked = picked, .marks = marks};
	return GENOPS_OK;
}

static void pick_pending(struct genops_collibra_job *job)
{
	job->n_picked = 0;
	for (size_t i = 0; i < job->assets->n && (!job->pick_max || job->n_picked < job->pick_max); i++) {
		if (job->assets->items[i].fate == GENOPS_COLLIBRA_PENDING)
			job->picked[job->n_picked++] = (uint32_t)i;
	}
	memset(job->marks, UNMARKED, job->n_picked);
}

static void expect(struct genops_collibra_job *job, int64_t now_ns)
{
	job->submitted_ns = now_ns;
	job->wait_ns = FIRST_WAIT_NS;
	job->next_at_ns = now_ns + job->wait_ns;
}

/* The file is too large, for us or for Collibra: half of it, then the rest; an asset that is too large alone is rejected. */
static enum genops_collibra_progress pick_fewer(struct genops_collibra_job *job, const char *why, int64_t now_ns)
{
	job->next_at_ns = now_ns;
	job->pick_max = (job->n_picked + 1) / 2;
	if (job->n_picked > 1)
		return GENOPS_COLLIBRA_RUNNING;
	struct genops_collibra_asset *asset = &job->assets->items[job->picked[0]];
	asset->fate = GENOPS_COLLIBRA_REJECTED;
	if (!genops_arena_dup(job->assets->arena, genops_str_of(why), &asset->reason))
		asset->reason = GENOPS_STR("it is too large");
	return genops_collibra_assets_count(job->assets, GENOPS_COLLIBRA_PENDING) ? GENOPS_COLLIBRA_RUNNING : GENOPS_COLLIBRA_DONE;
}

static enum genops_collibra_progress submit(struct genops_collibra_job *job, struct genops_collibra_client *client,
    const struct genops_collibra_target *target, int64_t now_ns)
{
	struct genops_collibra_job_state state;
	struct genops_collibra_answer answer;
	struct genops_buffer body;
	struct genops_error err;
	pick_pending(job);
	if (!job->n_picked)
		return GENOPS_COLLIBRA_DONE;
	genops_buffer_init(&body, GENOPS_COLLIBRA_BODY_MAX);
	genops_collibra_body_import(&body, target, job->assets, job->picked, job->n_picked);
	struct genops_collibra_call call = {
	    .method = "POST",
	    .path = GENOPS_STR("/import/json-job"),
	    .body = genops_buffer_view(&body),
	    .content_type = GENOPS_STR(GENOPS_COLLIBRA_BODY_FORM_TYPE),
	    .repeat = GENOPS_COLLIBRA_IDEMPOTENT,
	};
	int too_large = body.error;
	int code = body.error ? genops_fail(&err, body.error, "an import is larger than 16 MiB")
			      : genops_collibra_client_call(client, &call, &answer, &err);
	genops_buffer_done(&body);
	if (too_large == GENOPS_LIMIT || (code == GENOPS_OK && answer.status == 413))
		return pick_fewer(job, code == GENOPS_OK ? answer.message : err.message, now_ns);
	if (code == GENOPS_OK && answer.outcome == GENOPS_COLLIBRA_OK)
		code = genops_collibra_read_job(answer.body, &state, &err);
	else if (code == GENOPS_OK) {
		enum genops_collibra_progress refused = genops_collibra_job_refusal(&answer, job->reason, sizeof job->reason);
		return refused == GENOPS_COLLIBRA_STALE ? GENOPS_COLLIBRA_CANNOT : refused; /* 404: no such API */
	}
	if (code != GENOPS_OK) {
		say(job, err.message);
		return GENOPS_COLLIBRA_AGAIN;
	}
	job->n_jobs++;
	memcpy(job->id, state.id, sizeof job->id);
	expect(job, now_ns);
	return GENOPS_COLLIBRA_RUNNING;
}

/* --- the end of a job --- */

void genops_collibra_job_mark(void *arg, const struct genops_collibra_import_error *error)
{
	struct genops_collibra_job *job = arg;
	uint8_t mark = error->is_validation ? VALIDATION : RUNTIME;
	genops_str message = genops_str_of(error->message[0] ? error->message : "the import says no reason");
	say(job, message.ptr);
	if (!error->n_indices) { /* it may be about any of them: done again, they are set as they are */
		memset(job->marks, RUNTIME, job->n_picked);
		return;
	}
	for (size_t i = 0; i < error->n_indices; i++) {
		if (error->indices[i] >= job->n_picked)
			continue;
		struct genops_collibra_asset *asset = &job->assets->items[job->picked[error->indices[i]]];
		job->marks[error->indices[i]] = mark;
		if (!genops_arena_dup(job->assets->arena, message, &asset->reason))
			asset->reason = GENOPS_STR("no memory for the reason");
	}
}

static size_t count_marks(const struct genops_collibra_job *job, enum mark mark)
{
	size_t n = 0;
	for (size_t i = 0; i < job->n_picked; i++)
		n += job->marks[i] == mark;
	return n;
}

static void settle(struct genops_collibra_job *job, enum mark mark, enum genops_collibra_fate fate)
{
	for (size_t i = 0; i < job->n_picked; i++) {
		if (job->marks[i] == mark)
			job->assets->items[job->picked[i]].fate = fate;
	}
}

/* What is left goes into another job: at once without those that stopped this one, else after a while. */
static enum genops_collibra_progress another_round(struct genops_collibra_job *job, bool is_completed, int64_t now_ns)
{
	job->next_at_ns = now_ns;
	if (is_completed && count_marks(job, RUNTIME))
		job->next_at_ns += (INT64_C(2) << job->n_rounds++) * GENOPS_NS_PER_S;
	return GENOPS_COLLIBRA_RUNNING;
}

enum genops_collibra_progress genops_collibra_job_judge(
    struct genops_collibra_job *job, const struct genops_collibra_job_state *state, int64_t now_ns)
{
	bool is_completed = !strcmp(state->state, "COMPLETED") && strcmp(state->result, "FAILURE") != 0 &&
			    strcmp(state->result, "ABORTED") != 0;
	size_t n_invalid = count_marks(job, VALIDATION);
	job->id[0] = '\0';
	/* Nothing at all was good, in this job and those before it: then it is the set-up. If it is the assets after all, the next try has newer
	 * ones beside them, which are good. */
	bool is_setup = (n_invalid && n_invalid == job->n_picked) ||
			(!is_completed && n_invalid >= HELD_AT_LEAST && 2 * n_invalid >= job->n_picked);
	if (is_setup && !genops_collibra_assets_count(job->assets, GENOPS_COLLIBRA_STORED))
		return GENOPS_COLLIBRA_HELD;
	settle(job, VALIDATION, GENOPS_COLLIBRA_REJECTED);
	if (is_completed) {
		settle(job, UNMARKED, GENOPS_COLLIBRA_STORED);
	} else if (!n_invalid) {
		if (!job->reason[0])
			snprintf(job->reason, sizeof job->reason, "the import job ended as %s, %s: %.200s", state->state,
			    state->result, state->message);
		return GENOPS_COLLIBRA_AGAIN; /* nothing is known of any of them */
	}
	if (!genops_collibra_assets_count(job->assets, GENOPS_COLLIBRA_PENDING))
		return GENOPS_COLLIBRA_DONE;
	if (is_completed && job->n_rounds == ROUNDS_MAX) {
		settle(job, RUNTIME, GENOPS_COLLIBRA_REJECTED);
		memset(job->marks, UNMARKED, job->n_picked);
		if (!genops_collibra_assets_count(job->assets, GENOPS_COLLIBRA_PENDING))
			return GENOPS_COLLIBRA_DONE;
		job->n_rounds = 0; /* those that did not fit into the same file */
	}
	return another_round(job, is_completed, now_ns);
}

static int on_errors(void *arg, genops_str body, struct genops_error *err)
{
	return genops_collibra_read_errors(body, genops_collibra_job_mark, arg, err);
}

static enum genops_collibra_progress end(struct genops_collibra_job *job, struct genops_collibra_client *client,
    const struct genops_collibra_job_state *state, int64_t now_ns)
{
	char path[128];
	struct genops_error err;
	job->reason[0] = '\0';
	if (strcmp(state->state, "COMPLETED") != 0 || strcmp(state->result, "SUCCESS") != 0) {
		memset(job->marks, UNMARKED, job->n_picked);
		snprintf(path, sizeof path, "/import/results/%s/errors", job->id);
		if (genops_collibra_client_list(client, genops_str_of(path), GENOPS_STR(""), false, "the errors of an import",
			on_errors, job, &err) != GENOPS_OK) {
			/* Without them nobody knows what is there; a new job brings it all. */
			say(job, err.message);
			job->id[0] = '\0';
			return GENOPS_COLLIBRA_AGAIN;
		}
	}
	return genops_collibra_job_judge(job, state, now_ns);
}

/* --- polling --- */

static bool is_final(const struct genops_collibra_job_state *state)
{
	return !strcmp(state->state, "COMPLETED") || !strcmp(state->state, "CANCELED") || !strcmp(state->state, "ERROR");
}

/* False: not known yet; *ret_progress says what to do. */
static bool ask(struct genops_collibra_job *job, struct genops_collibra_client *client, int64_t now_ns,
    struct genops_collibra_job_state *ret_state, enum genops_collibra_progress *ret_progress)
{
	struct genops_collibra_answer answer;
	struct genops_error err;
	char path[128];
	snprintf(path, sizeof path, "/jobs/%s", job->id);
	struct genops_collibra_call call = {.method = "GET", .path = genops_str_of(path), .repeat = GENOPS_COLLIBRA_READ};
	int code = genops_collibra_client_call(client, &call, &answer, &err);
	bool is_known = code == GENOPS_OK && answer.outcome == GENOPS_COLLIBRA_OK &&
			genops_collibra_read_job(answer.body, ret_state, &err) == GENOPS_OK;
	if (is_known && is_final(ret_state))
		return true;
	if (is_known)
		job->reason[0] = '\0';
	bool is_refused = code == GENOPS_OK &&
			  (answer.outcome == GENOPS_COLLIBRA_UNAUTHENTICATED || answer.outcome == GENOPS_COLLIBRA_FORBIDDEN);
	bool is_lost = now_ns - job->submitted_ns > LOST_NS ||
		       (code == GENOPS_OK && answer.outcome == GENOPS_COLLIBRA_NOT_FOUND &&
			   now_ns - job->submitted_ns > UNSEEN_NS);
	job->wait_ns = 5 * job->wait_ns / 2 < LONGEST_WAIT_NS ? 5 * job->wait_ns / 2 : LONGEST_WAIT_NS;
	job->next_at_ns = now_ns + job->wait_ns;
	*ret_progress = GENOPS_COLLIBRA_RUNNING;
	if (is_lost) {
		say(job, "the import job is not known any more, or does not end");
		job->id[0] = '\0';
		*ret_progress = GENOPS_COLLIBRA_AGAIN;
	} else if (is_refused) { /* somebody has to mend it; then the same assets go into another job */
		(void)genops_collibra_job_refusal(&answer, job->reason, sizeof job->reason);
		job->id[0] = '\0';
		*ret_progress = GENOPS_COLLIBRA_HELD;
	} else if (code == GENOPS_OK && answer.outcome != GENOPS_COLLIBRA_OK && now_ns - job->submitted_ns > UNSEEN_NS) {
		(void)genops_collibra_job_refusal(&answer, job->reason, sizeof job->reason);
	}
	return false;
}

enum genops_collibra_progress genops_collibra_job_step(struct genops_collibra_job *job,
    struct genops_collibra_client *client, const struct genops_collibra_target *target, int64_t now_ns)
{
	struct genops_collibra_job_state state;
	enum genops_collibra_progress progress = GENOPS_COLLIBRA_RUNNING;
	if (now_ns < job->next_at_ns)
		return progress;
	if (!job->id[0])
		return submit(job, client, target, now_ns);
	return ask(job, client, now_ns, &state, &progress) ? end(job, client, &state, now_ns) : progress;
}

enum genops_collibra_progress genops_collibra_job_resume(struct genops_collibra_job *job,
    struct genops_collibra_client *client, int64_t now_ns, bool *ret_success)
{
	struct genops_collibra_job_state state;
	enum genops_collibra_progress progress = GENOPS_COLLIBRA_RUNNING;
	*ret_success = false;
	if (!job->submitted_ns)
		expect(job, now_ns);
	if (now_ns < job->next_at_ns)
		return progress;
	if (!ask(job, client, now_ns, &state, &progress))
		return progress == GENOPS_COLLIBRA_RUNNING ? progress : GENOPS_COLLIBRA_DONE;
	*ret_success = !strcmp(state.state, "COMPLETED") && !strcmp(state.result, "SUCCESS");
	return GENOPS_COLLIBRA_DONE;
}
