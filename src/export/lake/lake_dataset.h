/* SPDX-License-Identifier: Apache-2.0
 * export/lake/lake_dataset.h - datasets as the document wants them, through Cribl's management API: a missing one is made, a retention that is too
 * short made longer; never shorter, and never anything else changed. One question at a time, before the first events (prepare). */
#ifndef EXPORT_LAKE_DATASET_H
#define EXPORT_LAKE_DATASET_H

#include "export/lake/lake_settings.h"

enum genops_lake_state { GENOPS_LAKE_UNKNOWN, GENOPS_LAKE_MISSING, GENOPS_LAKE_SHORT, GENOPS_LAKE_FINE };

struct genops_lake_session {
	enum genops_lake_state states[GENOPS_LAKE_DATASETS_MAX];
	int64_t days[GENOPS_LAKE_DATASETS_MAX]; /* what routes want, if it is longer than what the document says */
	size_t asked;                           /* the dataset that the last question was about */
};

/* As in export/destination.h. */
GENOPS_NODISCARD int genops_lake_dataset_prepare(const struct genops_lake_settings *settings, struct genops_lake_session *session,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err);
void genops_lake_dataset_prepared(const struct genops_lake_settings *settings, struct genops_lake_session *session,
    const struct genops_response *response, struct genops_send_verdict *ret_verdict);

#endif
