/* SPDX-License-Identifier: Apache-2.0
 * telemetry/conventions.c - see conventions.h. Constant tables and pure functions. */
#include "telemetry/conventions.h"

#include "base/str.h"

#define S(literal)                                                                                 \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	}

const struct genops_convention_row genops_conventions[GENOPS_CONVENTION_N] = {
#define X(symbol, name, type, profiles, text)                                                      \
	{{name, sizeof name - 1}, GENOPS_CONVENTION_##type, GENOPS_CONVENTION_##profiles, text},
    GENOPS_CONVENTIONS(X)
#undef X
};

/* Does it begin as one of the rows does? Spares most custom keys the search. */
static bool may_be_reserved(genops_str name)
{
	static const genops_str starts[] = {S("genops."), S("gen_ai."), S("ai."), S("error."),
	    S("http."), S("service."), S("host."), S("telemetry.")};
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		if (name.len > starts[i].len && name.ptr[0] == starts[i].ptr[0] &&
		    memcmp(name.ptr, starts[i].ptr, starts[i].len) == 0)
			return true;
	}
	return false;
}

bool genops_conventions_is_reserved(genops_str name)
{
	if (!may_be_reserved(name))
		return false;
	for (size_t i = 0; i < GENOPS_CONVENTION_N; i++) {
		if (genops_str_equal(genops_conventions[i].name, name))
			return true;
	}
	return false;
}

static const struct {
	genops_str name, key;
} standard[GENOPS_ATTRIBUTE_N_STANDARD] = {
#define X(symbol, name, key, header) {{name, sizeof name - 1}, {key, sizeof key - 1}},
    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
};

/* Asked for every attribute of every span: length and first byte rule out nearly all before the rest is compared. */
static inline bool is_same(genops_str key, genops_str name)
{
	return key.len == name.len && key.ptr[0] == name.ptr[0] &&
	       memcmp(key.ptr, name.ptr, name.len) == 0;
}

static int standard_index(genops_str key)
{
	genops_str prefix = S("genops.");
	bool is_long = key.len > prefix.len && key.ptr[0] == 'g' &&
		       memcmp(key.ptr, prefix.ptr, prefix.len) == 0;
	for (int i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++) {
		if (is_same(key, is_long ? standard[i].key : standard[i].name))
			return i;
	}
	return -1;
}

bool genops_conventions_is_standard(genops_str key)
{
	return standard_index(key) >= 0;
}

void genops_conventions_standard_values(
    const struct genops_record *record, genops_str ret_values[GENOPS_ATTRIBUTE_N_STANDARD])
{
	for (size_t i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++)
		ret_values[i] = (genops_str){0};
	for (size_t i = 0; i < record->n_attributes; i++) {
		const struct genops_attribute *attribute = &record->attributes[i];
		int at = attribute->type == GENOPS_ATTRIBUTE_STRING ? standard_index(attribute->key)
								    : -1;
		if (at >= 0)
			ret_values[at] = attribute->value.string;
	}
}

const char *genops_conventions_outcome(enum genops_outcome outcome)
{
	switch (outcome) {
	case GENOPS_OUTCOME_OK:
		return "ok";
	case GENOPS_OUTCOME_REFUSED:
		return "refused";
	case GENOPS_OUTCOME_PROVIDER_ERROR:
		return "provider_error";
	case GENOPS_OUTCOME_NOT_SENT:
		return "not_sent";
	case GENOPS_OUTCOME_CANCELLED:
		return "cancelled";
	case GENOPS_OUTCOME_CUT_OFF:
		return "cut_off";
	case GENOPS_OUTCOME_ABANDONED:
		return "abandoned";
	}
	return "unknown";
}

bool genops_conventions_is_executed(enum genops_outcome outcome)
{
	return outcome != GENOPS_OUTCOME_REFUSED && outcome != GENOPS_OUTCOME_NOT_SENT;
}

bool genops_conventions_is_alert(const struct genops_record *record)
{
	return genops_str_is(record->type, "genops.budget.alert");
}

struct translation {
	const char *from, *to;
};

static genops_str translate(const struct translation *rows, size_t n, genops_str text)
{
	for (size_t i = 0; i < n; i++) {
		if (genops_str_is(text, rows[i].from))
			return genops_str_of(rows[i].to);
	}
	return text;
}

genops_str genops_conventions_gen_ai_provider(genops_str provider)
{
	static const struct translation rows[] = {
	    {"bedrock", "aws.bedrock"},
	    {"azure", "azure.ai.openai"},
	    {"azure_openai", "azure.ai.openai"},
	    {"gemini", "gcp.gemini"},
	    {"google", "gcp.gemini"},
	    {"vertex", "gcp.vertex_ai"},
	    {"mistral", "mistral_ai"},
	    {"xai", "x_ai"},
	};
	return translate(rows, sizeof rows / sizeof *rows, provider);
}

genops_str genops_conventions_gen_ai_operation(genops_str dialect)
{
	static const struct translation rows[] = {
	    {"messages", "chat"},
	    {"responses", "chat"},
	    {"converse", "chat"},
	    {"converse_stream", "chat"},
	    {"completions", "text_completion"},
	    {"complete", "text_completion"},
	    {"generate", "text_completion"},
	    {"embed", "embeddings"},
	};
	genops_str rest = dialect;
	genops_str_split(&rest, '.');
	if (!rest.len) /* not a call that the gateway read: whoever tracked it by hand */
		return GENOPS_STR("chat");
	return translate(rows, sizeof rows / sizeof *rows, rest);
}
