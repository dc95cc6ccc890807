/* SPDX-License-Identifier: Apache-2.0
 * fuzz/engine_once.h - one engine for all inputs of a fuzz target, on a state directory of its own that goes with the process. */
#ifndef FUZZ_ENGINE_ONCE_H
#define FUZZ_ENGINE_ONCE_H

#include "base/str.h"

#include <genops/engine.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char engine_dir[] = "/tmp/genops-fuzz-XXXXXX";
static genops_engine *engine_opened;

static int engine_remove(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

static void engine_close(void)
{
	genops_engine_close(engine_opened);
	nftw(engine_dir, engine_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static genops_engine *engine_once(void)
{
	static const char config[] =
	    "governance:\n"
	    "  policies:\n"
	    "    - {name: words, type: content_filter, blocked_patterns: [hunter2]}\n"
	    "    - {name: models, type: model_governance, blocked_models: [gpt-4]}\n"
	    "  budgets: [{name: all, daily_budget: 1000, per: [team]}]\n"
	    "  keys: [{name: bot, key: vk-0123456789abcdef0123, attributes: {team: bound}, provider_keys: {openai: sk-own}}]\n"
	    "gateway: {providers: {azure: {base_url: 'http://127.0.0.1:1'}}}\n";
	if (engine_opened)
		return engine_opened;
	clearenv();
	setenv("HOME", "/nonexistent", 1);
	if (!mkdtemp(engine_dir))
		abort();
	struct genops_engine_options options = {.size = sizeof options, .config_text = config, .state_dir = engine_dir};
	struct genops_error err = {0};
	engine_opened = genops_engine_open(&options, &err);
	if (!engine_opened)
		abort();
	atexit(engine_close);
	return engine_opened;
}

/* The next line, without its end. */
static genops_str line_of(genops_str *rest)
{
	return genops_str_split(rest, '\n');
}

#endif
