/* SPDX-License-Identifier: Apache-2.0
 * The transport of Kafka against librdkafka's own mock cluster: what is delivered, what is too large, a cluster that answers with errors or not
 * at all, and that a message tried again is in its partition once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "net/http.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

struct fixture {
	rd_kafka_t *host;
	rd_kafka_mock_cluster_t *cluster;
	struct genops_http_client *client;
	struct genops_destination_settings settings;
	struct genops_text_pair properties[3];
	struct genops_kafka_message messages[8];
	struct genops_kafka_request kafka;
	struct genops_response response;
	struct genops_error err;
	int cancel;
};

static int set_up(void **state)
{
	static struct fixture f;
	char why[200];
	f = (struct fixture){.settings = {.timeout_ns = INT64_C(5000000000)}};
	f.host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
	f.cluster = f.host ? rd_kafka_mock_cluster_new(f.host, 1) : NULL;
	f.client = genops_http_client_new(&f.err);
	if (!f.cluster || !f.client)
		return -1;
	rd_kafka_mock_topic_create(f.cluster, "t", 1, 1);
	f.properties[0] = (struct genops_text_pair){GENOPS_STR("bootstrap.servers"), genops_str_of(rd_kafka_mock_cluster_bootstraps(f.cluster))};
	f.properties[1] = (struct genops_text_pair){GENOPS_STR("enable.idempotence"), GENOPS_STR("true")};
	f.properties[2] = (struct genops_text_pair){GENOPS_STR("message.max.bytes"), GENOPS_STR("2000")};
	f.kafka = (struct genops_kafka_request){.properties = f.properties, .n_properties = 3, .messages = f.messages};
	for (size_t i = 0; i < 8; i++) {
		static char values[8][8];
		snprintf(values[i], sizeof values[i], "v%zu", i);
		f.messages[i] = (struct genops_kafka_message){.topic = GENOPS_STR("t"), .value = genops_str_of(values[i]), .id = i, .item = i, .n_items = 1};
	}
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	genops_http_client_free(f->client);
	rd_kafka_mock_cluster_destroy(f->cluster);
	rd_kafka_destroy(f->host);
	return 0;
}

static void send_messages(struct fixture *f, size_t n)
{
	const struct genops_request request = {.transport = GENOPS_TRANSPORT_KAFKA, .method = "", .url = f->properties[0].value, .kafka = &f->kafka};
	f->kafka.n_messages = n;
	if (genops_http_send(f->client, &f->settings, &request, &f->cancel, &f->response, &f->err) != GENOPS_OK)
		fail_msg("%s", f->err.message);
}

/* How many messages the topic has, as a consumer sees it. */
static int64_t count_messages(struct fixture *f)
{
	int64_t low = 0, high = 0;
	char why[200];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", f->properties[0].value.ptr, why, sizeof why);
	rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	assert_non_null(reader);
	assert_int_equal(rd_kafka_query_watermark_offsets(reader, "t", 0, &low, &high, 5000), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_destroy(reader);
	return high;
}

static void test_all_are_delivered(void **state)
{
	struct fixture *f = *state;
	send_messages(f, 8);
	assert_int_equal(f->response.status, 200);
	assert_int_equal(count_messages(f), 8);
	send_messages(f, 1); /* the same bytes again, but all was told: a new message */
	assert_int_equal(count_messages(f), 9);
}

static void test_asking_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	send_messages(f, 0);
	assert_int_equal(f->response.status, 200);
	assert_int_equal(count_messages(f), 0);
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(300000000);
	send_messages(f, 0);
	assert_int_equal(f->response.status, 0);
	assert_true(genops_str_find(f->response.network_error, GENOPS_STR("check brokers")) != SIZE_MAX);
	rd_kafka_mock_broker_set_up(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(10000000000);
	send_messages(f, 0);
	assert_int_equal(f->response.status, 200);
}

static void test_one_that_is_too_large_spoils_no_other(void **state)
{
	struct fixture *f = *state;
	static char large[4000];
	memset(large, 'x', sizeof large);
	f->messages[1].value = (genops_str){large, sizeof large};
	send_messages(f, 3);
	assert_int_equal(f->response.status, 413);
	assert_int_equal(f->response.n_kinds, 3);
	assert_int_equal(f->response.kinds[0], GENOPS_SENT);
	assert_int_equal(f->response.kinds[1], GENOPS_REJECTED);
	assert_int_equal(f->response.kinds[2], GENOPS_SENT);
	assert_true(genops_str_find(f->response.network_error, GENOPS_STR("max_message_bytes")) != SIZE_MAX);
	assert_int_equal(count_messages(f), 2);
}

static void test_nobody_answers_and_then_somebody_does(void **state)
{
	struct fixture *f = *state;
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(300000000);
	for (int i = 0; i < 3; i++) {
		send_messages(f, 4);
		assert_int_equal(f->response.status, 0);
		assert_int_equal(f->response.n_kinds, 4);
		assert_int_equal(f->response.kinds[3], GENOPS_RETRY);
	}
	rd_kafka_mock_broker_set_up(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(10000000000);
	send_messages(f, 4);
	assert_int_equal(f->response.status, 200);
	assert_int_equal(count_messages(f), 4);
}

/* More messages than librdkafka holds, and no broker: the request ends when its time is over. */
static void test_more_than_fit_while_nobody_answers(void **state)
{
	struct fixture *f = *state;
	f->properties[2] = (struct genops_text_pair){GENOPS_STR("queue.buffering.max.messages"), GENOPS_STR("2")};
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(300000000);
	for (int i = 0; i < 2; i++) {
		send_messages(f, 4);
		assert_int_equal(f->response.status, 0);
		assert_int_equal(f->response.n_kinds, 4);
		assert_int_equal(f->response.kinds[0], GENOPS_RETRY);
		assert_int_equal(f->response.kinds[3], GENOPS_RETRY);
	}
	rd_kafka_mock_broker_set_up(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(10000000000);
	send_messages(f, 4);
	assert_int_equal(f->response.status, 200);
	assert_int_equal(count_messages(f), 4);
}

static void test_what_is_not_asked_for_any_more_is_not_sent(void **state)
{
	struct fixture *f = *state;
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(200000000);
	send_messages(f, 4);
	rd_kafka_mock_broker_set_up(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(10000000000);
	f->messages[0] = f->messages[7];
	send_messages(f, 1);
	assert_int_equal(f->response.status, 200);
	assert_int_equal(count_messages(f), 1);
}

static void test_a_refusal_waits_for_credentials(void **state)
{
	struct fixture *f = *state;
	rd_kafka_mock_push_request_errors(f->cluster, 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	send_messages(f, 1);
	assert_int_equal(f->response.status, 401);
	assert_true(genops_str_find(f->response.network_error, GENOPS_STR("check auth")) != SIZE_MAX);
	send_messages(f, 1);
	if (f->response.status != 200)
		fail_msg("%.*s", GENOPS_STR_ARG(f->response.network_error));
	assert_int_equal(count_messages(f), 1);
}

static void test_cancelled_at_once(void **state)
{
	struct fixture *f = *state;
	rd_kafka_mock_broker_set_down(f->cluster, 1);
	f->settings.timeout_ns = INT64_C(600000000000);
	f->cancel = 1;
	send_messages(f, 4);
	assert_int_equal(f->response.status, 0);
}

static void test_a_setting_that_librdkafka_refuses(void **state)
{
	struct fixture *f = *state;
	f->properties[2].value = GENOPS_STR("s3cret");
	const struct genops_request request = {.transport = GENOPS_TRANSPORT_KAFKA, .method = "", .url = f->properties[0].value, .kafka = &f->kafka};
	assert_int_equal(genops_http_send(f->client, &f->settings, &request, NULL, &f->response, &f->err), GENOPS_CONFIG);
	assert_non_null(strstr(f->err.message, "message.max.bytes"));
	assert_null(strstr(f->err.message, "s3cret"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_all_are_delivered),
	    T(test_asking_leaves_nothing),
	    T(test_one_that_is_too_large_spoils_no_other),
	    T(test_nobody_answers_and_then_somebody_does),
	    T(test_more_than_fit_while_nobody_answers),
	    T(test_what_is_not_asked_for_any_more_is_not_sent),
	    T(test_a_refusal_waits_for_credentials),
	    T(test_cancelled_at_once),
	    T(test_a_setting_that_librdkafka_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
