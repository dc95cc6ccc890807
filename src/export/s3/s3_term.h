/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_term.h - the words of settings: "2555 days", "COMPLIANCE mode, 7 years", "AES-256". Pure. */
#ifndef EXPORT_S3_TERM_H
#define EXPORT_S3_TERM_H

#include "base/str.h"

#define GENOPS_S3_TERM_DAY_NS (INT64_C(86400) * 1000000000)

enum genops_s3_lock { GENOPS_S3_UNLOCKED, GENOPS_S3_GOVERNANCE, GENOPS_S3_COMPLIANCE };
enum genops_s3_encryption { GENOPS_S3_SSE_NONE, GENOPS_S3_SSE_AES256, GENOPS_S3_SSE_KMS };

/* A number and a unit, days unless said: "7 years" (365 days each), "18 months" (30), "2555 days", "90d", "12 hours". Whole, at most 100
 * years. */
bool genops_s3_term_days(genops_str text, int64_t *ret_ns);
/* A mode and a term in either order: "COMPLIANCE mode, 7 years"; *ret_ns 0: it says none. */
bool genops_s3_term_lock(genops_str text, enum genops_s3_lock *ret_lock, int64_t *ret_ns);
/* AES256, AES-256, SSE-S3; aws:kms, SSE-KMS; none. */
bool genops_s3_term_encryption(genops_str text, enum genops_s3_encryption *ret_encryption);

#endif
