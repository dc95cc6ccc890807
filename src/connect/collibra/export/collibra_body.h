/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_body.h - assets as the bodies of Collibra's writing calls. Pure.
 *
 * Types go by their ids: names and public ids differ between instances. All values are texts, which every kind of attribute
 * takes. Check buf->error at the end.
 */
#ifndef CONNECT_COLLIBRA_EXPORT_COLLIBRA_BODY_H
#define CONNECT_COLLIBRA_EXPORT_COLLIBRA_BODY_H

#include "connect/collibra/export/collibra_asset.h"

/* Where exports go: of one instance. */
struct genops_collibra_target {
	char domain_id[GENOPS_COLLIBRA_ID_SIZE];
	struct genops_collibra_types types;
};

/* JSON has no raw line break inside a text, so that no line of a file can be the boundary. */
#define GENOPS_COLLIBRA_BODY_BOUNDARY  "genops-b040245073954b927cad"
#define GENOPS_COLLIBRA_BODY_FORM_TYPE "multipart/form-data; boundary=" GENOPS_COLLIBRA_BODY_BOUNDARY

/* The form of POST /import/json-job over the assets that `picked` names. Imported twice, it leaves the same. */
void genops_collibra_body_import(struct genops_buffer *buf, const struct genops_collibra_target *target,
    const struct genops_collibra_assets *assets, const uint32_t *picked, size_t n_picked);

/* The array of POST /assets/bulk; ids are genops_collibra_asset_id's. NOMEM. */
GENOPS_NODISCARD int genops_collibra_body_assets(struct genops_buffer *buf, const struct genops_collibra_target *target,
    const struct genops_collibra_assets *assets, const uint32_t *picked, size_t n_picked, struct genops_error *err);

/* The array of POST /attributes/bulk, element by element; `json` is in an array. `asset_id` as the instance knows it. */
struct genops_json_writer;
void genops_collibra_body_attribute(struct genops_json_writer *json, const struct genops_collibra_target *target,
    genops_str asset_id, const struct genops_collibra_value *value);

#endif
