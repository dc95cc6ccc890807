/* SPDX-License-Identifier: Apache-2.0
 * engine/policy_list.c - the policies in force, one by one or as JSON (genops/policy.h). */
#include "codec/json_write.h"
#include "engine/engine.h"

#include <genops/policy.h>

#define TEXT_MAX ((size_t)16 << 20)

static void write_match(struct genops_json_writer *json, const struct genops_match *match)
{
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

static void write_settings(struct genops_json_writer *json, const struct genops_policy *policy)
{
	genops_json_object_begin(json);
	for (const struct genops_option *option = policy->type->options; option && option->name; option++)
		write_setting(json, option, policy->settings);
	genops_json_object_end(json);
}

static int tell(const struct genops_policy *policy, genops_policy_fn *on_policy, void *arg, struct genops_error *err)
{
	struct genops_buffer settings, match;
	struct genops_json_writer json;
	genops_buffer_init(&settings, TEXT_MAX);
	genops_buffer_init(&match, TEXT_MAX);
	genops_json_writer_init(&json, &settings);
	write_settings(&json, policy);
	genops_json_writer_init(&json, &match);
	write_match(&json, &policy->match);
	struct genops_policy_row row = {
	    .name = policy->name,
	    .type = genops_str_of(policy->type->name),
	    .level = genops_str_of(genops_level_name(policy->level)),
	    .on_error = policy->on_error == GENOPS_ON_ERROR_OPEN ? GENOPS_STR("open") : GENOPS_STR("closed"),
	    .origin = policy->origin,
	    .settings = genops_buffer_view(&settings),
	    .match = genops_buffer_view(&match),
	    .is_enabled = policy->is_enabled,
	};
	int code = settings.error || match.error ? genops_fail(err, GENOPS_NOMEM, "no memory for the policies")
						 : on_policy(arg, &row);
	genops_buffer_done(&settings);
	genops_buffer_done(&match);
	return code;
}

int genops_policy_list(genops_engine *engine, genops_policy_fn *on_policy, void *arg, struct genops_error *err)
{
	struct genops_config *config = genops_engine_config(engine);
	int code = GENOPS_OK;
	for (size_t i = 0; code == GENOPS_OK && i < config->n_policies; i++)
		code = tell(config->policies[i], on_policy, arg, err);
	genops_config_unref(config);
	return code;
}

static int write_row(void *arg, const struct genops_policy_row *row)
{
	struct genops_json_writer *json = arg;
	genops_json_object_begin(json);
	genops_json_key_string(json, "name", row->name);
	genops_json_key_string(json, "type", row->type);
	genops_json_key_string(json, "enforcement_level", row->level);
	genops_json_key_string(json, "on_error", row->on_error);
	genops_json_key_bool(json, "enabled", row->is_enabled);
	genops_json_key_string(json, "origin", row->origin);
	genops_json_key(json, GENOPS_STR("match"));
	genops_json_raw(json, row->match);
	genops_json_key(json, GENOPS_STR("settings"));
	genops_json_raw(json, row->settings);
	genops_json_object_end(json);
	return GENOPS_OK;
}

int genops_policy_list_json(genops_engine *engine, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_json_writer json;
	struct genops_buffer buf;
	struct genops_config *config = genops_engine_config(engine);
	genops_buffer_init(&buf, TEXT_MAX);
	genops_json_writer_init(&json, &buf);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "mode", genops_str_of(genops_mode_name(config->mode)));
	genops_config_unref(config);
	genops_json_key(&json, GENOPS_STR("policies"));
	genops_json_array_begin(&json);
	int code = genops_policy_list(engine, write_row, &json, err);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	char *text = code == GENOPS_OK ? genops_buffer_take(&buf, ret_len) : NULL;
	int fault = buf.error;
	genops_buffer_done(&buf);
	if (code != GENOPS_OK)
		return code;
	if (!text)
		return genops_fail(err, fault ? fault : GENOPS_NOMEM, "no memory for the policies");
	*ret_text = text;
	return GENOPS_OK;
}
