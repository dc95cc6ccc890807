/* SPDX-License-Identifier: Apache-2.0
 * figures.h - numbers as cells of a table. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include "table.h"

void figures_number(struct table *table, int64_t value);   /* 1,234,567 */
void figures_money(struct table *table, int64_t nano_usd); /* $12.50, $0.000375: exact, at least two decimals */
void figures_percent(struct table *table, double percent); /* 12.5 % */
void figures_time(struct table *table, int64_t unix_s, const char *none); /* "2026-11-05 12:00:00"; 0: `none` */

#endif
