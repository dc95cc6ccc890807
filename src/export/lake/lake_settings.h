/* SPDX-License-Identifier: Apache-2.0
 * export/lake/lake_settings.h - what a document of type cribl_lake says. Immutable once read. */
#ifndef EXPORT_LAKE_SETTINGS_H
#define EXPORT_LAKE_SETTINGS_H

#include "export/destination.h"

/* As Cribl has it for Direct Access (HTTP). */
#define GENOPS_LAKE_DATASETS_MAX 10
#define GENOPS_LAKE_DAYS_MAX     3650
#define GENOPS_LAKE_FIELDS_MAX   8

struct genops_lake_dataset {
	genops_str name, description;
	int64_t days;                        /* retention; 0: nothing said */
	struct genops_texts partition_by;
};

struct genops_lake_settings {
	genops_str url, token, dataset, api_url, api_token, lake;
	int compression, codec;              /* of their rows */
	struct genops_texts indexes;
	size_t n_datasets;
	struct genops_lake_dataset datasets[GENOPS_LAKE_DATASETS_MAX];
};

enum { GENOPS_LAKE_GZIP, GENOPS_LAKE_PARQUET, GENOPS_LAKE_NONE };

extern const struct genops_destination_form genops_lake_form;

/* NULL: there is none of that name. */
const struct genops_lake_dataset *genops_lake_dataset_find(const struct genops_lake_settings *settings, genops_str name);
/* A name that Cribl takes, and that is not one of its own. */
bool genops_lake_dataset_is_name(genops_str name);
/* "2555 days" in whole days that Cribl takes. */
bool genops_lake_days(genops_str text, int64_t *ret_days);

#endif
