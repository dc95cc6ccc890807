/* SPDX-License-Identifier: Apache-2.0
 * json_documents.h - texts that RFC 8259 calls JSON, and texts that it (or this scanner) does not.
 * A table, so not formatted one row a line.
 */
#ifndef TESTS_JSON_DOCUMENTS_H
#define TESTS_JSON_DOCUMENTS_H

#include <genops/attribute.h>

/* A literal with its length, so that a NUL can stand in it. */
#define DOC(literal) {"" literal, sizeof(literal) - 1}

/* clang-format off */
static const genops_str valid_documents[] = {
    DOC("null"), DOC("true"), DOC("false"), DOC(" \t\r\n0 \t\r\n"), DOC("\"\""), DOC("[]"), DOC("{}"),
    DOC("[[],{},[{}]]"), DOC("[ ]"), DOC("{ }"), DOC("[\n1\t,\r2 ]"), DOC("{\"\":0}"),
    DOC("{\"a\":{\"a\":{\"a\":1}},\"b\":1}"), DOC("-0"), DOC("-0.0e-0"), DOC("0e0"), DOC("0E+1"),
    DOC("1.5"), DOC("1e999"), DOC("-1e-999"), DOC("123456789012345678901234567890"), DOC("[1e1,2]"),
    DOC("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), DOC("\"\\u0000\\u001F\\uabcd\\uABCD\""), DOC("\"\x7F\""),
    DOC("\"\\uD83D\\uDE00\\uDBFF\\uDFFF\""), DOC("\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\""),
    DOC("\"\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""), DOC("\"\xEF\xBB\xBF\""),
    DOC("\"a long enough string for a step of sixteen \xE2\x82\xAC and some more of it\""),
    DOC("[{\"a\":1},{\"a\":1}]"), DOC("{\"a\":[{\"b\":1},{\"b\":2}],\"b\":3}"),
    DOC("{\"a\":1,\"A\":1,\"a \":1,\"\\u0061b\":1}"), DOC("\"\\\\u0061\""), DOC("\"'\""),
};

static const genops_str invalid_documents[] = {
    DOC(""), DOC(" "), DOC("nul"), DOC("nulll"), DOC("True"), DOC("NaN"), DOC("Infinity"), DOC("'a'"),
    DOC("[1,]"), DOC("[,1]"), DOC("[1 2]"), DOC("[1,,2]"), DOC("["), DOC("]"), DOC("[}"), DOC("{]"),
    DOC("[1}"), DOC("{\"a\":1]"), DOC("{\"a\"}"), DOC("{\"a\":}"), DOC("{\"a\" 1}"), DOC("{\"a\":1,}"),
    DOC("{,}"), DOC("{a:1}"), DOC("{1:1}"), DOC("{\"a\"::1}"), DOC("{\"a\":1 \"b\":2}"), DOC("{\"a\":1"),
    DOC("1 2"), DOC("{}{}"), DOC("[]x"), DOC("\"a\"\"b\""), DOC("}"), DOC(","), DOC(":"), DOC("{}}"),
    DOC("+1"), DOC("-"), DOC("01"), DOC("-01"), DOC("1."), DOC(".5"), DOC("2.e3"), DOC("1e"), DOC("1e+"),
    DOC("1.5.5"), DOC("0x10"), DOC("1_0"), DOC("--1"), DOC("1-"), DOC("-a"), DOC("1e1.5"), DOC("[-]"),
    DOC("\""), DOC("\"\\\""), DOC("\"\\x\""), DOC("\"\\u12\""), DOC("\"\\u123g\""), DOC("\"\\U0041\""),
    DOC("\"\n\""), DOC("\"\x1F\""), DOC("\"\0\""), DOC("\0"), DOC("[\0]"), DOC("\f1"), DOC("1\v"),
    DOC("\xA0" "1"), DOC("\xEF\xBB\xBF{}"), DOC("/**/1"), DOC("[1]//x"), DOC("#1"),
    /* surrogates */
    DOC("\"\\uD800\""), DOC("\"\\uDC00\""), DOC("\"\\uD800\\uD800\""), DOC("\"\\uD800a\""),
    DOC("\"\\uD800\\n\""), DOC("\"\\uD800\\u0041\""), DOC("{\"\\uDFFF\":1}"), DOC("\"\\uDE00\\uD83D\""),
    /* UTF-8 (Unicode table 3-7) */
    DOC("\"\x80\""), DOC("\"\xBF" "abcdef\""), DOC("\"\xC0\x80\""), DOC("\"\xC1\xBF\""), DOC("\"\xC2\""),
    DOC("\"\xE0\x9F\xBF\""), DOC("\"\xED\xA0\x80\""), DOC("\"\xE2\x82\""), DOC("\"\xE2(\xA1\""),
    DOC("\"\xF0\x8F\xBF\xBF\""), DOC("\"\xF4\x90\x80\x80\""), DOC("\"\xF5\x80\x80\x80\""), DOC("\"\xFF\""),
    DOC("\"\xF0\x9F\x98\""), DOC("\"\xF8\x88\x80\x80\x80\""), DOC("{\"\xC3(\":1}"), DOC("\"\xE2\x82"),
    DOC("[\"0123456789abcdef0123456789\xFFzzzzzzzz\"]"),
    /* duplicate keys, wherever they stand and however they are written */
    DOC("{\"a\":1,\"a\":1}"), DOC("{\"a\":1,\"\\u0061\":2}"), DOC("{\"\":1,\"\":2}"),
    DOC("[[{\"x\":{\"b\":1,\"c\":[{\"d\":{}}],\"b\":2}}]]"), DOC("{\"a\":{\"b\":1},\"c\":0,\"a\":{}}"),
    DOC("{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\ude00\":2}"), DOC("{\"\\/\":1,\"/\":2}"),
};
/* clang-format on */

#endif
