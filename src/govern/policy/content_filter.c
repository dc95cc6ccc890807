/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/content_filter.c - policy type content_filter: patterns that a request may not
 * contain (contract COL-137, COL-138, A-059).
 *
 * A pattern is a plain text, found anywhere in any case; written /.../ or re:... it is a regular
 * expression. The message names the pattern, which is configuration, never what was found. A search
 * that hits its limits is an error: on_error decides. */
#include "govern/policy/policy.h"

#include "base/str.h"
#include "govern/policy/pattern_set.h"

struct content_filter {
	struct genops_texts blocked;
	struct genops_pattern_set *set;
};

static const struct genops_option options[] = {
    {.name = "blocked_patterns",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct content_filter, blocked),
	.is_required = true,
	.text =
	    "texts that a request may not contain, in any case; /.../ or re:... is a regular expression"},
    {.name = NULL},
};

static struct genops_pattern pattern_of(genops_str text)
{
	if (genops_str_starts(text, GENOPS_STR("re:")))
		return (struct genops_pattern){genops_str_skip(text, 3), true};
	if (text.len > 2 && text.ptr[0] == '/' && text.ptr[text.len - 1] == '/')
		return (struct genops_pattern){{text.ptr + 1, text.len - 2}, true};
	return (struct genops_pattern){text, false};
}

static int compile(void *object, struct genops_arena *arena, struct genops_error *err)
{
	struct content_filter *settings = object;
	size_t n = settings->blocked.n;
	if (!n)
		return genops_fail_fix(err, GENOPS_CONFIG,
		    "name at least one pattern, or set enabled: false",
		    "blocked_patterns: the list is empty");
	struct genops_pattern *patterns = genops_arena_alloc(arena, n * sizeof *patterns);
	if (!patterns)
		return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	for (size_t i = 0; i < n; i++)
		patterns[i] = pattern_of(settings->blocked.items[i]);
	return genops_pattern_set_new(patterns, n, GENOPS_PATTERN_BEST, &settings->set, err);
}

static void release(void *object)
{
	struct content_filter *settings = object;
	genops_pattern_set_free(settings->set);
	settings->set = NULL;
}

static void evaluate(const struct genops_policy *policy, const struct genops_policy_input *input,
    struct genops_verdict *ret_verdict)
{
	const struct content_filter *settings = policy->settings;
	size_t index = 0;
	if (!input->has_content || !input->content.len)
		return;
	switch (genops_pattern_set_find(settings->set, input->content, &index)) {
	case GENOPS_PATTERN_ABSENT:
		return;
	case GENOPS_PATTERN_FAILED:
		ret_verdict->is_error = true;
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": the search for its patterns reached its limits",
		    GENOPS_STR_ARG(policy->name));
		return;
	case GENOPS_PATTERN_FOUND:
		break;
	}
	ret_verdict->is_violation = true;
	ret_verdict->reason = GENOPS_REASON_POLICY_DENY_CONTENT;
	ret_verdict->message = genops_policy_message(input,
	    "policy \"%.*s\": the request contains the blocked pattern \"%.*s\"",
	    GENOPS_STR_ARG(policy->name), GENOPS_STR_ARG(settings->blocked.items[index]));
}

const struct genops_policy_type genops_policy_type_content_filter = {
    GENOPS_POLICY_TYPE_NAME("content_filter"),
    .summary = "refuses requests that contain listed texts or expressions",
    .options = options,
    .settings_size = sizeof(struct content_filter),
    .compile = compile,
    .release = release,
    .evaluate = evaluate,
};
