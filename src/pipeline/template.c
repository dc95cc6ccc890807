/* SPDX-License-Identifier: Apache-2.0
 * pipeline/template.c - see template.h. A template is a list of pieces; each knows whether it stands inside of a JSON text's quotes. That
 * the result is JSON follows from two things: with null and "x" in all places it is (checked at compiling), and what goes into a place is
 * one whole value there, or the inside of a text. */
#include "pipeline/template.h"

#include "codec/json_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct piece {
	enum genops_template_piece_kind kind;
	bool is_quoted; /* JSON: inside of quotes */
	size_t at;       /* where it begins in the source */
	genops_str text; /* plain: as it is; time: the format */
	unsigned n;      /* random: how many characters */
	struct genops_expression *expression; /* owned */
};

struct genops_template {
	struct genops_arena arena;
	enum genops_template_kind kind;
	size_t n_pieces;
	struct piece pieces[2 * GENOPS_TEMPLATE_PLACES_MAX + 1];
};

/* --- compiling --- */

struct compiler {
	struct genops_template *made;
	genops_str source;
	size_t at;
	bool is_quoted;
	genops_template_variable_fn *variable;
	void *arg;
	struct genops_error *err;
};

static int fail(struct compiler *compiler, size_t at, const char *fix, const char *message)
{
	int line = 1, column = 1;
	for (size_t i = 0; i < at && i < compiler->source.len; i++) {
		bool is_end = compiler->source.ptr[i] == '\n';
		line += is_end;
		column = is_end ? 1 : column + (((unsigned char)compiler->source.ptr[i] & 0xC0) != 0x80);
	}
	int code = genops_fail_fix(compiler->err, GENOPS_SYNTAX, fix, "%s", message);
	genops_error_place(compiler->err, "", line, column);
	return code;
}

static struct piece *add(struct compiler *compiler, enum genops_template_piece_kind kind)
{
	struct genops_template *made = compiler->made;
	struct piece *piece = &made->pieces[made->n_pieces++];
	*piece = (struct piece){.kind = kind, .is_quoted = compiler->is_quoted, .at = compiler->at};
	return piece;
}

/* Where quotes open and close in a piece of JSON. */
static void follow_quotes(struct compiler *compiler, genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (compiler->is_quoted && text.ptr[i] == '\\')
			i++;
		else if (text.ptr[i] == '"')
			compiler->is_quoted = !compiler->is_quoted;
	}
}

static int add_plain(struct compiler *compiler, genops_str text)
{
	if (!text.len)
		return GENOPS_OK;
	struct piece *piece = add(compiler, GENOPS_PIECE_PLAIN);
	if (!genops_arena_dup(&compiler->made->arena, text, &piece->text))
		return genops_fail(compiler->err, GENOPS_NOMEM, "no memory for a template");
	return GENOPS_OK;
}

static bool is_variable(genops_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (c != '_' && !(c >= 'A' && c <= 'Z') && !(i && c >= '0' && c <= '9'))
			return false;
	}
	return name.len > 0;
}

/* Its value, escaped where it stands in quotes, as the inside of a JSON text is. */
static int add_variable(struct compiler *compiler, size_t at, genops_str name)
{
	struct genops_buffer buf;
	genops_str value, text;
	if (!compiler->variable || !compiler->variable(compiler->arg, name, &value))
		return fail(compiler, at, "set it in the environment, or write a field in small letters", "the variable is not set");
	if (compiler->made->kind == GENOPS_TEMPLATE_TEXT)
		return add_plain(compiler, value);
	if (value.len > GENOPS_VALUE_TEXT_MAX || !genops_str_is_utf8(value))
		return fail(compiler, at, "", "the variable's value is too long, or not UTF-8");
	genops_buffer_init(&buf, 8 * GENOPS_VALUE_TEXT_MAX);
	(void)genops_value_to_json(genops_value_text(value), &buf);
	text = genops_buffer_view(&buf);
	if (compiler->is_quoted && text.len >= 2)
		text = (genops_str){text.ptr + 1, text.len - 2};
	int code = buf.error ? genops_fail(compiler->err, buf.error, "no memory for a template") : add_plain(compiler, text);
	genops_buffer_done(&buf);
	return code;
}

static int add_time(struct compiler *compiler, size_t at, genops_str format)
{
	for (size_t i = 0; i < format.len; i++) {
		if ((unsigned char)format.ptr[i] < 0x20 || format.ptr[i] == '"' || format.ptr[i] == '\\')
			return fail(compiler, at, "", "a time's format has no quotes, backslashes and control characters");
		if (format.ptr[i] == '%' && (i + 1 == format.len || !strchr("YmdHMSjyF%", format.ptr[++i])))
			return fail(compiler, at, "%Y %m %d %H %M %S %j %y %F and %% are", "not a part of a time that there is");
	}
	if (!format.len || format.len > 60)
		return fail(compiler, at, "like ${_time:%Y/%m/%d}", "a time's format is 1 to 60 characters");
	return genops_arena_dup(&compiler->made->arena, format, &add(compiler, GENOPS_PIECE_TIME)->text)
		   ? GENOPS_OK
		   : genops_fail(compiler->err, GENOPS_NOMEM, "no memory for a template");
}

static int add_random(struct compiler *compiler, size_t at, genops_str count)
{
	int64_t n;
	if (!genops_str_to_int(count, &n) || n < 1 || n > 64)
		return fail(compiler, at, "like ${_random:6}", "1 to 64 characters can be had by chance");
	add(compiler, GENOPS_PIECE_RANDOM)->n = (unsigned)n;
	return GENOPS_OK;
}

/* compiler->at is behind "${". */
static int add_place(struct compiler *compiler)
{
	size_t at = compiler->at, close = genops_str_find_char(genops_str_skip(compiler->source, at), '}');
	genops_str body = {compiler->source.ptr + at, close == SIZE_MAX ? 0 : close};
	int (*special)(struct compiler *, size_t, genops_str) = NULL;
	genops_str value = body;
	if (is_variable(body)) {
		special = add_variable;
	} else if (genops_str_starts(body, GENOPS_STR("_time:"))) {
		special = add_time;
		value = genops_str_skip(body, 6);
	} else if (genops_str_starts(body, GENOPS_STR("_random:"))) {
		special = add_random;
		value = genops_str_skip(body, 8);
	}
	if (special) {
		GENOPS_TRY(special(compiler, at, value));
		compiler->at += close + 1;
		return GENOPS_OK;
	}
	struct genops_expression *expression;
	GENOPS_TRY(genops_expression_compile_in(compiler->source, &compiler->at, &expression, compiler->err));
	struct piece *piece = add(compiler, GENOPS_PIECE_EXPRESSION);
	piece->expression = expression;
	piece->at = at - 2; /* the ${ */
	return GENOPS_OK;
}

static int compile(struct compiler *compiler)
{
	genops_str source = compiler->source;
	for (unsigned n = 0; compiler->at < source.len; n++) {
		genops_str rest = genops_str_skip(source, compiler->at);
		size_t place = genops_str_find(rest, GENOPS_STR("${"));
		genops_str plain = {rest.ptr, place == SIZE_MAX ? rest.len : place};
		GENOPS_TRY(add_plain(compiler, plain));
		if (compiler->made->kind == GENOPS_TEMPLATE_JSON)
			follow_quotes(compiler, plain);
		compiler->at += plain.len;
		if (place == SIZE_MAX)
			break;
		if (n == GENOPS_TEMPLATE_PLACES_MAX)
			return fail(compiler, compiler->at, "", "more than 128 ${...} in one template");
		compiler->at += 2;
		GENOPS_TRY(add_place(compiler));
	}
	return GENOPS_OK;
}

/* What stands for a piece while the shape is checked; bytes of plain text are shown one after another, to know which is wrong. */
static int check_piece(const struct piece *piece, struct genops_json_scan *scan, size_t *at, struct genops_error *err)
{
	*at = piece->at;
	if (piece->kind != GENOPS_PIECE_PLAIN) {
		if (!piece->is_quoted && piece->kind != GENOPS_PIECE_EXPRESSION)
			return genops_fail(err, GENOPS_SYNTAX, "${_time:...} and ${_random:...} stand in quotes");
		return genops_json_scan_feed(scan, piece->is_quoted ? GENOPS_STR("x") : GENOPS_STR("null"), err);
	}
	for (size_t i = 0; i < piece->text.len; i++) {
		*at = piece->at + i;
		GENOPS_TRY(genops_json_scan_feed(scan, (genops_str){piece->text.ptr + i, 1}, err));
	}
	return GENOPS_OK;
}

static int shape_fault(struct compiler *compiler, int code, size_t at, struct genops_error *err)
{
	char message[sizeof err->message + 40];
	char *count = strstr(err->message, " at byte"); /* of what was shown: not of the source */
	if (count)
		*count = '\0';
	if (code == GENOPS_NOMEM)
		return genops_fail(compiler->err, code, "no memory for a template");
	snprintf(message, sizeof message, "the template is not JSON: %s", err->message);
	return fail(compiler, at, "outside of quotes, ${...} is a whole value; inside, part of a text", message);
}

/* With null, or x in quotes, in every place it must be JSON. */
static int check_shape(struct compiler *compiler)
{
	const struct genops_template *made = compiler->made;
	struct genops_error err = {0};
	struct genops_json_paths *paths = genops_json_paths_new(NULL, 0, &err);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, NULL, NULL, NULL) : NULL;
	int code = scan ? GENOPS_OK : GENOPS_NOMEM;
	size_t at = 0;
	for (size_t i = 0; code == GENOPS_OK && i < made->n_pieces; i++)
		code = check_piece(&made->pieces[i], scan, &at, &err);
	if (code == GENOPS_OK) {
		at = compiler->source.len;
		code = genops_json_scan_end(scan, &err);
	}
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	return code == GENOPS_OK ? code : shape_fault(compiler, code, at, &err);
}

int genops_template_compile(genops_str source, enum genops_template_kind kind, genops_template_variable_fn *variable, void *arg,
    struct genops_template **ret, struct genops_error *err)
{
	if (source.len > GENOPS_EXPRESSION_LEN_MAX || !genops_str_is_utf8(source))
		return genops_fail(err, GENOPS_LIMIT, "a template over %zu bytes, or one that is not UTF-8", GENOPS_EXPRESSION_LEN_MAX);
	struct genops_template *made = calloc(1, sizeof *made);
	if (!made)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a template");
	made->kind = kind;
	genops_arena_init(&made->arena, (size_t)32 << 20);
	struct compiler compiler = {.made = made, .source = source, .variable = variable, .arg = arg, .err = err};
	int code = compile(&compiler);
	if (code == GENOPS_OK && kind == GENOPS_TEMPLATE_JSON)
		code = check_shape(&compiler);
	if (code != GENOPS_OK) {
		genops_template_free(made);
		return code;
	}
	*ret = made;
	return GENOPS_OK;
}

void genops_template_free(struct genops_template *template)
{
	if (!template)
		return;
	for (size_t i = 0; i < template->n_pieces; i++)
		genops_expression_free(template->pieces[i].expression);
	genops_arena_done(&template->arena);
	free(template);
}

bool genops_template_piece_at(const struct genops_template *template, size_t i, struct genops_template_piece *ret)
{
	if (i >= template->n_pieces)
		return false;
	const struct piece *piece = &template->pieces[i];
	*ret = (struct genops_template_piece){piece->kind, piece->is_quoted, piece->text, piece->kind == GENOPS_PIECE_RANDOM ? piece->n : 0, piece->expression};
	return true;
}

/* --- rendering --- */

/* Is the text one JSON value? */
static bool is_json(genops_str text, struct genops_expression_run *run)
{
	char first = text.len ? text.ptr[0] : '\0';
	if (!first || !strchr("{[\"-0123456789tfn", first)) /* most are not */
		return false;
	if (!run->paths && !(run->paths = genops_json_paths_new(NULL, 0, NULL)))
		return false;
	if (!run->scan && !(run->scan = genops_json_scan_new(run->paths, NULL, NULL, NULL)))
		return false;
	genops_json_scan_reset(run->scan);
	return genops_json_scan_feed(run->scan, text, NULL) == GENOPS_OK && genops_json_scan_end(run->scan, NULL) == GENOPS_OK;
}

/* Halves of a pair, which JSON.stringify escapes and strict readers refuse, become U+FFFD. */
static void repair(struct genops_buffer *out, size_t start)
{
	for (size_t i = start; !out->error && i + 1 < out->len; i++) {
		if (out->ptr[i] != '\\')
			continue;
		if (out->ptr[++i] == 'u' && i + 4 < out->len && out->ptr[i + 1] == 'd')
			memcpy(out->ptr + i + 1, "fffd", 4);
	}
}

static void add_bare(struct genops_value value, struct genops_expression_run *run, struct genops_buffer *out)
{
	size_t start = out->len;
	if (value.type == GENOPS_VALUE_TEXT && is_json(genops_value_str(value), run))
		genops_buffer_add(out, genops_value_str(value));
	else if (!genops_value_to_json(value, out))
		genops_buffer_add(out, GENOPS_STR("null"));
	else
		repair(out, start);
}

/* The inside of a JSON text. */
static void add_quoted(genops_str text, struct genops_buffer *out)
{
	size_t start = out->len;
	(void)genops_value_to_json(genops_value_text(text), out);
	if (out->error)
		return;
	memmove(out->ptr + start, out->ptr + start + 1, out->len - start - 2);
	out->len -= 2;
	repair(out, start);
}

static void add_time_part(char letter, const struct tm *parts, struct genops_buffer *out)
{
	int year = parts->tm_year + 1900;
	switch (letter) {
	case 'Y':
		genops_buffer_printf(out, "%04d", year);
		break;
	case 'F':
		genops_buffer_printf(out, "%04d-%02d-%02d", year, parts->tm_mon + 1, parts->tm_mday);
		break;
	case 'j':
		genops_buffer_printf(out, "%03d", parts->tm_yday + 1);
		break;
	case '%':
		genops_buffer_add_char(out, '%');
		break;
	default:
		genops_buffer_printf(out, "%02d",
		    letter == 'm'   ? parts->tm_mon + 1
		    : letter == 'd' ? parts->tm_mday
		    : letter == 'H' ? parts->tm_hour
		    : letter == 'M' ? parts->tm_min
		    : letter == 'S' ? parts->tm_sec
				    : year % 100);
	}
}

static void add_time_text(const struct piece *piece, struct genops_value event, const struct genops_expression_run *run, struct genops_buffer *out)
{
	struct tm parts;
	double seconds = (double)run->now_ms / 1000;
	struct genops_value_key key = genops_value_key_of(GENOPS_STR("_time"));
	const struct genops_value *time = event.type == GENOPS_VALUE_OBJECT ? genops_value_object_get(event.as.object, &key) : NULL;
	if (time && time->type == GENOPS_VALUE_NUMBER && fabs(time->as.number) < 1e11)
		seconds = time->as.number;
	time_t whole = (time_t)floor(seconds);
	if (!gmtime_r(&whole, &parts))
		return;
	for (size_t i = 0; i < piece->text.len; i++) {
		if (piece->text.ptr[i] == '%')
			add_time_part(piece->text.ptr[++i], &parts, out);
		else
			genops_buffer_add_char(out, piece->text.ptr[i]);
	}
}

static void add_random_text(const struct piece *piece, struct genops_expression_run *run, struct genops_buffer *out)
{
	static const char names[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	for (unsigned i = 0; i < piece->n; i++)
		genops_buffer_add_char(out, names[(unsigned)(genops_expression_random(run) * 36)]);
}

static int add_expression(const struct genops_template *template, const struct piece *piece, struct genops_value event,
    struct genops_expression_run *run, struct genops_buffer *out, struct genops_template_faults *faults)
{
	struct genops_value value = {0};
	genops_str text = {0};
	struct genops_error err = {0};
	bool is_bare = template->kind == GENOPS_TEMPLATE_JSON && !piece->is_quoted;
	int code = genops_expression_evaluate(piece->expression, event, run, &value, &err);
	if (code == GENOPS_OK && !is_bare)
		code = genops_expression_text(piece->expression, value, run, &text, &err);
	if (code != GENOPS_OK && !faults->n++)
		faults->first = err;
	if (is_bare)
		add_bare(code == GENOPS_OK ? value : (struct genops_value){0}, run, out);
	else if (code == GENOPS_OK && template->kind == GENOPS_TEMPLATE_JSON)
		add_quoted(text, out);
	else if (code == GENOPS_OK)
		genops_buffer_add(out, text);
	return out->error;
}

int genops_template_render(const struct genops_template *template, struct genops_value event, struct genops_expression_run *run,
    struct genops_buffer *out, struct genops_template_faults *ret_faults, struct genops_error *err)
{
	struct genops_template_faults faults = {0};
	for (size_t i = 0; i < template->n_pieces && !out->error; i++) {
		const struct piece *piece = &template->pieces[i];
		if (piece->kind == GENOPS_PIECE_PLAIN)
			genops_buffer_add(out, piece->text);
		else if (piece->kind == GENOPS_PIECE_TIME)
			add_time_text(piece, event, run, out);
		else if (piece->kind == GENOPS_PIECE_RANDOM)
			add_random_text(piece, run, out);
		else
			(void)add_expression(template, piece, event, run, out, &faults);
	}
	if (out->error)
		return genops_fail(err, out->error, "a payload is over %zu bytes, or there is no memory for it", out->max);
	if (ret_faults)
		*ret_faults = faults;
	return GENOPS_OK;
}
