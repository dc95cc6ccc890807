/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/ledger_fixture.h - a ledger in a directory of its own, and records to put into it. */
#ifndef LEDGER_FIXTURE_H
#define LEDGER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/ledger.h"

#define NOON_S INT64_C(1793880000) /* 2026-11-05T12:00:00Z */
#define NS     INT64_C(1000000000)

struct fixture {
	char directory[64], database[96], head[96];
	struct genops_ledger *ledger;
};

static inline void fixture_path(struct fixture *fixture)
{
	snprintf(fixture->directory, sizeof fixture->directory, "/tmp/genops-ledger-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->database, sizeof fixture->database, "%s/ledger.db", fixture->directory);
	snprintf(fixture->head, sizeof fixture->head, "%s/audit.head", fixture->directory);
	fixture->ledger = NULL;
}

static inline void fixture_open(struct fixture *fixture)
{
	struct genops_error err = {0};
	int code = genops_ledger_open(fixture->directory, true, &fixture->ledger, &err);
	if (code)
		fail_msg("%s", err.message);
}

static inline void fixture_close(struct fixture *fixture)
{
	genops_ledger_close(fixture->ledger);
	fixture->ledger = NULL;
}

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	if (!fixture)
		return -1;
	fixture_path(fixture);
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm", "audit.head"};
	char path[160];
	fixture_close(fixture);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", fixture->directory, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(fixture->directory), 0);
	free(fixture);
	return 0;
}

/* An operation with this number as its ids and these standard attributes, ended at unix_s. */
struct sample {
	struct genops_attribute attributes[8];
	struct genops_record record;
};

static inline void sample_make(
    struct sample *sample, uint64_t number, const char *team, const char *model, int64_t unix_s, int64_t cost)
{
	*sample = (struct sample){
	    .attributes = {{.key = GENOPS_STR("team"), .value.string = genops_str_of(team)},
		{.key = GENOPS_STR("environment"), .value.string = GENOPS_STR("production")},
		{.key = GENOPS_STR("tier"), .value.string = number % 2 ? GENOPS_STR("gold") : GENOPS_STR("silver")},
		{.key = GENOPS_STR("number"), .type = GENOPS_ATTRIBUTE_INT, .value.integer = (int64_t)(number % 3)}},
	    .record = {.start_unix_ns = unix_s * NS - NS / 2, .end_unix_ns = unix_s * NS, .name = GENOPS_STR("chat"),
		.provider = GENOPS_STR("openai"), .request_model = genops_str_of(model), .actual_nano_usd = cost,
		.usage = {.input_tokens = 10, .output_tokens = 5}, .n_attributes = 4}};
	memcpy(sample->record.trace_id, &number, sizeof number);
	memcpy(sample->record.span_id, &number, sizeof number);
	sample->record.attributes = sample->attributes;
}

static inline bool fixture_add(struct fixture *fixture, const struct sample *sample)
{
	struct genops_error err = {0};
	bool is_new = false;
	char payload[64];
	snprintf(payload, sizeof payload, "payload of %02x%02x", sample->record.trace_id[0], sample->record.trace_id[1]);
	if (genops_ledger_add(fixture->ledger, &sample->record, genops_str_of(payload), &is_new, &err))
		fail_msg("%s", err.message);
	return is_new;
}

static inline void fixture_begin(struct fixture *fixture)
{
	assert_int_equal(genops_ledger_begin(fixture->ledger, NULL), GENOPS_OK);
}

static inline void fixture_commit(struct fixture *fixture)
{
	struct genops_error err = {0};
	if (genops_ledger_commit(fixture->ledger, &err))
		fail_msg("%s", err.message);
}

/* Somebody with sqlite3 at hand; the ledger is closed before. */
static inline void fixture_tamper(const struct fixture *fixture, const char *sql)
{
	sqlite3 *db;
	char *text = NULL;
	assert_int_equal(sqlite3_open(fixture->database, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
		fail_msg("%s: %s", sql, text);
	sqlite3_close(db);
}

#endif
