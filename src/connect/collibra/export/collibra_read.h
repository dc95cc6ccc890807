/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_read.h - what Collibra answers to exports: jobs, their errors, assets, attributes. Pure.
 *
 * Members that are not asked for are passed over; one that is missing leaves its field empty.
 */
#ifndef CONNECT_COLLIBRA_EXPORT_COLLIBRA_READ_H
#define CONNECT_COLLIBRA_EXPORT_COLLIBRA_READ_H

#include "connect/collibra/collibra_types.h"

struct genops_collibra_job_state {
	char id[GENOPS_COLLIBRA_ID_SIZE];
	char state[24], result[32]; /* "COMPLETED", "SUCCESS" */
	char message[256];
};

/* A job, as submitting and polling answer it. SYNTAX, NOMEM. */
GENOPS_NODISCARD int genops_collibra_read_job(
    genops_str body, struct genops_collibra_job_state *ret_state, struct genops_error *err);

#define GENOPS_COLLIBRA_INDICES_MAX 32

struct genops_collibra_import_error {
	bool is_validation; /* the same command will fail again; else RUNTIME */
	char message[256];
	size_t n_indices;   /* commands it is about; 0: it does not say */
	uint32_t indices[GENOPS_COLLIBRA_INDICES_MAX];
};
typedef void genops_collibra_import_error_fn(void *arg, const struct genops_collibra_import_error *error);

/* One page of an import's errors. SYNTAX, NOMEM. */
GENOPS_NODISCARD int genops_collibra_read_errors(
    genops_str body, genops_collibra_import_error_fn *on_error, void *arg, struct genops_error *err);

/* One page of a listing: of each element its id and its name (assets), or its id and its type's id (attributes). SYNTAX, NOMEM. */
typedef void genops_collibra_element_fn(void *arg, genops_str id, genops_str name);
GENOPS_NODISCARD int genops_collibra_read_assets(
    genops_str body, genops_collibra_element_fn *on_asset, void *arg, struct genops_error *err);
GENOPS_NODISCARD int genops_collibra_read_attributes(
    genops_str body, genops_collibra_element_fn *on_attribute, void *arg, struct genops_error *err);

#endif
