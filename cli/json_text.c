/* SPDX-License-Identifier: Apache-2.0
 * json_text.c - see json_text.h. */
#include "json_text.h"

#include <stdio.h>

void json_text(const char *name, genops_str text)
{
	printf("\"%s\":", name);
	json_string(text);
}

void json_string(genops_str text)
{
	printf("\"");
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < 0x20)
			printf("\\u%04x", c);
		else
			printf(c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	printf("\"");
}
