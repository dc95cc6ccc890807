/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/reap.c - see reap.h. Called by the drain, after it has taken everything that the dead process appended.
 *
 * A lease whose record is in the ledger settles at the record's amount. One without a record settles at what the
 * call had been metered at, under an abandoned record made from the lease's identity: what is known, marked estimated (the
 * specification: never dropped silently).
 */
#include "engine/drain/reap.h"

#include "base/clock.h"

static void add_attribute(struct genops_record *record, struct genops_attribute *attributes, const char *key, const char *value)
{
	if (!value[0])
		return;
	attributes[record->n_attributes++] = (struct genops_attribute){
	    .key = genops_str_of(key),
	    .type = GENOPS_ATTRIBUTE_STRING,
	    .value.string = genops_str_of(value),
	};
}

static void describe(const struct genops_engine *engine, const struct genops_dead_lease *lease,
    struct genops_attribute *attributes, struct genops_record *record)
{
	const struct genops_lease_identity *identity = &lease->identity;
	*record = (struct genops_record){
	    .lease = lease->lease,
	    .start_unix_ns = identity->start_unix_ns,
	    .decided_unix_ns = identity->start_unix_ns,
	    .end_unix_ns = genops_clock_unix_ns(),
	    .name = GENOPS_STR("ai.completion"),
	    .type = GENOPS_STR("ai.inference"),
	    .provider = genops_str_of(identity->provider),
	    .request_model = genops_str_of(identity->model),
	    .key_name = genops_str_of(identity->key_name),
	    .outcome = GENOPS_OUTCOME_ABANDONED,
	    .reserved_nano_usd = lease->reserved_nano_usd,
	    .estimated_nano_usd = lease->reserved_nano_usd,
	    .is_cost_estimated = true,
	    .usage.is_estimated = true,
	    .error_type = GENOPS_STR("process_died"),
	    .service_name = engine->service_name,
	    .host = engine->host,
	    .attributes = attributes,
	};
	memcpy(record->trace_id, identity->trace_id, sizeof record->trace_id);
	memcpy(record->span_id, identity->span_id, sizeof record->span_id);
	if (record->end_unix_ns < record->start_unix_ns)
		record->end_unix_ns = record->start_unix_ns;
	add_attribute(record, attributes, "team", identity->team);
	add_attribute(record, attributes, "project", identity->project);
	add_attribute(record, attributes, "environment", identity->environment);
	add_attribute(record, attributes, "customer_id", identity->customer_id);
}

/* The windows that the amount is charged to, so that the ledger's budget sums agree with the counters. */
static void describe_budgets(const struct genops_dead_lease *lease, int64_t amount, struct genops_record_budget *budgets,
    struct genops_record *record)
{
	for (size_t i = 0; i < lease->n_budgets; i++) {
		const struct genops_dead_budget *from = &lease->budgets[i];
		budgets[i] = (struct genops_record_budget){
		    .key = from->key,
		    .name = genops_str_of(from->label),
		    .label = genops_str_of(from->label),
		    .n_lines = from->n_windows,
		};
		for (size_t j = 0; j < from->n_windows; j++) {
			budgets[i].lines[j].period = from->windows[j].period;
			budgets[i].lines[j].start_unix_s = from->windows[j].start_unix_s;
			budgets[i].lines[j].end_unix_s = from->windows[j].end_unix_s;
		}
	}
	record->budgets = budgets;
	record->n_budgets = lease->n_budgets;
	record->actual_nano_usd = record->output_nano_usd = amount;
}

static int append(struct genops_engine *engine, const struct genops_record *record, struct genops_error *err)
{
	struct genops_buffer encoded;
	genops_buffer_init(&encoded, GENOPS_RECORD_MAX);
	genops_record_encode(record, &encoded);
	int code = encoded.error ? genops_fail(err, encoded.error, "%s", genops_error_text(encoded.error))
				 : genops_segment_append(engine->segments, GENOPS_ENTRY_OPERATION,
				       genops_buffer_view(&encoded), NULL, err);
	genops_buffer_done(&encoded);
	return code;
}

int64_t genops_reap_settle(void *arg, const struct genops_dead_lease *lease)
{
	struct genops_reaping *reaping = arg;
	struct genops_attribute attributes[4];
	struct genops_record_budget budgets[GENOPS_RESERVATION_BUDGETS_MAX];
	struct genops_record record;
	struct genops_error err;
	int64_t amount = lease->is_committed ? lease->committed_nano_usd : lease->metered_nano_usd, recorded;
	if (genops_ledger_settled(reaping->ledger, lease->identity.trace_id, lease->identity.span_id, &recorded))
		return recorded;
	/* Its candidate is still in the ledger's database, and will be settled from there (engine/observe). */
	if (lease->identity.is_observed)
		return GENOPS_DEAD_LEASE_REVERT;
	describe(reaping->engine, lease, attributes, &record);
	describe_budgets(lease, amount, budgets, &record);
	if (append(reaping->engine, &record, &err) != GENOPS_OK) {
		if (!reaping->n_failed++)
			genops_log_error(&reaping->engine->log, GENOPS_LOG_ERROR,
			    "the record of a dead process's call was not stored", &err);
		reaping->fault = err;
		return -1;
	}
	reaping->n_recorded++;
	return amount;
}
