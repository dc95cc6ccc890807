/* SPDX-License-Identifier: Apache-2.0 - engine/config/machine/config_performance.c, service/config_batching.c and the guide's `monitoring`: the Cribl
 * guide's blocks as they stand, who is stronger than they are, and what is told of what is not done.
 * Proves CRB-428..439, CRB-440..447, CRB-485, CRB-486. */
#include "config_fixture.h"

#include "base/clock.h"

#define GUIDE SOURCE_DIR "/tests/guide/"

/* The guide's block, and more behind it. */
static struct genops_config *with(const char *block, const char *more)
{
	static char text[65536];
	char path[512];
	snprintf(path, sizeof path, GUIDE "%s.yaml", block);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t n = fread(text, 1, sizeof text / 2, file);
	fclose(file);
	snprintf(text + n, sizeof text - n, "\n%s", more);
	return load(NULL, text, NULL);
}

static void the_guides_block(void **state)
{
	struct genops_config *config = with("parts/performance_settings", "");
	const struct genops_config_telemetry *telemetry = &config->telemetry;
	assert_int_equal(config->gateway.workers, 0);
	assert_int_equal(config->gateway.worker_memory, INT64_C(28000000000));
	assert_int_equal(config->receivers[0].worker_memory, INT64_C(28000000000));
	assert_int_equal(telemetry->events_max, 10000);
	assert_int_equal(telemetry->batch_size, 1000);
	assert_int_equal(telemetry->batch_timeout_ns, 10 * GENOPS_NS_PER_S);
	assert_int_equal(config->receivers[0].buffer_max, GENOPS_CONFIG_BUFFER_MAX);
	assert_int_equal(telemetry->queue_disk_size, INT64_C(100000000000));
	assert_int_equal(telemetry->queue_own_max, INT64_C(100000000000));
	assert_int_equal(telemetry->queue_max_size, 500 << 20);
	assert_int_equal(telemetry->queue_compression, 1);
	assert_int_equal(config->gateway.connections_max, 1000);
	assert_true(config->gateway.is_keeping_alive && config->gateway.has_no_delay);
	assert_int_equal(config->n_warnings, 1);
	assert_true(warns(config, "memory_size: no more than 1536 MiB"));
	assert_int_equal(config->warnings[0].line, 15);
	genops_config_unref(config);
}

static void nothing_said_is_as_it_was(void **state)
{
	struct genops_config *config = load(NULL, "performance_settings:\n", NULL);
	assert_int_equal(config->gateway.worker_memory, 0);
	assert_int_equal(config->gateway.connections_max, 0);
	assert_true(config->gateway.is_keeping_alive && config->gateway.has_no_delay);
	assert_int_equal(config->telemetry.batch_size, 512);
	assert_int_equal(config->telemetry.batch_timeout_ns, 5 * GENOPS_NS_PER_S);
	assert_int_equal(config->telemetry.queue_own_max, 0);
	assert_int_equal(config->telemetry.events_max, 0);
	assert_int_equal(config->receivers[0].buffer_max, GENOPS_CONFIG_BUFFER_MAX);
	assert_int_equal(config->n_warnings, 0);
	genops_config_unref(config);
}

static void other_values(void **state)
{
	struct genops_config *config = load(NULL,
	    "performance_settings:\n"
	    "  worker_processes: 3\n"
	    "  buffer: {memory_size: 64 MiB, disk_size: 100 MB, compression: false}\n"
	    "  network: {keepalive: false, tcp_nodelay: false}\n"
	    "receivers: {otlp: {protocols: {http: , grpc: }}, otlp/own: {max_buffer_size: 32MiB, protocols: {http: {endpoint: '127.0.0.1:5555', keep_alives_enabled: true}}}}\n", NULL);
	assert_int_equal(config->gateway.workers, 3);
	assert_int_equal(config->receivers[0].buffer_max, 64 << 20);
	assert_int_equal(config->receivers[1].buffer_max, 32 << 20);
	assert_false(config->receivers[0].listeners[0].is_keeping_alive || config->receivers[0].listeners[1].is_keeping_alive);
	assert_true(config->receivers[1].listeners[0].is_keeping_alive);
	assert_false(config->gateway.is_keeping_alive || config->gateway.has_no_delay);
	assert_int_equal(config->telemetry.queue_disk_size, 100000000);
	assert_int_equal(config->telemetry.queue_max_size, 50000000); /* what all share is part of it */
	assert_int_equal(config->telemetry.queue_compression, 0);
	assert_int_equal(genops_config_buffer_bytes(config), 64 << 20);
	assert_int_equal(config->n_warnings, 0);
	genops_config_unref(config);
}

static void what_others_say_is_stronger_and_told(void **state)
{
	struct genops_config *config = with("parts/performance_settings",
	    "gateway: {workers: 5}\n"
	    "telemetry: {queue: {max_size: 1GB, disk_size: 2GB, compression: none}}\n"
	    "observability: {export_interval_seconds: 7}\n");
	assert_int_equal(config->gateway.workers, 5);
	assert_int_equal(config->telemetry.queue_max_size, 1000000000);
	assert_int_equal(config->telemetry.queue_disk_size, 2000000000);
	assert_int_equal(config->telemetry.queue_own_max, 0);
	assert_int_equal(config->telemetry.queue_compression, 0);
	assert_int_equal(config->telemetry.batch_timeout_ns, 7 * GENOPS_NS_PER_S);
	assert_true(warns(config, "worker_processes has no effect: gateway.workers says it, too"));
	assert_true(warns(config, "disk_size has no effect: telemetry.queue.disk_size says it, too"));
	assert_true(warns(config, "compression has no effect: telemetry.queue.compression says it, too"));
	assert_true(warns(config, "flush_interval has no effect: observability.export_interval_seconds says it, too"));
	assert_int_equal(config->n_warnings, 5);
	genops_config_unref(config);
}

/* --- destination_config and retry --- */

#define DESTINATIONS                                                                                  \
	"destinations:\n"                                                                             \
	"  - {id: plain, type: file, path: /tmp/a}\n"                                                 \
	"  - {id: own, type: file, path: /tmp/b, batch_size: 20, max_retries: 2, retry: {retry_backoff: constant}}\n" \
	"  - {id: group, type: file, path: /tmp/c, destination_config: {flush_interval: 1s}, retry: {max_retry_delay: 9s}}\n" \
	"  - {id: chat, type: slack, url: 'https://hooks.slack.com/services/T000/B000/XXX'}\n"

static const struct genops_config_exporter *destination(const struct genops_config *config, const char *id)
{
	const struct genops_config_exporter *found = genops_config_destination_find(config, genops_str_of(id));
	assert_non_null(found);
	return found;
}

static void batches_of_all_destinations(void **state)
{
	struct genops_config *config = with("parts/destination_config", DESTINATIONS);
	assert_int_equal(destination(config, "plain")->batch.size, 500);
	assert_int_equal(destination(config, "plain")->batch.size_max, 500);
	assert_int_equal(destination(config, "plain")->batch.timeout_ns, 30 * GENOPS_NS_PER_S);
	assert_int_equal(destination(config, "own")->batch.size_max, 20);
	assert_int_equal(destination(config, "own")->batch.timeout_ns, 30 * GENOPS_NS_PER_S);
	assert_int_equal(destination(config, "group")->batch.size_max, 500);
	assert_int_equal(destination(config, "group")->batch.timeout_ns, GENOPS_NS_PER_S);
	assert_int_equal(destination(config, "chat")->batch.size, 1); /* what alerts does not wait */
	assert_int_equal(destination(config, "chat")->batch.timeout_ns, 0);
	genops_config_unref(config);
}

static void a_wait_alone_is_not_for_one_event(void **state)
{
	struct genops_config *config = load(NULL, "performance_settings: {pipeline: {batch_size: 700, flush_interval: 9s}}\n" DESTINATIONS, NULL);
	assert_int_equal(destination(config, "group")->batch.size, 700);
	assert_int_equal(destination(config, "group")->batch.size_max, 0);
	assert_int_equal(destination(config, "own")->batch.timeout_ns, 9 * GENOPS_NS_PER_S);
	assert_int_equal(destination(config, "plain")->batch.size, 0); /* as telemetry has it */
	genops_config_unref(config);
}

static void repetitions_of_all_destinations(void **state)
{
	struct genops_config *config = with("parts/retry", DESTINATIONS);
	assert_int_equal(destination(config, "plain")->retries_max, 5);
	assert_int_equal(destination(config, "plain")->retry_max_ns, 60 * GENOPS_NS_PER_S);
	assert_true(destination(config, "plain")->retry_multiplier == 0);
	assert_int_equal(destination(config, "own")->retries_max, 2); /* beside `retry`, and still said */
	assert_true(destination(config, "own")->retry_multiplier == 1);
	assert_int_equal(destination(config, "group")->retries_max, 5);
	assert_int_equal(destination(config, "group")->retry_max_ns, 9 * GENOPS_NS_PER_S);
	genops_config_unref(config);
}

static void a_changed_default_is_a_changed_destination(void **state)
{
	struct genops_config *one = load(NULL, "retry: {max_retries: 5}\n" DESTINATIONS, NULL), *other = load(NULL, "retry: {max_retries: 6}\n" DESTINATIONS, NULL);
	assert_int_not_equal(destination(one, "plain")->fingerprint, destination(other, "plain")->fingerprint);
	genops_config_unref(one);
	genops_config_unref(other);
}

/* --- monitoring --- */

static void targets_are_rules(void **state)
{
	static const char *const rules[][3] = {{"Target cpu_utilization < 70%", "cpu_utilization >= 70", "info"},
	    {"Target memory_utilization < 80%", "memory_utilization >= 80", "info"},
	    {"Target buffer_utilization < 90%", "buffer_utilization >= 90", "info"}, {"Target pipeline_lag < 10s", "pipeline_lag >= 10", "info"},
	    {"Target error_rate < 1%", "error_rate >= 1", "info"}, {"High CPU Usage", "cpu_utilization > 80%", "warning"},
	    {"Buffer Full", "buffer_utilization > 95%", "critical"}};
	struct genops_config *config = with("alerts/monitoring", "");
	assert_int_equal(config->alerts.n_rules, 7);
	for (size_t i = 0; i < 7; i++) {
		is(config->alerts.rules[i].name, rules[i][0]);
		is(config->alerts.rules[i].condition, rules[i][1]);
		is(config->alerts.rules[i].severity, rules[i][2]);
	}
	assert_int_equal(config->alerts.rules[0].for_ns, 60 * GENOPS_NS_PER_S);
	assert_int_equal(config->alerts.rules[5].for_ns, 600 * GENOPS_NS_PER_S);
	assert_int_equal(config->n_warnings, 0);
	genops_config_unref(config);
}

static void what_is_not_measured_is_told(void **state)
{
	struct genops_config *config = load(NULL,
	    "monitoring:\n"
	    "  metrics_to_watch:\n"
	    "    - gpu_temperature_celsius (target: < 90)\n"
	    "    - 'throughput (target: >= 2.5)'\n"
	    "    - pipeline_lag (target: <= 1m)\n"
	    "    - disk_utilization\n", NULL);
	assert_int_equal(config->alerts.n_rules, 2);
	is(config->alerts.rules[0].condition, "throughput < 2.5");
	is(config->alerts.rules[1].condition, "pipeline_lag > 60");
	assert_int_equal(config->n_warnings, 1);
	assert_true(warns(config, "\"gpu_temperature_celsius\" is not measured"));
	assert_int_equal(config->warnings[0].line, 3);
	genops_config_unref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_guides_block, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nothing_said_is_as_it_was, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(other_values, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_others_say_is_stronger_and_told, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(batches_of_all_destinations, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_wait_alone_is_not_for_one_event, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(repetitions_of_all_destinations, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_changed_default_is_a_changed_destination, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(targets_are_rules, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_not_measured_is_told, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
