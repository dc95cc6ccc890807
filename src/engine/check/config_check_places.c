/* SPDX-License-Identifier: Apache-2.0
 * engine/check/config_check_places.c - see config_check_places.h. The rules for the state directory are store/state_dir.c's,
 * looked at instead of enforced. */
#include "engine/check/config_check_places.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PATH_LEN   4096
#define ROOM_LEAST ((uint64_t)16 << 20)  /* less: nothing can be recorded for long */
#define ROOM_GOOD  ((uint64_t)512 << 20) /* the queue's default maximum */

static void set(struct genops_config_check_place *place, enum genops_check_status status, const char *fix,
    const char *format, ...) GENOPS_PRINTF(4, 5);

static void set(struct genops_config_check_place *place, enum genops_check_status status, const char *fix,
    const char *format, ...)
{
	va_list args;
	place->status = status;
	snprintf(place->fix, sizeof place->fix, "%s", fix);
	va_start(args, format);
	vsnprintf(place->message, sizeof place->message, format, args);
	va_end(args);
}

/* Nothing is there yet: its nearest existing parent must let us make it. */
static void check_missing(const char *path, struct genops_config_check_place *place)
{
	char parent[PATH_LEN];
	snprintf(parent, sizeof parent, "%s", path);
	char *slash = strrchr(parent, '/');
	while (slash && slash != parent) {
		*slash = '\0';
		if (access(parent, F_OK) == 0)
			break;
		slash = strrchr(parent, '/');
	}
	if (access(slash == parent ? "/" : parent, W_OK | X_OK) == 0)
		set(place, GENOPS_CHECK_PASSED, "", "%.400s will be made", path);
	else
		set(place, GENOPS_CHECK_FAILED, "make it yourself, or name another with --state or GENOPS_STATE_DIR",
		    "%.400s is not there and cannot be made: %s", path, strerror(errno));
}

static void check_room(const char *path, struct genops_config_check_place *place)
{
	struct statvfs room;
	if (statvfs(path, &room) != 0) {
		set(place, GENOPS_CHECK_FAILED, "", "%.400s: %s", path, strerror(errno));
		return;
	}
	uint64_t free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
	unsigned long long mib = free_bytes >> 20;
	if (free_bytes < ROOM_LEAST)
		set(place, GENOPS_CHECK_FAILED, "free some space, or name another with --state",
		    "%.400s has only %llu MiB left", path, mib);
	else if (free_bytes < ROOM_GOOD)
		set(place, GENOPS_CHECK_WARNING, "free some space", "%.400s has only %llu MiB left", path, mib);
	else
		set(place, GENOPS_CHECK_PASSED, "", "%.400s is private and writable, %llu MiB are left", path, mib);
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;
	if (!dir)
		return false;
	while (n < 3 && readdir(dir))
		n++; /* . and .. are always there */
	closedir(dir);
	return n < 3;
}

void genops_config_check_state(const char *path, struct genops_config_check_place *ret_place)
{
	struct stat status;
	if (stat(path, &status) != 0) {
		if (errno == ENOENT)
			check_missing(path, ret_place);
		else
			set(ret_place, GENOPS_CHECK_FAILED, "name another with --state or GENOPS_STATE_DIR",
			    "%.400s: %s", path, strerror(errno));
	} else if (!S_ISDIR(status.st_mode)) {
		set(ret_place, GENOPS_CHECK_FAILED, "name a directory", "%.400s is not a directory", path);
	} else if (status.st_uid != geteuid()) {
		set(ret_place, GENOPS_CHECK_FAILED, "run as its owner, or name another with --state",
		    "%.400s belongs to another user", path);
	} else if ((status.st_mode & 077) && is_empty(path)) {
		set(ret_place, GENOPS_CHECK_PASSED, "", "%.400s is empty and will be made private", path);
	} else if (status.st_mode & 077) {
		set(ret_place, GENOPS_CHECK_FAILED, "chmod 700 it", "%.400s is open to others (mode %04o)", path,
		    (unsigned)(status.st_mode & 07777));
	} else if (access(path, R_OK | W_OK | X_OK) != 0) {
		set(ret_place, GENOPS_CHECK_FAILED, "chmod 700 it", "%.400s is not writable", path);
	} else {
		check_room(path, ret_place);
	}
}

static bool is_program(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool find_in(const char *folder, size_t len, char *ret_path, size_t size)
{
	int n = snprintf(ret_path, size, "%.*s/nginx", (int)len, folder);
	return len > 0 && n > 0 && (size_t)n < size && is_program(ret_path);
}

static bool find_nginx(char *ret_path, size_t size)
{
	static const char more[] = "/usr/sbin:/usr/local/sbin:/usr/local/nginx/sbin:/opt/nginx/sbin";
	const char *places[] = {getenv("PATH"), more};
	for (size_t i = 0; i < 2; i++) {
		for (const char *at = places[i]; at && *at;) {
			size_t len = strcspn(at, ":");
			if (find_in(at, len, ret_path, size))
				return true;
			at += len + (at[len] == ':');
		}
	}
	return false;
}

void genops_config_check_nginx(struct genops_config_check_place *ret_place)
{
	char path[PATH_LEN];
	const char *named = getenv("GENOPS_NGINX");
	bool is_found = named ? is_program(named) : find_nginx(path, sizeof path);
	if (is_found)
		set(ret_place, GENOPS_CHECK_PASSED, "", "%.400s", named ? named : path);
	else
		set(ret_place, GENOPS_CHECK_WARNING,
		    "install it (Debian: apt-get install nginx-core), or set GENOPS_NGINX to its path",
		    "nginx was not found: genops serve and genops run need it");
}

bool genops_config_check_readable(const char *path, char *message, size_t size)
{
	struct stat status;
	bool is_there = stat(path, &status) == 0;
	if (is_there && S_ISREG(status.st_mode) && access(path, R_OK) == 0)
		return true;
	if (is_there && !S_ISREG(status.st_mode))
		snprintf(message, size, "%.400s is not a file", path);
	else
		snprintf(message, size, "%.400s cannot be read: %s", path, strerror(errno));
	return false;
}
