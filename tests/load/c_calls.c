/* SPDX-License-Identifier: Apache-2.0
 * c_calls.c - many operations through the C API, to be killed in the middle: what was acknowledged is written down.
 *
 *     c_calls CONFIG STATE THREADS CALLS SEED JOURNAL
 *
 * A line "<operation id> <nano-USD> <r or a>" goes to JOURNAL (one write, appended) after genops_operation_end() has returned OK:
 * from then on the operation must be in the ledger, at exactly that cost, whatever dies. Exit code 0: all calls were made.
 */
#include <genops/genops.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static genops_engine *engine;
static int journal, n_calls, n_failures;
static unsigned seed;

static void fail(const char *what, const struct genops_error *err)
{
	fprintf(stderr, "c_calls: %s: %s\n", what, err->message);
	__atomic_add_fetch(&n_failures, 1, __ATOMIC_RELAXED);
}

static void call(unsigned *random)
{
	struct genops_error err;
	struct genops_operation_options options;
	genops_operation *operation;
	char team[8], line[128];
	genops_usage usage = {0};
	genops_operation_options_init(&options);
	snprintf(team, sizeof team, "t%d", rand_r(random) % 4);
	struct genops_attribute attribute = {.key = GENOPS_STR("team"), .value.string = {team, 2}};
	options.provider = GENOPS_STR("openai");
	options.model = GENOPS_STR("gpt-4o-mini");
	options.attributes = &attribute;
	options.n_attributes = 1;
	options.expected.input_tokens = 100;
	options.expected.output_tokens = 100;
	if (genops_operation_begin(engine, &options, &operation, &err) != GENOPS_OK) {
		fail("begin", &err);
		return;
	}
	bool is_refused = genops_operation_decision(operation)->is_refused;
	for (int step = 1; step <= 3 && !is_refused; step++) {
		usage.input_tokens = 1 + rand_r(random) % 100;
		usage.output_tokens = step * 20 + rand_r(random) % 20;
		genops_operation_record_usage(operation, &usage, &err);
		usleep((useconds_t)(rand_r(random) % 2000));
	}
	int n = snprintf(line, sizeof line, "%s %lld %c\n", genops_operation_id(operation),
	    is_refused ? 0LL : (long long)genops_operation_cost(operation), is_refused ? 'r' : 'a');
	if (genops_operation_end(operation, GENOPS_OUTCOME_OK, &err) != GENOPS_OK)
		fail("end", &err);
	else if (write(journal, line, (size_t)n) != n)
		fprintf(stderr, "c_calls: the journal cannot be written\n");
}

static void *run(void *arg)
{
	unsigned random = seed * 1000 + (unsigned)(size_t)arg;
	for (int i = 0; i < n_calls; i++)
		call(&random);
	return NULL;
}

int main(int argc, char **argv)
{
	struct genops_error err;
	struct genops_engine_options options = {.size = sizeof options};
	pthread_t threads[64];
	if (argc != 7)
		return 2;
	options.config_file = argv[1];
	options.state_dir = argv[2];
	int n_threads = atoi(argv[3]);
	n_calls = atoi(argv[4]);
	seed = (unsigned)atoi(argv[5]);
	journal = open(argv[6], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	engine = genops_engine_open(&options, &err);
	if (!engine) {
		fprintf(stderr, "c_calls: open: %s\n", err.message);
		return 1;
	}
	for (int i = 0; i < n_threads && i < 64; i++)
		pthread_create(&threads[i], NULL, run, (void *)(size_t)i);
	for (int i = 0; i < n_threads && i < 64; i++)
		pthread_join(threads[i], NULL);
	genops_engine_close(engine);
	return n_failures ? 3 : 0;
}
