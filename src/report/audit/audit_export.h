/* SPDX-License-Identifier: Apache-2.0
 * report/audit/audit_export.h - the audit trail as a stream of events, or as a file of a format. See genops/report.h. */
#ifndef REPORT_AUDIT_EXPORT_H
#define REPORT_AUDIT_EXPORT_H

#include "store/ledger.h"

#include <genops/report.h>

/* `ledger` NULL: nothing is recorded yet. */
GENOPS_NODISCARD int genops_audit_export_each(struct genops_ledger *ledger, const struct genops_audit_report_query *query,
    genops_audit_event_fn *on_event, void *arg, struct genops_error *err);
GENOPS_NODISCARD int genops_audit_export_file(struct genops_ledger *ledger, const struct genops_audit_report_query *query,
    enum genops_audit_format format, genops_report_write_fn *on_bytes, void *arg, int64_t *ret_n_events,
    struct genops_error *err);
GENOPS_NODISCARD int genops_audit_export_verify(
    struct genops_ledger *ledger, struct genops_audit_verification *ret_verification, struct genops_error *err);

#endif
