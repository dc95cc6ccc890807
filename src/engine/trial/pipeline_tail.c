/* SPDX-License-Identifier: Apache-2.0
 * engine/trial/pipeline_tail.c - see genops/pipeline.h: a viewer's end of a tap (engine/flow/flow_tap.h). His socket lies in <state>/watch/
 * while he watches; whoever drains connects to it, after a change of drains the next one. */
#include <genops/pipeline.h>

#include "engine/config.h"
#include "engine/flow/flow_tap.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES (GENOPS_FLOW_TAP_LINE_MAX + 4096)

struct genops_pipeline_tail {
	int folder, listening, connection; /* -1: none */
	char name[64];
	char *line;
	size_t len;
	struct genops_buffer wanted, words; /* `"pipeline":"x",`: what a line of it has; "" : all */
	struct genops_arena arena;
};

static int open_folder(struct genops_pipeline_tail *tail, const char *state_dir, struct genops_error *err)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/" GENOPS_FLOW_TAP_FOLDER, state_dir);
	int made = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
	if (made == ENOENT)
		return genops_fail_fix(err, GENOPS_NOT_FOUND, "start genops serve, or name its state directory with --state", "%s is no state directory: nothing runs there", state_dir);
	if (made)
		return genops_fail_errno(err, GENOPS_IO, made, "%s", path);
	tail->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return tail->folder < 0 ? genops_fail_errno(err, GENOPS_IO, errno, "%s", path) : GENOPS_OK;
}

static int listen_there(struct genops_pipeline_tail *tail, struct genops_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(tail->name, sizeof tail->name, "%ld-%lld.sock", (long)getpid(), (long long)genops_clock_unix_ns());
	char aside[sizeof tail->name];
	snprintf(aside, sizeof aside, "%.*s", (int)(strlen(tail->name) - 5), tail->name); /* not .sock: a drain would take it for a dead one before it listens */
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", tail->folder, aside);
	tail->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (tail->listening < 0 || bind(tail->listening, (struct sockaddr *)&address, sizeof address) != 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "a socket in the state directory cannot be made");
	if (listen(tail->listening, 4) == 0 && renameat(tail->folder, aside, tail->folder, tail->name) == 0)
		return GENOPS_OK;
	int code = genops_fail_errno(err, GENOPS_IO, errno, "a socket in the state directory cannot be made");
	unlinkat(tail->folder, aside, 0);
	return code;
}

/* Nothing would ever come of it. A configuration without pipelines says nothing: the server may run with another one. */
static int check_pipeline(const struct genops_config *config, const char *pipeline, struct genops_error *err)
{
	const char **ids = calloc(config->n_pipelines + 1, sizeof *ids);
	bool is_known = !pipeline || !config->n_pipelines;
	for (size_t i = 0; ids && i < config->n_pipelines; i++) {
		ids[i] = config->pipelines[i]->id.ptr;
		is_known |= pipeline && !strcmp(ids[i], pipeline);
	}
	const char *nearest = ids && !is_known ? genops_str_nearest(genops_str_of(pipeline), ids, config->n_pipelines) : NULL;
	char fix[160] = "see genops pipeline list";
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean %.120s?", nearest);
	free(ids);
	return is_known ? GENOPS_OK : genops_fail_fix(err, GENOPS_NOT_FOUND, fix, "there is no pipeline %.120s", pipeline);
}

genops_pipeline_tail *genops_pipeline_tail_open(
    const struct genops_engine_options *options, const char *pipeline, struct genops_error *err)
{
	struct genops_error own;
	struct genops_config_source source = {.without_prices = true};
	struct genops_pipeline_tail *tail = calloc(1, sizeof *tail);
	err = err ? err : &own;
	if (options) {
		source.file = options->config_file;
		source.text = options->config_text;
		source.state_dir = options->state_dir;
	}
	if (!tail || !(tail->line = malloc(LINE_MAX_BYTES))) {
		free(tail);
		(void)genops_fail(err, GENOPS_NOMEM, "no memory to watch pipelines");
		return NULL;
	}
	tail->folder = tail->listening = tail->connection = -1;
	genops_arena_init(&tail->arena, (size_t)16 << 20);
	genops_buffer_init(&tail->words, (size_t)1 << 20);
	genops_buffer_init(&tail->wanted, (size_t)1 << 16);
	if (pipeline) {
		genops_buffer_add_text(&tail->wanted, "\"pipeline\":");
		genops_json_add_string(&tail->wanted, genops_str_of(pipeline));
		genops_buffer_add_char(&tail->wanted, ',');
	}
	struct genops_config *config = genops_config_load(&source, err);
	bool is_open = config && check_pipeline(config, pipeline, err) == GENOPS_OK && open_folder(tail, config->state_dir.ptr, err) == GENOPS_OK && listen_there(tail, err) == GENOPS_OK;
	genops_config_unref(config);
	if (is_open)
		return tail;
	genops_pipeline_tail_close(tail);
	return NULL;
}

void genops_pipeline_tail_close(genops_pipeline_tail *tail)
{
	if (!tail)
		return;
	if (tail->listening >= 0)
		unlinkat(tail->folder, tail->name, 0);
	int *const fds[] = {&tail->connection, &tail->listening, &tail->folder};
	for (size_t i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
	}
	genops_buffer_done(&tail->words);
	genops_buffer_done(&tail->wanted);
	genops_arena_done(&tail->arena);
	free(tail->line);
	free(tail);
}

/* A new drain takes the place of the one before. */
static void accept_one(struct genops_pipeline_tail *tail)
{
	int fd = accept4(tail->listening, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (tail->connection >= 0)
		close(tail->connection);
	tail->connection = fd;
}

/* 1: a line; 0: nothing, or the other side is gone. */
static int receive(struct genops_pipeline_tail *tail, genops_str *ret_line)
{
	ssize_t n = recv(tail->connection, tail->line, LINE_MAX_BYTES, MSG_DONTWAIT);
	if (n > 0) {
		genops_str line = {tail->line, (size_t)n}, rest = line;
		(void)genops_str_split(&rest, ','); /* {"lost":0 */
		*ret_line = line;
		tail->len = line.len;
		return genops_str_starts(rest, genops_buffer_view(&tail->wanted));
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(tail->connection);
		tail->connection = -1;
	}
	return 0;
}

int genops_pipeline_tail_next(genops_pipeline_tail *tail, int64_t timeout_ms, genops_str *ret_line, struct genops_error *err)
{
	int64_t until = genops_clock_monotonic_ns() + (timeout_ms < 0 ? 0 : timeout_ms) * GENOPS_NS_PER_MS;
	for (;;) {
		int64_t left_ms = (until - genops_clock_monotonic_ns()) / GENOPS_NS_PER_MS;
		struct pollfd fds[] = {{.fd = tail->listening, .events = POLLIN}, {.fd = tail->connection, .events = POLLIN}};
		int n = poll(fds, 2, timeout_ms < 0 ? -1 : left_ms <= 0 ? 0 : left_ms > 1000000 ? 1000000 : (int)left_ms);
		if (n < 0 && errno == EINTR)
			return genops_fail(err, GENOPS_TIMEOUT, "interrupted");
		if (n < 0)
			return genops_fail_errno(err, GENOPS_IO, errno, "the state directory cannot be watched");
		if (tail->connection >= 0 && fds[1].revents && receive(tail, ret_line))
			return GENOPS_OK;
		if (fds[0].revents & POLLIN)
			accept_one(tail);
		if (n == 0 && timeout_ms >= 0 && genops_clock_monotonic_ns() >= until)
			return genops_fail(err, GENOPS_TIMEOUT, "nothing has come");
	}
}

/* --- in words --- */

static struct genops_value member(struct genops_value value, const char *name)
{
	const struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	const struct genops_value *found = value.type == GENOPS_VALUE_OBJECT ? genops_value_object_get(value.as.object, &key) : NULL;
	return found ? *found : (struct genops_value){0};
}

static void add_member(struct genops_buffer *out, struct genops_value value, const char *name)
{
	struct genops_value found = member(value, name);
	if (found.type == GENOPS_VALUE_TEXT)
		genops_buffer_add(out, genops_value_str(found));
}

int genops_pipeline_tail_words(genops_pipeline_tail *tail, genops_str *ret_text, struct genops_error *err)
{
	struct genops_value line = {0};
	struct genops_buffer *out = &tail->words;
	genops_arena_reset(&tail->arena);
	genops_buffer_clear(out);
	if (genops_value_from_json((genops_str){tail->line, tail->len}, &tail->arena, &line, err) == GENOPS_NOMEM)
		return GENOPS_NOMEM;
	struct genops_value lost = member(line, "lost"), routes = member(line, "routes");
	if (lost.type == GENOPS_VALUE_NUMBER && lost.as.number > 0)
		genops_buffer_printf(out, "(%.0f not shown) ", lost.as.number);
	add_member(out, line, "pipeline");
	genops_buffer_add_text(out, "  ");
	add_member(out, line, "result");
	genops_buffer_add_text(out, "  ");
	add_member(out, member(line, "event"), "name");
	genops_buffer_add_text(out, "  ");
	add_member(out, member(line, "event"), "trace_id");
	for (uint32_t i = 0; routes.type == GENOPS_VALUE_LIST && i < routes.as.list->n; i++) {
		genops_buffer_add_text(out, i ? ", " : "  -> ");
		add_member(out, routes.as.list->items[i], "destination");
	}
	if (out->error)
		return genops_fail(err, out->error, "no memory for a line");
	for (size_t i = 0; i < out->len; i++) {
		if ((unsigned char)out->ptr[i] < ' ')
			out->ptr[i] = ' '; /* a name is anybody's */
	}
	*ret_text = genops_buffer_view(out);
	return GENOPS_OK;
}
