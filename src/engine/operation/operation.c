/* SPDX-License-Identifier: Apache-2.0
 * engine/operation/operation.c - the life of one operation: begin, record, end. Deciding is decide.c, settling settle.c.
 *
 * Operations are pooled: one begun again reuses its arena, its buffer and, while the configuration stays the same, its
 * reference to the snapshot, so that the steady state allocates nothing and takes no lock. Threads: the list of all
 * operations is under engine->lock; an operation itself belongs to one thread at a time.
 */
#include "engine/operation/operation.h"

#include "base/clock.h"
#include "base/str.h"
#include "govern/money.h"

#include <stdlib.h>

void genops_operation_options_init(struct genops_operation_options *options)
{
	*options = (struct genops_operation_options){
	    .size = sizeof *options,
	    .estimated_cost_nano_usd = GENOPS_COST_UNKNOWN,
	};
}

/* --- the pool --- */

static struct genops_operation *new_operation(genops_engine *engine)
{
	struct genops_operation *operation = calloc(1, sizeof *operation);
	if (!operation)
		return NULL;
	operation->engine = engine;
	operation->names = &operation->names_of_this;
	genops_arena_init(&operation->arena, GENOPS_OPERATION_ARENA_MAX);
	genops_arena_init(&operation->keys, GENOPS_OPERATION_ARENA_MAX);
	genops_buffer_init(&operation->encoded, GENOPS_RECORD_MAX);
	pthread_mutex_lock(&engine->lock);
	operation->next = engine->operations;
	if (operation->next)
		operation->next->prev = operation;
	engine->operations = operation;
	pthread_mutex_unlock(&engine->lock);
	return operation;
}

static void free_operation(struct genops_operation *operation)
{
	genops_engine *engine = operation->engine;
	pthread_mutex_lock(&engine->lock);
	if (operation->prev)
		operation->prev->next = operation->next;
	else
		engine->operations = operation->next;
	if (operation->next)
		operation->next->prev = operation->prev;
	pthread_mutex_unlock(&engine->lock);
	genops_config_unref(operation->config);
	genops_arena_done(&operation->arena);
	genops_arena_done(&operation->keys);
	genops_buffer_done(&operation->encoded);
	free(operation);
}

/* Out of the pool, with a reference to the snapshot it will be decided by (NULL: the current one). The one it has
 * cannot have been replaced by another at the same address, as the reference keeps it. */
static struct genops_operation *take(genops_engine *engine, struct genops_config *config)
{
	struct genops_operation *operation = genops_pool_take(&engine->free_operations);
	if (!operation)
		operation = new_operation(engine);
	if (!operation)
		return NULL;
	if (operation->config != (config ? config : atomic_load_explicit(&engine->config, memory_order_relaxed))) {
		genops_config_unref(operation->config);
		operation->config = config ? genops_config_ref(config) : genops_engine_config(engine);
	}
	atomic_store_explicit(&operation->is_open, true, memory_order_relaxed);
	return operation;
}

static void forget_config(struct genops_operation *operation)
{
	if (operation->config == atomic_load_explicit(&operation->engine->config, memory_order_relaxed))
		return;
	genops_config_unref(operation->config);
	operation->config = NULL;
}

static void give_back(struct genops_operation *operation)
{
	forget_config(operation);
	genops_arena_reset(&operation->arena);
	genops_buffer_clear(&operation->encoded);
	operation->is_settled = false;
	atomic_store_explicit(&operation->is_open, false, memory_order_relaxed);
	if (!genops_pool_put(&operation->engine->free_operations, operation))
		free_operation(operation);
}

void genops_operation_forget_config(genops_engine *engine)
{
	struct genops_operation *taken[GENOPS_POOL_SIZE];
	size_t n = 0;
	while (n < GENOPS_POOL_SIZE && (taken[n] = genops_pool_take(&engine->free_operations)))
		forget_config(taken[n++]);
	while (n > 0) {
		if (!genops_pool_put(&engine->free_operations, taken[--n]))
			free_operation(taken[n]);
	}
}

void genops_operation_after_fork(genops_engine *engine)
{
	struct genops_operation *before = NULL;
	for (struct genops_operation *operation = engine->operations; operation; operation = operation->next) {
		operation->prev = before; /* another thread of the parent's may have been at it: only `next` is always whole */
		before = operation;
		atomic_store_explicit(&operation->is_open, false, memory_order_relaxed);
	}
}

static struct genops_operation *find_open(genops_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	struct genops_operation *operation = engine->operations;
	while (operation && !atomic_load_explicit(&operation->is_open, memory_order_relaxed))
		operation = operation->next;
	pthread_mutex_unlock(&engine->lock);
	return operation;
}

void genops_operation_end_open(genops_engine *engine)
{
	/* A failure to store the record was logged; the counters are settled either way. */
	for (struct genops_operation *operation; (operation = find_open(engine));)
		(void)genops_operation_end(operation, GENOPS_OUTCOME_CANCELLED, NULL);
}

void genops_operation_free_all(genops_engine *engine)
{
	while (engine->operations)
		free_operation(engine->operations);
}

/* --- begin --- */

/* With these bounds and the attributes' own, every record fits into GENOPS_RECORD_MAX. */
static int check_texts(const struct genops_operation_options *options, struct genops_error *err)
{
	const size_t lengths[] = {
	    options->name.len, options->type.len, options->provider.len, options->model.len, options->region.len};
	static const char *const names[] = {"name", "type", "provider", "model", "region"};
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		if (lengths[i] > GENOPS_ATTRIBUTE_VALUE_MAX)
			return genops_fail(err, GENOPS_LIMIT, "the %s of an operation is %zu bytes long; at most %d are taken",
			    names[i], lengths[i], GENOPS_ATTRIBUTE_VALUE_MAX);
	}
	return GENOPS_OK;
}

static inline char *dup_text(char *to, genops_str text, genops_str *ret_copy)
{
	ret_copy->ptr = to;
	ret_copy->len = text.len;
	to = genops_str_put(to, text);
	*to = '\0';
	return to + 1;
}

/* One behind the other, each with a NUL. */
static bool dup_texts(struct genops_operation *operation, const struct genops_operation_options *options)
{
	struct genops_record *record = &operation->record;
	/* One that is too long may be discarded, says W3C Trace Context. */
	genops_str tracestate = options->tracestate.len > GENOPS_ATTRIBUTE_VALUE_MAX ? (genops_str){0} : options->tracestate;
	genops_str name = options->name.len ? options->name : GENOPS_STR("ai.completion");
	genops_str type = options->type.len ? options->type : GENOPS_STR("ai.inference");
	char *to = genops_arena_take(&operation->arena,
	    name.len + type.len + options->provider.len + options->model.len + options->region.len + tracestate.len + 6);
	if (!to)
		return false;
	to = dup_text(to, name, &record->name);
	to = dup_text(to, type, &record->type);
	to = dup_text(to, options->provider, &record->provider);
	to = dup_text(to, options->model, &record->request_model);
	to = dup_text(to, options->region, &record->region);
	(void)dup_text(to, tracestate, &record->tracestate);
	return true;
}

/* Weakest first: a later layer replaces (DESIGN 3 and 5). */
static int merge_attributes(struct genops_operation *operation, const struct genops_operation_options *options,
    const struct genops_operation_origin *origin, struct genops_error *err)
{
	struct genops_attributes *attributes = &operation->attributes;
	const struct genops_config *config = operation->config;
	genops_attributes_renew(attributes, &operation->arena, &operation->keys);
	GENOPS_TRY(genops_attributes_add(attributes, config->attributes, config->n_attributes, err));
	GENOPS_TRY(genops_attributes_add(attributes, origin->before_baggage, origin->n_before_baggage, err));
	if (options->baggage.len)
		genops_baggage_read(options->baggage, attributes);
	GENOPS_TRY(genops_attributes_add(attributes, options->attributes, options->n_attributes, err));
	return genops_attributes_add(attributes, origin->bound, origin->n_bound, err);
}

static void begin_trace(struct genops_operation *operation, genops_str traceparent)
{
	struct genops_record *record = &operation->record;
	struct genops_trace_context *context = &operation->context;
	*context = (struct genops_trace_context){.flags = 1};
	if (traceparent.len && genops_traceparent_parse(traceparent, context)) {
		memcpy(record->parent_span_id, context->span_id, sizeof record->parent_span_id);
		genops_span_id_new(context->span_id);
	} else {
		genops_trace_span_id_new(context->trace_id, context->span_id);
	}
	memcpy(record->trace_id, context->trace_id, sizeof record->trace_id);
	memcpy(record->span_id, context->span_id, sizeof record->span_id);
	operation->names_of_this.are_made = false;
}

/* As its span says, whatever the clocks: the caller has looked at them. */
static void take_observed(struct genops_operation *operation, const struct genops_operation_observed *observed)
{
	struct genops_record *record = &operation->record;
	memcpy(operation->context.trace_id, observed->trace_id, sizeof observed->trace_id);
	memcpy(operation->context.span_id, observed->span_id, sizeof observed->span_id);
	memcpy(record->trace_id, observed->trace_id, sizeof record->trace_id);
	memcpy(record->span_id, observed->span_id, sizeof record->span_id);
	memcpy(record->parent_span_id, observed->parent_span_id, sizeof record->parent_span_id);
	record->start_unix_ns = observed->start_unix_ns;
	record->is_observed = true;
	if (observed->service_name.len)
		record->service_name = observed->service_name;
}

static int describe(struct genops_operation *operation, const struct genops_operation_options *options,
    const struct genops_operation_origin *origin, struct genops_error *err)
{
	genops_engine *engine = operation->engine;
	struct genops_record *record = &operation->record;
	*record = (struct genops_record){.lease = GENOPS_LEASE_NONE};
	operation->decision = (struct genops_decision){0};
	operation->price = NULL;
	operation->price_provider = (genops_str){0};
	operation->extra_cost_nano_usd = 0;
	operation->is_quoted = false;
	operation->n_asks = 0;
	operation->lease = GENOPS_LEASE_NONE;
	operation->reserved_nano_usd = 0;
	operation->may_extend = false;
	GENOPS_TRY(check_texts(options, err));
	if (!dup_texts(operation, options) || !genops_buffer_reserve(&operation->encoded, GENOPS_OPERATION_RECORD_SIZE))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an operation");
	/* Counters never go back behind the latest time they have seen, so none that is to come may reach them. */
	struct genops_clock_moment now = genops_clock_now();
	operation->begun_monotonic_ns = now.monotonic_ns;
	record->decided_unix_ns = record->start_unix_ns = now.unix_ns;
	if (options->start_unix_ns > 0 && options->start_unix_ns < record->start_unix_ns)
		record->start_unix_ns = options->start_unix_ns;
	record->is_dry_run = options->is_dry_run;
	record->service_name = engine->service_name;
	if (operation->config->telemetry.service_name.len)
		record->service_name = operation->config->telemetry.service_name;
	record->host = engine->host;
	record->user = engine->user;
	record->pid = engine->pid;
	record->mode = operation->config->mode;
	record->max_output_tokens = options->expected.output_tokens;
	if (origin->key && !genops_arena_dup(&operation->arena, origin->key->name, &record->key_name))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an operation");
	begin_trace(operation, options->traceparent);
	if (origin->observed)
		take_observed(operation, origin->observed);
	return merge_attributes(operation, options, origin, err);
}

int genops_operation_begin_from(genops_engine *engine, const struct genops_operation_options *options,
    const struct genops_operation_origin *origin, genops_operation **ret_operation, struct genops_error *err)
{
	if (atomic_load_explicit(&engine->n_pending, memory_order_relaxed) && !options->is_dry_run)
		return genops_fail_fix(err, GENOPS_FULL, "free some space on the disk of the state directory",
		    "records of earlier calls cannot be stored: nothing new is begun until they are");
	struct genops_operation *operation = take(engine, origin->config);
	if (!operation)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an operation");
	int code = describe(operation, options, origin, err);
	if (code == GENOPS_OK)
		code = genops_decide(operation, options, origin, err);
	if (code != GENOPS_OK) {
		give_back(operation);
		return code;
	}
	*ret_operation = operation;
	return GENOPS_OK;
}

int genops_operation_begin(genops_engine *engine, const struct genops_operation_options *options,
    genops_operation **ret_operation, struct genops_error *err)
{
	if (!engine || !options || !ret_operation)
		return genops_fail(err, GENOPS_MISUSE, "genops_operation_begin needs an engine, options and a place for the operation");
	if (options->size != sizeof *options)
		return genops_fail_fix(err, GENOPS_MISUSE, "call genops_operation_options_init first, and compile against the installed headers",
		    "options->size is %zu, this library's is %zu", options->size, sizeof *options);
	if (options->estimated_cost_nano_usd < GENOPS_COST_UNKNOWN)
		return genops_fail(err, GENOPS_MISUSE, "estimated_cost_nano_usd is negative");
	struct genops_operation_origin origin = {.has_content = options->content.len > 0};
	return genops_operation_begin_from(engine, options, &origin, ret_operation, err);
}

/* --- while it runs --- */

const struct genops_decision *genops_operation_decision(const genops_operation *operation)
{
	return &operation->decision;
}

static const struct genops_operation_names *names_of(const genops_operation *operation)
{
	struct genops_operation_names *names = operation->names;
	if (!names->are_made) {
		genops_traceparent_format(&operation->context, names->traceparent);
		/* "00-<32 hex>-<16 hex>-01": the id is the two in the middle. */
		memcpy(names->id, names->traceparent + 3, 49);
		names->id[49] = '\0';
		names->are_made = true;
	}
	return names;
}

const char *genops_operation_id(const genops_operation *operation)
{
	return names_of(operation)->id;
}

const char *genops_operation_traceparent(const genops_operation *operation)
{
	return names_of(operation)->traceparent;
}

static bool is_sane(const genops_usage *usage)
{
#define X(field, unit)                                                                                \
	if (usage->field < 0 || usage->field > GENOPS_USAGE_COUNT_MAX)                                \
		return false;
	GENOPS_USAGE_FIELDS(X)
#undef X
	return true;
}

int genops_operation_record_usage(genops_operation *operation, const genops_usage *usage, struct genops_error *err)
{
	if (!is_sane(usage))
		return genops_fail(err, GENOPS_MISUSE, "a usage count is negative or absurdly large");
	if (genops_settle_usage(operation, usage) && operation->lease != GENOPS_LEASE_NONE)
		genops_counters_metered(operation->engine->counters, operation->lease, genops_operation_cost(operation));
	return GENOPS_OK;
}

int genops_operation_record_model(genops_operation *operation, genops_str model, struct genops_error *err)
{
	struct genops_record *record = &operation->record;
	if (genops_str_equal(model, record->response_model))
		return GENOPS_OK;
	if (!genops_arena_dup(&operation->arena, model, &record->response_model))
		return genops_fail(err, GENOPS_NOMEM, "no memory for the model's name");
	genops_settle_price_answer(operation);
	return GENOPS_OK;
}

int genops_operation_record_cost(genops_operation *operation, int64_t cost_nano_usd, struct genops_error *err)
{
	if (cost_nano_usd < 0)
		return genops_fail(err, GENOPS_MISUSE, "a cost cannot be negative");
	operation->extra_cost_nano_usd = genops_money_add(operation->extra_cost_nano_usd, cost_nano_usd);
	if (operation->lease != GENOPS_LEASE_NONE)
		genops_counters_metered(operation->engine->counters, operation->lease, genops_operation_cost(operation));
	return GENOPS_OK;
}

int genops_operation_set_attribute(
    genops_operation *operation, const struct genops_attribute *attribute, struct genops_error *err)
{
	int key = genops_attributes_standard_key(attribute->key);
	if (key == GENOPS_ATTRIBUTE_TEAM || key == GENOPS_ATTRIBUTE_PROJECT || key == GENOPS_ATTRIBUTE_ENVIRONMENT)
		return genops_fail_fix(err, GENOPS_MISUSE, "give it when the operation begins",
		    "team, project and environment cannot change while an operation runs");
	return genops_attributes_set(&operation->attributes, attribute, err);
}

bool genops_operation_extend(genops_operation *operation, int64_t cost_nano_usd)
{
	if (cost_nano_usd <= operation->reserved_nano_usd || operation->lease == GENOPS_LEASE_NONE)
		return true;
	if (!genops_counters_extend(operation->engine->counters, operation->lease, operation->asks, operation->n_asks,
		cost_nano_usd, genops_clock_unix_ns()))
		return false;
	operation->reserved_nano_usd = cost_nano_usd;
	operation->record.reserved_nano_usd = cost_nano_usd;
	return true;
}

int64_t genops_operation_cost(const genops_operation *operation)
{
	struct genops_quote quote;
	return genops_settle_cost(operation, &quote);
}

void genops_operation_drop(struct genops_operation *operation)
{
	give_back(operation);
}

int genops_operation_end(genops_operation *operation, enum genops_outcome outcome, struct genops_error *err)
{
	if (!operation)
		return GENOPS_OK;
	/* It is in the pool, or the parent's of a fork. Found out as long as nobody else has it. */
	if (!atomic_load_explicit(&operation->is_open, memory_order_relaxed))
		return genops_fail_fix(err, GENOPS_MISUSE, "end an operation once, in the process that began it",
		    "an operation that is not open was ended");
	int code = GENOPS_OK;
	if (operation->decision.is_refused)
		outcome = GENOPS_OUTCOME_REFUSED;
	if (!operation->record.is_dry_run)
		code = genops_settle(operation, outcome, genops_clock_unix_ns(), err);
	give_back(operation);
	return code;
}
