/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/functions.h - the functions behind the rows of functions.c and methods.c that are in files of their own. Each
 * is a genops_function_fn, see program.h. */
#ifndef PIPELINE_EXPRESSION_FUNCTIONS_H
#define PIPELINE_EXPRESSION_FUNCTIONS_H

#include "pipeline/expression/program.h"

/* date.c */
genops_function_fn genops_date_now, genops_date_new, genops_date_parse, genops_date_utc, genops_date_iso, genops_date_json,
    genops_date_time, genops_date_year, genops_date_month, genops_date_day, genops_date_weekday, genops_date_hours, genops_date_minutes,
    genops_date_seconds, genops_date_milliseconds;

/* uri.c */
genops_function_fn genops_uri_encode_component, genops_uri_decode_component;

/* methods_text.c */
genops_function_fn genops_method_char_at, genops_method_unit_at, genops_method_code_at, genops_method_slice, genops_method_substring,
    genops_method_substr, genops_method_index_of, genops_method_last_index_of, genops_method_includes, genops_method_starts_with,
    genops_method_ends_with, genops_method_concat, genops_method_repeat, genops_method_pad_start, genops_method_pad_end, genops_method_upper,
    genops_method_lower, genops_method_trim, genops_method_trim_start, genops_method_trim_end, genops_method_split, genops_method_at;

/* methods_list.c */
genops_function_fn genops_method_list_includes, genops_method_list_index_of, genops_method_list_last_index_of, genops_method_list_join,
    genops_method_list_slice, genops_method_list_concat, genops_method_list_at;

/* methods_regex.c */
genops_function_fn genops_method_test, genops_method_exec, genops_method_match, genops_method_search, genops_method_replace,
    genops_method_replace_all, genops_method_split_regex;

#endif
