/* SPDX-License-Identifier: Apache-2.0
 * replay_main.c - runs one fuzz target over the files of a directory: the corpus as an ordinary
 * test.
 *
 * Every file is given whole, and small ones also cut off at every byte. Each input is a heap copy
 * of exactly its length, so that a sanitizer sees the first read behind it. No file is a failure:
 * the test would prove nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX  ((size_t)1 << 20)
#define PREFIX_MAX ((size_t)1024) /* files up to here are cut, too */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		return -1;
	memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

static int replay(const char *directory, const char *name, uint8_t *bytes)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return -1;
	}
	size_t len = fread(bytes, 1, INPUT_MAX, file);
	fclose(file);
	int failed = run(bytes, len);
	for (size_t cut = 0; !failed && len <= PREFIX_MAX && cut < len; cut++)
		failed = run(bytes, cut);
	return failed;
}

int main(int argc, char **argv)
{
	DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
	uint8_t *bytes = malloc(INPUT_MAX);
	int n = 0, failed = 0;
	if (!directory || !bytes) {
		fprintf(stderr, "usage: replay CORPUS_DIRECTORY\n");
		free(bytes);
		return 2;
	}
	for (struct dirent *entry = readdir(directory); entry && !failed;
	     entry = readdir(directory)) {
		if (entry->d_name[0] == '.')
			continue;
		failed = replay(argv[1], entry->d_name, bytes);
		n++;
	}
	closedir(directory);
	free(bytes);
	printf("%d inputs\n", n);
	return failed || !n;
}
