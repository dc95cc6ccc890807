/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_unpack.c - see backup_unpack.h. */
#include "engine/backup/backup_unpack.h"

#include "base/str.h"
#include "base/write.h"
#include "engine/backup/backup_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct got {
	char *name;
	uint64_t bytes;
	uint8_t sha256[32];
};

struct genops_backup_unpack {
	struct genops_archive_reader *reader;
	int folder, file;                /* -1: none */
	EVP_MD_CTX *hashing;
	bool is_manifest;                /* the file that is being read */
	bool has_manifest;
	struct genops_buffer json;
	struct genops_backup_manifest manifest;
	struct got *files;
	size_t n_files, cap;
	uint64_t bytes;
};

static int fail(const char *name, struct genops_error *err)
{
	bool is_full = errno == ENOSPC || errno == EDQUOT;
	if (errno == EEXIST || errno == ENOTDIR)
		return genops_fail(err, GENOPS_SYNTAX, "the archive is damaged: %.200s is in it twice", name);
	return genops_fail_errno(err, is_full ? GENOPS_FULL : GENOPS_IO, errno, "%.200s cannot be written", name);
}

/* The folder in which a name lies, made on the way; an owned descriptor. -1: errno. */
static int open_folder(int root, const char *name, const char **ret_last)
{
	char part[GENOPS_TAR_NAME_MAX + 1];
	int at = dup(root);
	for (const char *slash; at >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
		size_t n = (size_t)(slash - name);
		if (!n || (n == 1 && name[0] == '.'))
			continue;
		memcpy(part, name, n);
		part[n] = '\0';
		(void)mkdirat(at, part, 0700);
		int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		int failure = errno;
		close(at);
		errno = failure;
		at = next;
	}
	*ret_last = name;
	return at;
}

static int open_file(struct genops_backup_unpack *unpack, const char *name, struct genops_error *err)
{
	const char *last;
	if (unpack->folder < 0)
		return GENOPS_OK;
	int folder = open_folder(unpack->folder, name, &last);
	if (folder < 0)
		return fail(name, err);
	unpack->file = openat(folder, last, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int failure = errno;
	close(folder);
	errno = failure;
	return unpack->file < 0 ? fail(name, err) : GENOPS_OK;
}

static int add_got(struct genops_backup_unpack *unpack, genops_str name, uint64_t size, struct genops_error *err)
{
	if (unpack->n_files == GENOPS_BACKUP_FILES_MAX)
		return genops_fail(err, GENOPS_LIMIT, "the archive has more than %d files", GENOPS_BACKUP_FILES_MAX);
	if (unpack->n_files == unpack->cap) {
		size_t cap = unpack->cap ? 2 * unpack->cap : 64;
		struct got *files = realloc(unpack->files, cap * sizeof *files);
		if (!files)
			return genops_fail(err, GENOPS_NOMEM, "no memory for an archive");
		unpack->files = files;
		unpack->cap = cap;
	}
	struct got *got = &unpack->files[unpack->n_files];
	*got = (struct got){.name = strndup(name.ptr, name.len), .bytes = size};
	if (!got->name)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an archive");
	unpack->n_files++;
	return GENOPS_OK;
}

static int on_file(void *arg, genops_str name, uint64_t size, struct genops_error *err)
{
	struct genops_backup_unpack *unpack = arg;
	if (unpack->has_manifest)
		return genops_fail(err, GENOPS_SYNTAX, "the archive is none of GenOps: something follows its " GENOPS_BACKUP_MANIFEST);
	unpack->is_manifest = genops_str_is(name, GENOPS_BACKUP_MANIFEST);
	if (unpack->is_manifest) {
		unpack->has_manifest = true;
		return size <= GENOPS_BACKUP_MANIFEST_MAX ? GENOPS_OK : genops_fail(err, GENOPS_LIMIT, "the archive's " GENOPS_BACKUP_MANIFEST " is too long");
	}
	if (EVP_DigestInit_ex(unpack->hashing, EVP_sha256(), NULL) != 1)
		return genops_fail(err, GENOPS_NOMEM, "an archive cannot be checked: no SHA-256");
	GENOPS_TRY(add_got(unpack, name, size, err));
	unpack->bytes += size;
	return open_file(unpack, unpack->files[unpack->n_files - 1].name, err);
}

static int on_bytes(void *arg, genops_str bytes, struct genops_error *err)
{
	struct genops_backup_unpack *unpack = arg;
	if (unpack->is_manifest) {
		genops_buffer_add(&unpack->json, bytes);
		return unpack->json.error ? genops_fail(err, unpack->json.error, "no memory for an archive's manifest") : GENOPS_OK;
	}
	if (EVP_DigestUpdate(unpack->hashing, bytes.ptr, bytes.len) != 1)
		return genops_fail(err, GENOPS_NOMEM, "an archive cannot be checked: no SHA-256");
	return unpack->file < 0 || genops_write_all(unpack->file, bytes) ? GENOPS_OK : fail(unpack->files[unpack->n_files - 1].name, err);
}

static int on_file_end(void *arg, struct genops_error *err)
{
	struct genops_backup_unpack *unpack = arg;
	if (unpack->is_manifest)
		return genops_backup_manifest_read(genops_buffer_view(&unpack->json), &unpack->manifest, err);
	struct got *got = &unpack->files[unpack->n_files - 1];
	if (EVP_DigestFinal_ex(unpack->hashing, got->sha256, NULL) != 1)
		return genops_fail(err, GENOPS_NOMEM, "an archive cannot be checked: no SHA-256");
	if (unpack->file < 0)
		return GENOPS_OK;
	bool ok = fsync(unpack->file) == 0;
	ok = close(unpack->file) == 0 && ok;
	unpack->file = -1;
	return ok ? GENOPS_OK : fail(got->name, err);
}

static const struct genops_archive_events events = {on_file, on_bytes, on_file_end};

struct genops_backup_unpack *genops_backup_unpack_new(int folder, struct genops_error *err)
{
	struct genops_backup_unpack *unpack = calloc(1, sizeof *unpack);
	if (unpack) {
		unpack->folder = folder;
		unpack->file = -1;
		genops_buffer_init(&unpack->json, GENOPS_BACKUP_MANIFEST_MAX);
		unpack->hashing = EVP_MD_CTX_new();
		unpack->reader = genops_archive_reader_new(&events, unpack, err);
	}
	if (unpack && unpack->hashing && unpack->reader)
		return unpack;
	genops_fail(err, GENOPS_NOMEM, "no memory for an archive");
	genops_backup_unpack_free(unpack);
	return NULL;
}

void genops_backup_unpack_free(struct genops_backup_unpack *unpack)
{
	if (!unpack)
		return;
	if (unpack->file >= 0)
		close(unpack->file);
	for (size_t i = 0; i < unpack->n_files; i++)
		free(unpack->files[i].name);
	free(unpack->files);
	EVP_MD_CTX_free(unpack->hashing);
	genops_buffer_done(&unpack->json);
	genops_backup_manifest_done(&unpack->manifest);
	genops_archive_reader_free(unpack->reader);
	free(unpack);
}

int genops_backup_unpack_feed(void *unpack, genops_str bytes, struct genops_error *err)
{
	return genops_archive_feed(((struct genops_backup_unpack *)unpack)->reader, bytes, err);
}

static int by_name(const void *a, const void *b)
{
	const struct got *left = a, *right = b;
	return strcmp(left->name, right->name);
}

/* As many, none twice, each one as it was: then none is missing. */
static int compare(const struct genops_backup_unpack *unpack, struct genops_error *err)
{
	qsort(unpack->files, unpack->n_files, sizeof *unpack->files, by_name);
	for (size_t i = 0; i < unpack->n_files; i++) {
		const struct got *got = &unpack->files[i];
		const struct genops_backup_entry *entry = genops_backup_manifest_find(&unpack->manifest, genops_str_of(got->name));
		bool is_twice = i && !strcmp(got->name, unpack->files[i - 1].name);
		if (is_twice || !entry || entry->bytes != got->bytes || memcmp(entry->sha256, got->sha256, sizeof got->sha256) != 0)
			return genops_fail_fix(err, GENOPS_CORRUPT, "take another archive", "the archive is damaged: %.200s is not what was packed", got->name);
	}
	if (unpack->n_files != unpack->manifest.n_entries)
		return genops_fail_fix(err, GENOPS_CORRUPT, "take another archive", "the archive is damaged: %zu files are missing",
		    unpack->manifest.n_entries - unpack->n_files);
	return GENOPS_OK;
}

int genops_backup_unpack_end(
    struct genops_backup_unpack *unpack, const struct genops_backup_manifest **ret_manifest, uint64_t *ret_bytes, struct genops_error *err)
{
	GENOPS_TRY(genops_archive_fed(unpack->reader, err));
	if (!unpack->has_manifest)
		return genops_fail_fix(err, GENOPS_SYNTAX, "name one that genops backup made", "the archive is none of GenOps: it has no " GENOPS_BACKUP_MANIFEST);
	GENOPS_TRY(compare(unpack, err));
	*ret_manifest = &unpack->manifest;
	*ret_bytes = unpack->bytes;
	return GENOPS_OK;
}
