/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/drain_queue.c - the export queue as telemetry.queue wants it, and as a changed configuration does. The drain's thread. */
#include "engine/drain/drain.h"

#include "base/str.h"

static struct genops_queue_options options_of(const struct genops_config *config)
{
	const struct genops_config_telemetry *telemetry = &config->telemetry;
	return (struct genops_queue_options){
	    .max_bytes = (uint64_t)telemetry->queue_max_size,
	    .is_compressed = telemetry->queue_compression != 0,
	    .encryption_key = telemetry->queue_encryption_key,
	};
}

int genops_drain_queue_open(const genops_engine *engine, const struct genops_config *config, struct genops_queue **ret_queue,
    struct genops_error *err)
{
	struct genops_queue_options options = options_of(config);
	return genops_queue_open(engine->state_dir, &options, ret_queue, err);
}

bool genops_drain_queue_is_changed(const struct genops_config *before, const struct genops_config *after)
{
	struct genops_queue_options old = options_of(before), fresh = options_of(after);
	return old.max_bytes != fresh.max_bytes || old.is_compressed != fresh.is_compressed ||
	       !genops_str_equal(old.encryption_key, fresh.encryption_key);
}

void genops_drain_queue_follow(const genops_engine *engine, const struct genops_config *after, struct genops_queue **queue)
{
	struct genops_queue *opened;
	struct genops_error err;
	if (genops_drain_queue_open(engine, after, &opened, &err) != GENOPS_OK) {
		genops_log_error(&engine->log, GENOPS_LOG_ERROR, "the changed telemetry.queue is not used", &err);
		return;
	}
	genops_queue_close(*queue);
	*queue = opened;
}
