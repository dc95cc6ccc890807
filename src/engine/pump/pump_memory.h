/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_memory.h - what a destination remembers (struct genops_destination_memory), in <state>/destination-<name>.memory.
 *
 * Read when its pump starts; replaced as a whole, and only when something may have changed. One thread: the pump's. */
#ifndef ENGINE_PUMP_MEMORY_H
#define ENGINE_PUMP_MEMORY_H

#include "engine/engine.h"
#include "export/destination.h"

#define GENOPS_PUMP_MEMORY_NAME_SIZE 256

struct genops_pump_memory { /* zero: nothing is remembered */
	const struct genops_destination_memory *row;
	void *memory;
	const char *state_dir;
	char file[GENOPS_PUMP_MEMORY_NAME_SIZE];
	char host[256];
	struct genops_hash kept;     /* of what is in the file */
};

/* The file's name for a destination's. */
void genops_pump_memory_file(genops_str destination, char ret_file[GENOPS_PUMP_MEMORY_NAME_SIZE]);

/* Sets settings->memory and settings->host. NOMEM, IO. A file that is gone or damaged is one that was never there. */
GENOPS_NODISCARD int genops_pump_memory_open(struct genops_pump_memory *memory, const genops_engine *engine,
    const struct genops_destination_type *type, struct genops_destination_settings *settings, struct genops_error *err);
void genops_pump_memory_close(struct genops_pump_memory *memory);

/* FULL, IO, LIMIT, NOMEM: the file says what it said before. */
GENOPS_NODISCARD int genops_pump_memory_keep(struct genops_pump_memory *memory, struct genops_error *err);
bool genops_pump_memory_is_due(const struct genops_pump_memory *memory);

#endif
