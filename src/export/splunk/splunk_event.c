/* SPDX-License-Identifier: Apache-2.0
 * export/splunk/splunk_event.c - see splunk_event.h. */
#include "export/splunk/splunk_event.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"

#include <inttypes.h>

#define TEXT_MAX ((size_t)16 << 20) /* of one event */

/* What stands for the event: borrowed from the item, or in `scratch`. */
static int text_of(struct genops_event_template_run *run, const struct genops_destination_item *item, const struct genops_template *template,
    struct genops_buffer *scratch, genops_str *ret_text, struct genops_error *err)
{
	*ret_text = item->payload.len ? item->payload : item->body;
	if (item->payload.len || !template)
		return GENOPS_OK;
	GENOPS_TRY(genops_event_template_render(run, template, scratch, err));
	*ret_text = genops_buffer_view(scratch);
	return GENOPS_OK;
}

static const struct genops_value *member_of(struct genops_value value, genops_str name)
{
	struct genops_value_key key = genops_value_key_of(name);
	return value.type == GENOPS_VALUE_OBJECT ? genops_value_object_get(value.as.object, &key) : NULL;
}

/* Does the envelope itself say it? */
static bool is_set(struct genops_value envelope, genops_str name)
{
	const struct genops_value *value = member_of(envelope, name);
	return value && !genops_value_is_nullish(*value) && !(value->type == GENOPS_VALUE_TEXT && !value->len);
}

static void begin_member(struct genops_buffer *out, bool *is_first, genops_str name)
{
	if (!*is_first)
		genops_buffer_add_char(out, ',');
	*is_first = false;
	genops_json_add_string(out, name);
	genops_buffer_add_char(out, ':');
}

/* Seconds with three decimals, of whole milliseconds, so that no rounding moves an event. */
static void add_time(struct genops_buffer *out, int64_t unix_ns)
{
	int64_t ms = unix_ns > 0 ? unix_ns / GENOPS_NS_PER_MS : 0;
	genops_buffer_printf(out, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
}

static void add_defaults(struct genops_buffer *out, const struct genops_destination_item *item, const struct genops_splunk_defaults *defaults,
    struct genops_value envelope, bool *is_first)
{
	const struct genops_text_pair rows[] = {{GENOPS_STR("host"), defaults->host}, {GENOPS_STR("source"), defaults->source},
	    {GENOPS_STR("sourcetype"), defaults->sourcetype}, {GENOPS_STR("index"), defaults->index}};
	if (!is_set(envelope, GENOPS_STR("time"))) {
		begin_member(out, is_first, GENOPS_STR("time"));
		add_time(out, item->time_unix_ns);
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!rows[i].value.len || is_set(envelope, rows[i].key))
			continue;
		begin_member(out, is_first, rows[i].key);
		genops_json_add_string(out, rows[i].value);
	}
}

static bool is_metadata(genops_str name)
{
	return genops_str_is(name, "time") || genops_str_is(name, "host") || genops_str_is(name, "source") || genops_str_is(name, "sourcetype") ||
	       genops_str_is(name, "index");
}

static void add_envelope(struct genops_buffer *out, struct genops_value envelope, bool *is_first)
{
	const struct genops_value_object *object = envelope.as.object;
	for (uint32_t i = 0; i < object->n; i++) {
		const struct genops_value_member *member = &object->members[i];
		if (member->value.type == GENOPS_VALUE_UNDEFINED || (is_metadata(member->key.text) && !is_set(envelope, member->key.text)))
			continue;
		begin_member(out, is_first, member->key.text);
		(void)genops_value_to_json(member->value, out);
	}
}

static void add_event(struct genops_buffer *out, const struct genops_destination_item *item, const struct genops_splunk_defaults *defaults,
    struct genops_value made, genops_str text)
{
	bool is_first = true, is_envelope = member_of(made, GENOPS_STR("event")) != NULL;
	genops_buffer_add_char(out, '{');
	add_defaults(out, item, defaults, is_envelope ? made : (struct genops_value){0}, &is_first);
	if (is_envelope) {
		add_envelope(out, made, &is_first);
	} else {
		begin_member(out, &is_first, GENOPS_STR("event"));
		genops_buffer_add(out, text);
	}
	genops_buffer_add_char(out, '}');
}

int genops_splunk_event_write(struct genops_event_template_run *run, const struct genops_destination_item *item,
    const struct genops_template *template, const struct genops_splunk_defaults *defaults, struct genops_buffer *out, struct genops_error *err)
{
	struct genops_value made = {0};
	struct genops_buffer scratch;
	genops_str text;
	genops_buffer_init(&scratch, TEXT_MAX);
	int code = text_of(run, item, template, &scratch, &text, err);
	if (code == GENOPS_OK && (item->payload.len || template))
		code = genops_value_from_json(text, &run->arena, &made, err);
	if (code == GENOPS_OK)
		add_event(out, item, defaults, made, text);
	genops_buffer_done(&scratch);
	if (code == GENOPS_OK && out->error)
		code = genops_fail(err, out->error, "an event does not fit into a request");
	return code;
}

int genops_splunk_event_write_raw(struct genops_event_template_run *run, const struct genops_destination_item *item,
    const struct genops_template *template, struct genops_buffer *out, struct genops_error *err)
{
	struct genops_buffer scratch;
	genops_str text;
	genops_buffer_init(&scratch, TEXT_MAX);
	int code = text_of(run, item, template, &scratch, &text, err);
	size_t start = out->len;
	if (code == GENOPS_OK)
		genops_buffer_add(out, genops_str_trim(text));
	for (size_t i = start; code == GENOPS_OK && !out->error && i < out->len; i++) { /* JSON has line breaks between its values only */
		if (out->ptr[i] == '\n' || out->ptr[i] == '\r')
			out->ptr[i] = ' ';
	}
	genops_buffer_add_char(out, '\n');
	genops_buffer_done(&scratch);
	if (code == GENOPS_OK && out->error)
		code = genops_fail(err, out->error, "an event does not fit into a request");
	return code;
}
