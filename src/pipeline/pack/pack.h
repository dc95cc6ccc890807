/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pack/pack.h - Cribl packs: a gzip-compressed tar of YAML and CSV files (.crbl), and pipelines to and from them.
 *
 * Cribl's format, as its public packs have it (criblpacks/..., docs "Packs Standards"): package.json, default/pipelines/<id>/conf.yml,
 * default/pipelines/route.yml, default/inputs.yml, default/outputs.yml, data/lookups/<name>.csv and .yml, data/samples/<id>.json. What one side
 * can say and the other cannot is a note: nothing is left out in silence. A pack that is read comes from outside: bytes, files and names are
 * bounded (codec/tar.h), and nothing in it is run.
 */
#ifndef PIPELINE_PACK_H
#define PIPELINE_PACK_H

#include "base/arena.h"
#include "base/buffer.h"
#include "codec/yaml.h"

#define GENOPS_PACK_BYTES_MAX ((size_t)64 << 20) /* unpacked */
#define GENOPS_PACK_FILES_MAX 2000
#define GENOPS_PACK_NOTES_MAX 1000

struct genops_pack_file {
	genops_str name, content;
};

struct genops_pack_note {
	genops_str where, what; /* "genops-cost-governance, sampling policy_sampling" */
};

struct genops_pack {
	struct genops_arena arena;
	size_t n_files, n_notes;
	struct genops_pack_file *files; /* room for FILES_MAX */
	struct genops_pack_note *notes;
	bool is_full;                   /* no memory, or over a maximum: what was added last is missing */
};

GENOPS_NODISCARD int genops_pack_init(struct genops_pack *pack, struct genops_error *err); /* NOMEM */
void genops_pack_done(struct genops_pack *pack);

/* Copies. A failure is in is_full. */
void genops_pack_add(struct genops_pack *pack, genops_str name, genops_str content);
void genops_pack_note(struct genops_pack *pack, genops_str where, const char *format, ...) GENOPS_PRINTF(3, 4);
/* "": there is none. */
genops_str genops_pack_find(const struct genops_pack *pack, const char *name);

/* A .crbl to and from files. write appends: LIMIT, NOMEM. read: SYNTAX (not one, or damaged), UNSUPPORTED, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_pack_write(const struct genops_pack *pack, struct genops_buffer *out, struct genops_error *err);
GENOPS_NODISCARD int genops_pack_read(genops_str crbl, struct genops_pack *pack, struct genops_error *err);

/* --- writing YAML that Cribl reads: every scalar a JSON text, so that nothing in it means anything (pack.c) --- */

void genops_pack_yaml(struct genops_buffer *out, int depth, const char *format, ...) GENOPS_PRINTF(3, 4); /* one line, 2 * depth blanks before it */
void genops_pack_yaml_text(struct genops_buffer *out, int depth, const char *key, genops_str text);       /* key: "text" */

/* --- our documents into Cribl's (pack_export.c, pack_function.c) --- */

struct genops_pack_export {
	struct genops_pack *pack;
	struct genops_buffer routes, outputs; /* of route.yml and outputs.yml */
	size_t n_pipelines;
	size_t n_destinations, n_lookups;     /* names that have been met */
	genops_str destinations[GENOPS_PACK_FILES_MAX], lookups[GENOPS_PACK_FILES_MAX];
};

void genops_pack_export_begin(struct genops_pack_export *export, struct genops_pack *pack);
/* One document, which has been read by genops_pipeline_read before: its shape is right. */
void genops_pack_export_pipeline(struct genops_pack_export *export, const struct genops_yaml_node *document);
/* The table of a lookup that a pipeline names: see export->lookups. */
void genops_pack_export_lookup(struct genops_pack_export *export, genops_str id, genops_str csv, size_t n_rows);
/* Everything else of a pack. LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_pack_export_end(struct genops_pack_export *export, genops_str id, struct genops_error *err);

/* One processor as entries of conf.yml's functions. */
void genops_pack_function(struct genops_pack_export *export, genops_str pipeline, const struct genops_yaml_node *node, struct genops_buffer *out);

/* --- Cribl's into ours (pack_import.c) --- */

/* Adds pipelines/<id>.yaml, lookups.yaml, <name>.csv to `out`, which need not be empty, and notes. SYNTAX, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_pack_import(const struct genops_pack *in, struct genops_pack *out, struct genops_error *err);

#endif
