/* SPDX-License-Identifier: Apache-2.0
 * filters.h - --where K=V and --by A,B of the reporting commands. */
#ifndef CLI_FILTERS_H
#define CLI_FILTERS_H

#include "command.h"

#include <genops/report.h>

/* The views are into the command line. Complains and returns an exit code, or -1 to go on. */
int filters_where(const struct option_list *options, struct genops_report_filter filters[OPTION_LIST_MAX], size_t *ret_n);
int filters_by(const struct option_list *options, genops_str keys[GENOPS_REPORT_KEYS_MAX], size_t *ret_n);

#endif
