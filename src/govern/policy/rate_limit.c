/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/rate_limit.c - policy type rate_limit: a token bucket for each combination of `per`
 * (contract COL-135, COL-136, A-054).
 *
 * At level rate_limit a call waits for its token up to max_delay, and is refused beyond. At every
 * other level a call does not wait: an empty bucket is a violation at once, and nothing is taken.
 * The bucket itself is shared memory behind input->limiter. */
#include "govern/policy/policy.h"

#include "base/str.h"

struct rate_limit {
	double per_minute;
	int64_t burst;
	int64_t max_delay_ns;
	struct genops_texts per;
	int *parts; /* of per */
};

static const struct genops_option options[] = {
    {.name = "max_requests_per_minute",
	.type = GENOPS_OPTION_DOUBLE,
	.offset = offsetof(struct rate_limit, per_minute),
	.min = 0.001,
	.max = 1e9,
	.is_required = true,
	.text = "requests a minute that pass on average",
	.aliases = (const char *const[]){"max_requests", "rate_limit", NULL}},
    {.name = "burst",
	.type = GENOPS_OPTION_INT,
	.offset = offsetof(struct rate_limit, burst),
	.min = 1,
	.max = 1e9,
	.text =
	    "requests that pass at once after a pause; unset: max_requests_per_minute / 60, at least 1"},
    {.name = "per",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct rate_limit, per),
	.default_text = "team,project",
	.text =
	    "attributes; each combination of their values has a bucket of its own (also provider, model)"},
    {.name = "max_delay",
	.type = GENOPS_OPTION_DURATION,
	.offset = offsetof(struct rate_limit, max_delay_ns),
	.default_text = "2s",
	.max = 600,
	.text = "how long a call may be held back before it is refused"},
    {.name = NULL},
};

static int compile(void *object, struct genops_arena *arena, struct genops_error *err)
{
	struct rate_limit *settings = object;
	if (settings->burst == 0)
		settings->burst =
		    settings->per_minute < 120 ? 1 : (int64_t)(settings->per_minute / 60);
	settings->parts = genops_arena_alloc(arena, (settings->per.n + 1) * sizeof *settings->parts);
	if (!settings->parts)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a policy");
	for (size_t i = 0; i < settings->per.n; i++)
		settings->parts[i] = genops_match_part(settings->per.items[i]);
	return GENOPS_OK;
}

static genops_str part_of(
    const struct genops_policy_input *input, genops_str key, int part, char *out, size_t size)
{
	const struct genops_attributes *attributes = input->subject.attributes;
	if (part == GENOPS_PART_PROVIDER)
		return input->subject.provider;
	if (part == GENOPS_PART_MODEL)
		return input->subject.model;
	if (!attributes)
		return (genops_str){0};
	if (part >= GENOPS_PART_STANDARD)
		return genops_attributes_standard(attributes, (enum genops_attribute_key)(part - GENOPS_PART_STANDARD));
	const struct genops_attribute *attribute = genops_attributes_get(attributes, key);
	return attribute ? genops_attributes_text(attribute, out, size) : (genops_str){0};
}

/* Each part is hashed with what the parts before it gave as the seed: ("ab", "c") and ("a", "bc")
 * differ. */
static struct genops_hash bucket_of(
    const struct genops_policy *policy, const struct genops_policy_input *input)
{
	const struct rate_limit *settings = policy->settings;
	struct genops_hash hash = genops_hash_of(policy->name, input->hash_seed);
	for (size_t i = 0; i < settings->per.n; i++) {
		char scratch[64];
		genops_str part = part_of(input, settings->per.items[i], settings->parts[i], scratch, sizeof scratch);
		hash = genops_hash_of(part, hash.low ^ (hash.high << 1));
	}
	return hash;
}

static void fail(const struct genops_policy *policy, const struct genops_policy_input *input,
    int64_t wait_ns, struct genops_verdict *ret_verdict)
{
	const struct rate_limit *settings = policy->settings;
	ret_verdict->is_violation = true;
	ret_verdict->reason = GENOPS_REASON_RATE_LIMITED;
	/* For people, with a tenth of a second that is never too early. */
	long long tenths = (long long)((wait_ns + 99999999) / 100000000);
	ret_verdict->message = genops_policy_message(input,
	    "policy \"%.*s\": more than %.6g requests a minute; the next one can pass in %lld.%lld s",
	    GENOPS_STR_ARG(policy->name), settings->per_minute, tenths / 10, tenths % 10);
}

static void evaluate(const struct genops_policy *policy, const struct genops_policy_input *input,
    struct genops_verdict *ret_verdict)
{
	const struct rate_limit *settings = policy->settings;
	int64_t wait_ns = 0;
	if (!input->limiter) {
		ret_verdict->is_error = true;
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": there is nothing to count requests in",
		    GENOPS_STR_ARG(policy->name));
		return;
	}
	int64_t max_delay_ns =
	    policy->level == GENOPS_LEVEL_RATE_LIMIT ? settings->max_delay_ns : 0;
	bool is_taken = input->limiter->take(input->limiter->arg, bucket_of(policy, input),
	    settings->per_minute, settings->burst, max_delay_ns, input->is_dry_run, &wait_ns);
	if (is_taken && wait_ns <= 0)
		return;
	fail(policy, input, wait_ns, ret_verdict);
	ret_verdict->is_limited = is_taken;
	ret_verdict->delay_ns = is_taken ? wait_ns : 0;
	ret_verdict->retry_after_ns = is_taken ? 0 : wait_ns;
}

const struct genops_policy_type genops_policy_type_rate_limit = {
    GENOPS_POLICY_TYPE_NAME("rate_limit"),
    .summary = "limits requests a minute by a token bucket that all processes share",
    .options = options,
    .settings_size = sizeof(struct rate_limit),
    .compile = compile,
    .evaluate = evaluate,
    .is_taking = true,
};
