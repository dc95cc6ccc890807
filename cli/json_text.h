/* SPDX-License-Identifier: Apache-2.0
 * json_text.h - a text member of a JSON object on standard output, for the commands whose JSON is a flat list. */
#ifndef CLI_JSON_TEXT_H
#define CLI_JSON_TEXT_H

#include <genops/attribute.h>

/* "name":"text", without a comma; quotes, backslashes and control characters are escaped. */
void json_text(const char *name, genops_str text);
void json_string(genops_str text); /* "text" */

#endif
