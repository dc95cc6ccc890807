/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_archive.c - see backup_archive.h. */
#include "engine/backup/backup_archive.h"

#include "base/str.h"

#include <genops/engine.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)65536)

static int sink(void *arg, genops_str bytes, struct genops_error *err)
{
	struct genops_backup_archive *archive = arg;
	const volatile int *cancel = archive->place->cancel;
	if (cancel && __atomic_load_n((const int *)(uintptr_t)cancel, __ATOMIC_RELAXED))
		return genops_fail(err, GENOPS_BUSY, "the process ends");
	archive->bytes += bytes.len;
	return archive->place->type->bytes(archive->place, bytes, err);
}

int genops_backup_archive_begin(struct genops_backup_archive *archive, struct genops_backup_place *place,
    const struct genops_backup_about *about, struct genops_error *err)
{
	*archive = (struct genops_backup_archive){.place = place};
	genops_buffer_init(&archive->manifest, GENOPS_BACKUP_MANIFEST_MAX);
	genops_buffer_init(&archive->secrets, (size_t)1 << 20);
	genops_json_writer_init(&archive->json, &archive->manifest);
	genops_json_object_begin(&archive->json);
	genops_json_key_int(&archive->json, "format", 1);
	genops_json_key_string(&archive->json, "kind", genops_str_of(genops_backup_kind_name(about->kind)));
	genops_json_key_int(&archive->json, "time_unix_ns", about->unix_ns);
	genops_json_key_string(&archive->json, "genops", genops_str_of(genops_version()));
	genops_json_key_string(&archive->json, "host", genops_str_of(about->host));
	genops_json_key_string(&archive->json, "main", genops_str_of(about->main));
	genops_json_key(&archive->json, GENOPS_STR("files"));
	genops_json_array_begin(&archive->json);
	archive->writer = genops_archive_writer_new(sink, archive, err);
	if (!archive->writer)
		return GENOPS_NOMEM;
	return place->type->begin(place, about->name, err);
}

static void add_entry(struct genops_backup_archive *archive, genops_str name, uint64_t size, const unsigned char *hash, genops_str path)
{
	char hex[65];
	genops_str_to_hex(hash, 32, hex);
	genops_json_object_begin(&archive->json);
	genops_json_key_string(&archive->json, "name", name);
	genops_json_key_int(&archive->json, "bytes", (int64_t)size);
	genops_json_key_string(&archive->json, "sha256", genops_str_of(hex));
	if (path.len)
		genops_json_key_string(&archive->json, "path", path);
	genops_json_object_end(&archive->json);
	archive->n_files++;
}

int genops_backup_archive_text(struct genops_backup_archive *archive, genops_str name, genops_str content, genops_str path, struct genops_error *err)
{
	unsigned char hash[32];
	if (EVP_Digest(content.ptr ? content.ptr : "", content.len, hash, NULL, EVP_sha256(), NULL) != 1)
		return genops_fail(err, GENOPS_NOMEM, "an archive cannot be made: no SHA-256");
	GENOPS_TRY(genops_archive_file(archive->writer, name, content.len, err));
	GENOPS_TRY(genops_archive_bytes(archive->writer, content, err));
	add_entry(archive, name, content.len, hash, path);
	return GENOPS_OK;
}

/* `left` bytes of the file; fewer: it was cut meanwhile. */
static int copy(struct genops_backup_archive *archive, int fd, const char *path, uint64_t left, EVP_MD_CTX *hashing, struct genops_error *err)
{
	char piece[PIECE];
	while (left) {
		ssize_t n = read(fd, piece, left < sizeof piece ? (size_t)left : sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? genops_fail_errno(err, GENOPS_IO, errno, "%.400s cannot be read", path)
				 : genops_fail(err, GENOPS_BUSY, "%.400s became shorter while it was read", path);
		if (EVP_DigestUpdate(hashing, piece, (size_t)n) != 1)
			return genops_fail(err, GENOPS_NOMEM, "an archive cannot be made: no SHA-256");
		GENOPS_TRY(genops_archive_bytes(archive->writer, (genops_str){piece, (size_t)n}, err));
		left -= (uint64_t)n;
	}
	return GENOPS_OK;
}

int genops_backup_archive_file(struct genops_backup_archive *archive, genops_str name, const char *path, struct genops_error *err)
{
	struct stat status;
	unsigned char hash[32];
	int code, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return genops_fail_errno(err, errno == ENOENT ? GENOPS_NOT_FOUND : GENOPS_IO, errno, "%.400s", path);
	EVP_MD_CTX *hashing = EVP_MD_CTX_new();
	if (!hashing || EVP_DigestInit_ex(hashing, EVP_sha256(), NULL) != 1)
		code = genops_fail(err, GENOPS_NOMEM, "an archive cannot be made: no SHA-256");
	else if (fstat(fd, &status) != 0)
		code = genops_fail_errno(err, GENOPS_IO, errno, "%.400s", path);
	else
		code = genops_archive_file(archive->writer, name, (uint64_t)status.st_size, err);
	if (code == GENOPS_OK)
		code = copy(archive, fd, path, (uint64_t)status.st_size, hashing, err);
	if (code == GENOPS_OK && EVP_DigestFinal_ex(hashing, hash, NULL) != 1)
		code = genops_fail(err, GENOPS_NOMEM, "an archive cannot be made: no SHA-256");
	if (code == GENOPS_OK)
		add_entry(archive, name, (uint64_t)status.st_size, hash, (genops_str){0});
	EVP_MD_CTX_free(hashing);
	close(fd);
	return code;
}

void genops_backup_archive_secret(struct genops_backup_archive *archive, const char *variable, genops_str name, int line, genops_str key)
{
	struct genops_json_writer json;
	if (archive->n_secrets++)
		genops_buffer_add_char(&archive->secrets, ',');
	genops_json_writer_init(&json, &archive->secrets);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "variable", genops_str_of(variable));
	genops_json_key_string(&json, "file", name);
	genops_json_key_int(&json, "line", line);
	genops_json_key_string(&json, "key", key);
	genops_json_object_end(&json);
}

static int write_manifest(struct genops_backup_archive *archive, struct genops_error *err)
{
	genops_json_array_end(&archive->json);
	genops_json_key(&archive->json, GENOPS_STR("secrets"));
	genops_buffer_add_char(&archive->manifest, '[');
	genops_buffer_add(&archive->manifest, genops_buffer_view(&archive->secrets));
	genops_buffer_add_char(&archive->manifest, ']');
	genops_buffer_add_text(&archive->manifest, "}\n");
	int error = archive->manifest.error ? archive->manifest.error : archive->secrets.error;
	if (error || archive->n_files > GENOPS_BACKUP_FILES_MAX)
		return genops_fail(err, error ? error : GENOPS_LIMIT, "the archive would have too many files");
	GENOPS_TRY(genops_archive_file(archive->writer, GENOPS_STR(GENOPS_BACKUP_MANIFEST), archive->manifest.len, err));
	return genops_archive_bytes(archive->writer, genops_buffer_view(&archive->manifest), err);
}

static void done(struct genops_backup_archive *archive)
{
	genops_archive_writer_free(archive->writer);
	genops_buffer_done(&archive->manifest);
	genops_buffer_done(&archive->secrets);
	archive->writer = NULL;
}

int genops_backup_archive_end(struct genops_backup_archive *archive, struct genops_error *err)
{
	int code = write_manifest(archive, err);
	if (code == GENOPS_OK)
		code = genops_archive_end(archive->writer, err);
	if (code == GENOPS_OK)
		code = archive->place->type->commit(archive->place, err);
	if (code != GENOPS_OK)
		archive->place->type->abort(archive->place);
	done(archive);
	return code;
}

void genops_backup_archive_give_up(struct genops_backup_archive *archive)
{
	if (archive->writer)
		archive->place->type->abort(archive->place);
	done(archive);
}
