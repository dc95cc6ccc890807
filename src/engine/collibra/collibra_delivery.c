/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_delivery.c - one delivery from its assets to a moved place.
 *
 * A batch goes through the Import API, urgent ones through two Core calls; whatever is not certain afterwards is set right by
 * an import, or, where imports are not allowed, by looking first. A delivery that cannot be made now is forgotten: its operations are
 * in the ledger, and the same assets are made of them again. */
#include "engine/collibra/collibra_exporter.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "telemetry/propagation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define ARENA_MAX ((size_t)256 << 20)
#define HELD_NS	  (60 * GENOPS_NS_PER_S)
#define CLOSED_NS (3600 * GENOPS_NS_PER_S)

void genops_collibra_delivery_init(struct genops_collibra_delivery *delivery)
{
	genops_arena_init(&delivery->arena, ARENA_MAX);
	genops_collibra_assets_init(&delivery->assets, &delivery->arena);
}

void genops_collibra_delivery_done(struct genops_collibra_delivery *delivery)
{
	genops_arena_done(&delivery->arena);
}

void genops_collibra_delivery_reset(struct genops_collibra_delivery *delivery)
{
	struct genops_arena arena = delivery->arena;
	/* A large one gives its memory back: the next may be far away. */
	if (arena.used > ((size_t)1 << 20)) {
		genops_arena_done(&arena);
		genops_arena_init(&arena, ARENA_MAX);
	} else {
		genops_arena_reset(&arena);
	}
	*delivery = (struct genops_collibra_delivery){.arena = arena};
	genops_collibra_assets_init(&delivery->assets, &delivery->arena);
}

/* --- the place --- */

static void count_calls(struct genops_collibra_exporter *exporter)
{
	struct genops_collibra_counts now;
	if (!exporter->session.account)
		return;
	genops_collibra_account_counts(exporter->session.account, &now);
	exporter->place.n_calls += now.n_calls - exporter->counted.n_calls;
	exporter->place.n_repeats += now.n_repeats - exporter->counted.n_repeats;
	exporter->place.n_limited += now.n_limited - exporter->counted.n_limited;
	exporter->counted = now;
}

void genops_collibra_delivery_save(struct genops_collibra_exporter *exporter, bool is_synced)
{
	struct genops_error err;
	count_calls(exporter);
	if (genops_place_save(exporter->file, &exporter->place, sizeof exporter->place, is_synced, &err) != GENOPS_OK)
		genops_log_error(&exporter->engine->log, GENOPS_LOG_ERROR,
		    "how far the export to Collibra has come was not stored; it is harmlessly done again after a restart", &err);
}

/* --- failures --- */

static void complain(struct genops_collibra_exporter *exporter, const char *reason)
{
	if (!strncmp(exporter->complaint, reason, sizeof exporter->complaint - 1))
		return;
	snprintf(exporter->complaint, sizeof exporter->complaint, "%.380s", reason);
	genops_log_write(&exporter->engine->log, GENOPS_LOG_WARN, "collibra: export: %s", reason);
}

void genops_collibra_delivery_fail(
    struct genops_collibra_exporter *exporter, enum genops_collibra_progress progress, const char *reason)
{
	struct genops_collibra_place *place = &exporter->place;
	uint64_t random;
	genops_span_id_new((uint8_t *)&random);
	genops_retry_failed(&exporter->retry, progress == GENOPS_COLLIBRA_HELD ? HELD_NS : 0, random, genops_clock_monotonic_ns());
	complain(exporter, reason);
	/* Somebody mends the types, the domain or the rights: everything is looked at again then. */
	if (progress == GENOPS_COLLIBRA_STALE || progress == GENOPS_COLLIBRA_HELD)
		exporter->is_connected = exporter->is_import_closed = false;
	place->state = progress == GENOPS_COLLIBRA_HELD ? GENOPS_COLLIBRA_WAITING_FOR_REPAIR : GENOPS_COLLIBRA_FAILING;
	place->failed_unix_ns = genops_clock_unix_ns();
	snprintf(place->reason, sizeof place->reason, "%.380s", reason);
	if (exporter->file)
		genops_collibra_delivery_save(exporter, false);
}

/* Assets that Collibra will never take, with its reason: one line each beside those of other destinations. */
static void dead_letter(struct genops_collibra_exporter *exporter, const struct genops_collibra_assets *assets)
{
	struct genops_buffer lines;
	char path[4096];
	genops_buffer_init(&lines, (size_t)64 << 20);
	for (size_t i = 0; i < assets->n; i++) {
		const struct genops_collibra_asset *asset = &assets->items[i];
		struct genops_json_writer json;
		if (asset->fate != GENOPS_COLLIBRA_REJECTED)
			continue;
		genops_json_writer_init(&json, &lines);
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "destination", GENOPS_STR("collibra"));
		genops_json_key_string(&json, "reason", asset->reason);
		genops_json_key_int(&json, "rejected_unix_ns", genops_clock_unix_ns());
		genops_json_key_string(&json, "asset", asset->name);
		genops_json_key_string(&json, "display_name", asset->display_name);
		genops_json_object_end(&json);
		genops_buffer_add_char(&lines, '\n');
	}
	snprintf(path, sizeof path, "%s/dead-letter.jsonl", exporter->engine->state_dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	/* One write of whole lines: several destinations share the file. */
	if (fd < 0 || lines.error || write(fd, lines.ptr, lines.len) != (ssize_t)lines.len)
		genops_log_write(&exporter->engine->log, GENOPS_LOG_ERROR, "assets that Collibra rejected are not in %s: %s", path,
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	genops_buffer_done(&lines);
}

/* --- the end --- */

static void count(struct genops_collibra_exporter *exporter, const struct genops_collibra_delivery *delivery)
{
	struct genops_collibra_place *place = &exporter->place;
	const struct genops_collibra_assets *assets = &delivery->assets;
	size_t n_stored = 0, n_rejected = genops_collibra_assets_count(assets, GENOPS_COLLIBRA_REJECTED), n_budgets = 0;
	for (size_t i = 0; i < assets->n; i++) {
		bool is_stored = assets->items[i].fate == GENOPS_COLLIBRA_STORED;
		n_stored += is_stored;
		n_budgets += is_stored && assets->items[i].type == GENOPS_COLLIBRA_BUDGET_TRACKING;
	}
	size_t n_new_budgets = genops_collibra_budgets_sent(exporter, assets);
	place->n_created += n_stored - n_budgets + n_new_budgets;
	place->n_updated += n_budgets - n_new_budgets;
	place->n_rejected += n_rejected;
	place->n_operations += delivery->n_operations;
	place->cost_nano_usd += delivery->cost_nano_usd;
	if (n_rejected) {
		complain(exporter, "some assets were rejected for ever; dead-letter.jsonl in the state directory names them and the reasons");
		dead_letter(exporter, assets);
	}
	if (!assets->n)
		return;
	place->n_batches++;
	place->n_urgent += delivery == &exporter->urgent;
	place->export_ns += genops_clock_monotonic_ns() - delivery->began_ns;
	place->sent_unix_ns = genops_clock_unix_ns();
}

static void finish(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery)
{
	struct genops_collibra_place *place = &exporter->place;
	bool was_failing = place->reason[0] != '\0';
	count(exporter, delivery);
	if (delivery == &exporter->urgent) {
		if (delivery->until > place->urgent_until)
			place->urgent_until = delivery->until;
	} else {
		place->cursor = delivery->until;
		place->job_id[0] = '\0';
		if (exporter->seen <= place->cursor)
			exporter->n_waiting = 0;
		else
			genops_collibra_feed_forget(exporter);
	}
	place->state = GENOPS_COLLIBRA_IDLE;
	place->n_unsent = 0;
	place->reason[0] = '\0';
	genops_retry_succeeded(&exporter->retry);
	if (was_failing)
		complain(exporter, "goes on");
	genops_collibra_delivery_reset(delivery);
	if (!exporter->n_waiting && !exporter->batch.is_open && !exporter->urgent.is_open && place->urgent_until > place->cursor)
		place->cursor = place->urgent_until;
	genops_collibra_delivery_save(exporter, true);
}

static void give_up(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery,
    enum genops_collibra_progress progress, const char *reason)
{
	char text[GENOPS_COLLIBRA_REASON_SIZE];
	snprintf(text, sizeof text, "%.380s", reason);
	exporter->place.n_unsent = genops_collibra_assets_count(&delivery->assets, GENOPS_COLLIBRA_PENDING) +
				   genops_collibra_assets_count(&delivery->assets, GENOPS_COLLIBRA_REJECTED);
	if (delivery == &exporter->batch) {
		exporter->place.job_id[0] = '\0';
		exporter->n_budgets = 0; /* what of them is there is not known */
	}
	genops_collibra_delivery_reset(delivery);
	if (delivery == &exporter->urgent)
		genops_collibra_feed_forget(exporter);
	genops_collibra_delivery_fail(exporter, progress, text);
}

/* --- steps --- */

static void repair(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery)
{
	char reason[GENOPS_COLLIBRA_REASON_SIZE] = "";
	enum genops_collibra_progress progress =
	    genops_collibra_bulk_repair(exporter->session.client, &exporter->target, &delivery->assets, reason);
	if (progress == GENOPS_COLLIBRA_DONE)
		finish(exporter, delivery);
	else
		give_up(exporter, delivery, progress, reason);
}

static void import(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery)
{
	char before[GENOPS_COLLIBRA_ID_SIZE];
	memcpy(before, delivery->job.id, sizeof before);
	enum genops_collibra_progress progress = genops_collibra_job_step(
	    &delivery->job, exporter->session.client, &exporter->target, genops_clock_monotonic_ns());
	if (progress == GENOPS_COLLIBRA_DONE) {
		finish(exporter, delivery);
	} else if (progress == GENOPS_COLLIBRA_CANNOT) {
		genops_log_write(&exporter->engine->log, GENOPS_LOG_WARN,
		    "collibra: the Import API is not open to this user (%s); assets go through the slower bulk calls", delivery->job.reason);
		exporter->is_import_closed = true;
		exporter->import_closed_ns = genops_clock_monotonic_ns();
		delivery->is_import = false;
	} else if (progress != GENOPS_COLLIBRA_RUNNING) {
		give_up(exporter, delivery, progress, delivery->job.reason);
	} else if (delivery == &exporter->batch && memcmp(before, delivery->job.id, sizeof before) != 0) {
		/* Whoever goes on after us waits for this job instead of starting another one over the same assets. */
		memcpy(exporter->place.job_id, delivery->job.id, sizeof exporter->place.job_id);
		exporter->place.job_until = delivery->until;
		exporter->place.state = GENOPS_COLLIBRA_SENDING;
		genops_collibra_delivery_save(exporter, false);
	} else if (delivery->job.reason[0] && strcmp(exporter->place.reason, delivery->job.reason) != 0) {
		/* It runs, as far as is known, but Collibra does not say how far it is. */
		snprintf(exporter->place.reason, sizeof exporter->place.reason, "%.380s", delivery->job.reason);
		complain(exporter, delivery->job.reason);
		genops_collibra_delivery_save(exporter, false);
	}
}

static void begin_import(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery)
{
	struct genops_error err;
	if (genops_collibra_job_begin(&delivery->job, &delivery->assets, &err) != GENOPS_OK) {
		give_up(exporter, delivery, GENOPS_COLLIBRA_AGAIN, err.message);
		return;
	}
	delivery->is_import = true;
	import(exporter, delivery);
}

static void send_directly(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery)
{
	char reason[GENOPS_COLLIBRA_REASON_SIZE] = "";
	enum genops_collibra_progress progress =
	    genops_collibra_bulk_send(exporter->session.client, &exporter->target, &delivery->assets, reason);
	if (progress == GENOPS_COLLIBRA_DONE && !genops_collibra_assets_count(&delivery->assets, GENOPS_COLLIBRA_PENDING))
		finish(exporter, delivery);
	else if (progress != GENOPS_COLLIBRA_DONE && progress != GENOPS_COLLIBRA_DOUBTFUL)
		give_up(exporter, delivery, progress, reason);
	else if (exporter->is_import_closed)
		repair(exporter, delivery);
	else
		begin_import(exporter, delivery);
}

void genops_collibra_delivery_step(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery)
{
	if (exporter->is_import_closed && genops_clock_monotonic_ns() - exporter->import_closed_ns > CLOSED_NS)
		exporter->is_import_closed = false;
	if (!delivery->assets.n)
		finish(exporter, delivery); /* nothing to say: the place moves on */
	else if (delivery->is_import)
		import(exporter, delivery);
	else if (delivery == &exporter->urgent || exporter->is_import_closed)
		send_directly(exporter, delivery);
	else
		begin_import(exporter, delivery);
}
