/* SPDX-License-Identifier: Apache-2.0
 * fuzz_archive.c - archives to restore, from outside: as they come, as what is in the compressed frame, and as a manifest alone. Property: whatever it is, it
 * is refused with a reason or whole by its own manifest, in pieces of any size; names lead nowhere outside. Nothing is written. */
#include "codec/archive.h"
#include "engine/backup/backup_unpack.h"

#include "base/str.h"

#include <stdlib.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int unpack(genops_str bytes, size_t piece)
{
	const struct genops_backup_manifest *manifest = NULL;
	struct genops_error err = {0};
	uint64_t n = 0;
	struct genops_backup_unpack *unpack = genops_backup_unpack_new(-1, &err);
	int code = unpack ? GENOPS_OK : GENOPS_NOMEM;
	for (size_t i = 0; code == GENOPS_OK && i < bytes.len; i += piece)
		code = genops_backup_unpack_feed(unpack, (genops_str){bytes.ptr + i, bytes.len - i < piece ? bytes.len - i : piece}, &err);
	if (code == GENOPS_OK)
		code = genops_backup_unpack_end(unpack, &manifest, &n, &err);
	if (code == GENOPS_OK ? !manifest : !err.message[0])
		abort();
	for (size_t i = 0; code == GENOPS_OK && i < manifest->n_entries; i++) {
		genops_str name = manifest->entries[i].name;
		if (!name.len || name.ptr[0] == '/' || genops_str_is(name, ".."))
			abort();
	}
	genops_backup_unpack_free(unpack);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str bytes = {(const char *)data, size};
	struct genops_backup_manifest manifest;
	int whole = unpack(bytes, size ? size : 1);
	if (size < 4096 && (unpack(bytes, 7) == GENOPS_OK) != (whole == GENOPS_OK))
		abort();
	size_t room = ZSTD_compressBound(size);
	char *packed = malloc(room);
	if (packed) {
		size_t n = ZSTD_compress(packed, room, data, size, 1);
		(void)unpack((genops_str){packed, n}, 4096);
	}
	free(packed);
	(void)!genops_backup_manifest_read(bytes, &manifest, NULL);
	genops_backup_manifest_done(&manifest);
	return 0;
}
