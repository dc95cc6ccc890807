/* SPDX-License-Identifier: Apache-2.0
 * export/file/file_memory.h - what the type file remembers: how long the file is as it left it, and which batches it has written. Pure. */
#ifndef EXPORT_FILE_MEMORY_H
#define EXPORT_FILE_MEMORY_H

#include "base/hash.h"
#include "export/destination.h"

#define GENOPS_FILE_MEMORY_BATCHES 512 /* more requests than a gathered batch has */

struct genops_file_memory {
	uint64_t inode;
	int64_t len;                    /* 0: nothing yet */
	int64_t first_ns;               /* of the first thing in the file */
	uint64_t n_rotated;
	size_t n_written;               /* ever; the last ones are in `written` */
	struct genops_hash written[GENOPS_FILE_MEMORY_BATCHES];
	/* of the request that is on its way */
	struct genops_hash next;
	int64_t next_first_ns;
	bool is_rotating, is_known;
};

extern const struct genops_destination_memory genops_file_memory_row;

/* Content, and which items it is of: two batches may say the same. */
struct genops_hash genops_file_batch_hash(const struct genops_destination_batch *batch, genops_str content);
/* Was that batch written? If not, it is the one that is on its way. */
bool genops_file_memory_knows(struct genops_file_memory *memory, struct genops_hash batch);
/* What is on its way is there. */
void genops_file_memory_sent(struct genops_file_memory *memory, const struct genops_response *response);

#endif
