/* SPDX-License-Identifier: Apache-2.0
 * report/audit/audit_parquet.h - audit events as rows of a Parquet file. */
#ifndef REPORT_AUDIT_PARQUET_H
#define REPORT_AUDIT_PARQUET_H

#include "base/error.h"

#include <genops/report.h>

struct genops_audit_parquet;

/* Returns the owned writer, or NULL. */
struct genops_audit_parquet *genops_audit_parquet_new(
    genops_report_write_fn *on_bytes, void *arg, struct genops_error *err);
void genops_audit_parquet_free(struct genops_audit_parquet *parquet);
GENOPS_NODISCARD int genops_audit_parquet_add(
    struct genops_audit_parquet *parquet, const struct genops_audit_event *event, struct genops_error *err);
GENOPS_NODISCARD int genops_audit_parquet_finish(struct genops_audit_parquet *parquet, struct genops_error *err);

#endif
