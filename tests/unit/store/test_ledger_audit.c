/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_ledger_audit.c - the chain is whole or names its first bad record, whatever was done to it. */
#include "ledger_fixture.h"

#include <openssl/sha.h>
#include <sys/stat.h>

static void fill(struct fixture *fixture, uint64_t first, uint64_t n)
{
	struct sample sample;
	fixture_begin(fixture);
	for (uint64_t i = first; i < first + n; i++) {
		sample_make(&sample, i, i % 2 ? "ml" : "ops", "gpt-4o", NOON_S + (int64_t)i * 60, 1000);
		fixture_add(fixture, &sample);
	}
	fixture_commit(fixture);
}

static int64_t first_bad(struct fixture *fixture, char *message)
{
	struct genops_ledger *reader;
	struct genops_error err = {0};
	int64_t n, bad = -1;
	assert_int_equal(genops_ledger_open(fixture->directory, false, &reader, &err), GENOPS_OK);
	if (genops_ledger_verify(reader, &n, &bad, &err))
		fail_msg("%s", err.message);
	genops_ledger_close(reader);
	if (message)
		strcpy(message, err.message);
	return bad;
}

/* What a table of tampering does to a chain of 20 records. */
static void test_tampering_is_found(void **state)
{
	static const struct {
		const char *sql;
		int64_t bad;
	} cases[] = {
	    {"UPDATE audit SET payload = x'00' WHERE sequence = 7", 7},
	    {"UPDATE audit SET unix_ns = unix_ns + 1 WHERE sequence = 1", 1},
	    {"UPDATE audit SET kind = 'config.reloaded' WHERE sequence = 20", 20},
	    {"UPDATE audit SET hash = zeroblob(32) WHERE sequence = 3", 3},
	    {"DELETE FROM audit WHERE sequence = 5", 5},
	    {"DELETE FROM audit WHERE sequence = 1", 1},
	    {"DELETE FROM audit WHERE sequence = 5; UPDATE audit SET sequence = sequence - 1 WHERE sequence > 5", 5},
	    {"UPDATE audit SET sequence = 100 WHERE sequence = 8; UPDATE audit SET sequence = 8 WHERE sequence = 9;"
	     "UPDATE audit SET sequence = 9 WHERE sequence = 100", 8},
	    {"INSERT INTO audit SELECT 21, unix_ns, kind, payload, hash FROM audit WHERE sequence = 20", 21},
	    {"DELETE FROM audit WHERE sequence = 20", 20},
	    {"DELETE FROM audit", 1},
	    {"DELETE FROM audit WHERE sequence > 12; UPDATE meta SET value = 12 WHERE key = 'head_sequence';"
	     "UPDATE meta SET value = (SELECT hash FROM audit WHERE sequence = 12) WHERE key = 'head_hash'", 13},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(fixture_setup(state), 0);
		struct fixture *fixture = *state;
		fill(fixture, 1, 20);
		assert_int_equal(first_bad(fixture, NULL), 0);
		fixture_close(fixture);
		fixture_tamper(fixture, cases[i].sql);
		int64_t bad = first_bad(fixture, NULL);
		if (bad != cases[i].bad)
			fail_msg("%s: %lld, not %lld", cases[i].sql, (long long)bad, (long long)cases[i].bad);
		/* A writer that goes on does not wash it away. */
		fixture_open(fixture);
		fill(fixture, 101, 5);
		fixture_close(fixture);
		assert_int_not_equal(first_bad(fixture, NULL), 0);
		fixture_teardown(state);
	}
}

static void test_lost_head_is_told(void **state)
{
	struct fixture *fixture = *state;
	char message[512];
	fill(fixture, 1, 10);
	fixture_close(fixture);
	assert_int_equal(unlink(fixture->head), 0);
	assert_int_equal(first_bad(fixture, message), 11);
	assert_non_null(strstr(message, "audit.head"));
	fixture_open(fixture); /* makes a new one, and says so in the chain */
	fill(fixture, 101, 2);
	assert_int_equal(first_bad(fixture, message), 11);
	assert_non_null(strstr(message, "lost"));
}

static void test_rewritten_chain_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct fixture other;
	char command[256];
	fill(fixture, 1, 10);
	fixture_close(fixture);
	fixture_path(&other);
	fixture_open(&other);
	fill(&other, 31, 10); /* a whole chain of its own, put in place of the true one */
	fixture_close(&other);
	snprintf(command, sizeof command, "cp %s/ledger.db %s && rm -r %s", other.directory, fixture->directory, other.directory);
	assert_int_equal(system(command), 0);
	assert_int_equal(first_bad(fixture, NULL), 10);
	fixture_open(fixture);
	fill(fixture, 101, 2);
	assert_int_not_equal(first_bad(fixture, NULL), 0);
}

/* A writer killed between its commit and audit.head leaves a head that is behind: no tampering. */
static void test_head_behind_is_fine(void **state)
{
	struct fixture *fixture = *state;
	char command[256];
	fill(fixture, 1, 10);
	snprintf(command, sizeof command, "cp %s %s.old", fixture->head, fixture->head);
	assert_int_equal(system(command), 0);
	fill(fixture, 11, 10);
	fixture_close(fixture);
	snprintf(command, sizeof command, "mv %s.old %s", fixture->head, fixture->head);
	assert_int_equal(system(command), 0);
	assert_int_equal(first_bad(fixture, NULL), 0);
	fixture_open(fixture);
	fill(fixture, 21, 1);
	assert_int_equal(first_bad(fixture, NULL), 0);
}

struct seen {
	size_t n;
	int64_t sequences[64];
	char kinds[64][32];
	uint8_t previous[32];
	bool checks_hash;
};

static int see(void *arg, const struct genops_audit_row *row)
{
	struct seen *seen = arg;
	seen->sequences[seen->n] = row->sequence;
	snprintf(seen->kinds[seen->n++], 32, "%.*s", (int)row->kind.len, row->kind.ptr);
	if (!seen->checks_hash)
		return GENOPS_OK;
	uint8_t text[512], hash[32]; /* the documented formula, computed by other means */
	size_t n = 0;
	memcpy(text, seen->previous, 32);
	n += 32;
	for (int i = 7; i >= 0; i--)
		text[n++] = (uint8_t)(row->sequence >> (8 * i));
	for (int i = 7; i >= 0; i--)
		text[n++] = (uint8_t)(row->unix_ns >> (8 * i));
	memcpy(text + n, row->kind.ptr, row->kind.len);
	n += row->kind.len;
	text[n++] = 0;
	memcpy(text + n, row->payload.ptr, row->payload.len);
	n += row->payload.len;
	SHA256(text, n, hash);
	assert_memory_equal(hash, row->hash, 32);
	memcpy(seen->previous, hash, 32);
	return GENOPS_OK;
}

static struct seen query(struct fixture *fixture, struct genops_audit_query query)
{
	struct seen seen = {0};
	assert_int_equal(genops_ledger_audit(fixture->ledger, &query, see, &seen, NULL), GENOPS_OK);
	return seen;
}

static void test_hash_is_the_documented_one(void **state)
{
	struct fixture *fixture = *state;
	struct seen seen = {.checks_hash = true};
	fill(fixture, 1, 10);
	fixture_begin(fixture);
	assert_int_equal(genops_ledger_add_event(fixture->ledger, NOON_S * NS, GENOPS_STR("config.reloaded"), GENOPS_STR("{\"version\":2}"), NULL), GENOPS_OK);
	fixture_commit(fixture);
	assert_int_equal(genops_ledger_audit(fixture->ledger, &(struct genops_audit_query){0}, see, &seen, NULL), GENOPS_OK);
	assert_int_equal(seen.n, 11);
	assert_string_equal(seen.kinds[10], "config.reloaded");
}

static void test_queries(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture, 1, 20);
	struct genops_text_pair ml = {GENOPS_STR("team"), GENOPS_STR("ml")}, gold = {GENOPS_STR("attribute:tier"), GENOPS_STR("gold")},
				two = {GENOPS_STR("number"), GENOPS_STR("2")};
	assert_int_equal(query(fixture, (struct genops_audit_query){.where = &ml, .n_where = 1}).n, 10);
	assert_int_equal(query(fixture, (struct genops_audit_query){.where = &gold, .n_where = 1}).n, 10);
	assert_int_equal(query(fixture, (struct genops_audit_query){.where = &two, .n_where = 1}).n, 7);
	struct genops_text_pair id = {GENOPS_STR("operation"), GENOPS_STR("03000000000000000000000000000000-0300000000000000")};
	struct seen seen = query(fixture, (struct genops_audit_query){.where = &id, .n_where = 1});
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.sequences[0], 3);
	id.value = GENOPS_STR("03000000000000000000000000000000-0400000000000000");
	assert_int_equal(query(fixture, (struct genops_audit_query){.where = &id, .n_where = 1}).n, 0);
	seen = query(fixture, (struct genops_audit_query){.newest_first = true, .limit = 3});
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.sequences[0], 20);
	seen = query(fixture, (struct genops_audit_query){.after_sequence = 18});
	assert_int_equal(seen.n, 2);
	/* until is exclusive */
	seen = query(fixture, (struct genops_audit_query){.since_unix_ns = (NOON_S + 300) * NS, .until_unix_ns = (NOON_S + 600) * NS});
	assert_int_equal(seen.n, 5);
	assert_int_equal(seen.sequences[0], 5);
}

static void test_bad_events_write_nothing(void **state)
{
	struct fixture *fixture = *state;
	fixture_begin(fixture);
	assert_int_equal(genops_ledger_add_event(fixture->ledger, 1, (genops_str){0}, GENOPS_STR("{}"), NULL), GENOPS_MISUSE);
	assert_int_equal(genops_ledger_add_event(fixture->ledger, 1, GENOPS_STR("a\0b"), GENOPS_STR("{}"), NULL), GENOPS_MISUSE);
	assert_int_equal(genops_ledger_add_event(fixture->ledger, 1, GENOPS_STR("k"), (genops_str){"", 2000000}, NULL), GENOPS_LIMIT);
	fixture_commit(fixture);
	assert_int_equal(query(fixture, (struct genops_audit_query){0}).n, 0);
}

static void copy_bytes(const char *from, const char *to)
{
	char bytes[4096];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	assert_true(in && out);
	size_t n = fread(bytes, 1, sizeof bytes, in);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	fclose(out);
}

/* While a batch is open: the copy is as of the last commit, whole by its own chain, and a cancelled one leaves nothing. CRB-423. */
static void test_a_copy_is_whole_while_its_writer_goes_on(void **state)
{
	struct fixture *fixture = *state;
	char folder[sizeof fixture->directory + 8], to[sizeof folder + 16], head[sizeof folder + 16], beside[sizeof to + 8];
	struct genops_ledger *reader;
	struct genops_error err = {0};
	struct sample sample;
	int64_t n = 0, bad = -1;
	int cancel = 1;
	fill(fixture, 1, 20);
	snprintf(folder, sizeof folder, "%s-copy", fixture->directory);
	snprintf(head, sizeof head, "%s/audit.head", folder);
	snprintf(to, sizeof to, "%s/ledger.db", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	copy_bytes(fixture->head, head); /* older than the copy, or as old */
	fixture_begin(fixture);
	sample_make(&sample, 21, "ml", "gpt-4o", NOON_S, 1000);
	fixture_add(fixture, &sample);
	assert_int_equal(genops_ledger_copy(fixture->directory, to, NULL, &err), GENOPS_OK);
	fixture_commit(fixture);
	assert_int_equal(genops_ledger_open(folder, false, &reader, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_verify(reader, &n, &bad, &err), GENOPS_OK);
	assert_true(n == 20 && bad == 0);
	genops_ledger_close(reader);
	static const char *const ends[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < 3; i++) {
		snprintf(beside, sizeof beside, "%s%s", to, ends[i]);
		(void)unlink(beside);
	}
	fill(fixture, 22, 2000); /* enough to be asked in between */
	assert_int_equal(genops_ledger_copy(fixture->directory, to, &cancel, &err), GENOPS_BUSY);
	assert_int_not_equal(access(to, F_OK), 0);
	assert_int_equal(unlink(head), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tampering_is_found),
	    TEST(test_lost_head_is_told),
	    TEST(test_rewritten_chain_is_told),
	    TEST(test_head_behind_is_fine),
	    TEST(test_hash_is_the_documented_one),
	    TEST(test_queries),
	    TEST(test_bad_events_write_nothing),
	    TEST(test_a_copy_is_whole_while_its_writer_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
