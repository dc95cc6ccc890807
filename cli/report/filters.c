/* SPDX-License-Identifier: Apache-2.0
 * filters.c - see filters.h. */
#include "filters.h"

#include <string.h>

int filters_where(const struct option_list *options, struct genops_report_filter filters[OPTION_LIST_MAX], size_t *ret_n)
{
	for (size_t i = 0; i < options->n; i++) {
		const char *text = options->items[i], *equals = strchr(text, '=');
		if (!equals || equals == text)
			return complain_text(EXIT_WRONG_USE, "--where wants KEY=VALUE, like --where team=search, not \"%s\"", text);
		filters[i] = (struct genops_report_filter){{text, (size_t)(equals - text)}, genops_str_of(equals + 1)};
	}
	*ret_n = options->n;
	return -1;
}

int filters_by(const struct option_list *options, genops_str keys[GENOPS_REPORT_KEYS_MAX], size_t *ret_n)
{
	size_t n = 0;
	for (size_t i = 0; i < options->n; i++) {
		const char *text = options->items[i];
		for (bool has_more = true; has_more; text += has_more) {
			size_t len = strcspn(text, ",");
			if (!len)
				return complain_text(EXIT_WRONG_USE, "--by wants attributes, like --by team,model, not \"%s\"", options->items[i]);
			if (n == GENOPS_REPORT_KEYS_MAX)
				return complain_text(EXIT_WRONG_USE, "--by takes at most %d attributes", GENOPS_REPORT_KEYS_MAX);
			keys[n++] = (genops_str){text, len};
			text += len;
			has_more = *text == ',';
		}
	}
	*ret_n = n;
	return -1;
}
