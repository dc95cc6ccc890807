/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_observe.c - CPU time of AI calls that others made. For each received span: is it one (a client's HTTP span of 12 attributes, one with 60, a
 * call of 16), and all that a call says. For each call: taking its span and settling it, ledger, audit chain, counters, outbox and commits included; alone,
 * and told twice (an SDK's own span within an instrumentation's). Median and best of several rounds. */
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/observe/observe.h"
#include "store/observed.h"
#include "telemetry/genai/genai.h"

#include <genops/engine.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 11
#define ASKS   200000
#define CALLS  4000 /* a round */
#define BATCH  200  /* spans of a request */

static volatile uint64_t sink;

static int64_t cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * GENOPS_NS_PER_S + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

static void tell(const char *what, double ns[ROUNDS])
{
	qsort(ns, ROUNDS, sizeof *ns, compare);
	printf("%-44s %10.1f ns median %10.1f best\n", what, ns[ROUNDS / 2], ns[0]);
}

static void put_text(struct genops_buffer *buf, uint32_t field, const char *key, const char *text)
{
	size_t attribute = genops_wire_begin(buf, field);
	genops_wire_put_bytes(buf, 1, genops_str_of(key));
	size_t value = genops_wire_begin(buf, 2);
	genops_wire_put_bytes(buf, 1, genops_str_of(text));
	genops_wire_end_tight(buf, value);
	genops_wire_end_tight(buf, attribute);
}

static void put_int(struct genops_buffer *buf, const char *key, int64_t number)
{
	size_t attribute = genops_wire_begin(buf, 9);
	genops_wire_put_bytes(buf, 1, genops_str_of(key));
	size_t value = genops_wire_begin(buf, 2);
	genops_wire_put_int(buf, 3, number);
	genops_wire_end_tight(buf, value);
	genops_wire_end_tight(buf, attribute);
}

static void put_ids(struct genops_buffer *buf, uint64_t trace, uint64_t span, uint64_t parent)
{
	uint64_t ids[2] = {trace * UINT64_C(0x9E3779B97F4A7C15), trace};
	int64_t now = genops_clock_unix_ns();
	genops_wire_put_bytes(buf, 1, (genops_str){(char *)ids, 16});
	genops_wire_put_bytes(buf, 2, (genops_str){(char *)&span, 8});
	if (parent)
		genops_wire_put_bytes(buf, 4, (genops_str){(char *)&parent, 8});
	genops_wire_put_bytes(buf, 5, GENOPS_STR("chat gpt-4o-mini"));
	genops_wire_put_uint(buf, 6, 3);
	genops_wire_put_fixed64(buf, 7, (uint64_t)(now - 2 * GENOPS_NS_PER_S));
	genops_wire_put_fixed64(buf, 8, (uint64_t)(now - GENOPS_NS_PER_S));
}

static void put_http(struct genops_buffer *buf, int n)
{
	static const char *const keys[] = {"http.request.method", "url.full", "server.address", "url.scheme", "url.path",
	    "network.protocol.version", "user_agent.original", "client.address", "http.route", "thread.name", "code.function"};
	for (int i = 0; i < n - 1; i++)
		put_text(buf, 9, keys[i % 11], "some value of usual length");
	put_int(buf, "http.response.status_code", 200);
}

static void put_call(struct genops_buffer *buf, uint64_t number)
{
	char id[40];
	snprintf(id, sizeof id, "chatcmpl-%016llx", (unsigned long long)number);
	put_text(buf, 9, "gen_ai.operation.name", "chat");
	put_text(buf, 9, "gen_ai.provider.name", "openai");
	put_text(buf, 9, "gen_ai.request.model", "gpt-4o-mini");
	put_text(buf, 9, "gen_ai.response.model", "gpt-4o-mini-2024-07-18");
	put_text(buf, 9, "gen_ai.response.id", id);
	put_int(buf, "gen_ai.usage.input_tokens", 1520);
	put_int(buf, "gen_ai.usage.output_tokens", 850);
	put_int(buf, "gen_ai.request.max_tokens", 1000);
	put_text(buf, 9, "traceloop.association.properties.customer_id", "acme");
	put_text(buf, 9, "genops.team", "ml-platform");
	put_text(buf, 9, "genops.project", "chat-service");
	put_text(buf, 9, "genops.environment", "production");
	put_text(buf, 9, "server.address", "api.openai.com");
	put_int(buf, "server.port", 443);
	put_text(buf, 9, "url.full", "https://api.openai.com/v1/chat/completions");
	put_text(buf, 9, "thread.name", "main");
}

struct opened {
	size_t resource, scopes;
};

static struct opened open_scope(struct genops_buffer *buf, const char *name)
{
	struct opened opened = {.resource = genops_wire_begin(buf, 1)};
	size_t resource = genops_wire_begin(buf, 1);
	put_text(buf, 1, "service.name", "shop");
	genops_wire_end_tight(buf, resource);
	opened.scopes = genops_wire_begin(buf, 2);
	size_t scope = genops_wire_begin(buf, 1);
	genops_wire_put_bytes(buf, 1, genops_str_of(name));
	genops_wire_end_tight(buf, scope);
	return opened;
}

static void close_scope(struct genops_buffer *buf, struct opened opened)
{
	genops_wire_end(buf, opened.scopes);
	genops_wire_end(buf, opened.resource);
}

/* --- a span --- */

static void ask(const char *what, int n_http, bool reads)
{
	struct genops_buffer buf;
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	genops_str item;
	double ns[ROUNDS];
	genops_buffer_init(&buf, 1 << 20);
	struct opened opened = open_scope(&buf, "bench");
	size_t at = genops_wire_begin(&buf, 2);
	put_ids(&buf, 1, 2, 0);
	if (n_http)
		put_http(&buf, n_http);
	else
		put_call(&buf, 1);
	genops_wire_end(&buf, at);
	close_scope(&buf, opened);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, genops_buffer_view(&buf));
	if (genops_otlp_reader_next(&reader, &item) != 1 || genops_otlp_span_read(item, &span) != GENOPS_OK)
		abort();
	for (int round = 0; round < ROUNDS; round++) {
		int64_t begin = cpu_ns();
		for (int i = 0; i < ASKS; i++) {
			struct genops_genai_call call;
			if (!reads)
				sink += genops_genai_is_call(&reader.resource, &span);
			else if (genops_genai_read(&reader.resource, &span, &call, NULL) == GENOPS_OK)
				sink += (uint64_t)call.usage.input_tokens;
		}
		ns[round] = (double)(cpu_ns() - begin) / ASKS;
	}
	tell(what, ns);
	genops_buffer_done(&buf);
}

/* --- a call --- */

static uint64_t number;

static void put_batch(struct genops_buffer *buf, bool is_told_twice)
{
	genops_buffer_clear(buf);
	for (int i = 0; i < BATCH; i++) {
		number++;
		for (int j = 0; j <= is_told_twice; j++) {
			struct opened opened = open_scope(buf, j ? "com.anthropic.sdk" : "some.instrumentation");
			size_t at = genops_wire_begin(buf, 2);
			put_ids(buf, number, (uint64_t)j + 1, (uint64_t)j);
			put_call(buf, number);
			genops_wire_end(buf, at);
			close_scope(buf, opened);
		}
	}
}

static void fail(const struct genops_error *err)
{
	fprintf(stderr, "%s\n", err->message);
	exit(1);
}

/* As the drain does when it reads what the observer appended. */
static void bring_back(struct genops_ledger *ledger, struct genops_observer *observer)
{
	static struct genops_buffer bytes;
	struct genops_envelope envelope;
	struct genops_error err;
	int64_t id = 0;
	if (!bytes.max)
		genops_buffer_init(&bytes, 1 << 22);
	if (genops_ledger_begin(ledger, &err) != GENOPS_OK)
		fail(&err);
	while (genops_ledger_outbox_next(ledger, id, &bytes, &id, &err) == GENOPS_OK && id) {
		if (genops_envelope_decode(genops_buffer_view(&bytes), &envelope, &err) != GENOPS_OK ||
		    genops_observer_take(observer, &envelope, &err) != GENOPS_OK)
			fail(&err);
	}
	if (genops_ledger_commit(ledger, &err) != GENOPS_OK)
		fail(&err);
}

/* Taken, resolved, and read back from the outbox. */
static void run(struct genops_ledger *ledger, struct genops_observer *observer, struct genops_buffer *buf)
{
	struct genops_error err;
	size_t n;
	struct genops_envelope envelope = {.received_unix_ns = genops_clock_unix_ns(), .receiver = GENOPS_STR("otlp"),
	    .input = GENOPS_STR(GENOPS_INPUT_OTLP), .request = genops_buffer_view(buf)};
	if (genops_ledger_begin(ledger, &err) != GENOPS_OK || genops_observer_take(observer, &envelope, &err) != GENOPS_OK ||
	    genops_ledger_commit(ledger, &err) != GENOPS_OK ||
	    genops_observer_resolve(observer, genops_clock_unix_ns() + 11 * GENOPS_NS_PER_S, &n, &err) != GENOPS_OK)
		fail(&err);
	bring_back(ledger, observer);
	if (n != BATCH) {
		fprintf(stderr, "%zu calls of %d\n", n, BATCH);
		exit(1);
	}
}

static void settle(genops_engine *engine, const char *what, bool is_told_twice)
{
	struct genops_ledger *ledger;
	struct genops_observer *observer;
	struct genops_metrics *metrics = genops_metrics_new(1000);
	struct genops_buffer buf;
	struct genops_error err;
	double ns[ROUNDS];
	genops_buffer_init(&buf, 1 << 24);
	if (!metrics || genops_ledger_open(engine->state_dir, true, &ledger, &err) != GENOPS_OK ||
	    genops_observer_new(engine, ledger, metrics, &observer, &err) != GENOPS_OK)
		fail(&err);
	for (int round = 0; round < ROUNDS; round++) {
		int64_t spent = 0;
		for (int i = 0; i < CALLS / BATCH; i++) {
			put_batch(&buf, is_told_twice);
			int64_t begin = cpu_ns();
			run(ledger, observer, &buf);
			spent += cpu_ns() - begin;
		}
		ns[round] = (double)spent / CALLS;
	}
	tell(what, ns);
	genops_observer_free(observer);
	genops_ledger_close(ledger);
	genops_metrics_free(metrics);
	genops_buffer_done(&buf);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

int main(void)
{
	char dir[] = "/tmp/genops-bench-XXXXXX";
	struct genops_error err = {0};
	if (!mkdtemp(dir))
		return 1;
	struct genops_engine_options options = {.size = sizeof options, .state_dir = dir, .drain = GENOPS_DRAIN_NEVER,
	    .config_text = "governance: {policies: [{name: cap, type: cost_limit, max_cost: 1.0}, {name: models, type: model_governance,"
			   " blocked_models: gpt-3*}], budgets: [{name: all, daily_budget: 1000000.0}, {name: each, per: team, monthly_budget: 1000000.0}]}\n"};
	genops_engine *engine = genops_engine_open(&options, &err);
	if (!engine)
		fail(&err);
	ask("is it a call? HTTP, 12 attributes", 12, false);
	ask("is it a call? HTTP, 60 attributes", 60, false);
	ask("is it a call? a call of 16 attributes", 0, false);
	ask("all that a call says", 0, true);
	settle(engine, "a call, taken and settled", false);
	settle(engine, "a call told twice", true);
	genops_engine_close(engine);
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
