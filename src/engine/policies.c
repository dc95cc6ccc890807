/* SPDX-License-Identifier: Apache-2.0
 * engine/policies.c - the policies and budgets in force, as JSON: for `genops policy`, the control API, tests. */
#include "codec/json_write.h"
#include "engine/engine.h"

#define TEXT_MAX ((size_t)16 << 20)

static void write_match(struct genops_json_writer *json, const struct genops_match *match)
{
	genops_json_key(json, GENOPS_STR("match"));
	genops_json_object_begin(json);
	for (size_t i = 0; i < match->n_entries; i++) {
		genops_json_key(json, match->entries[i].key);
		genops_json_array_begin(json);
		for (size_t j = 0; j < match->entries[i].n_values; j++)
			genops_json_string(json, match->entries[i].values[j]);
		genops_json_array_end(json);
	}
	genops_json_object_end(json);
}

static void write_setting(struct genops_json_writer *json, const struct genops_option *option, const void *settings)
{
	const char *field = (const char *)settings + option->offset;
	const struct genops_texts *texts = (const void *)field;
	if (option->is_secret)
		return;
	switch (option->type) {
	case GENOPS_OPTION_BOOL:
		genops_json_key_bool(json, option->name, *(const bool *)(const void *)field);
		break;
	case GENOPS_OPTION_INT:
	case GENOPS_OPTION_SIZE:
		genops_json_key_int(json, option->name, *(const int64_t *)(const void *)field);
		break;
	case GENOPS_OPTION_DURATION:
		genops_json_key_double(json, option->name, (double)*(const int64_t *)(const void *)field / 1e9);
		break;
	case GENOPS_OPTION_MONEY:
		if (*(const int64_t *)(const void *)field >= 0)
			genops_json_key_money(json, option->name, *(const int64_t *)(const void *)field);
		break;
	case GENOPS_OPTION_DOUBLE:
		genops_json_key_double(json, option->name, *(const double *)(const void *)field);
		break;
	case GENOPS_OPTION_TEXT:
		genops_json_key_string(json, option->name, *(const genops_str *)(const void *)field);
		break;
	case GENOPS_OPTION_ENUM:
		genops_json_key_string(json, option->name, genops_str_of(option->names[*(const int *)(const void *)field]));
		break;
	case GENOPS_OPTION_LIST:
		genops_json_key(json, genops_str_of(option->name));
		genops_json_array_begin(json);
		for (size_t i = 0; i < texts->n; i++)
			genops_json_string(json, texts->items[i]);
		genops_json_array_end(json);
		break;
	case GENOPS_OPTION_MAP:
	case GENOPS_OPTION_CUSTOM:
		break; /* no policy type has any */
	}
}

static void write_policy(struct genops_json_writer *json, const struct genops_policy *policy)
{
	genops_json_object_begin(json);
	genops_json_key_string(json, "name", policy->name);
	genops_json_key_string(json, "type", genops_str_of(policy->type->name));
	genops_json_key_string(json, "enforcement_level", genops_str_of(genops_level_name(policy->level)));
	genops_json_key_string(
	    json, "on_error", policy->on_error == GENOPS_ON_ERROR_OPEN ? GENOPS_STR("open") : GENOPS_STR("closed"));
	genops_json_key_bool(json, "enabled", policy->is_enabled);
	genops_json_key_string(json, "origin", policy->origin);
	write_match(json, &policy->match);
	genops_json_key(json, GENOPS_STR("settings"));
	genops_json_object_begin(json);
	for (const struct genops_option *option = policy->type->options; option && option->name; option++)
		write_setting(json, option, policy->settings);
	genops_json_object_end(json);
	genops_json_object_end(json);
}

int genops_engine_policies_json(genops_engine *engine, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_json_writer json;
	struct genops_buffer buf;
	struct genops_config *config = genops_engine_config(engine);
	genops_buffer_init(&buf, TEXT_MAX);
	genops_json_writer_init(&json, &buf);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "mode", genops_str_of(genops_mode_name(config->mode)));
	genops_json_key(&json, GENOPS_STR("policies"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < config->n_policies; i++)
		write_policy(&json, config->policies[i]);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	genops_config_unref(config);
	int code = buf.error;
	char *text = genops_buffer_take(&buf, ret_len);
	genops_buffer_done(&buf);
	if (!text)
		return genops_fail(err, code ? code : GENOPS_NOMEM, "no memory for the policies");
	*ret_text = text;
	return GENOPS_OK;
}
