/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_attach.c - see counters.h: making, mapping and leaving the file; slots; starting anew.
 *
 * Everything here happens under the set-up lock, an OFD lock on byte 0. Who gets the lock on all slots' bytes at once is alone: the
 * first attacher, who may reset. A slot is a byte that its process keeps locked; the kernel unlocks it when the
 * last descriptor of that open file is gone, that is on death.
 */
#include "store/counters/counters_attach.h"

#include "base/clock.h"
#include "store/counters/counters_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME   "counters"
#define PATH_MAX_   4096
#define NONE        GENOPS_COUNTERS_NONE
#define POLL_NS     (2 * GENOPS_NS_PER_MS)
#define REPLACED_MAX 10 /* times the file may be replaced while we open it */

static const off_t file_size = (off_t)sizeof(struct genops_counters_file);

/* --- locks on bytes --- */

static int lock_bytes(int fd, short type, off_t start, off_t len)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
	return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

static off_t slot_byte(uint32_t slot)
{
	return GENOPS_COUNTERS_PROCESS_BYTE + GENOPS_COUNTERS_PROCESS_STEP * (off_t)slot;
}

bool genops_counters_attach_is_alive(const struct genops_counters *counters, uint32_t slot)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = slot_byte(slot), .l_len = 1};
	if (slot == counters->process)
		return true;
	/* If in doubt, alive: then nothing of it is given away. */
	return fcntl(counters->fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

static int lock_setup(int fd, const char *path, struct genops_error *err)
{
	int64_t until = genops_clock_monotonic_ns() + GENOPS_COUNTERS_WAIT_S * GENOPS_NS_PER_S;
	for (;;) {
		int failure = lock_bytes(fd, F_WRLCK, GENOPS_COUNTERS_SETUP_BYTE, 1);
		if (failure == 0)
			return GENOPS_OK;
		if (failure != EAGAIN && failure != EACCES && failure != EINTR)
			return genops_fail_errno(err, GENOPS_IO, failure, "%s cannot be locked", path);
		if (genops_clock_monotonic_ns() > until)
			return genops_fail_fix(err, GENOPS_BUSY, "look what that process does, or stop it",
			    "another process has been setting up %s for %d s", path, GENOPS_COUNTERS_WAIT_S);
		nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
	}
}

static void unlock_setup(int fd)
{
	(void)lock_bytes(fd, F_UNLCK, GENOPS_COUNTERS_SETUP_BYTE, 1);
}

/* --- the directory and the file --- */

static int check_private(const char *path, const struct stat *info, struct genops_error *err)
{
	char fix[256];
	if ((info->st_mode & 077) == 0)
		return GENOPS_OK;
	snprintf(fix, sizeof fix, "chmod go-rwx %.200s", path);
	return genops_fail_fix(err, GENOPS_DENIED, fix, "others than its owner may use %s (mode %04o)", path,
	    (unsigned)(info->st_mode & 07777));
}

static int check_dir(const char *state_dir, struct genops_error *err)
{
	struct stat info;
	if (stat(state_dir, &info) != 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "the state directory %s cannot be used", state_dir);
	if (!S_ISDIR(info.st_mode))
		return genops_fail(err, GENOPS_IO, "%s is not a directory", state_dir);
	return check_private(state_dir, &info, err);
}

static bool is_there(const struct genops_counters *counters)
{
	struct stat there;
	return stat(counters->path, &there) == 0 && there.st_ino == counters->inode && there.st_dev == counters->device;
}

static int open_file(struct genops_counters *counters, struct genops_error *err)
{
	struct stat info;
	int fd = open(counters->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return genops_fail_errno(err, errno == ENOSPC || errno == EDQUOT ? GENOPS_FULL : GENOPS_IO, errno,
		    "%s cannot be opened", counters->path);
	int code = fstat(fd, &info) == 0 && S_ISREG(info.st_mode)
		       ? check_private(counters->path, &info, err)
		       : genops_fail(err, GENOPS_IO, "%s is not a regular file", counters->path);
	if (code != GENOPS_OK) {
		close(fd);
		return code;
	}
	counters->fd = fd;
	counters->device = info.st_dev;
	counters->inode = info.st_ino;
	counters->fork_generation = genops_fork_generation();
	genops_fork_guard(fd);
	return GENOPS_OK;
}

static void close_file(struct genops_counters *counters)
{
	/* After a fork the number is the parent's, and closed here by the guard. */
	if (counters->fd >= 0 && counters->fork_generation == genops_fork_generation()) {
		genops_fork_unguard(counters->fd);
		close(counters->fd); /* unlocks the slot */
	}
	counters->fd = -1;
}

/* Opens and takes the set-up lock of the file that is in the directory now. */
static int open_locked(struct genops_counters *counters, struct genops_error *err)
{
	for (int i = 0; i < REPLACED_MAX; i++) {
		GENOPS_TRY(open_file(counters, err));
		GENOPS_TRY(lock_setup(counters->fd, counters->path, err));
		if (is_there(counters))
			return GENOPS_OK;
		close_file(counters);
	}
	return genops_fail(err, GENOPS_BUSY, "%s is replaced again and again", counters->path);
}

/* All of it on disk: a full disk must not show as SIGBUS later. */
static int allocate(int fd, const char *path, struct genops_error *err)
{
	int failure;
	do {
		failure = posix_fallocate(fd, 0, file_size);
	} while (failure == EINTR);
	if (failure == 0)
		return GENOPS_OK;
	(void)!ftruncate(fd, 0);
	if (failure == ENOSPC || failure == EDQUOT || failure == EFBIG)
		return genops_fail_fix(err, GENOPS_FULL, "free some space, or set `state` to another disk",
		    "there is no room for %s (%lld bytes)", path, (long long)file_size);
	return genops_fail_errno(err, GENOPS_IO, failure, "%s cannot be allocated", path);
}

/* By an open description of its own: a mapping holds on to its description, and a forked child inherits the mapping. With the
 * one that has the locks, a parent would seem to live as long as its children. */
static int map(struct genops_counters *counters, struct genops_error *err)
{
	struct stat info;
	int fd = open(counters->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "%s cannot be opened", counters->path);
	void *at = MAP_FAILED;
	errno = ESTALE;
	if (fstat(fd, &info) == 0 && info.st_ino == counters->inode && info.st_dev == counters->device)
		at = mmap(NULL, sizeof *counters->file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int failure = errno;
	close(fd);
	if (at == MAP_FAILED)
		return genops_fail_errno(err, failure == ENOMEM ? GENOPS_NOMEM : GENOPS_IO, failure, "%s cannot be mapped",
		    counters->path);
	counters->file = at;
	return GENOPS_OK;
}

/* --- the first attacher --- */

static bool is_readable(int fd)
{
	struct genops_counters_header header;
	struct stat info;
	const size_t n = offsetof(struct genops_counters_header, hash_seed);
	return fstat(fd, &info) == 0 && info.st_size == file_size && pread(fd, &header, n, 0) == (ssize_t)n &&
	       memcmp(header.magic, GENOPS_COUNTERS_MAGIC, sizeof header.magic) == 0 &&
	       header.layout == GENOPS_COUNTERS_LAYOUT && header.file_size == (uint64_t)file_size;
}

static int init_mutex(struct genops_counters_header *header, struct genops_error *err)
{
	pthread_mutexattr_t attributes;
	memset(&header->lock, 0, sizeof header->lock);
	int failure = pthread_mutexattr_init(&attributes);
	if (failure == 0) {
		failure = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
		if (failure == 0)
			failure = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
		if (failure == 0)
			failure = pthread_mutex_init(&header->lock.mutex, &attributes);
		pthread_mutexattr_destroy(&attributes);
	}
	return failure ? genops_fail_errno(err, GENOPS_IO, failure, "no process-shared mutex") : GENOPS_OK;
}

/* What of the old file is kept: how often a drain was asked for, the slots' epochs, and the leases with the budgets they name, all of them
 * dead, for reap. */
static int reset(struct genops_counters *counters, const char *state_dir, struct genops_error *err)
{
	struct genops_counters_file *file = counters->file;
	struct genops_counters_header *header = &file->header;
	uint64_t now_ms = (uint64_t)(genops_clock_unix_ns() / GENOPS_NS_PER_MS);
	genops_counters_lock_undo(file);
	GENOPS_TRY(init_mutex(header, err));
	GENOPS_TRY(genops_counters_seed_load(state_dir, header->hash_seed, &header->hash_seed, err));
	if (header->n_budgets > GENOPS_COUNTERS_BUDGETS)
		header->n_budgets = 0;
	/* The clock too, since after a power failure an old page may be back, and segments bear the epoch in their names. */
	if (header->next_epoch < now_ms)
		header->next_epoch = now_ms;
	header->now_unix_ns = 0;
	header->n_starts++;
	for (uint32_t slot = 0; slot < GENOPS_COUNTERS_PROCESSES; slot++) {
		uint64_t epoch = file->processes[slot].epoch;
		file->processes[slot].dead_epoch = epoch;
		if (header->next_epoch <= epoch)
			header->next_epoch = epoch + 1;
	}
	genops_counters_table_wipe_buckets(file);
	genops_counters_table_relink_leases(file);
	if (!header->n_leases)
		genops_counters_table_wipe_budgets(file);
	header->layout = GENOPS_COUNTERS_LAYOUT;
	header->file_size = (uint64_t)file_size;
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(header->magic, GENOPS_COUNTERS_MAGIC, sizeof header->magic);
	counters->is_setting_up = true;
	counters->is_wiped = !header->n_leases;
	return GENOPS_OK;
}

static int make_first(struct genops_counters *counters, const char *state_dir, struct genops_error *err)
{
	if (!is_readable(counters->fd) && ftruncate(counters->fd, 0) != 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "%s cannot be emptied", counters->path);
	GENOPS_TRY(allocate(counters->fd, counters->path, err));
	GENOPS_TRY(map(counters, err));
	return reset(counters, state_dir, err);
}

static int make_further(struct genops_counters *counters, struct genops_error *err)
{
	uint32_t layout = 0;
	if (is_readable(counters->fd))
		return map(counters, err);
	if (pread(counters->fd, &layout, sizeof layout, offsetof(struct genops_counters_header, layout)) ==
		(ssize_t)sizeof layout &&
	    layout != 0 && layout != GENOPS_COUNTERS_LAYOUT)
		return genops_fail_fix(err, GENOPS_BUSY, "stop those processes, then start again",
		    "processes of another version of GenOps use %s (its layout is %u, mine %d)", counters->path, layout,
		    GENOPS_COUNTERS_LAYOUT);
	return genops_fail_fix(err, GENOPS_CORRUPT,
	    "stop all processes that use this state directory and start again: it is rebuilt from the ledger",
	    "%s is cut short or overwritten while processes use it", counters->path);
}

/* --- slots --- */

static int take_slot(struct genops_counters *counters, struct genops_error *err)
{
	int fd = counters->fd;
	for (uint32_t slot = 0; slot < GENOPS_COUNTERS_PROCESSES; slot++) {
		if (lock_bytes(fd, F_WRLCK, slot_byte(slot), 1) != 0)
			continue;
		if (!genops_counters_lock_take(counters)) {
			(void)lock_bytes(fd, F_UNLCK, slot_byte(slot), 1);
			return genops_fail(err, GENOPS_CORRUPT, "the lock of the shared counters cannot be taken");
		}
		/* Leases of the slot's earlier lives have smaller epochs and stay theirs. */
		struct genops_counters_process *process = &counters->file->processes[slot];
		counters->epoch = counters->file->header.next_epoch++;
		counters->process = slot;
		process->epoch = counters->epoch;
		process->pid = (uint32_t)getpid();
		genops_counters_lock_leave(counters);
		return GENOPS_OK;
	}
	return genops_fail_fix(err, GENOPS_LIMIT, "stop some of them; `genops status` lists them",
	    "%d processes are attached to %s, more is not possible", GENOPS_COUNTERS_PROCESSES, counters->path);
}

static int attach(struct genops_counters *counters, const char *state_dir, struct genops_error *err)
{
	const off_t all = GENOPS_COUNTERS_PROCESS_STEP * GENOPS_COUNTERS_PROCESSES;
	int failure = lock_bytes(counters->fd, F_WRLCK, GENOPS_COUNTERS_PROCESS_BYTE, all);
	if (failure != 0 && failure != EAGAIN && failure != EACCES)
		return genops_fail_errno(err, GENOPS_IO, failure, "%s cannot be locked", counters->path);
	if (failure == 0) {
		GENOPS_TRY(make_first(counters, state_dir, err));
		(void)lock_bytes(counters->fd, F_UNLCK, GENOPS_COUNTERS_PROCESS_BYTE, all);
	} else {
		GENOPS_TRY(make_further(counters, err));
	}
	GENOPS_TRY(take_slot(counters, err));
	if (!counters->is_setting_up)
		unlock_setup(counters->fd);
	return GENOPS_OK;
}

/* --- the interface --- */

int genops_counters_open(const char *state_dir, struct genops_counters **ret_counters, bool *ret_is_first,
    struct genops_error *err)
{
	GENOPS_TRY(check_dir(state_dir, err));
	size_t size = strlen(state_dir) + sizeof "/" FILE_NAME;
	struct genops_counters *counters = size <= PATH_MAX_ ? calloc(1, sizeof *counters) : NULL;
	char *path = counters ? malloc(size) : NULL;
	if (!path) {
		free(counters);
		return size <= PATH_MAX_ ? genops_fail(err, GENOPS_NOMEM, "no memory for the counters")
					 : genops_fail(err, GENOPS_LIMIT, "the path of the state directory is too long");
	}
	snprintf(path, size, "%s/" FILE_NAME, state_dir);
	*counters = (struct genops_counters){.fd = -1, .process = NONE, .path = path};
	int code = open_locked(counters, err);
	if (code == GENOPS_OK)
		code = attach(counters, state_dir, err);
	if (code != GENOPS_OK) {
		genops_counters_close(counters);
		return code;
	}
	*ret_counters = counters;
	*ret_is_first = counters->is_setting_up;
	return GENOPS_OK;
}

static int attach_again(struct genops_counters *counters, dev_t device, ino_t inode, struct genops_error *err)
{
	GENOPS_TRY(open_locked(counters, err));
	if (counters->inode != inode || counters->device != device)
		return genops_fail_fix(err, GENOPS_CORRUPT, "start this process again", "%s was replaced", counters->path);
	GENOPS_TRY(take_slot(counters, err));
	unlock_setup(counters->fd);
	return GENOPS_OK;
}

int genops_counters_after_fork(struct genops_counters *counters, struct genops_error *err)
{
	if (counters->is_setting_up)
		return genops_fail(err, GENOPS_MISUSE, "fork only after genops_counters_ready");
	counters->process = NONE;
	close_file(counters);
	/* An open description of its own, since locks belong to descriptions; but the memory is already mapped. */
	int code = attach_again(counters, counters->device, counters->inode, err);
	if (code != GENOPS_OK) {
		counters->process = NONE;
		close_file(counters);
	}
	return code;
}

void genops_counters_close(struct genops_counters *counters)
{
	if (!counters)
		return;
	if (counters->file)
		munmap(counters->file, sizeof *counters->file);
	close_file(counters);
	free(counters->path);
	free(counters);
}

int genops_counters_check(const struct genops_counters *counters, struct genops_error *err)
{
	struct stat info;
	if (fstat(counters->fd, &info) == 0 && info.st_size >= file_size && is_there(counters))
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_CORRUPT,
	    "stop all processes that use this state directory and start again: it is rebuilt from the ledger",
	    "%s was replaced, removed or cut short while it is in use", counters->path);
}

/* --- restoring --- */

int genops_counters_restore(struct genops_counters *counters, struct genops_hash key, genops_str label,
    enum genops_period period, int64_t start_unix_s, int64_t end_unix_s, int64_t consumed_nano_usd, struct genops_error *err)
{
	struct genops_counters_file *file = counters->file;
	if (!counters->is_setting_up || (unsigned)period >= GENOPS_PERIOD_N || consumed_nano_usd < 0)
		return genops_fail(err, GENOPS_MISUSE, "only the first attacher restores, before it is ready");
	if (!genops_counters_lock_take(counters))
		return genops_fail(err, GENOPS_CORRUPT, "the lock of the shared counters cannot be taken");
	if (!counters->is_wiped && file->header.n_leases == 0) {
		genops_counters_table_wipe_budgets(file);
		counters->is_wiped = true;
	}
	int code = GENOPS_OK;
	uint32_t index = NONE;
	if (!counters->is_wiped)
		code = genops_fail_fix(err, GENOPS_MISUSE, "drain, reap, drain again, restore, ready",
		    "%u calls of processes that died are not reaped yet", file->header.n_leases);
	else
		index = genops_counters_table_add_budget(file, key, label, start_unix_s);
	if (index != NONE) {
		struct genops_budget_line *line = &file->budgets[index].cell.lines[period];
		genops_counters_lock_save(file, line, sizeof *line);
		*line = (struct genops_budget_line){.period_start_unix_s = start_unix_s,
		    .period_end_unix_s = end_unix_s, .consumed_nano_usd = consumed_nano_usd, .is_restored = 1};
	} else if (code == GENOPS_OK) {
		code = genops_fail_fix(err, GENOPS_LIMIT, "use fewer attributes in `per`, or shorter windows",
		    "all %d budget counters are in use", GENOPS_COUNTERS_BUDGETS);
	}
	genops_counters_lock_leave(counters);
	return code;
}

/* Leases that were not reaped keep their evidence, but name no budgets: what they hold is gone. */
static void forget_budgets(struct genops_counters_file *file)
{
	for (uint32_t index = 0; index < file->header.leases_used; index++)
		file->leases[index].n_budgets = 0;
	genops_counters_table_wipe_budgets(file);
}

void genops_counters_ready(struct genops_counters *counters)
{
	if (!counters->is_setting_up)
		return;
	if (!counters->is_wiped && genops_counters_lock_take(counters)) {
		forget_budgets(counters->file);
		genops_counters_lock_leave(counters);
	}
	counters->is_setting_up = false;
	unlock_setup(counters->fd);
}
