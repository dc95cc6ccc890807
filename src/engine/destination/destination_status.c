/* SPDX-License-Identifier: Apache-2.0
 * engine/destination/destination_status.c - see genops/destination.h: the configuration's destinations with what the drain last published
 * of them (<state>/destinations.json, engine/drain/publish_destinations.c). Any thread, any process. */
#include <genops/destination.h>

#include "base/str.h"
#include "engine/config.h"
#include "engine/engine.h"
#include "pipeline/value.h"
#include "store/state_file.h"

#define PUBLISHED_MAX ((size_t)8 << 20)

static const struct genops_value *get(const struct genops_value *object, const char *name)
{
	const struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	return object && object->type == GENOPS_VALUE_OBJECT ? genops_value_object_get(object->as.object, &key) : NULL;
}

static genops_str text(const struct genops_value *object, const char *name)
{
	const struct genops_value *value = get(object, name);
	return value && value->type == GENOPS_VALUE_TEXT ? genops_value_str(*value) : (genops_str){0};
}

static double number(const struct genops_value *object, const char *name)
{
	const struct genops_value *value = get(object, name);
	return value && value->type == GENOPS_VALUE_NUMBER ? value->as.number : 0;
}

static bool is_true(const struct genops_value *object, const char *name)
{
	const struct genops_value *value = get(object, name);
	return value && value->type == GENOPS_VALUE_BOOLEAN && value->as.boolean;
}

static void fill(const struct genops_value *published, struct genops_destination_status *status)
{
	const struct {
		const char *name;
		int64_t *number;
	} numbers[] = {{"sent", &status->sent}, {"rejected", &status->rejected}, {"dropped", &status->dropped}, {"failures", &status->failures},
	    {"retries", &status->retries}, {"connection_errors", &status->connection_errors},
	    {"authentication_failures", &status->authentication_failures}, {"throttled", &status->throttled}, {"waiting", &status->waiting},
	    {"waiting_bytes", &status->waiting_bytes}, {"last_sent_unix_ns", &status->last_sent_unix_ns},
	    {"last_failed_unix_ns", &status->last_failed_unix_ns}};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		*numbers[i].number = (int64_t)number(published, numbers[i].name);
	status->endpoint = text(published, "endpoint");
	status->state = text(published, "state");
	status->reason = text(published, "reason");
	status->is_open = genops_str_is(text(published, "breaker"), "open");
	status->is_blocking = is_true(published, "is_blocking");
	status->lag_seconds = number(published, "lag_seconds");
}

static const struct genops_value *find(const struct genops_value *list, genops_str name)
{
	for (size_t i = 0; list && list->type == GENOPS_VALUE_LIST && i < list->as.list->n; i++) {
		const struct genops_value *item = &list->as.list->items[i];
		if (genops_str_equal(text(item, "name"), name))
			return item;
	}
	return NULL;
}

static int tell(const struct genops_config_exporter *exporter, const struct genops_value *list, genops_destination_fn *fn, void *arg)
{
	genops_str type = exporter->type;
	struct genops_destination_status status = {.name = exporter->name, .type = genops_str_split(&type, '/'), .state = GENOPS_STR("unknown")};
	const struct genops_value *published = find(list, exporter->name);
	if (published)
		fill(published, &status);
	return fn(arg, &status);
}

static int walk(const struct genops_config *config, const struct genops_value *list, genops_destination_fn *fn, void *arg)
{
	for (size_t i = 0; i < config->telemetry.n_exporters; i++)
		GENOPS_TRY(tell(&config->telemetry.exporters[i], list, fn, arg));
	for (size_t i = 0; i < config->n_destinations; i++)
		GENOPS_TRY(tell(&config->destinations[i], list, fn, arg));
	return GENOPS_OK;
}

int genops_destination_status_list(genops_engine *engine, genops_destination_fn *on_destination, void *arg, struct genops_error *err)
{
	struct genops_buffer published;
	struct genops_arena arena;
	struct genops_value value = {0};
	const struct genops_value *list = NULL;
	int code = genops_state_file_read(engine->state_dir, "destinations.json", PUBLISHED_MAX, &published, err);
	bool is_there = code == GENOPS_OK;
	genops_arena_init(&arena, 8 * PUBLISHED_MAX);
	if (code == GENOPS_NOT_FOUND)
		code = GENOPS_OK;
	if (is_there && genops_value_from_json(genops_buffer_view(&published), &arena, &value, NULL) == GENOPS_OK)
		list = get(&value, "destinations");
	if (code == GENOPS_OK) {
		struct genops_config *config = genops_engine_config(engine);
		code = walk(config, list, on_destination, arg);
		genops_config_unref(config);
	}
	genops_arena_done(&arena);
	genops_buffer_done(&published);
	return code;
}
