/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_file.c - the files around a configuration: reading, where paths lead, and whether they changed. */
#include "engine/config/config_read.h"

#include "base/hash.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX   ((size_t)16 << 10)
#define PIPE_WAIT_MS 10000 /* for the next bytes of a pipe: who reloads must not hang on one that nobody writes to */

static int wait_for_pipe(int fd, const char *path, struct genops_error *err)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int n;
	while ((n = poll(&wait, 1, PIPE_WAIT_MS)) < 0 && errno == EINTR)
		;
	return n > 0 ? GENOPS_OK
		     : genops_fail_fix(err, GENOPS_IO, "write to it and close it, or name a file", "%s is a pipe, and nothing came through it for %d s",
			   path, PIPE_WAIT_MS / 1000);
}

static int read_all(int fd, const char *path, struct genops_buffer *out, struct genops_error *err)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "%s", path);
	if (S_ISDIR(status.st_mode))
		return genops_fail_errno(err, GENOPS_IO, EISDIR, "%s", path);
	for (;;) {
		if (S_ISFIFO(status.st_mode))
			GENOPS_TRY(wait_for_pipe(fd, path, err));
		size_t room = out->max - out->len < 65536 ? out->max - out->len : 65536;
		char over;
		char *to = room ? genops_buffer_reserve(out, room) : &over;
		if (!to)
			return genops_fail(err, out->error, "%s: out of memory", path);
		ssize_t n = read(fd, to, room ? room : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return genops_fail_errno(err, GENOPS_IO, errno, "%s", path);
		if (n == 0)
			return GENOPS_OK;
		if (!room)
			return genops_fail(err, GENOPS_LIMIT, "%s: larger than %zu bytes", path, out->max);
		out->len += (size_t)n;
	}
}

int genops_config_file_read(const char *path, size_t max, struct genops_buffer *out, struct genops_error *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	genops_buffer_init(out, max);
	if (fd < 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "%s", path);
	int code = read_all(fd, path, out, err);
	close(fd);
	if (code != GENOPS_OK)
		genops_buffer_done(out);
	return code;
}

int genops_config_file_path(
    struct genops_config_reader *reader, genops_str path, genops_str folder, genops_str *ret_path)
{
	struct genops_buffer full;
	for (size_t i = 0; i < path.len; i++) {
		if ((unsigned char)path.ptr[i] < ' ')
			return genops_fail(reader->err, GENOPS_CONFIG, "a path has a control character in it");
	}
	genops_buffer_init(&full, 4096);
	if (genops_str_is(path, "~") || genops_str_starts(path, GENOPS_STR("~/"))) {
		if (!*reader->home)
			return genops_fail_fix(reader->err, GENOPS_CONFIG, "set HOME, or write the path in full",
			    "\"%.*s\": there is no home directory", GENOPS_STR_ARG(path));
		genops_buffer_add_text(&full, reader->home);
		path = genops_str_skip(path, 1);
	} else if (folder.len && !genops_str_starts(path, GENOPS_STR("/"))) {
		genops_buffer_add(&full, folder);
		genops_buffer_add_char(&full, '/');
	}
	genops_buffer_add(&full, path);
	int code = full.error;
	if (code)
		genops_fail(reader->err, code, "a path is too long");
	else if (!genops_arena_dup(reader->arena, genops_buffer_view(&full), ret_path))
		code = genops_config_read_no_memory(reader);
	genops_buffer_done(&full);
	return code;
}

/* The names that fit, as a number; what is in the files is watched for each of them. */
static void look_glob(const char *pattern, struct genops_config_watch *watch)
{
	glob_t matches = {0};
	uint64_t sum = 0;
	watch->is_there = glob(pattern, 0, NULL, &matches) == 0;
	for (size_t i = 0; watch->is_there && i < matches.gl_pathc; i++)
		sum = genops_hash_checksum(matches.gl_pathv[i], strlen(matches.gl_pathv[i]) + 1, sum);
	watch->size = watch->is_there ? (int64_t)matches.gl_pathc : 0;
	watch->inode = sum;
	globfree(&matches);
}

static void look(const char *path, struct genops_config_watch *watch)
{
	struct stat status;
	if (watch->is_glob) {
		look_glob(path, watch);
		return;
	}
	watch->is_there = stat(path, &status) == 0;
	if (!watch->is_there)
		return;
	watch->modified_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
	watch->size = status.st_size;
	watch->inode = status.st_ino;
}

static int add_watch(struct genops_config_reader *reader, genops_str path, bool is_glob)
{
	struct genops_config *config = reader->config;
	if (config->n_watches == reader->n_watches_cap) {
		size_t cap = reader->n_watches_cap ? 2 * reader->n_watches_cap : 8;
		struct genops_config_watch *watches = genops_arena_alloc(reader->arena, cap * sizeof *watches);
		if (!watches)
			return genops_config_read_no_memory(reader);
		for (size_t i = 0; i < config->n_watches; i++)
			watches[i] = config->watches[i];
		config->watches = watches;
		reader->n_watches_cap = cap;
	}
	struct genops_config_watch watch = {.is_glob = is_glob};
	if (!genops_arena_dup(reader->arena, path, &watch.path))
		return genops_config_read_no_memory(reader);
	look(watch.path.ptr, &watch);
	config->watches[config->n_watches++] = watch;
	return GENOPS_OK;
}

int genops_config_file_watch(struct genops_config_reader *reader, genops_str path)
{
	return add_watch(reader, path, false);
}

int genops_config_file_watch_glob(struct genops_config_reader *reader, genops_str pattern)
{
	return add_watch(reader, pattern, true);
}

bool genops_config_file_is_changed(const struct genops_config_watch *watch)
{
	struct genops_config_watch now = {.is_glob = watch->is_glob};
	look(watch->path.ptr, &now);
	return now.is_there != watch->is_there || now.modified_ns != watch->modified_ns || now.size != watch->size ||
	       now.inode != watch->inode;
}

/* A time still to come is a clock that was put back, not a hand that writes. */
bool genops_config_file_is_settling(const struct genops_config_watch *watch, int64_t now_unix_ns)
{
	struct genops_config_watch now = {0};
	if (watch->is_glob)
		return false;
	look(watch->path.ptr, &now);
	return now.is_there && now.modified_ns <= now_unix_ns && now_unix_ns - now.modified_ns < GENOPS_CONFIG_SETTLES_NS;
}

int genops_config_file_secret(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    genops_str path, genops_str *ret_secret)
{
	struct genops_buffer text;
	struct stat status;
	genops_str full;
	int code = genops_config_file_path(reader, path, reader->folder, &full);
	if (code == GENOPS_OK)
		code = genops_config_file_watch(reader, full);
	if (code == GENOPS_OK)
		code = genops_config_file_read(full.ptr, SECRET_MAX, &text, reader->err);
	if (code != GENOPS_OK)
		return genops_config_read_missing(reader, node, code);
	genops_str secret = genops_str_trim(genops_buffer_view(&text));
	if (!secret.len)
		code = genops_config_read_fail(reader, node, NULL, "%s holds no key", full.ptr);
	else if (!genops_arena_dup(reader->arena, secret, ret_secret))
		code = genops_config_read_no_memory(reader);
	else if (stat(full.ptr, &status) == 0 && (status.st_mode & 077))
		code = genops_config_read_warn(
		    reader, node, "chmod 600 it", "%s holds a key and others may read it", full.ptr);
	explicit_bzero(text.ptr, text.cap);
	genops_buffer_done(&text);
	return code;
}

int genops_config_file_expand(void *arg, genops_str path, struct genops_buffer *out, struct genops_error *err)
{
	struct genops_config_reader *reader = arg;
	struct genops_buffer text;
	genops_str full;
	GENOPS_TRY(genops_config_file_path(reader, path, reader->folder, &full));
	GENOPS_TRY(genops_config_file_watch(reader, full));
	int code = genops_config_file_read(full.ptr, SECRET_MAX, &text, err);
	if (code != GENOPS_OK)
		return code == GENOPS_NOMEM ? code : genops_fail_fix(err, GENOPS_CONFIG, "write the file, and let this user read it",
							 "${file:%.200s} cannot be read", full.ptr);
	genops_buffer_add(out, genops_str_trim(genops_buffer_view(&text)));
	if (text.ptr)
		explicit_bzero(text.ptr, text.cap);
	genops_buffer_done(&text);
	return GENOPS_OK;
}
