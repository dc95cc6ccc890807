/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_read.c - see collibra_read.h. */
#include "connect/collibra/export/collibra_read.h"

#include "base/str.h"
#include "codec/json_scan.h"

#include <stdio.h>

static int scan(genops_str body, const struct genops_json_path *rows, size_t n_rows, genops_json_value_fn *on_value,
    void *arg, struct genops_error *err)
{
	struct genops_json_scan_options options = {.allow_duplicates = true};
	struct genops_json_paths *paths = genops_json_paths_new(rows, n_rows, err);
	if (!paths)
		return err->code;
	struct genops_json_scan *scanner = genops_json_scan_new(paths, &options, on_value, arg);
	int code = scanner ? genops_json_scan_feed(scanner, body, err)
			   : genops_fail(err, GENOPS_NOMEM, "no memory to read an answer of Collibra");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scanner, err);
	genops_json_scan_free(scanner);
	genops_json_paths_free(paths);
	return code;
}

static void keep(char *out, size_t size, genops_str text)
{
	snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size - 1), text.ptr ? text.ptr : "");
}

/* --- a job --- */

enum { JOB_ID, JOB_STATE, JOB_RESULT, JOB_MESSAGE };

static void on_job(void *arg, const struct genops_json_value *value)
{
	struct genops_collibra_job_state *state = arg;
	if (value->type != GENOPS_JSON_STRING)
		return;
	if (value->id == JOB_ID)
		keep(state->id, sizeof state->id, value->text);
	else if (value->id == JOB_STATE)
		keep(state->state, sizeof state->state, value->text);
	else if (value->id == JOB_RESULT)
		keep(state->result, sizeof state->result, value->text);
	else
		keep(state->message, sizeof state->message, value->text);
}

int genops_collibra_read_job(genops_str body, struct genops_collibra_job_state *ret_state, struct genops_error *err)
{
	static const struct genops_json_path rows[] = {
	    {"id", JOB_ID}, {"state", JOB_STATE}, {"result", JOB_RESULT}, {"message", JOB_MESSAGE}};
	struct genops_collibra_job_state state = {0};
	GENOPS_TRY(scan(body, rows, sizeof rows / sizeof rows[0], on_job, &state, err));
	if (!state.id[0])
		return genops_fail(err, GENOPS_SYNTAX, "Collibra's answer names no job");
	*ret_state = state;
	return GENOPS_OK;
}

/* --- errors of an import --- */

enum { ERROR_ELEMENT, ERROR_TYPE, ERROR_MESSAGE, ERROR_INDEX };

struct errors {
	genops_collibra_import_error_fn *on_error;
	void *arg;
	struct genops_collibra_import_error error;
};

static void on_error_value(void *arg, const struct genops_json_value *value)
{
	struct errors *errors = arg;
	struct genops_collibra_import_error *error = &errors->error;
	if (value->id == ERROR_ELEMENT && value->type == GENOPS_JSON_OBJECT) {
		if (value->is_end)
			errors->on_error(errors->arg, error);
		else
			*error = (struct genops_collibra_import_error){0};
	} else if (value->id == ERROR_TYPE) {
		error->is_validation = genops_str_is(value->text, "VALIDATION");
	} else if (value->id == ERROR_MESSAGE && value->type == GENOPS_JSON_STRING) {
		keep(error->message, sizeof error->message, value->text);
	} else if (value->id == ERROR_INDEX && value->is_integer && value->integer >= 0 && value->integer <= UINT32_MAX &&
		   error->n_indices < GENOPS_COLLIBRA_INDICES_MAX) {
		error->indices[error->n_indices++] = (uint32_t)value->integer;
	}
}

int genops_collibra_read_errors(
    genops_str body, genops_collibra_import_error_fn *on_error, void *arg, struct genops_error *err)
{
	static const struct genops_json_path rows[] = {{"results[]", ERROR_ELEMENT}, {"results[].errorType", ERROR_TYPE},
	    {"results[].errorMessage", ERROR_MESSAGE}, {"results[].command.indices[]", ERROR_INDEX}};
	struct errors errors = {.on_error = on_error, .arg = arg};
	return scan(body, rows, sizeof rows / sizeof rows[0], on_error_value, &errors, err);
}

/* --- listings --- */

enum { LIST_ELEMENT, LIST_ID, LIST_NAME };

struct listing {
	genops_collibra_element_fn *on_element;
	void *arg;
	char id[GENOPS_COLLIBRA_ID_SIZE], name[2048];
};

static void on_list_value(void *arg, const struct genops_json_value *value)
{
	struct listing *listing = arg;
	if (value->id == LIST_ELEMENT && value->type == GENOPS_JSON_OBJECT) {
		if (value->is_end && listing->id[0])
			listing->on_element(listing->arg, genops_str_of(listing->id), genops_str_of(listing->name));
		listing->id[0] = listing->name[0] = '\0';
	} else if (value->id == LIST_ID && value->type == GENOPS_JSON_STRING) {
		keep(listing->id, sizeof listing->id, value->text);
	} else if (value->id == LIST_NAME && value->type == GENOPS_JSON_STRING) {
		keep(listing->name, sizeof listing->name, value->text);
	}
}

static int read_list(genops_str body, const char *name, genops_collibra_element_fn *on_element, void *arg,
    struct genops_error *err)
{
	struct genops_json_path rows[] = {{"results[]", LIST_ELEMENT}, {"results[].id", LIST_ID}, {name, LIST_NAME}};
	struct listing listing = {.on_element = on_element, .arg = arg};
	return scan(body, rows, sizeof rows / sizeof rows[0], on_list_value, &listing, err);
}

int genops_collibra_read_assets(
    genops_str body, genops_collibra_element_fn *on_asset, void *arg, struct genops_error *err)
{
	return read_list(body, "results[].name", on_asset, arg, err);
}

int genops_collibra_read_attributes(
    genops_str body, genops_collibra_element_fn *on_attribute, void *arg, struct genops_error *err)
{
	return read_list(body, "results[].type.id", on_attribute, arg, err);
}
