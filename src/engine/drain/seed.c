/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/seed.c - see seed.h. Whether an operation matches is judged on the ledger's groups of what `match`, `per` and the binding of
 * keys look at; that fits into the keys of one summary for all but the strangest budgets, which then begin at zero and are told. */
#include "engine/drain/seed.h"

#include "base/clock.h"
#include "base/str.h"
#include "govern/money.h"

#include <stdlib.h>

#define KEYS_MAX  4
#define ARENA_MAX ((size_t)16 << 20)

static const int64_t again_s[] = {0, 5, 60, 600}; /* after a budget appeared */

struct counter { /* one of a rule's */
	struct genops_hash key;
	genops_str label;
	int64_t spent_nano_usd;   /* by operations that end in the window */
	int64_t missing_nano_usd; /* of that, not counted yet */
};

struct seed { /* one rule's one window, while it is added up */
	struct genops_engine *engine;
	const struct genops_config *config;
	const struct genops_budget_rule *rule;
	struct genops_ledger_window window;
	struct genops_arena arena;
	genops_str keys[KEYS_MAX];
	size_t n_keys;
	struct counter *counters; /* in the arena */
	size_t n_counters, cap;
	bool is_missing;          /* some counter misses something */
	struct genops_error *err;
};

/* --- which are new --- */

static void mix(uint64_t *sum, genops_str text)
{
	*sum = genops_hash_checksum(text.len ? text.ptr : "", text.len, *sum + 1);
}

/* Of everything that says what a budget counts. */
static uint64_t fingerprint_of(const struct genops_budget_rule *rule)
{
	uint64_t sum = genops_budget_mask(rule);
	mix(&sum, genops_zone_name(rule->zone));
	for (size_t i = 0; i < rule->n_per; i++)
		mix(&sum, rule->per[i]);
	for (size_t i = 0; i < rule->match.n_entries; i++) {
		const struct genops_match_entry *entry = &rule->match.entries[i];
		mix(&sum, GENOPS_STR("="));
		mix(&sum, entry->key);
		for (size_t k = 0; k < entry->n_values; k++)
			mix(&sum, entry->values[k]);
	}
	return sum;
}

static bool has_rule(const struct genops_config *config, genops_str name)
{
	for (size_t i = 0; i < config->n_budgets; i++) {
		if (genops_str_equal(config->budgets[i].name, name))
			return true;
	}
	return false;
}

void genops_seed_begin(struct genops_seeding *seeding, struct genops_ledger *ledger, const struct genops_config *before,
    const struct genops_config *config)
{
	genops_seed_done(seeding);
	seeding->is_new = calloc(config->n_budgets + 1, sizeof *seeding->is_new);
	if (!seeding->is_new)
		return; /* they begin at zero */
	seeding->n = config->n_budgets;
	bool has_new = false;
	for (size_t i = 0; i < seeding->n; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		has_new |= seeding->is_new[i] = (before && !has_rule(before, rule->name)) ||
						!genops_ledger_budget_is_marked(ledger, rule->name, fingerprint_of(rule));
	}
	if (!has_new)
		genops_seed_done(seeding);
}

void genops_seed_done(struct genops_seeding *seeding)
{
	free(seeding->is_new);
	*seeding = (struct genops_seeding){0};
}

/* --- what was spent --- */

static bool add_key(struct seed *seed, genops_str key)
{
	for (size_t i = 0; i < seed->n_keys; i++) {
		if (genops_str_equal(seed->keys[i], key))
			return true;
	}
	if (seed->n_keys == KEYS_MAX)
		return false;
	seed->keys[seed->n_keys++] = key;
	return true;
}

static bool is_bound(const struct genops_config_key *key, genops_str budget)
{
	for (size_t i = 0; i < key->budgets.n; i++) {
		if (genops_str_equal(key->budgets.items[i], budget))
			return true;
	}
	return false;
}

static bool collect_keys(struct seed *seed)
{
	const struct genops_budget_rule *rule = seed->rule;
	bool fits = true;
	for (size_t i = 0; i < rule->match.n_entries; i++)
		fits &= add_key(seed, rule->match.entries[i].key);
	for (size_t i = 0; i < rule->n_per; i++)
		fits &= add_key(seed, rule->per[i]);
	for (size_t i = 0; i < seed->config->n_keys; i++) {
		if (is_bound(&seed->config->keys[i], rule->name))
			fits &= add_key(seed, GENOPS_STR("key_name"));
	}
	return fits;
}

static bool is_paid(const struct seed *seed, const struct genops_match_subject *subject, genops_str key_name)
{
	for (size_t i = 0; key_name.len && i < seed->config->n_keys; i++) {
		const struct genops_config_key *key = &seed->config->keys[i];
		if (genops_str_equal(key->name, key_name) && is_bound(key, seed->rule->name))
			return true;
	}
	return genops_match_holds(&seed->rule->match, subject);
}

static int describe(struct seed *seed, const genops_str *values, struct genops_attributes *attributes,
    struct genops_match_subject *subject, genops_str *ret_key_name)
{
	genops_attributes_init(attributes, &seed->arena);
	*subject = (struct genops_match_subject){.attributes = attributes};
	*ret_key_name = (genops_str){0};
	for (size_t i = 0; i < seed->n_keys; i++) {
		genops_str key = seed->keys[i];
		if (genops_str_is(key, "provider"))
			subject->provider = values[i];
		else if (genops_str_is(key, "model"))
			subject->model = values[i];
		else if (genops_str_is(key, "operation"))
			subject->name = values[i];
		else if (genops_str_is(key, "type"))
			subject->type = values[i];
		else if (genops_str_is(key, "key_name"))
			*ret_key_name = values[i];
		else if (values[i].len)
			GENOPS_TRY(genops_attributes_set_text(attributes, key, values[i], seed->err));
	}
	return GENOPS_OK;
}

static struct counter *find_counter(struct seed *seed, struct genops_hash key, genops_str label)
{
	for (size_t i = 0; i < seed->n_counters; i++) {
		if (genops_hash_equal(seed->counters[i].key, key))
			return &seed->counters[i];
	}
	if (seed->n_counters == seed->cap) {
		size_t cap = seed->cap ? 2 * seed->cap : 16;
		struct counter *counters = genops_arena_alloc(&seed->arena, cap * sizeof *counters);
		if (!counters)
			return NULL;
		for (size_t i = 0; i < seed->n_counters; i++)
			counters[i] = seed->counters[i];
		seed->counters = counters;
		seed->cap = cap;
	}
	seed->counters[seed->n_counters] = (struct counter){key, label, 0, 0};
	return &seed->counters[seed->n_counters++];
}

static int on_group(void *arg, const genops_str *keys, size_t n_keys, const struct genops_sums *sums)
{
	struct seed *seed = arg;
	struct genops_attributes attributes;
	struct genops_match_subject subject;
	struct genops_hash hash;
	genops_str key_name, label;
	(void)n_keys;
	if (!sums->cost_nano_usd)
		return GENOPS_OK;
	GENOPS_TRY(describe(seed, keys, &attributes, &subject, &key_name));
	if (!is_paid(seed, &subject, key_name))
		return GENOPS_OK;
	GENOPS_TRY(genops_budget_key(seed->rule, &subject, &seed->arena, genops_counters_hash_seed(seed->engine->counters), &hash,
	    &label, seed->err));
	struct counter *counter = find_counter(seed, hash, label);
	if (!counter)
		return genops_fail(seed->err, GENOPS_NOMEM, "no memory to seed a budget");
	counter->spent_nano_usd = genops_money_add(counter->spent_nano_usd, sums->cost_nano_usd);
	return GENOPS_OK;
}

/* --- into ledger and counters --- */

/* Only the window at hand: the others get their own. */
static int charge(const struct seed *seed, const struct counter *counter, int64_t now_unix_ns)
{
	struct genops_budget_rule rule = *seed->rule;
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		if (period != (int)seed->window.period)
			rule.limit_nano_usd[period] = GENOPS_COST_UNKNOWN;
	}
	const struct genops_budget_ask ask = {.key = counter->key, .label = counter->label, .rule = &rule};
	return genops_counters_charge(seed->engine->counters, &ask, 1, counter->missing_nano_usd, now_unix_ns, seed->err);
}

static int add_missing(struct seed *seed, struct genops_ledger *ledger)
{
	struct genops_sums_query query = {.n_by = seed->n_keys, .since_unix_s = seed->window.start_unix_s};
	for (size_t i = 0; i < seed->n_keys; i++)
		query.by[i] = seed->keys[i];
	seed->n_counters = 0;
	seed->is_missing = false;
	GENOPS_TRY(genops_ledger_sums(ledger, &query, on_group, seed, seed->err));
	for (size_t i = 0; i < seed->n_counters; i++) {
		struct counter *counter = &seed->counters[i];
		int64_t counted;
		GENOPS_TRY(genops_ledger_budget_consumed(
		    ledger, counter->key, seed->window.period, seed->window.start_unix_s, &counted, seed->err));
		counter->missing_nano_usd = counter->spent_nano_usd > counted ? counter->spent_nano_usd - counted : 0;
		if (!counter->missing_nano_usd)
			continue;
		seed->is_missing = true;
		GENOPS_TRY(genops_ledger_budget_add(ledger, counter->key, counter->label, &seed->window, counter->missing_nano_usd,
		    seed->err));
	}
	return GENOPS_OK;
}

/* The ledger first: dying before the counters have it is set right by the next that restores them. */
static int add_window(struct seed *seed, struct genops_ledger *ledger, bool is_live, int64_t now_unix_ns)
{
	GENOPS_TRY(genops_ledger_begin(ledger, seed->err));
	int code = add_missing(seed, ledger);
	if (code == GENOPS_OK && seed->is_missing)
		code = genops_ledger_commit(ledger, seed->err);
	if (code != GENOPS_OK || !seed->is_missing) {
		genops_ledger_rollback(ledger);
		return code;
	}
	for (size_t i = 0; i < seed->n_counters && is_live; i++) {
		if (seed->counters[i].missing_nano_usd)
			GENOPS_TRY(charge(seed, &seed->counters[i], now_unix_ns));
	}
	return GENOPS_OK;
}

static int add_rule(struct seed *seed, struct genops_ledger *ledger, bool is_live)
{
	int64_t now_ns = genops_clock_unix_ns();
	if (!collect_keys(seed))
		return genops_fail(seed->err, GENOPS_LIMIT, "budget \"%.*s\" looks at more than %d attributes: it begins at zero",
		    GENOPS_STR_ARG(seed->rule->name), KEYS_MAX);
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		struct genops_ledger_window *window = &seed->window;
		if (seed->rule->limit_nano_usd[period] == GENOPS_COST_UNKNOWN)
			continue;
		window->period = (enum genops_period)period;
		genops_period_bounds(
		    seed->rule->zone, window->period, now_ns / GENOPS_NS_PER_S, &window->start_unix_s, &window->end_unix_s);
		GENOPS_TRY(add_window(seed, ledger, is_live, now_ns));
	}
	return GENOPS_OK;
}

/* What cannot be counted is told, and tried no more. */
static void seed_rule(struct genops_engine *engine, struct genops_ledger *ledger, const struct genops_config *config,
    const struct genops_budget_rule *rule, bool is_live)
{
	struct genops_error err;
	struct seed seed = {.engine = engine, .config = config, .rule = rule, .err = &err};
	genops_arena_init(&seed.arena, ARENA_MAX);
	if (add_rule(&seed, ledger, is_live) != GENOPS_OK)
		genops_log_error(&engine->log, GENOPS_LOG_WARN, "what was spent before a budget was there is not counted in it", &err);
	genops_arena_done(&seed.arena);
}

static int mark(const struct genops_seeding *seeding, struct genops_ledger *ledger, const struct genops_config *config,
    struct genops_error *err)
{
	GENOPS_TRY(genops_ledger_begin(ledger, err));
	int code = GENOPS_OK;
	for (size_t i = 0; i < seeding->n && code == GENOPS_OK; i++) {
		if (seeding->is_new[i])
			code = genops_ledger_budget_mark(ledger, config->budgets[i].name, fingerprint_of(&config->budgets[i]), err);
	}
	if (code == GENOPS_OK)
		code = genops_ledger_commit(ledger, err);
	if (code != GENOPS_OK)
		genops_ledger_rollback(ledger);
	return code;
}

void genops_seed_pass(struct genops_seeding *seeding, struct genops_engine *engine, struct genops_ledger *ledger,
    const struct genops_config *config, bool is_live, int64_t now_monotonic_ns)
{
	struct genops_error err;
	if (!seeding->is_new || now_monotonic_ns < seeding->due_ns)
		return;
	for (size_t i = 0; i < seeding->n && i < config->n_budgets; i++) {
		if (seeding->is_new[i])
			seed_rule(engine, ledger, config, &config->budgets[i], is_live);
	}
	if (!seeding->round && mark(seeding, ledger, config, &err) != GENOPS_OK)
		genops_log_error(&engine->log, GENOPS_LOG_WARN, "new budgets will be looked at again", &err);
	if (++seeding->round == sizeof again_s / sizeof again_s[0])
		genops_seed_done(seeding);
	else
		seeding->due_ns = now_monotonic_ns + (again_s[seeding->round] - again_s[seeding->round - 1]) * GENOPS_NS_PER_S;
}
