/* SPDX-License-Identifier: Apache-2.0
 * codec/tar.c - see tar.h. POSIX.1-1988 ustar: a block of 512 bytes a header, then the content, filled up to a block. */
#include "codec/tar.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

#define BLOCK    GENOPS_TAR_BLOCK
#define SIZE_MAX_OCTAL ((size_t)1 << 33)

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2], user[32], group[32],
	    major[8], minor[8], prefix[155], pad[12];
};

static unsigned checksum_of(const struct header *header)
{
	const unsigned char *bytes = (const void *)header;
	size_t from = offsetof(struct header, checksum);
	unsigned sum = 0;
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= from && i < from + sizeof header->checksum ? ' ' : bytes[i];
	return sum;
}

/* --- writing --- */

/* A long name is cut at a "/" into prefix and name. */
static bool put_name(struct header *header, genops_str name)
{
	if (name.len <= sizeof header->name) {
		memcpy(header->name, name.ptr, name.len);
		return name.len > 0;
	}
	for (size_t i = name.len - sizeof header->name - 1; i < name.len && i <= sizeof header->prefix; i++) {
		if (name.ptr[i] != '/' || !i || i + 1 == name.len)
			continue;
		memcpy(header->prefix, name.ptr, i);
		memcpy(header->name, name.ptr + i + 1, name.len - i - 1);
		return true;
	}
	return false;
}

static void pad(struct genops_buffer *out, size_t n)
{
	static const char zeros[512];
	genops_buffer_add(out, (genops_str){zeros, n});
}

static bool make_header(struct header *header, genops_str name, uint64_t size)
{
	*header = (struct header){.type = '0', .mode = "0000644", .uid = "0000000", .gid = "0000000", .mtime = "00000000000", .magic = "ustar", .version = {'0', '0'}};
	if (!put_name(header, name) || size > GENOPS_TAR_SIZE_MAX)
		return false;
	snprintf(header->size, sizeof header->size, "%011" PRIo64, size);
	snprintf(header->checksum, sizeof header->checksum, "%06o", checksum_of(header));
	header->checksum[7] = ' ';
	return true;
}

int genops_tar_header_make(genops_str name, uint64_t size, char ret_block[GENOPS_TAR_BLOCK], struct genops_error *err)
{
	struct header header;
	if (!make_header(&header, name, size))
		return genops_fail(err, GENOPS_LIMIT, "%.*s does not fit into an archive: its name is too long, or it is over 8 GiB",
		    (int)(name.len < 200 ? name.len : 200), name.ptr);
	memcpy(ret_block, &header, BLOCK);
	return GENOPS_OK;
}

void genops_tar_add(struct genops_buffer *out, genops_str name, genops_str content)
{
	struct header header;
	if (!make_header(&header, name, content.len)) {
		out->error = out->error ? out->error : GENOPS_LIMIT;
		return;
	}
	genops_buffer_add(out, (genops_str){(const char *)&header, BLOCK});
	genops_buffer_add(out, content);
	pad(out, (BLOCK - content.len % BLOCK) % BLOCK);
}

void genops_tar_end(struct genops_buffer *out)
{
	pad(out, BLOCK);
	pad(out, BLOCK);
}

/* --- reading --- */

void genops_tar_reader_init(struct genops_tar_reader *reader, genops_str archive)
{
	reader->rest = archive;
	reader->name[0] = '\0';
}

/* Octal digits up to a blank or NUL; GNU's binary sizes are for files that nobody has here. */
static bool read_octal(const char *field, size_t size, size_t *ret)
{
	size_t value = 0, i = 0;
	while (i < size && field[i] == ' ')
		i++;
	for (; i < size && field[i] && field[i] != ' '; i++) {
		if (field[i] < '0' || field[i] > '7' || value >= SIZE_MAX_OCTAL)
			return false;
		value = value * 8 + (size_t)(field[i] - '0');
	}
	*ret = value;
	return true;
}

static genops_str field_text(const char *field, size_t size)
{
	return (genops_str){field, strnlen(field, size)};
}

static bool is_safe(genops_str name)
{
	genops_str rest = name;
	if (!name.len || name.ptr[0] == '/')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == '\\' || name.ptr[i] == 0x7f)
			return false;
	}
	while (rest.ptr) {
		if (genops_str_is(genops_str_split(&rest, '/'), ".."))
			return false;
	}
	return genops_str_is_utf8(name);
}

static int set_name(struct genops_tar_reader *reader, genops_str prefix, genops_str name, struct genops_error *err)
{
	if (prefix.len + name.len + 1 > GENOPS_TAR_NAME_MAX)
		return genops_fail(err, GENOPS_LIMIT, "a name in the archive is over %d bytes", GENOPS_TAR_NAME_MAX);
	snprintf(reader->name, sizeof reader->name, "%.*s%s%.*s", GENOPS_STR_ARG(prefix), prefix.len ? "/" : "", GENOPS_STR_ARG(name));
	return GENOPS_OK;
}

/* "27 path=...\n" among the records of a pax header. */
static int read_pax(struct genops_tar_reader *reader, genops_str records, struct genops_error *err)
{
	while (records.len) {
		size_t len = 0, digits = 0;
		while (digits < records.len && digits < 7 && records.ptr[digits] >= '0' && records.ptr[digits] <= '9')
			len = len * 10 + (size_t)(records.ptr[digits++] - '0');
		if (!digits || digits == records.len || records.ptr[digits] != ' ' || len <= digits + 1 || len > records.len)
			return genops_fail(err, GENOPS_SYNTAX, "a pax header of the archive is damaged");
		genops_str record = {records.ptr + digits + 1, len - digits - 2};
		records = genops_str_skip(records, len);
		if (genops_str_starts(record, GENOPS_STR("path=")))
			GENOPS_TRY(set_name(reader, (genops_str){0}, genops_str_skip(record, 5), err));
	}
	return GENOPS_OK;
}

static bool is_whole(const struct header *header, size_t *ret_size)
{
	size_t checksum;
	return read_octal(header->checksum, sizeof header->checksum, &checksum) && checksum == checksum_of(header) &&
	       read_octal(header->size, sizeof header->size, ret_size);
}

/* The header that comes next and what belongs to it; type 0: the end. */
static int read_block(struct genops_tar_reader *reader, struct header *header, genops_str *ret_content, struct genops_error *err)
{
	size_t size;
	header->type = 0;
	if (!reader->rest.len)
		return GENOPS_OK; /* without its two empty blocks: also fine */
	if (reader->rest.len < BLOCK)
		return genops_fail(err, GENOPS_SYNTAX, "the archive is cut off");
	memcpy(header, reader->rest.ptr, BLOCK);
	reader->rest = genops_str_skip(reader->rest, BLOCK);
	if (!header->name[0] && !header->size[0]) {
		header->type = 0;
		return GENOPS_OK;
	}
	if (!is_whole(header, &size))
		return genops_fail(err, GENOPS_SYNTAX, "the archive is damaged: a header does not fit its checksum");
	if (size > reader->rest.len)
		return genops_fail(err, GENOPS_SYNTAX, "the archive is cut off");
	*ret_content = (genops_str){reader->rest.ptr, size};
	size_t whole = size + (BLOCK - size % BLOCK) % BLOCK;
	reader->rest = genops_str_skip(reader->rest, whole < reader->rest.len ? whole : reader->rest.len);
	if (!header->type)
		header->type = '0';
	return GENOPS_OK;
}

int genops_tar_header_read(const char block[GENOPS_TAR_BLOCK], char ret_name[GENOPS_TAR_NAME_MAX + 1], uint64_t *ret_size, struct genops_error *err)
{
	struct header header;
	size_t size;
	memcpy(&header, block, BLOCK);
	if (!header.name[0] && !header.size[0])
		return 0;
	if (!is_whole(&header, &size))
		return genops_fail(err, GENOPS_SYNTAX, "the archive is damaged: a header does not fit its checksum");
	if (header.type && header.type != '0')
		return genops_fail_fix(err, GENOPS_UNSUPPORTED, "pack plain files only", "the archive holds something that is no plain file: %.100s", header.name);
	genops_str prefix = memcmp(header.magic, "ustar", 6) == 0 ? field_text(header.prefix, sizeof header.prefix) : (genops_str){0};
	genops_str name = field_text(header.name, sizeof header.name);
	snprintf(ret_name, GENOPS_TAR_NAME_MAX + 1, "%.*s%s%.*s", GENOPS_STR_ARG(prefix), prefix.len ? "/" : "", GENOPS_STR_ARG(name));
	if (prefix.len + name.len + 1 > GENOPS_TAR_NAME_MAX || !is_safe(genops_str_of(ret_name)))
		return genops_fail(err, GENOPS_UNSUPPORTED, "a name in the archive leads outside of it, or is no text: %.100s", ret_name);
	*ret_size = size;
	return 1;
}

static int take_name(struct genops_tar_reader *reader, const struct header *header, struct genops_error *err)
{
	genops_str prefix = memcmp(header->magic, "ustar", 6) == 0 ? field_text(header->prefix, sizeof header->prefix) : (genops_str){0};
	return set_name(reader, prefix, field_text(header->name, sizeof header->name), err);
}

int genops_tar_next(struct genops_tar_reader *reader, genops_str *ret_name, genops_str *ret_content, struct genops_error *err)
{
	struct header header;
	bool has_name = false; /* from a header before */
	for (;;) {
		GENOPS_TRY(read_block(reader, &header, ret_content, err));
		if (!header.type)
			return 0;
		if (header.type == 'x' || header.type == 'L') {
			reader->name[0] = '\0';
			genops_str text = {ret_content->ptr, strnlen(ret_content->ptr, ret_content->len)};
			GENOPS_TRY(header.type == 'x' ? read_pax(reader, *ret_content, err) : set_name(reader, (genops_str){0}, text, err));
			has_name = reader->name[0] != '\0';
			continue;
		}
		if (header.type == 'g' || header.type == '5') {
			has_name = false;
			continue;
		}
		if (!has_name)
			GENOPS_TRY(take_name(reader, &header, err));
		genops_str name = genops_str_of(reader->name);
		while (genops_str_starts(name, GENOPS_STR("./")))
			name = genops_str_skip(name, 2);
		if (header.type != '0' && header.type != '7')
			return genops_fail_fix(err, GENOPS_UNSUPPORTED, "pack plain files only", "the archive holds something that is no plain file: %.100s", reader->name);
		if (!is_safe(name))
			return genops_fail(err, GENOPS_UNSUPPORTED, "a name in the archive leads outside of it, or is no text: %.100s", reader->name);
		*ret_name = name;
		return 1;
	}
}
