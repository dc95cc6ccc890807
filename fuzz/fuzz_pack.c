/* SPDX-License-Identifier: Apache-2.0
 * fuzz_pack.c - Cribl packs from outside: as they come (gzip around tar), as bare tar, and as one conf.yml in an otherwise good pack. Property: nothing
 * of a pack leads out of it, and every pipeline that an import writes and does not complain of is one that loads. */
#include "base/str.h"
#include "codec/tar.h"
#include "pipeline/pack/pack.h"
#include "pipeline/pipeline.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_document(const struct genops_pack_file *file)
{
	struct genops_yaml *yaml;
	struct genops_pipeline *pipeline;
	struct genops_error err = {0};
	const struct genops_pipeline_reading reading = {.file = file->name.ptr};
	if (genops_yaml_parse(file->name.ptr, file->content, &yaml, &err) != GENOPS_OK)
		abort();
	if (yaml->n_documents != 1 || !genops_pipeline_is_document(yaml->documents[0]))
		abort();
	if (genops_pipeline_read(yaml->documents[0], &reading, &pipeline, &err) == GENOPS_OK)
		genops_pipeline_free(pipeline);
	else if (!err.message[0])
		abort();
	genops_yaml_free(yaml);
}

static void import(const struct genops_pack *in)
{
	struct genops_pack out;
	struct genops_error err = {0};
	if (genops_pack_init(&out, NULL) != GENOPS_OK)
		return;
	if (genops_pack_import(in, &out, &err) == GENOPS_OK) {
		for (size_t i = 0; i < out.n_files; i++) {
			genops_str name = out.files[i].name;
			if (!name.len || name.ptr[0] == '/' || genops_str_find(name, GENOPS_STR("..")) != SIZE_MAX)
				abort();
			if (genops_str_starts(name, GENOPS_STR("pipelines/")))
				check_document(&out.files[i]);
		}
	} else if (!err.message[0]) {
		abort();
	}
	genops_pack_done(&out);
}

static void read_tar(genops_str bytes)
{
	struct genops_tar_reader reader;
	struct genops_error err = {0};
	struct genops_pack pack;
	genops_str name, content;
	int more;
	if (genops_pack_init(&pack, NULL) != GENOPS_OK)
		return;
	genops_tar_reader_init(&reader, bytes);
	while ((more = genops_tar_next(&reader, &name, &content, &err)) == 1) {
		if (!name.len || name.ptr[0] == '/' || content.len > bytes.len)
			abort();
		genops_pack_add(&pack, name, content);
	}
	if (more < 0 && !err.message[0])
		abort();
	import(&pack);
	genops_pack_done(&pack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str bytes = {(const char *)data, size};
	struct genops_pack pack;
	if (genops_pack_init(&pack, NULL) != GENOPS_OK)
		return 0;
	if (genops_pack_read(bytes, &pack, NULL) == GENOPS_OK)
		import(&pack);
	genops_pack_done(&pack);
	read_tar(bytes);
	if (genops_pack_init(&pack, NULL) != GENOPS_OK)
		return 0;
	genops_pack_add(&pack, GENOPS_STR("default/pipelines/main/conf.yml"), bytes);
	genops_pack_add(&pack, GENOPS_STR("default/pipelines/route.yml"), size && data[0] == 'i' ? bytes : GENOPS_STR("routes: [{pipeline: main, output: x}]"));
	genops_pack_add(&pack, GENOPS_STR("data/lookups/a.csv"), GENOPS_STR("k,v\n"));
	import(&pack);
	genops_pack_done(&pack);
	return 0;
}
