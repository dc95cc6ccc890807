/* SPDX-License-Identifier: Apache-2.0
 * test_yaml.c - the YAML tree: places, kinds, nulls, aliases, documents, maxima, and each error's one line. */
#include "codec/yaml.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct genops_yaml *parse(const char *text)
{
	struct genops_yaml *yaml = NULL;
	struct genops_error err = {0};
	if (genops_yaml_parse("t.yaml", genops_str_of(text), &yaml, &err))
		fail_msg("%d:%d: %s", err.line, err.column, err.message);
	return yaml;
}

static void fails(const char *text, int code, const char *line)
{
	struct genops_yaml *yaml = NULL;
	struct genops_error err = {0};
	char got[900];
	assert_int_equal(genops_yaml_parse("t.yaml", genops_str_of(text), &yaml, &err), code);
	assert_null(yaml);
	snprintf(got, sizeof got, "%s:%d:%d: %s", err.file, err.line, err.column, err.message);
	assert_string_equal(got, line);
}

static void is_text(const struct genops_yaml_node *node, const char *text, int line, int column)
{
	assert_non_null(node);
	assert_int_equal(node->kind, GENOPS_YAML_SCALAR);
	assert_string_equal(node->text.ptr, text);
	assert_int_equal(node->text.len, strlen(text));
	assert_int_equal(node->line, line);
	assert_int_equal(node->column, column);
}

static void knows_where_everything_stands(void **state)
{
	struct genops_yaml *yaml = parse("a: 1\nb:\n  - x\n  - {k: 'v'}\nc: |\n  two\n  lines\n\"d\": \"\\u00e4\"\n");
	assert_int_equal(yaml->n_documents, 1);
	const struct genops_yaml_node *root = yaml->documents[0];
	assert_int_equal(root->kind, GENOPS_YAML_MAPPING);
	assert_int_equal(root->n, 4);
	is_text(genops_yaml_get(root, "a"), "1", 1, 4);
	is_text(root->first->key, "a", 1, 1);
	const struct genops_yaml_node *b = genops_yaml_get(root, "b");
	assert_int_equal(b->kind, GENOPS_YAML_SEQUENCE);
	assert_int_equal(b->n, 2);
	assert_null(b->first->key);
	is_text(b->first->value, "x", 3, 5);
	const struct genops_yaml_node *v = genops_yaml_get(b->first->next->value, "k");
	is_text(v, "v", 4, 9);
	assert_false(v->is_plain);
	assert_string_equal(genops_yaml_get(root, "c")->text.ptr, "two\nlines\n");
	assert_string_equal(genops_yaml_get(root, "d")->text.ptr, "\xc3\xa4");
	assert_null(genops_yaml_get(root, "e"));
	assert_null(genops_yaml_get(b, "e"));
	assert_int_equal(root->weight, 1 + 2 + 2 + 4 + 2 + 2);
	genops_yaml_free(yaml);
}

static void nulls_are_plain(void **state)
{
	struct genops_yaml *yaml = parse("[~, null, Null, {k: }, '', \"null\", !!str null, nil]");
	static const bool expected[] = {true, true, true, true, false, false, false, false};
	const struct genops_yaml_entry *entry = yaml->documents[0]->first;
	for (size_t i = 0; i < 8; i++, entry = entry->next) {
		const struct genops_yaml_node *inner = genops_yaml_get(entry->value, "k");
		assert_int_equal(genops_yaml_is_null(inner ? inner : entry->value), expected[i]);
	}
	assert_null(entry);
	genops_yaml_free(yaml);
}

static void several_documents(void **state)
{
	struct genops_yaml *yaml = parse("a: 1\n---\n- 2\n---\n...\n---\n3\n");
	assert_int_equal(yaml->n_documents, 4);
	assert_int_equal(yaml->documents[1]->kind, GENOPS_YAML_SEQUENCE);
	assert_true(genops_yaml_is_null(yaml->documents[2]));
	is_text(yaml->documents[3], "3", 7, 1);
	genops_yaml_free(yaml);
	yaml = parse("");
	assert_int_equal(yaml->n_documents, 0);
	genops_yaml_free(yaml);
	yaml = parse("# only a comment\n");
	assert_int_equal(yaml->n_documents, 0);
	genops_yaml_free(yaml);
}

static void aliases_share_their_node(void **state)
{
	struct genops_yaml *yaml = parse("a: &x {k: v}\nb: *x\nc: &x 5\nd: *x\n");
	const struct genops_yaml_node *root = yaml->documents[0];
	assert_ptr_equal(genops_yaml_get(root, "a"), genops_yaml_get(root, "b"));
	is_text(genops_yaml_get(root, "d"), "5", 3, 7);
	genops_yaml_free(yaml);
	fails("a: &x [1, *x]\n", GENOPS_SYNTAX, "t.yaml:1:11: an alias stands inside its own anchor");
	fails("a: *nobody\n", GENOPS_SYNTAX, "t.yaml:1:4: an alias names no anchor before it");
	fails("a: &x 1\n---\nb: *x\n", GENOPS_SYNTAX, "t.yaml:3:4: an alias names no anchor before it");
}

static void a_billion_laughs_are_refused(void **state)
{
	char text[4096] = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
	for (int i = 1; i < 9; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text),
		    "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
		    i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	fails(text, GENOPS_LIMIT, "t.yaml:6:25: the document is too large, aliases counted in full");
}

static void errors_have_line_and_column(void **state)
{
	fails("a: 1\nb: 2\na: 3\n", GENOPS_SYNTAX, "t.yaml:3:1: key \"a\" is there twice, first in line 1");
	fails("x: {k: 1, 'k': 2}\n", GENOPS_SYNTAX, "t.yaml:1:11: key \"k\" is there twice, first in line 1");
	fails("a: [1\nb: 2\n", GENOPS_SYNTAX, "t.yaml:3:1: flow sequence without a closing bracket");
	fails("a: b: c\n", GENOPS_SYNTAX, "t.yaml:1:5: invalid nested block mapping on the same line");
	fails("a:\n\t- b\n", GENOPS_SYNTAX, "t.yaml:2:1: tab character may not be used as indentation");
	fails("a: \"x\n", GENOPS_SYNTAX, "t.yaml:1:5: double-quoted scalar without closing quote");
	fails("[1, 2]: x\n", GENOPS_SYNTAX, "t.yaml:1:1: a key must be a text, not a list or a mapping");
	fails("a: !python/object x\n", GENOPS_SYNTAX, "t.yaml:1:19: tags other than YAML's own are not supported");
	fails("ok: 1\nbad: \xff\n", GENOPS_SYNTAX, "t.yaml:2:1: this line is not UTF-8");
}

static void a_nul_byte_is_refused(void **state)
{
	struct genops_yaml *yaml = NULL;
	struct genops_error err = {0};
	assert_int_equal(genops_yaml_parse("t.yaml", GENOPS_STR("a: 1\nb\0: 2"), &yaml, &err), GENOPS_SYNTAX);
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 2);
}

static void maxima_hold(void **state)
{
	char text[512] = "";
	for (int i = 0; i < 40; i++)
		strcat(text, "[");
	fails(text, GENOPS_LIMIT, "t.yaml:1:33: lists and mappings are nested too deep");
	text[0] = '\0';
	for (int i = 0; i < GENOPS_YAML_DEPTH_MAX; i++)
		strcat(text, "[");
	for (int i = 0; i < GENOPS_YAML_DEPTH_MAX; i++)
		strcat(text, "]");
	genops_yaml_free(parse(text));

	struct genops_buffer buf;
	genops_buffer_init(&buf, 16 << 20);
	for (int i = 0; i <= GENOPS_YAML_PAIRS_MAX; i++)
		genops_buffer_printf(&buf, "k%d: \n", i);
	genops_buffer_add_char(&buf, '\0');
	fails(buf.ptr, GENOPS_LIMIT, "t.yaml:4097:1: a mapping has too many keys");
	genops_buffer_clear(&buf);
	for (size_t i = 0; i <= GENOPS_YAML_BYTES_MAX; i++)
		genops_buffer_add_char(&buf, '#');
	genops_buffer_add_char(&buf, '\0');
	fails(buf.ptr, GENOPS_LIMIT, "t.yaml:1:1: the file is larger than 8 MiB");
	genops_buffer_done(&buf);
}

/* libfyaml's own diagnostics must not reach the embedder's standard error. */
static void nothing_is_printed(void **state)
{
	int ends[2], saved = dup(STDERR_FILENO);
	char got[64];
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	struct genops_yaml *yaml = NULL;
	int code = genops_yaml_parse("t.yaml", GENOPS_STR("a: [1\nb: \"2\n"), &yaml, NULL);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	assert_int_equal(code, GENOPS_SYNTAX);
	assert_int_equal(read(ends[0], got, sizeof got), 0);
	close(ends[0]);
}

static void a_secret_is_wiped(void **state)
{
	struct genops_yaml *yaml = parse("key: sk-secret\n");
	const struct genops_yaml_node *node = genops_yaml_get(yaml->documents[0], "key");
	genops_yaml_wipe(node);
	for (size_t i = 0; i < node->text.len; i++)
		assert_int_equal(node->text.ptr[i], 0);
	genops_yaml_free(yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_where_everything_stands),
	    cmocka_unit_test(nulls_are_plain),
	    cmocka_unit_test(several_documents),
	    cmocka_unit_test(aliases_share_their_node),
	    cmocka_unit_test(a_billion_laughs_are_refused),
	    cmocka_unit_test(errors_have_line_and_column),
	    cmocka_unit_test(a_nul_byte_is_refused),
	    cmocka_unit_test(maxima_hold),
	    cmocka_unit_test(nothing_is_printed),
	    cmocka_unit_test(a_secret_is_wiped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
