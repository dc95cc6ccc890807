/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake_answer.h - what Snowflake's SQL API says of a statement. Pure. */
#ifndef EXPORT_SNOWFLAKE_ANSWER_H
#define EXPORT_SNOWFLAKE_ANSWER_H

#include "export/destination.h"

#define GENOPS_SNOWFLAKE_HANDLE_LEN 36 /* of a statement: a UUID */

/* 200: sent. 202: it runs (is_unfinished), and *ret_handle (may be NULL) is what to ask for it by; "": it was not told. 408, 429, 5xx, no
 * answer: again. 401, 403: again after a minute. 422 is SQL's error, told with its code: one in the data is rejected (is_divisible), any other
 * (no such table, no warehouse, no right) comes again after a minute, since what waits is good. All others: rejected. */
void genops_snowflake_answer(const struct genops_response *response, char ret_handle[GENOPS_SNOWFLAKE_HANDLE_LEN + 1],
    struct genops_send_verdict *ret_verdict);

#endif
