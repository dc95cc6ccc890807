/* SPDX-License-Identifier: Apache-2.0
 * govern/level.c - see level.h. One table of spellings for levels, one for modes; case and
 * surrounding blanks are ignored. Pure; any thread. */
#include "govern/level.h"

#include "base/str.h"

struct spelling {
	const char *text;
	int value;
};

/* Contract A-002, COL-150..153: the guides' eight spellings, the results' names, and the action
 * words that the OpenTelemetry guide uses for the same thing. `redact` is an action for content (a
 * mask), not a level. */
static const struct spelling level_spellings[] = {
    {"block", GENOPS_LEVEL_BLOCK},
    {"blocked", GENOPS_LEVEL_BLOCK},
    {"enforce", GENOPS_LEVEL_BLOCK},
    {"deny", GENOPS_LEVEL_BLOCK},
    {"warn", GENOPS_LEVEL_WARN},
    {"warning", GENOPS_LEVEL_WARN},
    {"alert", GENOPS_LEVEL_WARN},
    {"rate_limit", GENOPS_LEVEL_RATE_LIMIT},
    {"rate_limited", GENOPS_LEVEL_RATE_LIMIT},
    {"throttle", GENOPS_LEVEL_RATE_LIMIT},
    {"throttled", GENOPS_LEVEL_RATE_LIMIT},
    {"allow", GENOPS_LEVEL_ALLOW},
    {"allowed", GENOPS_LEVEL_ALLOW},
    {"log", GENOPS_LEVEL_ALLOW},
};

static const struct spelling mode_spellings[] = {
    {"enforced", GENOPS_MODE_ENFORCED},
    {"strict", GENOPS_MODE_ENFORCED},
    {"advisory", GENOPS_MODE_ADVISORY},
    {"audit_only", GENOPS_MODE_AUDIT_ONLY},
};

static bool find_spelling(
    const struct spelling *spellings, size_t n, genops_str text, int *ret_value)
{
	text = genops_str_trim(text);
	for (size_t i = 0; i < n; i++) {
		if (genops_str_is_nocase(text, spellings[i].text)) {
			*ret_value = spellings[i].value;
			return true;
		}
	}
	return false;
}

bool genops_level_parse(genops_str text, enum genops_level *ret_level)
{
	int value;
	if (!find_spelling(
		level_spellings, sizeof level_spellings / sizeof *level_spellings, text, &value))
		return false;
	*ret_level = (enum genops_level)value;
	return true;
}

bool genops_mode_parse(genops_str text, enum genops_mode *ret_mode)
{
	int value;
	if (!find_spelling(
		mode_spellings, sizeof mode_spellings / sizeof *mode_spellings, text, &value))
		return false;
	*ret_mode = (enum genops_mode)value;
	return true;
}

const char *genops_level_name(enum genops_level level)
{
	static const char *const names[] = {"allow", "warn", "rate_limit", "block"};
	return names[level];
}

const char *genops_level_spelling(size_t i, enum genops_level *ret_level)
{
	if (i >= sizeof level_spellings / sizeof *level_spellings)
		return NULL;
	*ret_level = (enum genops_level)level_spellings[i].value;
	return level_spellings[i].text;
}

const char *genops_mode_name(enum genops_mode mode)
{
	static const char *const names[] = {"enforced", "advisory", "audit_only"};
	return names[mode];
}

enum genops_result genops_level_result(enum genops_level level, enum genops_mode mode)
{
	static const enum genops_result enforced[] = {
	    GENOPS_ALLOWED, GENOPS_WARNING, GENOPS_RATE_LIMITED, GENOPS_BLOCKED};
	if (mode == GENOPS_MODE_AUDIT_ONLY || level == GENOPS_LEVEL_ALLOW)
		return GENOPS_ALLOWED;
	return mode == GENOPS_MODE_ADVISORY ? GENOPS_WARNING : enforced[level];
}
