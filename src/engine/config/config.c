/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config.c - loading: find the file, read it section by section, then the prices; and the snapshot's life.
 *
 * Order matters: governance first (keys decide what the gateway may listen on, the environment is merged there),
 * then telemetry before service. The tree of the file is gone when loading is over. */
#include "engine/config/documents/documents.h"

#include "base/clock.h"
#include "base/str.h"

#include <genops/operation.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_MAX        ((size_t)64 << 20)
#define PRICE_FILE_MAX   ((size_t)32 << 20)
#define PRICE_FILES_MAX  32

#define LATER_TEXT "has no effect yet; a later version reads it: "

#define LATER(key, what) {.name = key, .type = GENOPS_OPTION_CUSTOM, .text = LATER_TEXT what}
#define SECTION(key, what) {.name = key, .type = GENOPS_OPTION_CUSTOM, .text = what}

const struct genops_option genops_config_rows[] = {
    SECTION("state", "the state directory, shared by all processes on this host"),
    SECTION("governance", "what is allowed, what may be spent, by whom"),
    SECTION("gateway", "the HTTP gateway of genops serve and genops run"),
    SECTION("telemetry", "names on the wire, the durable queue"),
    SECTION("receivers", "the Collector's format: otlp, over HTTP and gRPC; unset: otlp on its usual ports of this machine"),
    SECTION("sources", "documents of the Cribl guide: receivers in its words, inline or paths of files"),
    SECTION("processors", "the Collector's format: batch, memory_limiter, filter, attributes, genops/..."),
    SECTION("exporters", "the Collector's format: otlp, otlphttp, debug, file"),
    SECTION("service", "the Collector's format: what goes through which processors to which exporters"),
    SECTION("observability", "of the guides' ~/.genops/config.yaml"),
    SECTION("wandb", "of the guides' ~/.genops/config.yaml; the connector is in a later version"),
    SECTION("collibra", "the Collibra instance that operations are exported to and policies imported from"),
    SECTION("extensions", "the Collector's: bearertokenauth; others have no effect"),
    LATER("connectors", "the Collector's"),
    SECTION("pipelines", "documents of the Cribl guide, inline or paths of files: filters, processors, routes"),
    SECTION("destinations", "documents of the Cribl guide: where routes lead"),
    SECTION("destination_config", "of the Cribl guide: batch_size and flush_interval of destinations that say none themselves"),
    SECTION("retry", "of the Cribl guide: how destinations repeat that do not say it themselves"),
    SECTION("alerts", "who is told when a budget runs out, or something is wrong here"),
    SECTION("monitoring", "of the Cribl guide: metrics_to_watch, whose targets are alert rules, and alerts"),
    SECTION("lookups", "documents of the Cribl guide: tables that pipelines look things up in"),
    SECTION("performance_settings", "of the Cribl guide: how much of this machine may be used"),
    SECTION("worker_nodes", "of the Cribl guide: which machine runs which pipelines"),
    SECTION("leader_nodes", "of the Cribl guide; there is no leader: warned about"),
    SECTION("load_balancer", "of the Cribl guide: the path that one probes is answered"),
    SECTION("security", "of the Cribl guide: what receivers have that say nothing else"),
    SECTION("backup_strategy", "of the Cribl guide: archives of configuration and state, by a schedule"),
    SECTION("data_protection", "masks over everything that leaves, and what has to be encrypted"),
    LATER("approvals", "who may approve"),
    {.name = NULL},
};

struct state {
	genops_str directory;
	int64_t sync_interval_ns;
};

const struct genops_option genops_config_state_rows[] = {
    {.name = "directory", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct state, directory), .text = "unset: ~/.genops/state"},
    {.name = "sync_interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = offsetof(struct state, sync_interval_ns),
	.default_text = "1s",
	.min = 0.01,
	.max = 60,
	.text = "how much a power cut may lose; a killed process loses nothing"},
    {.name = NULL},
};

#define AT(field) offsetof(struct genops_config_wandb, field)
const struct genops_option genops_config_wandb_rows[] = {
    {.name = "api_key", .type = GENOPS_OPTION_TEXT, .offset = AT(api_key), .is_secret = true, .text = "of Weights & Biases"},
    {.name = "default_team", .type = GENOPS_OPTION_TEXT, .offset = AT(default_team), .text = "team of runs that name none"},
    {.name = "default_project", .type = GENOPS_OPTION_TEXT, .offset = AT(default_project), .text = "project of runs that name none"},
    {.name = NULL},
};

/* --- sections that have no file of their own --- */

static int use_state(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str path, genops_str folder)
{
	if (genops_str_starts(path, GENOPS_STR("postgres")) && genops_str_find(path, GENOPS_STR("://")) != SIZE_MAX)
		return genops_config_read_fail(reader, node, "name a directory on a local disk",
		    "state in PostgreSQL is not available in this build");
	return genops_config_read_place(
	    reader, node, genops_config_file_path(reader, path, folder, &reader->config->state_dir));
}

/* Parameter, GENOPS_STATE_DIR, file, ~/.genops/state. */
static int read_state(struct genops_config_reader *reader, const char *parameter)
{
	const struct genops_yaml_node *node = genops_config_read_get(reader->root, genops_config_rows, "state");
	const struct genops_yaml_node *mapping = node && node->kind == GENOPS_YAML_MAPPING ? node : NULL;
	const char *variable = genops_config_environment_get(reader, "GENOPS_STATE_DIR");
	const char *outside = parameter && *parameter ? parameter : variable;
	struct state state = {0};
	GENOPS_TRY(genops_config_read_section(reader, mapping, "state", genops_config_state_rows, &state));
	reader->config->sync_interval_ns = state.sync_interval_ns;
	if (node && !mapping)
		GENOPS_TRY(genops_config_read_text(reader, node, "state", &state.directory));
	if (outside)
		return use_state(reader, NULL, genops_str_of(outside), reader->start);
	if (state.directory.len)
		return use_state(reader, node, state.directory, reader->folder);
	return use_state(reader, node, GENOPS_STR("~/.genops/state"), (genops_str){0});
}

static int warn_later(struct genops_config_reader *reader)
{
	for (const struct genops_option *row = genops_config_rows; row->name; row++) {
		const struct genops_yaml_node *node = genops_config_read_get(reader->root, genops_config_rows, row->name);
		bool is_empty = !node || (node->kind == GENOPS_YAML_SCALAR ? !node->text.len : !node->n);
		bool is_later = strncmp(row->text, LATER_TEXT, sizeof LATER_TEXT - 1) == 0;
		if (is_later && !is_empty)
			GENOPS_TRY(genops_config_read_warn(
			    reader, node, "", "section %s is read by a later version; it has no effect yet", row->name));
	}
	return GENOPS_OK;
}

static int read_wandb(struct genops_config_reader *reader)
{
	const struct genops_yaml_node *node = genops_config_read_get(reader->root, genops_config_rows, "wandb");
	GENOPS_TRY(genops_config_read_section(
	    reader, node, "wandb", genops_config_wandb_rows, &reader->config->wandb));
	if (!node)
		return GENOPS_OK;
	return genops_config_read_warn(
	    reader, node, "", "section wandb is read by a later version's connector; it has no effect yet");
}

static int read_documents(struct genops_config_reader *reader, const struct genops_config_source *source)
{
	const struct genops_option *rows = genops_config_rows;
	struct genops_yaml_node pipelines = {.text = genops_str_of(source->pipelines)};
	struct genops_yaml_node lookups = {.text = genops_str_of(source->lookups)};
	genops_str folder = reader->folder;
	reader->is_trial = source->pipelines != NULL;
	reader->folder = source->lookups ? reader->start : folder; /* what the caller names starts where he is */
	GENOPS_TRY(genops_config_lookups_read(reader, source->lookups ? &lookups : genops_config_read_get(reader->root, rows, "lookups")));
	reader->folder = folder;
	GENOPS_TRY(genops_config_destinations_read(reader, genops_config_read_get(reader->root, rows, "destinations")));
	GENOPS_TRY(genops_config_alerts_read(
	    reader, genops_config_read_get(reader->root, rows, "alerts"), genops_config_read_get(reader->root, rows, "monitoring")));
	reader->folder = source->pipelines ? reader->start : folder;
	GENOPS_TRY(genops_config_pipelines_read(reader, source->pipelines ? &pipelines : genops_config_read_get(reader->root, rows, "pipelines")));
	reader->folder = folder;
	return GENOPS_OK;
}

static int read_sections(struct genops_config_reader *reader, const struct genops_config_source *source)
{
	const struct genops_yaml_node *root = reader->root;
	const struct genops_option *rows = genops_config_rows;
	GENOPS_TRY(genops_config_read_section(reader, root, "the configuration", rows, reader->config));
	GENOPS_TRY(read_state(reader, source->state_dir));
	reader->is_exporting = true;
	GENOPS_TRY(genops_config_performance_read(reader, genops_config_read_get(root, rows, "performance_settings")));
	GENOPS_TRY(genops_config_governance_read(reader, genops_config_read_get(root, rows, "governance")));
	GENOPS_TRY(genops_config_gateway_read(reader, genops_config_read_get(root, rows, "gateway")));
	GENOPS_TRY(genops_config_receiver_read(reader));
	GENOPS_TRY(genops_config_telemetry_read(reader, genops_config_read_get(root, rows, "telemetry"),
	    genops_config_read_get(root, rows, "observability")));
	GENOPS_TRY(genops_config_protection_read(reader, genops_config_read_get(root, rows, "data_protection")));
	GENOPS_TRY(genops_config_batching_read(reader, root));
	GENOPS_TRY(genops_config_service_read(reader, root));
	GENOPS_TRY(read_documents(reader, source));
	GENOPS_TRY(genops_config_nodes_read(
	    reader, genops_config_read_get(root, rows, "worker_nodes"), genops_config_read_get(root, rows, "leader_nodes")));
	GENOPS_TRY(genops_config_balancer_read(reader, genops_config_read_get(root, rows, "load_balancer")));
	GENOPS_TRY(genops_config_backup_read(reader, genops_config_read_get(root, rows, "backup_strategy")));
	GENOPS_TRY(read_wandb(reader));
	GENOPS_TRY(genops_config_collibra_read(
	    reader, genops_config_read_get(root, rows, "collibra"), source->parameters));
	GENOPS_TRY(genops_config_protection_check(reader, genops_config_read_get(root, rows, "data_protection")));
	return warn_later(reader);
}

/* --- prices --- */

static int read_price_file(struct genops_config_reader *reader, genops_str path, struct genops_buffer *text)
{
	GENOPS_TRY(genops_config_file_watch(reader, path));
	struct genops_config_watch *watch = &reader->config->watches[reader->config->n_watches - 1];
	watch->every_ns = reader->config->price_reload_interval_ns;
	watch->part = GENOPS_PART_PRICES;
	int code = genops_config_file_read(path.ptr, PRICE_FILE_MAX, text, reader->err);
	if (code != GENOPS_OK)
		return genops_config_read_missing(reader, reader->price_files, code);
	return GENOPS_OK;
}

static int make_prices(struct genops_config_reader *reader, const struct genops_buffer *texts, size_t n_texts)
{
	const struct genops_config *config = reader->config;
	struct genops_prices_source sources[PRICE_FILES_MAX + 1] = {
	    {.name = "the built-in catalogue", .text = genops_prices_shipped(), .format = GENOPS_PRICES_OWN_JSON}};
	for (size_t i = 0; i < n_texts; i++)
		sources[i + 1] = (struct genops_prices_source){.name = config->price_files.items[i].ptr,
		    .text = genops_buffer_view(&texts[i]),
		    .format = GENOPS_PRICES_DETECT};
	reader->config->prices = genops_prices_new(sources, n_texts + 1, reader->err);
	if (reader->config->prices)
		return GENOPS_OK;
	int code = reader->err->code;
	if (code == GENOPS_SYNTAX)
		reader->err->code = code = GENOPS_CONFIG;
	return genops_config_read_place(reader, reader->price_files, code);
}

static int read_prices(struct genops_config_reader *reader)
{
	const struct genops_texts *files = &reader->config->price_files;
	struct genops_buffer texts[PRICE_FILES_MAX] = {{0}};
	int code = GENOPS_OK;
	if (files->n > PRICE_FILES_MAX)
		return genops_config_read_fail(
		    reader, reader->price_files, NULL, "there are more than %d price files", PRICE_FILES_MAX);
	for (size_t i = 0; i < files->n && code == GENOPS_OK; i++)
		code = read_price_file(reader, files->items[i], &texts[i]);
	if (code == GENOPS_OK)
		code = make_prices(reader, texts, files->n);
	for (size_t i = 0; i < files->n; i++)
		genops_buffer_done(&texts[i]);
	return code;
}

/* --- the file --- */

static const char *get_variable(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static int find_folders(struct genops_config_reader *reader)
{
	struct passwd entry, *found = NULL;
	char buffer[1024];
	genops_str home = genops_str_of(genops_config_environment_get(reader, "HOME"));
	if (!home.len && getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
		home = genops_str_of(found->pw_dir);
	reader->home = genops_arena_dup_text(reader->arena, home);
	const char *start = getcwd(buffer, sizeof buffer);
	if (!reader->home || (start && !genops_arena_dup(reader->arena, genops_str_of(start), &reader->start)))
		return genops_config_read_no_memory(reader);
	reader->folder = reader->start;
	return GENOPS_OK;
}

/* A candidate is taken when it is there; one that is not is watched, since it may come. */
static int try_candidate(struct genops_config_reader *reader, const char *path, genops_str *file)
{
	genops_str full;
	if (file->len || (path[0] == '~' && !*reader->home))
		return GENOPS_OK;
	GENOPS_TRY(genops_config_file_path(reader, genops_str_of(path), (genops_str){0}, &full));
	if (access(full.ptr, F_OK) == 0) {
		*file = full;
		return GENOPS_OK;
	}
	GENOPS_TRY(genops_config_file_path(reader, full, reader->start, &full));
	return genops_config_file_watch(reader, full);
}

static int find_file(struct genops_config_reader *reader, const struct genops_config_source *source)
{
	genops_str *file = &reader->config->file;
	const char *named = source->file ? source->file : genops_config_environment_get(reader, "GENOPS_CONFIG");
	if (source->text)
		return GENOPS_OK;
	if (named && !*named)
		return GENOPS_OK;
	if (named) {
		GENOPS_TRY(genops_config_file_path(reader, genops_str_of(named), (genops_str){0}, file));
	} else {
		GENOPS_TRY(try_candidate(reader, "genops.yaml", file));
		GENOPS_TRY(try_candidate(reader, "~/.genops/config.yaml", file));
	}
	if (!file->len)
		return GENOPS_OK;
	reader->file = file->ptr; /* messages name it as the user does */
	return genops_config_file_path(reader, *file, reader->start, file);
}

static int parse(struct genops_config_reader *reader, genops_str text, const struct genops_config_source *source)
{
	struct genops_yaml *yaml = NULL;
	GENOPS_TRY(genops_yaml_parse(reader->file, text, &yaml, reader->err));
	int code = GENOPS_OK;
	if (yaml->n_documents > 1)
		code = genops_config_read_fail(reader, yaml->documents[1], "keep one document",
		    "a configuration is one document, and a second one begins here");
	if (yaml->n_documents && !genops_yaml_is_null(yaml->documents[0]))
		reader->root = yaml->documents[0];
	reader->config->is_blank = !reader->root;
	if (code == GENOPS_OK)
		code = read_sections(reader, source);
	if (code == GENOPS_OK && !reader->without_prices)
		code = read_prices(reader);
	genops_yaml_free(yaml);
	return code;
}

static int read_file(struct genops_config_reader *reader, const struct genops_config_source *source)
{
	struct genops_buffer text;
	struct genops_error cause;
	const genops_str *file = &reader->config->file;
	const char *slash = strrchr(file->ptr, '/');
	if (slash)
		reader->folder = (genops_str){file->ptr, slash == file->ptr ? 1 : (size_t)(slash - file->ptr)};
	GENOPS_TRY(genops_config_file_watch(reader, *file));
	reader->config->watches[reader->config->n_watches - 1].part = GENOPS_PART_MAIN;
	int code = genops_config_file_read(reader->file, GENOPS_YAML_BYTES_MAX, &text, &cause);
	if (code != GENOPS_OK)
		return genops_fail_fix(reader->err, code == GENOPS_IO ? GENOPS_CONFIG : code,
		    "make one with genops init, or name another with --config",
		    "the configuration cannot be read: %.400s", cause.message);
	code = parse(reader, genops_buffer_view(&text), source);
	if (text.ptr)
		explicit_bzero(text.ptr, text.cap); /* keys may stand in it */
	genops_buffer_done(&text);
	return code;
}

static int load(struct genops_config_reader *reader, const struct genops_config_source *source)
{
	GENOPS_TRY(find_folders(reader));
	GENOPS_TRY(find_file(reader, source));
	if (reader->config->file.len)
		return read_file(reader, source);
	if (source->text)
		reader->file = "configuration text";
	return parse(reader, genops_str_of(source->text), source);
}

struct genops_config *genops_config_load(const struct genops_config_source *source, struct genops_error *err)
{
	struct genops_error own = {0};
	struct genops_config *config = calloc(1, sizeof *config);
	if (!config) {
		genops_fail(err, GENOPS_NOMEM, "out of memory while reading the configuration");
		return NULL;
	}
	config->refs = 1;
	config->loaded_monotonic_ns = genops_clock_monotonic_ns();
	genops_arena_init(&config->arena, ARENA_MAX);
	struct genops_config_reader reader = {
	    .config = config,
	    .arena = &config->arena,
	    .file = "",
	    .home = "",
	    .variables = {get_variable, NULL, genops_config_file_expand},
	    .err = err ? err : &own,
	    .daily_budget_limit = GENOPS_COST_UNKNOWN,
	    .parameters = source->parameters,
	    .before = source->before,
	    .on_pipeline = source->on_pipeline,
	    .on_pipeline_arg = source->on_pipeline_arg,
	    .without_prices = source->without_prices,
	};
	reader.variables.arg = &reader;
	if (load(&reader, source) == GENOPS_OK)
		return config;
	genops_config_unref(config);
	return NULL;
}

/* --- the snapshot's life --- */

struct genops_config *genops_config_ref(struct genops_config *config)
{
	atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
	return config;
}

void genops_config_unref(struct genops_config *config)
{
	if (!config || atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < config->n_policies; i++) {
		if (config->policies[i]->type->release)
			config->policies[i]->type->release(config->policies[i]->settings);
	}
	genops_config_exporter_forget(config);
	genops_config_alerts_forget(config);
	genops_service_done(&config->service);
	if (config->mask)
		genops_otlp_mask_done(config->mask);
	for (size_t i = 0; i < config->n_pipelines; i++)
		genops_pipeline_free(config->pipelines[i]);
	genops_lookups_free(config->lookups);
	if (config->prices)
		genops_prices_unref(config->prices);
	genops_arena_done(&config->arena);
	free(config);
}

bool genops_config_is_stale(const struct genops_config *config)
{
	int64_t age_ns = genops_clock_monotonic_ns() - config->loaded_monotonic_ns;
	for (size_t i = 0; i < config->n_watches; i++) {
		if (age_ns >= config->watches[i].every_ns && genops_config_file_is_changed(&config->watches[i]))
			return true;
	}
	return false;
}

bool genops_config_is_settling(const struct genops_config *config, int64_t now_unix_ns)
{
	for (size_t i = 0; i < config->n_watches; i++) {
		if (genops_config_file_is_settling(&config->watches[i], now_unix_ns))
			return true;
	}
	return false;
}
