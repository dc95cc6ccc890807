/* SPDX-License-Identifier: Apache-2.0
 * engine/event.c - audit events that are no operation: who started, stopped and reconfigured governance.
 *
 * They take the way of operations: an entry in this process's segment (kind, NUL, JSON), stored by the drain.
 */
#include "codec/json_write.h"
#include "engine/engine.h"

#include <genops/operation.h>
#include <genops/policy.h>

#include <stdlib.h>

#define KIND_MAX   64
#define DETAIL_MAX ((size_t)512 << 10)

int genops_engine_record_event(genops_engine *engine, genops_str kind, genops_str detail, struct genops_error *err)
{
	struct genops_buffer entry;
	if (!kind.len || kind.len > KIND_MAX || memchr(kind.ptr, '\0', kind.len) || !detail.len || detail.len > DETAIL_MAX)
		return genops_fail(err, GENOPS_MISUSE, "an audit event wants a kind of 1 to %d bytes and JSON of at most 512 KiB",
		    KIND_MAX);
	genops_buffer_init(&entry, KIND_MAX + 1 + DETAIL_MAX);
	genops_buffer_add(&entry, kind);
	genops_buffer_add_char(&entry, '\0');
	genops_buffer_add(&entry, detail);
	int code = entry.error ? genops_fail(err, entry.error, "no memory for an audit event")
			       : genops_segment_append(engine->segments, GENOPS_ENTRY_EVENT, genops_buffer_view(&entry), NULL, err);
	genops_buffer_done(&entry);
	return code;
}

static void write_budgets(struct genops_json_writer *json, const struct genops_config *config)
{
	genops_json_key(json, GENOPS_STR("budgets"));
	genops_json_array_begin(json);
	for (size_t i = 0; i < config->n_budgets; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		genops_json_object_begin(json);
		genops_json_key_string(json, "name", rule->name);
		genops_json_key_string(json, "enforcement_level", genops_str_of(genops_level_name(rule->level)));
		genops_json_key_string(json, "origin", rule->origin);
		for (int period = 0; period < GENOPS_PERIOD_N; period++) {
			if (rule->limit_nano_usd[period] != GENOPS_COST_UNKNOWN)
				genops_json_key_money(json, genops_period_name((enum genops_period)period), rule->limit_nano_usd[period]);
		}
		genops_json_object_end(json);
	}
	genops_json_array_end(json);
}

int genops_engine_record_configuration(genops_engine *engine, genops_str kind, struct genops_error *err)
{
	struct genops_json_writer json;
	struct genops_buffer detail;
	char *policies;
	size_t len;
	GENOPS_TRY(genops_policy_list_json(engine, &policies, &len, err));
	struct genops_config *config = genops_engine_config(engine);
	genops_buffer_init(&detail, DETAIL_MAX);
	genops_json_writer_init(&json, &detail);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "file", config->file);
	genops_json_key_string(&json, "user", engine->user);
	genops_json_key_string(&json, "host", engine->host);
	genops_json_key_int(&json, "pid", engine->pid);
	genops_json_key(&json, GENOPS_STR("in_force"));
	genops_json_raw(&json, (genops_str){policies, len});
	write_budgets(&json, config);
	genops_json_key(&json, GENOPS_STR("keys"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < config->n_keys; i++)
		genops_json_string(&json, config->keys[i].name);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	genops_config_unref(config);
	free(policies);
	int code = detail.error ? genops_fail(err, detail.error, "the configuration is too large for one audit event")
				: genops_engine_record_event(engine, kind, genops_buffer_view(&detail), err);
	genops_buffer_done(&detail);
	return code;
}
