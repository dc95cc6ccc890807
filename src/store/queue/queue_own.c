/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue_own.c - a destination's own queue, into which what it is behind with is moved (see queue.h).
 *
 * The place in the queue that all share goes into each block as two positions of writers that cannot be: one with file, offset and entries,
 * one with the block's number. Removing takes the cursor last: whoever is killed in it begins with blocks that all have been delivered. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "store/queue/queue_state.h"

#define PLACE_PROCESS UINT32_C(0xfffffff0)
#define BLOCK_PROCESS UINT32_C(0xfffffff1)
#define SUFFIX	      ".own"

bool genops_queue_own_folder(const char *state_dir, const char *destination, char *ret_folder)
{
	char name[QUEUE_NAME_MAX];
	if (genops_queue_cursor_name(destination, name, NULL) != GENOPS_OK)
		return false;
	name[strlen(name) - strlen(".cursor")] = '\0';
	return snprintf(ret_folder, PATH_MAX, "%s/queue/%s" SUFFIX, state_dir, name) < PATH_MAX;
}

void genops_queue_own_place(const struct genops_queue_cursor *from, struct genops_segment_position ret_positions[GENOPS_QUEUE_OWN_POSITIONS])
{
	ret_positions[0] = (struct genops_segment_position){
	    .process = PLACE_PROCESS, .epoch = 1, .file = from->at.file, .offset = from->at.offset, .sequence = from->at.entries};
	ret_positions[1] = (struct genops_segment_position){.process = BLOCK_PROCESS, .epoch = 1, .sequence = from->at.block};
}

int genops_queue_own_resume(struct genops_queue *own, struct genops_queue_cursor *from, struct genops_error *err)
{
	struct queue_place place = {0};
	bool is_known = false;
	pthread_mutex_lock(&own->lock);
	for (size_t i = 0; i < own->n_positions; i++) {
		const struct genops_segment_position *position = &own->positions[i];
		if (position->process == PLACE_PROCESS) {
			place.file = position->file;
			place.offset = position->offset;
			place.entries = position->sequence;
			is_known = true;
		} else if (position->process == BLOCK_PROCESS) {
			place.block = position->sequence;
		}
	}
	pthread_mutex_unlock(&own->lock);
	if (!is_known)
		return GENOPS_OK;
	pthread_mutex_lock(&from->queue->lock);
	/* Behind the end of the queue that all share: that one was begun anew, and the place means nothing. */
	int code = GENOPS_OK;
	if (!genops_queue_is_before(genops_queue_end(from->queue), place))
		code = genops_queue_cursor_store(from, place, err);
	if (code == GENOPS_OK && genops_queue_is_before(from->at, from->acknowledged))
		from->at = from->acknowledged;
	pthread_mutex_unlock(&from->queue->lock);
	return code;
}

bool genops_queue_own_exists(const char *state_dir, const char *destination)
{
	char folder[PATH_MAX];
	struct stat info;
	return genops_queue_own_folder(state_dir, destination, folder) && stat(folder, &info) == 0 && S_ISDIR(info.st_mode);
}

static void remove_files(int dir, const char *suffix)
{
	int copy = dup(dir);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	if (!list) {
		if (copy >= 0)
			close(copy);
		return;
	}
	rewinddir(list);
	for (struct dirent *entry; (entry = readdir(list));) {
		if (genops_str_ends(genops_str_of(entry->d_name), genops_str_of(suffix)))
			unlinkat(dir, entry->d_name, 0);
	}
	closedir(list);
}

static void remove_folder(const char *folder)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return;
	remove_files(dir, ".q");
	remove_files(dir, ".cursor");
	close(dir);
	rmdir(folder);
}

void genops_queue_own_remove(const char *state_dir, const char *destination)
{
	char folder[PATH_MAX];
	if (genops_queue_own_folder(state_dir, destination, folder))
		remove_folder(folder);
}

void genops_queue_own_keep(const char *state_dir, const char *const *destinations, size_t n)
{
	char folder[PATH_MAX], path[PATH_MAX], kept[PATH_MAX];
	if (snprintf(folder, sizeof folder, "%s/queue", state_dir) >= PATH_MAX)
		return;
	DIR *list = opendir(folder);
	for (struct dirent *entry; list && (entry = readdir(list));) {
		bool is_kept = !genops_str_ends(genops_str_of(entry->d_name), GENOPS_STR(SUFFIX)) ||
			       snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= PATH_MAX;
		for (size_t i = 0; i < n && !is_kept; i++)
			is_kept = genops_queue_own_folder(state_dir, destinations[i], kept) && !strcmp(kept, path);
		if (!is_kept)
			remove_folder(path);
	}
	if (list)
		closedir(list);
}
