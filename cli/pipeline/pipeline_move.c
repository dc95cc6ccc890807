/* SPDX-License-Identifier: Apache-2.0
 * pipeline_move.c - genops pipeline export and import: pipelines to Cribl and from it. What the other side cannot say is told. */
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACK_MAX ((size_t)64 << 20)

/* Notes go where the result does not: to standard error for people, to standard output as JSON. */
static void tell(const struct pipeline_options *chosen, const char *notes)
{
	if (chosen->as_json)
		printf("{\"notes\":%.*s}\n", (int)(strlen(notes) - 1), notes);
	else
		fputs(notes, stderr);
}

static int write_pack(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return complain_text(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
	size_t n = 0;
	for (ssize_t done = 0; n < len && (done = write(fd, bytes + n, len - n)) > 0;)
		n += (size_t)done;
	int failure = errno;
	if (close(fd) == 0 && n == len)
		return EXIT_DONE;
	unlink(path);
	return complain_text(EXIT_FAILED, "cannot write %s: %s", path, strerror(failure));
}

int verb_export(const struct invocation *invocation)
{
	const struct pipeline_options *chosen = invocation->options;
	const char *name = chosen->name ? chosen->name : "genops-governance";
	char path[300], *pack, *notes;
	size_t len;
	struct genops_error err;
	if (!chosen->is_cribl)
		return complain_text(EXIT_WRONG_USE, "say what to export to: genops pipeline export --cribl [FILE]");
	if (genops_pipeline_export_pack(&invocation->engine, name, !chosen->as_json, &pack, &len, &notes, &err) != GENOPS_OK)
		return complain(&err);
	snprintf(path, sizeof path, "%s-1.0.0.crbl", name);
	const char *file = invocation->n_arguments > 1 ? invocation->arguments[1] : path;
	int code = write_pack(file, pack, len);
	if (code == EXIT_DONE) {
		tell(chosen, notes);
		if (!chosen->as_json && !invocation->is_quiet)
			printf("wrote %s\n", file);
	}
	free(pack);
	free(notes);
	return code;
}

int verb_import(const struct invocation *invocation)
{
	const struct pipeline_options *chosen = invocation->options;
	const char *file = invocation->arguments[1], *directory = chosen->output ? chosen->output : "pack";
	char *pack, *notes;
	size_t len;
	struct genops_error err;
	int code = verb_read_file(file, PACK_MAX, &pack, &len);
	if (code != EXIT_DONE)
		return code;
	if (genops_pipeline_import_pack((genops_str){pack, len}, directory, !chosen->as_json, &notes, &err) != GENOPS_OK) {
		code = complain(&err);
	} else {
		tell(chosen, notes);
		if (!chosen->as_json && !invocation->is_quiet)
			printf("wrote %s/; look through it, then add to genops.yaml: pipelines: %s/pipelines/*.yaml\n", directory, directory);
		free(notes);
	}
	free(pack);
	return code;
}
