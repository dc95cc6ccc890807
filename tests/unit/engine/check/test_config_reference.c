/* SPDX-License-Identifier: Apache-2.0
 * test_config_reference.c - the page names every key of the fixed shape; the starter file loads without a warning, also with
 * everything in it switched on. */
#include "base/str.h"
#include "codec/yaml.h"
#include "engine/config.h"

#include <genops/config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static char *read_all(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 65536);
	assert_non_null(file);
	*ret_len = fread(text, 1, 65535, file);
	fclose(file);
	return text;
}

/* Keys whose names are the user's own, or that a later version reads. */
static bool is_free(const char *key)
{
	static const char *const names[] = {"attributes", "match", "provider_keys", "headers", "providers", "receivers",
	    "exporters", "processors"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!strcmp(key, names[i]))
			return true;
	}
	return false;
}

static size_t check_keys(const struct genops_yaml_node *node, const char *page)
{
	size_t n = 0;
	char cell[128];
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		if (entry->key) {
			snprintf(cell, sizeof cell, "| `%s`", entry->key->text.ptr);
			if (!strstr(page, cell) && strcmp(entry->key->text.ptr, "traces") != 0)
				fail_msg("the page has no %s", cell);
			n++;
		}
		if (!entry->key || !is_free(entry->key->text.ptr))
			n += check_keys(entry->value, page);
	}
	return n;
}

static void the_page_names_every_key_of_the_fixed_shape(void **state)
{
	char *page = NULL, *text;
	size_t len, text_len;
	struct genops_yaml *yaml;
	assert_int_equal(genops_config_reference(&page, &len, NULL), GENOPS_OK);
	assert_int_equal(strlen(page), len);
	assert_int_equal(strncmp(page, "# Configuration reference\n", 26), 0);
	text = read_all(GOLDEN_DIR "/config/genops.example.yaml", &text_len);
	assert_int_equal(genops_yaml_parse("example", (genops_str){text, text_len}, &yaml, NULL), GENOPS_OK);
	assert_true(check_keys(yaml->documents[0], page) > 60);
	assert_non_null(strstr(page, "| `GENOPS_TEAM` |"));
	assert_non_null(strstr(page, "| `max_cost`, `cost_limit` (required) | an amount in USD like 10.0, not negative"));
	genops_yaml_free(yaml);
	free(text);
	free(page);
}

static void load(const char *text)
{
	struct genops_error err = {0};
	struct genops_config_source source = {.text = text};
	struct genops_config *config = genops_config_load(&source, &err);
	if (!config)
		fail_msg("%d:%d: %s", err.line, err.column, err.message);
	for (size_t i = 0; i < config->n_warnings; i++)
		print_message("%s\n", config->warnings[i].message.ptr);
	assert_int_equal(config->n_warnings, 0);
	assert_true(config->n_budgets == 1 && config->n_policies >= 2);
	genops_config_unref(config);
}

static void the_starter_loads(void **state)
{
	load(genops_config_starter());
}

/* "# " in front of a key is taken away, but not in front of a sentence. */
static void the_starter_loads_with_everything_on(void **state)
{
	static char text[8192];
	size_t n = 0;
	setenv("GENOPS_CI_KEY", "0123456789abcdef0123", 1);
	setenv("OPENAI_API_KEY", "sk-x", 1);
	genops_str rest = genops_str_of(genops_config_starter());
	for (int line = 0; rest.ptr; line++) {
		genops_str one = genops_str_split(&rest, '\n');
		size_t hash = genops_str_find(one, GENOPS_STR("# "));
		genops_str head = {one.ptr, hash == SIZE_MAX ? 0 : hash};
		if (line > 1 && hash != SIZE_MAX && !genops_str_trim(head).len)
			n += (size_t)snprintf(text + n, sizeof text - n, "%.*s%.*s\n", (int)hash, one.ptr,
			    (int)(one.len - hash - 2), one.ptr + hash + 2);
		else
			n += (size_t)snprintf(text + n, sizeof text - n, "%.*s\n", GENOPS_STR_ARG(one));
	}
	load(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_page_names_every_key_of_the_fixed_shape),
	    cmocka_unit_test(the_starter_loads),
	    cmocka_unit_test(the_starter_loads_with_everything_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
