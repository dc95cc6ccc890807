/* SPDX-License-Identifier: Apache-2.0
 * store/tally.h - counters by name that all processes of a state directory add to: <state>/tally, a mapped file.
 *
 * For what no single process sees: each gateway worker receives its part. A name is a whole Prometheus series, `name{a="b"}`. Counters
 * only grow, outlive every process and are exact under SIGKILL: an addition is one atomic instruction. They are no ledger: nothing is
 * synced, and a damaged file is begun anew.
 */
#ifndef STORE_TALLY_H
#define STORE_TALLY_H

#include "base/error.h"

#include <genops/attribute.h>

#define GENOPS_TALLY_NAME_MAX   232
#define GENOPS_TALLY_SERIES_MAX 256 /* further ones count as GENOPS_TALLY_OTHER */
#define GENOPS_TALLY_OTHER      "genops_self_tally_other_total"

struct genops_tally;

/* NULL with err: FULL, IO, NOMEM. */
struct genops_tally *genops_tally_open(const char *state_dir, struct genops_error *err);
void genops_tally_close(struct genops_tally *tally);

/* Any thread; NULL tally: nothing. */
void genops_tally_add(struct genops_tally *tally, genops_str name, uint64_t n);

/* Every counter, in no order. Any thread. */
void genops_tally_each(const struct genops_tally *tally, void (*fn)(void *arg, genops_str name, uint64_t value), void *arg);

#endif
