/* SPDX-License-Identifier: Apache-2.0
 * file_fixture.h - an engine on a configuration file of its own, which a test replaces while it runs. */
#ifndef TESTS_FILE_FIXTURE_H
#define TESTS_FILE_FIXTURE_H

#include "engine_fixture.h"

static char file[128];

static inline int make_file(void **state)
{
	int failed = make_state(state);
	snprintf(file, sizeof file, "%s.yaml", (char *)*state);
	return failed;
}

static inline int remove_file(void **state)
{
	unlink(file);
	return remove_state(state);
}

/* As editors do it: written aside, then renamed. */
static inline void write_config(const char *text)
{
	char aside[160];
	snprintf(aside, sizeof aside, "%s.new", file);
	FILE *out = fopen(aside, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(rename(aside, file), 0);
}

static inline genops_engine *open_file(const char *dir)
{
	struct genops_engine_options options = {.size = sizeof options, .config_file = file, .state_dir = dir};
	struct genops_error err = {0};
	genops_engine *engine = genops_engine_open(&options, &err);
	if (!engine)
		fail_msg("%s; %s", err.message, err.fix);
	return engine;
}

#endif
