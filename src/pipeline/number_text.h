/* SPDX-License-Identifier: Apache-2.0
 * pipeline/number_text.h - numbers as text and back, as JavaScript does it: the shortest digits that read back, toFixed that rounds
 * halves away from zero, radixes. Independent of the process's locale. Pure; any thread. */
#ifndef PIPELINE_NUMBER_TEXT_H
#define PIPELINE_NUMBER_TEXT_H

#include <genops/attribute.h>

/* The longest: toString(2) of the smallest number, and toFixed(100) of one near 1e21. */
#define GENOPS_NUMBER_TEXT_MAX ((size_t)2304)

/* All return a view of `out`, of GENOPS_NUMBER_TEXT_MAX bytes, or of a literal. */
genops_str genops_number_to_text(double value, char *out);                  /* String(value) */
genops_str genops_number_to_radix(double value, int radix, char *out);      /* 2 to 36 */
genops_str genops_number_to_fixed(double value, int digits, char *out);     /* 0 to 100 */
genops_str genops_number_to_precision(double value, int digits, char *out); /* 1 to 100 */
/* digits 0 to 100, or -1: as many as are needed */
genops_str genops_number_to_exponential(double value, int digits, char *out);

double genops_number_from_text(genops_str text);             /* Number(text): NaN unless all of it is one; "" is 0 */
double genops_number_parse_float(genops_str text);           /* parseFloat */
double genops_number_parse_int(genops_str text, int radix);  /* parseInt; radix as ToInt32 gave it, 0: none */

/* Decimal digits as they stand in a program: 1, .5, 1e3. NaN if it is none. */
double genops_number_from_decimal(genops_str text);

double genops_number_strtod(const char *text); /* as in the locale "C" */

/* ToInt32 and ToIntegerOrInfinity. */
int32_t genops_number_to_int32(double value);
double genops_number_to_integer(double value);

/* The text without what JavaScript calls white space at its beginning and end. */
genops_str genops_number_trim(genops_str text, bool at_start, bool at_end);

#endif
