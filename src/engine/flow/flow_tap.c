/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_tap.c - see flow_tap.h. Sockets of type SEQPACKET: whole lines, and a full one says so at once. They are reached through the
 * directory's descriptor, since a socket's path has 107 bytes at most and a state directory's has more. */
#include "engine/flow/flow_tap.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_NS     (300 * GENOPS_NS_PER_MS)
#define VIEWERS_MAX 8
#define LINES_MAX   2000 /* a second, to all of them */

struct viewer {
	int fd;
	char name[64];
	uint64_t n_lost; /* since the last line that he got */
};

struct genops_flow_tap {
	char *state_dir;
	int64_t look_at_ns, second_ns;
	int n_lines; /* in this second */
	struct timespec modified;
	size_t n_viewers;
	struct viewer viewers[VIEWERS_MAX];
	struct genops_buffer line, routes;
	const struct genops_pipeline *pipeline;
	bool has_event;
};

struct genops_flow_tap *genops_flow_tap_new(const char *state_dir, struct genops_error *err)
{
	struct genops_flow_tap *tap = calloc(1, sizeof *tap);
	if (!tap || !(tap->state_dir = strdup(state_dir))) {
		free(tap);
		(void)genops_fail(err, GENOPS_NOMEM, "no memory for a tap");
		return NULL;
	}
	genops_buffer_init(&tap->line, GENOPS_FLOW_TAP_LINE_MAX);
	genops_buffer_init(&tap->routes, GENOPS_FLOW_TAP_LINE_MAX);
	return tap;
}

void genops_flow_tap_free(struct genops_flow_tap *tap)
{
	if (!tap)
		return;
	for (size_t i = 0; i < tap->n_viewers; i++)
		close(tap->viewers[i].fd);
	genops_buffer_done(&tap->line);
	genops_buffer_done(&tap->routes);
	free(tap->state_dir);
	free(tap);
}

/* --- viewers --- */

static bool is_known(const struct genops_flow_tap *tap, const char *name)
{
	for (size_t i = 0; i < tap->n_viewers; i++) {
		if (!strcmp(tap->viewers[i].name, name))
			return true;
	}
	return false;
}

static void add_viewer(struct genops_flow_tap *tap, int folder, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct viewer *viewer = &tap->viewers[tap->n_viewers];
	if (tap->n_viewers == VIEWERS_MAX || strlen(name) >= sizeof viewer->name || is_known(tap, name))
		return;
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 1 << 20;
	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
		*viewer = (struct viewer){.fd = fd};
		snprintf(viewer->name, sizeof viewer->name, "%s", name);
		tap->n_viewers++;
		return;
	}
	if (errno == ECONNREFUSED)
		unlinkat(folder, name, 0); /* its viewer was killed */
	close(fd);
}

static void look(struct genops_flow_tap *tap)
{
	char path[4200];
	struct stat status;
	snprintf(path, sizeof path, "%s/" GENOPS_FLOW_TAP_FOLDER, tap->state_dir);
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder < 0)
		return;
	bool is_same = fstat(folder, &status) != 0 ||
		       (status.st_mtim.tv_sec == tap->modified.tv_sec && status.st_mtim.tv_nsec == tap->modified.tv_nsec);
	int listed = is_same ? -1 : dup(folder);
	DIR *list = listed >= 0 ? fdopendir(listed) : NULL;
	/* What came into the directory a moment ago may have a neighbour of the same time still to come. */
	bool is_settled = genops_clock_unix_ns() - (status.st_mtim.tv_sec * GENOPS_NS_PER_S + status.st_mtim.tv_nsec) > GENOPS_NS_PER_S;
	if (list && is_settled)
		tap->modified = status.st_mtim;
	else if (list)
		tap->modified = (struct timespec){0};
	else if (listed >= 0)
		close(listed);
	for (struct dirent *entry; list && (entry = readdir(list));) {
		if (genops_str_ends(genops_str_of(entry->d_name), GENOPS_STR(".sock")))
			add_viewer(tap, folder, entry->d_name);
	}
	if (list)
		closedir(list);
	close(folder);
}

static void forget(struct genops_flow_tap *tap, size_t i)
{
	close(tap->viewers[i].fd);
	tap->viewers[i] = tap->viewers[--tap->n_viewers];
	tap->modified = (struct timespec){0}; /* there may be room for another now */
}

bool genops_flow_tap_is_watched(struct genops_flow_tap *tap, int64_t monotonic_ns)
{
	if (monotonic_ns >= tap->look_at_ns) {
		tap->look_at_ns = monotonic_ns + LOOK_NS;
		look(tap);
	}
	if (monotonic_ns - tap->second_ns >= GENOPS_NS_PER_S) {
		tap->second_ns = monotonic_ns;
		tap->n_lines = 0;
	}
	return tap->n_viewers > 0;
}

/* --- lines --- */

static void send_line(struct genops_flow_tap *tap, genops_str line)
{
	char head[64];
	bool is_over = tap->n_lines++ >= LINES_MAX;
	for (size_t i = tap->n_viewers; i-- > 0;) {
		struct viewer *viewer = &tap->viewers[i];
		int n = snprintf(head, sizeof head, "{\"lost\":%llu", (unsigned long long)viewer->n_lost);
		struct iovec parts[] = {{head, (size_t)n}, {(void *)(uintptr_t)line.ptr, line.len}};
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
		bool is_sent = !is_over && sendmsg(viewer->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
		bool is_full = is_over || errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE || errno == ENOMEM || errno == EINTR;
		if (is_sent)
			viewer->n_lost = 0;
		else if (is_full)
			viewer->n_lost++;
		else
			forget(tap, i);
	}
}

void genops_flow_tap_begin(struct genops_flow_tap *tap, const struct genops_pipeline *pipeline)
{
	tap->pipeline = pipeline;
	tap->has_event = false;
	genops_buffer_clear(&tap->line);
	genops_buffer_clear(&tap->routes);
}

static void add_event(struct genops_flow_tap *tap, struct genops_value event)
{
	genops_buffer_add_text(&tap->line, ",\"event\":");
	if (!genops_value_to_json(event, &tap->line))
		genops_buffer_add_text(&tap->line, "null");
	tap->has_event = true;
}

void genops_flow_tap_route(struct genops_flow_tap *tap, const struct genops_route *route, struct genops_value event, genops_str payload)
{
	struct genops_buffer *out = &tap->routes;
	if (!tap->has_event)
		add_event(tap, event);
	genops_buffer_add_text(out, out->len ? ",{\"route\":" : "{\"route\":");
	genops_json_add_string(out, route->name);
	genops_buffer_add_text(out, ",\"destination\":");
	genops_json_add_string(out, route->destination);
	if (payload.len) {
		genops_buffer_add_text(out, ",\"payload\":");
		genops_json_add_string(out, payload);
	}
	genops_buffer_add_char(out, '}');
}

/* Of an event that went nowhere: masks may not have run yet, so only which one it was. */
static void add_name(struct genops_flow_tap *tap, struct genops_value event)
{
	static const char *const names[] = {"name", "trace_id", "span_id"};
	genops_buffer_add_text(&tap->line, ",\"event\":{");
	for (size_t i = 0; i < 3 && event.type == GENOPS_VALUE_OBJECT; i++) {
		const struct genops_value_key key = genops_value_key_of(genops_str_of(names[i]));
		const struct genops_value *value = genops_value_object_get(event.as.object, &key);
		if (!value || value->type != GENOPS_VALUE_TEXT)
			continue;
		genops_buffer_printf(&tap->line, "%s\"%s\":", tap->line.ptr[tap->line.len - 1] == '{' ? "" : ",", names[i]);
		genops_json_add_string(&tap->line, genops_value_str(*value));
	}
	genops_buffer_add_char(&tap->line, '}');
}

void genops_flow_tap_end(struct genops_flow_tap *tap, enum genops_pipeline_result result, struct genops_value before)
{
	struct genops_buffer whole;
	if (result == GENOPS_PIPELINE_PASSED_BY)
		return;
	if (!tap->has_event)
		add_name(tap, before);
	genops_buffer_init(&whole, GENOPS_FLOW_TAP_LINE_MAX);
	genops_buffer_add_text(&whole, ",\"pipeline\":");
	genops_json_add_string(&whole, tap->pipeline->id);
	genops_buffer_printf(&whole, ",\"result\":\"%s\",\"routes\":[", result == GENOPS_PIPELINE_DROPPED ? "dropped" : "routed");
	if (!tap->routes.error)
		genops_buffer_add(&whole, genops_buffer_view(&tap->routes));
	genops_buffer_add_char(&whole, ']');
	size_t mark = whole.len;
	if (!tap->line.error)
		genops_buffer_add(&whole, genops_buffer_view(&tap->line));
	if ((tap->line.error || whole.error) && mark) { /* too long to be shown whole */
		whole.len = mark;
		whole.error = GENOPS_OK;
		genops_buffer_add_text(&whole, ",\"event\":null");
	}
	genops_buffer_add_char(&whole, '}');
	if (!whole.error)
		send_line(tap, genops_buffer_view(&whole));
	genops_buffer_done(&whole);
}
