/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_copy.c - a copy of the ledger as it is at one moment, while its writer goes on: SQLite's VACUUM INTO, which reads one snapshot. */
#include "store/ledger/ledger_impl.h"

#include <unistd.h>

#define LOOK_EVERY 10000 /* of SQLite's instructions */

static int is_over(void *cancel)
{
	return __atomic_load_n((const int *)cancel, __ATOMIC_RELAXED);
}

static int copy(struct genops_ledger *ledger, const char *to, struct genops_error *err)
{
	sqlite3_stmt *statement = NULL;
	GENOPS_TRY(genops_ledger_exec(ledger, "PRAGMA query_only=OFF", err)); /* of this connection: INTO counts as a write */
	GENOPS_TRY(genops_ledger_prepare(ledger, GENOPS_STR("VACUUM INTO ?1"), &statement, err));
	sqlite3_bind_text(statement, 1, to, -1, SQLITE_STATIC);
	int step = sqlite3_step(statement), code = GENOPS_OK;
	if (step == SQLITE_INTERRUPT)
		code = genops_fail(err, GENOPS_BUSY, "the copy of the ledger was given up: the process ends");
	else if (step != SQLITE_DONE)
		code = genops_ledger_fail(ledger, "copy", err);
	sqlite3_finalize(statement);
	return code;
}

int genops_ledger_copy(const char *state_dir, const char *to, const int *cancel, struct genops_error *err)
{
	struct genops_ledger *ledger;
	GENOPS_TRY(genops_ledger_open(state_dir, false, &ledger, err));
	if (cancel)
		sqlite3_progress_handler(ledger->db, LOOK_EVERY, is_over, (void *)(uintptr_t)cancel);
	int code = copy(ledger, to, err);
	genops_ledger_close(ledger);
	if (code != GENOPS_OK)
		(void)unlink(to);
	return code;
}
