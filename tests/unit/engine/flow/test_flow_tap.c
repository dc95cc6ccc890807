/* SPDX-License-Identifier: Apache-2.0
 * test_flow_tap.c - a tap and its viewers in one process: who watches gets lines, who does not read loses them and is told how many, who is gone
 * is forgotten, and none of them holds the tap up. */
#include "engine/flow/flow_tap.h"

#include "base/clock.h"
#include "base/str.h"

#include <genops/pipeline.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], state[128];
static struct genops_arena arena;

static int set_up(void **data)
{
	strcpy(folder, "/tmp/genops-tap-XXXXXX");
	assert_non_null(mkdtemp(folder));
	/* longer than a socket's path may be */
	snprintf(state, sizeof state, "%s/%s", folder, "a-directory-whose-name-is-quite-long-so-that-no-socket-could-lie-in-it-by-its-path");
	genops_arena_init(&arena, 1 << 22);
	return mkdir(state, 0700);
}

static int tear_down(void **data)
{
	char command[128];
	genops_arena_done(&arena);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static genops_pipeline_tail *watch(const char *pipeline)
{
	const struct genops_engine_options options = {.size = sizeof options, .config_text = "{}", .state_dir = state};
	struct genops_error err = {0};
	genops_pipeline_tail *tail = genops_pipeline_tail_open(&options, pipeline, &err);
	if (!tail)
		fail_msg("%s", err.message);
	return tail;
}

/* One event through a pipeline of that name, taken by a route, or dropped. */
static void show(struct genops_flow_tap *tap, const char *id, size_t size, bool is_dropped)
{
	const struct genops_pipeline pipeline = {.id = genops_str_of(id)};
	const struct genops_route route = {.name = GENOPS_STR("r"), .destination = GENOPS_STR("d")};
	struct genops_value_object *object = genops_value_object_new(&arena, 4);
	char *text = genops_arena_alloc(&arena, size + 1);
	memset(text, 'x', size);
	assert_true(genops_value_object_put(&arena, object, genops_value_key_of(GENOPS_STR("name")), genops_value_text(GENOPS_STR("n\n"))));
	assert_true(genops_value_object_put(&arena, object, genops_value_key_of(GENOPS_STR("secret")), genops_value_text((genops_str){text, size})));
	struct genops_value event = {.type = GENOPS_VALUE_OBJECT, .as.object = object};
	genops_flow_tap_begin(tap, &pipeline);
	if (!is_dropped)
		genops_flow_tap_route(tap, &route, event, GENOPS_STR("{}"));
	genops_flow_tap_end(tap, is_dropped ? GENOPS_PIPELINE_DROPPED : GENOPS_PIPELINE_ROUTED, event);
	genops_arena_reset(&arena);
}

static bool next(genops_pipeline_tail *tail, char *out, size_t size)
{
	genops_str line;
	if (genops_pipeline_tail_next(tail, 0, &line, NULL) != GENOPS_OK)
		return false;
	snprintf(out, size, "%.*s", GENOPS_STR_ARG(line));
	return true;
}

/* A viewer accepts when he looks. */
static void settle(struct genops_flow_tap *tap, genops_pipeline_tail *tail, int64_t now_ns)
{
	genops_str line;
	assert_true(genops_flow_tap_is_watched(tap, now_ns));
	assert_int_equal(genops_pipeline_tail_next(tail, 0, &line, NULL), GENOPS_TIMEOUT);
}

static size_t n_sockets(void)
{
	char path[200];
	size_t n = 0;
	snprintf(path, sizeof path, "%s/watch", state);
	DIR *list = opendir(path);
	for (struct dirent *entry; (entry = readdir(list));)
		n += entry->d_name[0] != '.';
	closedir(list);
	return n;
}

static void who_watches_gets_lines(void **data)
{
	struct genops_flow_tap *tap = genops_flow_tap_new(state, NULL);
	char line[1024];
	genops_str words;
	assert_false(genops_flow_tap_is_watched(tap, 1));
	genops_pipeline_tail *all = watch(NULL), *one = watch("b");
	assert_false(genops_flow_tap_is_watched(tap, GENOPS_NS_PER_MS)); /* not yet time to look again */
	settle(tap, all, GENOPS_NS_PER_S);
	settle(tap, one, GENOPS_NS_PER_S);
	show(tap, "a", 3, false);
	show(tap, "b", 3, true);
	assert_true(next(all, line, sizeof line));
	assert_string_equal(line, "{\"lost\":0,\"pipeline\":\"a\",\"result\":\"routed\",\"routes\":[{\"route\":\"r\",\"destination\":\"d\",\"payload\":\"{}\"}],"
				  "\"event\":{\"name\":\"n\\n\",\"secret\":\"xxx\"}}");
	assert_int_equal(genops_pipeline_tail_words(all, &words, NULL), GENOPS_OK);
	assert_true(genops_str_is(words, "a  routed  n     -> d"));
	assert_true(next(all, line, sizeof line));
	assert_true(next(one, line, sizeof line));
	assert_string_equal(line, "{\"lost\":0,\"pipeline\":\"b\",\"result\":\"dropped\",\"routes\":[],\"event\":{\"name\":\"n\\n\"}}");
	assert_false(next(all, line, sizeof line) || next(one, line, sizeof line));
	genops_pipeline_tail_close(all);
	genops_pipeline_tail_close(one);
	assert_int_equal(n_sockets(), 0);
	show(tap, "a", 3, false); /* finds nobody any more */
	assert_false(genops_flow_tap_is_watched(tap, 3 * GENOPS_NS_PER_S));
	genops_flow_tap_free(tap);
}

static void who_does_not_read_loses(void **data)
{
	struct genops_flow_tap *tap = genops_flow_tap_new(state, NULL);
	genops_pipeline_tail *tail = watch(NULL);
	char line[1 << 17];
	size_t n = 0;
	unsigned long long n_lost = 0, lost;
	settle(tap, tail, 1);
	for (int i = 0; i < 1500; i++)
		show(tap, "a", 10000, false);
	while (next(tail, line, sizeof line)) {
		assert_int_equal(sscanf(line, "{\"lost\":%llu", &lost), 1);
		assert_int_equal(lost, 0);
		n++;
	}
	assert_true(n > 5 && n < 1500);
	show(tap, "a", 3, false);
	assert_true(next(tail, line, sizeof line));
	assert_int_equal(sscanf(line, "{\"lost\":%llu", &n_lost), 1);
	assert_int_equal(n + n_lost, 1500);
	for (int i = 0; i < 3000; i++) { /* over what a second may show, though he reads */
		show(tap, "a", 1, false);
		(void)next(tail, line, sizeof line);
	}
	assert_true(genops_flow_tap_is_watched(tap, 2 * GENOPS_NS_PER_S));
	show(tap, "a", 1, false);
	assert_true(next(tail, line, sizeof line));
	assert_int_equal(sscanf(line, "{\"lost\":%llu", &n_lost), 1);
	assert_true(n_lost > 1000);
	show(tap, "a", GENOPS_FLOW_TAP_LINE_MAX, false); /* too long to be shown */
	assert_true(next(tail, line, sizeof line));
	assert_non_null(strstr(line, ",\"event\":null}"));
	genops_pipeline_tail_close(tail);
	genops_flow_tap_free(tap);
}

static void a_dead_viewers_file_goes(void **data)
{
	struct genops_flow_tap *tap = genops_flow_tap_new(state, NULL);
	genops_pipeline_tail *tail = watch(NULL);
	char path[300], copy[600];
	snprintf(path, sizeof path, "%s/watch", state);
	DIR *list = opendir(path);
	for (struct dirent *entry; (entry = readdir(list));) {
		if (entry->d_name[0] != '.')
			snprintf(copy, sizeof copy, "%s/%s", path, entry->d_name);
	}
	closedir(list);
	snprintf(path, sizeof path, "%s/watch/kept", state);
	assert_int_equal(link(copy, path), 0);
	genops_pipeline_tail_close(tail);
	assert_int_equal(rename(path, copy), 0); /* as if it had been killed */
	assert_int_equal(n_sockets(), 1);
	assert_false(genops_flow_tap_is_watched(tap, 1));
	assert_int_equal(n_sockets(), 0);
	genops_flow_tap_free(tap);
}

static void more_than_there_is_room_for(void **data)
{
	struct genops_flow_tap *tap = genops_flow_tap_new(state, NULL);
	genops_pipeline_tail *tails[10];
	char line[1024];
	size_t n = 0;
	for (int i = 0; i < 10; i++)
		tails[i] = watch(NULL);
	assert_true(genops_flow_tap_is_watched(tap, 1));
	show(tap, "a", 1, false);
	for (int i = 0; i < 10; i++)
		n += next(tails[i], line, sizeof line);
	assert_int_equal(n, 8);
	for (int i = 0; i < 10; i++)
		genops_pipeline_tail_close(tails[i]);
	genops_flow_tap_free(tap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(who_watches_gets_lines, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_does_not_read_loses, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_dead_viewers_file_goes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(more_than_there_is_room_for, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
