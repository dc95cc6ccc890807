/* SPDX-License-Identifier: Apache-2.0
 * export/s3/xml_text.h - the text of one element out of an XML answer of AWS. Not a parser of XML: what it does not understand it does not
 * find. Pure. */
#ifndef EXPORT_S3_XML_TEXT_H
#define EXPORT_S3_XML_TEXT_H

#include "base/str.h"

/* The first element of that name, whatever namespace: its text, entities resolved, into `out` (NUL-terminated; size > 0). False, and "":
 * there is none, it has elements in it, is not closed, is longer than fits, or says what is not text. */
bool genops_xml_text(genops_str xml, const char *name, char *out, size_t size);

#endif
