/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake_settings.h - how a Snowflake destination is written down. Read once, immutable. */
#ifndef EXPORT_SNOWFLAKE_SETTINGS_H
#define EXPORT_SNOWFLAKE_SETTINGS_H

#include "export/destination.h"

struct genops_snowflake_key;

struct genops_snowflake_settings {
	genops_str account, endpoint, user, private_key, passphrase, token;
	int token_type;
	genops_str database, schema, warehouse, role, table;
	int64_t statement_timeout_ns;
	/* made of them */
	genops_str url;                   /* https://host, without a slash behind it */
	struct genops_snowflake_key *key; /* owned; NULL: a token says who asks */
	genops_str token_type_name, bearer; /* of a token: the headers' values */
};

extern const struct genops_destination_form genops_snowflake_form;

#endif
