/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_memory.c - see pump_memory.h. */
#include "engine/pump/pump_memory.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "store/state_file.h"

#include <stdio.h>
#include <unistd.h>

/* Names are free texts: what is not plain is written %2F. Long ones end in their hash, so that they stay apart. */
void genops_pump_memory_file(genops_str destination, char ret_file[GENOPS_PUMP_MEMORY_NAME_SIZE])
{
	size_t at = (size_t)snprintf(ret_file, GENOPS_PUMP_MEMORY_NAME_SIZE, "destination-");
	for (size_t i = 0; i < destination.len && at < 200; i++) {
		unsigned char c = (unsigned char)destination.ptr[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
		at += (size_t)snprintf(ret_file + at, GENOPS_PUMP_MEMORY_NAME_SIZE - at, is_plain ? "%c" : "%%%02X", c);
	}
	if (at >= 200)
		at += (size_t)snprintf(ret_file + at, GENOPS_PUMP_MEMORY_NAME_SIZE - at, "-%016llx",
		    (unsigned long long)genops_hash_checksum(destination.ptr, destination.len, 0));
	snprintf(ret_file + at, GENOPS_PUMP_MEMORY_NAME_SIZE - at, ".memory");
}

int genops_pump_memory_open(struct genops_pump_memory *memory, const genops_engine *engine, const struct genops_destination_type *type,
    struct genops_destination_settings *settings, struct genops_error *err)
{
	struct genops_buffer kept;
	if (gethostname(memory->host, sizeof memory->host) != 0)
		memory->host[0] = '\0';
	memory->host[sizeof memory->host - 1] = '\0';
	settings->host = genops_str_of(memory->host);
	if (!type->memory)
		return GENOPS_OK;
	memory->state_dir = engine->state_dir;
	genops_pump_memory_file(settings->name, memory->file);
	int code = genops_state_file_read(memory->state_dir, memory->file, GENOPS_DESTINATION_MEMORY_MAX, &kept, err);
	if (code == GENOPS_OK || code == GENOPS_NOT_FOUND || code == GENOPS_LIMIT) {
		genops_str text = code == GENOPS_OK ? genops_buffer_view(&kept) : (genops_str){0};
		memory->kept = genops_hash_of(text, 0);
		memory->memory = type->memory->open(settings, text);
		code = memory->memory ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for what a destination remembers");
	}
	genops_buffer_done(&kept);
	if (code != GENOPS_OK)
		return code;
	memory->row = type->memory;
	settings->memory = memory->memory;
	return GENOPS_OK;
}

void genops_pump_memory_close(struct genops_pump_memory *memory)
{
	if (memory->row)
		memory->row->close(memory->memory);
	memory->row = NULL;
}

int genops_pump_memory_keep(struct genops_pump_memory *memory, struct genops_error *err)
{
	struct genops_buffer text;
	if (!memory->row)
		return GENOPS_OK;
	genops_buffer_init(&text, GENOPS_DESTINATION_MEMORY_MAX);
	memory->row->keep(memory->memory, &text);
	struct genops_hash now = genops_hash_of(genops_buffer_view(&text), 0);
	int code = GENOPS_OK;
	if (text.error)
		code = genops_fail(err, text.error, "what this destination remembers does not fit into %zu MiB",
		    GENOPS_DESTINATION_MEMORY_MAX >> 20);
	else if (!genops_hash_equal(now, memory->kept))
		code = genops_state_file_write(memory->state_dir, memory->file, genops_buffer_view(&text), err);
	if (code == GENOPS_OK)
		memory->kept = now;
	genops_buffer_done(&text);
	return code;
}

bool genops_pump_memory_is_due(const struct genops_pump_memory *memory)
{
	return memory->row && memory->row->due && memory->row->due(memory->memory) <= genops_clock_unix_ns();
}
