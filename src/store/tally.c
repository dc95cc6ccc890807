/* SPDX-License-Identifier: Apache-2.0
 * store/tally.c - see tally.h. A table with open addressing; a place is claimed once and never given back.
 *
 * A place goes from free over claimed to ready; its name is written in between, by who claimed it. Killed there, the place stays claimed and
 * is passed over by everybody: one of many is lost.
 */
#include "store/tally.h"

#include "base/hash.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TALLY_MAGIC UINT64_C(0x314c4154504f4e47) /* "GNOPTAL1": another layout has another one */
#define N_PLACES    512                          /* twice the series: short ways; 131 kB */
#define SPINS_MAX   10000                        /* who has claimed a place names it at once, or is dead */

enum place_state { PLACE_FREE, PLACE_CLAIMED, PLACE_READY };

struct place {
	_Atomic uint64_t value;
	_Atomic uint32_t state;
	uint32_t len;
	char name[GENOPS_TALLY_NAME_MAX + 8];
};

struct table {
	_Atomic uint64_t magic;
	_Atomic uint32_t n_claimed;
	uint32_t unused;
	char reserved[240];
	struct place places[N_PLACES];
};
static_assert(sizeof(struct place) == 256, "the layout is fixed");

struct genops_tally {
	struct table *table;
};

/* Locked: is it a table, or can it become one? Returns an errno; ESTALE: open it again. Bytes that others may have mapped are never cut off. */
static int prepare(int fd, const char *path)
{
	struct stat info;
	uint64_t magic = 0;
	if (fstat(fd, &info) != 0)
		return errno;
	if (!info.st_nlink)
		return ESTALE; /* somebody replaced it while this process waited for the lock */
	if (info.st_size == (off_t)sizeof(struct table) && pread(fd, &magic, sizeof magic, 0) == sizeof magic && magic == TALLY_MAGIC)
		return 0;
	if (info.st_size) /* of another layout, or cut off: begun anew, as Prometheus expects of counters */
		return unlink(path) == 0 ? ESTALE : errno;
	int error = posix_fallocate(fd, 0, sizeof(struct table));
	magic = TALLY_MAGIC;
	if (!error && pwrite(fd, &magic, sizeof magic, 0) != sizeof magic)
		error = EIO;
	if (error)
		(void)unlink(path);
	return error;
}

static int map_once(const char *path, struct table **ret_table)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	int error = flock(fd, LOCK_EX) == 0 ? prepare(fd, path) : errno;
	void *map = error ? MAP_FAILED : mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!error && map == MAP_FAILED)
		error = errno;
	(void)flock(fd, LOCK_UN); /* not left to close: the mapping keeps the file open, and the lock with it */
	close(fd);
	if (!error)
		*ret_table = map;
	return error;
}

static int map_table(const char *path, struct table **ret_table)
{
	int error = ESTALE;
	for (int i = 0; i < 10 && error == ESTALE; i++)
		error = map_once(path, ret_table);
	return error;
}

struct genops_tally *genops_tally_open(const char *state_dir, struct genops_error *err)
{
	char path[PATH_MAX];
	struct genops_tally *tally = calloc(1, sizeof *tally);
	if (!tally) {
		genops_fail(err, GENOPS_NOMEM, "no memory for the counters");
		return NULL;
	}
	int n = snprintf(path, sizeof path, "%s/tally", state_dir);
	int error = n > 0 && (size_t)n < sizeof path ? map_table(path, &tally->table) : ENAMETOOLONG;
	if (!error)
		return tally;
	bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
	genops_fail_errno(err, is_full ? GENOPS_FULL : GENOPS_IO, error, "the counters in %s cannot be used", path);
	free(tally);
	return NULL;
}

void genops_tally_close(struct genops_tally *tally)
{
	if (!tally)
		return;
	munmap(tally->table, sizeof *tally->table);
	free(tally);
}

static bool is_named(const struct place *place, genops_str name)
{
	return place->len == name.len && memcmp(place->name, name.ptr, name.len) == 0;
}

/* False: somebody else was faster. */
static bool claim(struct table *table, struct place *place, genops_str name)
{
	uint32_t expected = PLACE_FREE;
	if (!atomic_compare_exchange_strong(&place->state, &expected, PLACE_CLAIMED))
		return false;
	atomic_fetch_add_explicit(&table->n_claimed, 1, memory_order_relaxed);
	memcpy(place->name, name.ptr, name.len);
	place->len = (uint32_t)name.len;
	atomic_store_explicit(&place->state, PLACE_READY, memory_order_release);
	return true;
}

static struct place *find(struct table *table, genops_str name)
{
	bool is_other = genops_str_is(name, GENOPS_TALLY_OTHER);
	size_t at = (size_t)(genops_hash_checksum(name.ptr, name.len, 0) % N_PLACES);
	for (size_t i = 0; i < N_PLACES; i++, at = (at + 1) % N_PLACES) {
		struct place *place = &table->places[at];
		uint32_t state = atomic_load_explicit(&place->state, memory_order_acquire);
		if (state == PLACE_FREE) {
			if (atomic_load_explicit(&table->n_claimed, memory_order_relaxed) >= GENOPS_TALLY_SERIES_MAX &&
			    !is_other)
				return NULL;
			if (claim(table, place, name))
				return place;
			state = PLACE_CLAIMED;
		}
		for (int spins = 0; spins < SPINS_MAX && state == PLACE_CLAIMED; spins++)
			state = atomic_load_explicit(&place->state, memory_order_acquire);
		if (state == PLACE_READY && is_named(place, name))
			return place;
	}
	return NULL;
}

void genops_tally_add(struct genops_tally *tally, genops_str name, uint64_t n)
{
	if (!tally || !n)
		return;
	if (name.len > GENOPS_TALLY_NAME_MAX)
		name = GENOPS_STR(GENOPS_TALLY_OTHER);
	struct place *place = find(tally->table, name);
	if (!place)
		place = find(tally->table, GENOPS_STR(GENOPS_TALLY_OTHER));
	if (place)
		atomic_fetch_add_explicit(&place->value, n, memory_order_relaxed);
}

void genops_tally_each(const struct genops_tally *tally, void (*fn)(void *arg, genops_str name, uint64_t value), void *arg)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		const struct place *place = &tally->table->places[i];
		if (atomic_load_explicit(&place->state, memory_order_acquire) != PLACE_READY || place->len > GENOPS_TALLY_NAME_MAX)
			continue;
		fn(arg, (genops_str){place->name, place->len}, atomic_load_explicit(&place->value, memory_order_relaxed));
	}
}
