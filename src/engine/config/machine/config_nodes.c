/* SPDX-License-Identifier: Apache-2.0
 * engine/config/machine/config_nodes.c - `worker_nodes` and `leader_nodes`, as the Cribl guide describes a cluster.
 *
 * One file may describe all machines; each one finds itself in it, by GENOPS_NODE or its host's name, and runs the pipelines that stand
 * there. What is described is compared with what the machine has. GenOps has no leader: what nodes share is in their state. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <stdio.h>
#include <unistd.h>

#define NODES_MAX 256
#define NAME_ROOM 256

struct node {
	genops_str name, cpu;
	int role;
	int64_t memory;
	struct genops_texts pipelines;
	const struct genops_yaml_node *place;
};

#define AT(field) offsetof(struct node, field)
const struct genops_option genops_config_worker_rows[] = {
    {.name = "role", .type = GENOPS_OPTION_ENUM, .offset = AT(role), .default_text = "worker", .names = (const char *const[]){"worker", NULL}, .text = "what genops status says of it"},
    {.name = "cpu", .type = GENOPS_OPTION_TEXT, .offset = AT(cpu), .text = "processors, like 8 cores: a machine that has fewer is warned about"},
    {.name = "memory", .type = GENOPS_OPTION_SIZE, .offset = AT(memory), .min = 1, .max = 1e15, .text = "of the machine, like 32 GB: one that has less is warned about"},
    {.name = "pipelines",
	.type = GENOPS_OPTION_LIST,
	.offset = AT(pipelines),
	.text = "ids of pipelines, or what they begin with before a - (genops-cost for genops-cost-governance): it runs no others; all, or unset: all of them"},
    {.name = NULL},
};

const struct genops_option genops_config_leader_rows[] = {
    {.name = "role", .type = GENOPS_OPTION_ENUM, .offset = AT(role), .default_text = "leader", .names = (const char *const[]){"leader", "leader-standby", NULL}, .text = "has no effect; warned about"},
    {.name = "cpu", .type = GENOPS_OPTION_TEXT, .offset = AT(cpu), .text = "the same"},
    {.name = "memory", .type = GENOPS_OPTION_SIZE, .offset = AT(memory), .min = 1, .max = 1e15, .text = "the same"},
    {.name = NULL},
};

/* --- reading --- */

static int64_t cores_of(genops_str text)
{
	genops_str rest = genops_str_trim(text);
	int64_t n = 0;
	size_t digits = 0;
	while (digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9')
		digits++;
	genops_str unit = genops_str_trim(genops_str_skip(rest, digits));
	bool is_unit = !unit.len || genops_str_is_nocase(unit, "cores") || genops_str_is_nocase(unit, "core") || genops_str_is_nocase(unit, "vcpu");
	return is_unit && genops_str_to_int((genops_str){rest.ptr, digits}, &n) && n >= 1 && n <= 100000 ? n : 0;
}

static int read_node(struct genops_config_reader *reader, const struct genops_yaml_entry *entry, const struct genops_option *rows, struct node *ret_node)
{
	char what[160];
	genops_str name = entry->key->text;
	*ret_node = (struct node){.name = name, .place = entry->key};
	if (!name.len || name.len >= NAME_ROOM)
		return genops_config_read_fail(reader, entry->key, "name the machine as its host name does", "a node has no name, or one that is too long");
	snprintf(what, sizeof what, "node \"%.*s\"", (int)(name.len > 100 ? 100 : name.len), name.ptr);
	GENOPS_TRY(genops_config_read_section(reader, entry->value, what, rows, ret_node));
	if (ret_node->cpu.len && !cores_of(ret_node->cpu))
		return genops_config_read_fail(reader, genops_yaml_get(entry->value, "cpu"), "write it like 8 cores", "%s: cpu is no number of processors", what);
	return GENOPS_OK;
}

/* A list of {name: settings}, as the guide has it, or one mapping of them. */
static int read_nodes(struct genops_config_reader *reader, const struct genops_yaml_node *section, const char *what,
    const struct genops_option *rows, struct node *nodes, size_t *ret_n)
{
	bool is_list = section->kind == GENOPS_YAML_SEQUENCE;
	const struct genops_yaml_entry *item = is_list ? section->first : NULL;
	*ret_n = 0;
	for (const struct genops_yaml_node *group = is_list ? NULL : section; group || item; item = item ? item->next : NULL) {
		if (item)
			group = item->value;
		GENOPS_TRY(genops_config_read_expect(reader, group, what, GENOPS_YAML_MAPPING));
		for (const struct genops_yaml_entry *entry = group->first; entry; entry = entry->next) {
			if (*ret_n == NODES_MAX)
				return genops_config_read_fail(reader, entry->key, NULL, "%s names more than %d", what, NODES_MAX);
			for (size_t i = 0; i < *ret_n; i++) {
				if (genops_str_equal(nodes[i].name, entry->key->text))
					return genops_config_read_fail(reader, entry->key, "give each a name of its own", "%s names one twice", what);
			}
			GENOPS_TRY(read_node(reader, entry, rows, &nodes[(*ret_n)++]));
		}
		group = NULL;
	}
	return GENOPS_OK;
}

/* --- which one is this --- */

/* cribl-worker-01 is also cribl-worker-01.example.com. */
static bool is_called(genops_str node, genops_str host)
{
	genops_str rest = host;
	return genops_str_is_nocase(host, "") ? false : genops_str_equal_nocase(node, host) || genops_str_equal_nocase(node, genops_str_split(&rest, '.'));
}

static int find_self(struct genops_config_reader *reader, const struct node *nodes, size_t n, const struct node **ret_self)
{
	const char *named = genops_config_environment_get(reader, "GENOPS_NODE");
	char host[NAME_ROOM] = "", fix[400];
	const char *names[NODES_MAX];
	char texts[NODES_MAX][NAME_ROOM];
	*ret_self = NULL;
	if (!named && gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	genops_str self = genops_str_of(named ? named : host);
	for (size_t i = 0; i < n; i++) {
		if (is_called(nodes[i].name, self))
			*ret_self = &nodes[i];
		snprintf(texts[i], sizeof texts[i], "%.*s", GENOPS_STR_ARG(nodes[i].name));
		names[i] = texts[i];
	}
	if (*ret_self)
		return GENOPS_OK;
	const char *nearest = named ? genops_str_nearest(self, names, n) : NULL;
	snprintf(fix, sizeof fix, nearest ? "did you mean \"%s\"?" : "set GENOPS_NODE to the name of the one that this machine is%s", nearest ? nearest : "");
	if (named)
		return genops_fail_fix(reader->err, GENOPS_CONFIG, fix, "environment variable GENOPS_NODE: worker_nodes has no \"%.100s\"", named);
	return genops_config_read_warn(reader, n ? nodes[0].place : NULL, fix,
	    "worker_nodes: this machine (%.100s) is none of them, and runs all pipelines", host[0] ? host : "without a name");
}

/* --- what it runs, what it has --- */

static bool is_run(const struct node *node, genops_str id)
{
	for (size_t i = 0; i < node->pipelines.n; i++) {
		genops_str name = node->pipelines.items[i];
		bool is_head = genops_str_starts(id, name) && (id.len == name.len || id.ptr[name.len] == '-');
		if (is_head || genops_str_is_nocase(name, "all"))
			return true;
	}
	return !node->pipelines.n;
}

static bool is_there(const struct genops_config *config, genops_str name)
{
	const struct node only = {.pipelines = {1, &name}};
	bool is_found = genops_str_is_nocase(name, "all");
	for (size_t i = 0; i < config->n_pipelines; i++)
		is_found |= is_run(&only, config->pipelines[i]->id);
	return is_found;
}

static int check_names(struct genops_config_reader *reader, const struct node *node)
{
	const struct genops_config *config = reader->config;
	const char *names[64];
	size_t n = 0;
	for (; n < config->n_pipelines && n < 64; n++)
		names[n] = config->pipelines[n]->id.ptr;
	for (size_t i = 0; i < node->pipelines.n; i++) {
		genops_str name = node->pipelines.items[i];
		char fix[200];
		if (is_there(config, name))
			continue;
		const char *nearest = genops_str_nearest(name, names, n);
		snprintf(fix, sizeof fix, nearest ? "did you mean \"%.100s\"?" : "add a document with that id to pipelines%s", nearest ? nearest : "");
		GENOPS_TRY(genops_config_read_warn(reader, node->place, fix, "worker_nodes: there is no pipeline \"%.*s\" for %.*s",
		    (int)(name.len > 100 ? 100 : name.len), name.ptr, (int)(node->name.len > 100 ? 100 : node->name.len), node->name.ptr));
	}
	return GENOPS_OK;
}

static int check_unrun(struct genops_config_reader *reader, const struct node *nodes, size_t n)
{
	const struct genops_config *config = reader->config;
	for (size_t i = 0; i < config->n_pipelines; i++) {
		bool is_any = false;
		for (size_t k = 0; k < n; k++)
			is_any |= is_run(&nodes[k], config->pipelines[i]->id);
		if (!is_any && n)
			GENOPS_TRY(genops_config_read_warn(reader, nodes[0].place, "add it to a node's pipelines, or all",
			    "worker_nodes: no node runs pipeline \"%.100s\"", config->pipelines[i]->id.ptr));
	}
	return GENOPS_OK;
}

static int check_machine(struct genops_config_reader *reader, const struct node *self)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	int64_t cores = cores_of(self->cpu), memory = pages > 0 && size > 0 ? (int64_t)pages * size : 0;
	if (cores && processors > 0 && cores > processors)
		GENOPS_TRY(genops_config_read_warn(reader, self->place, "correct the description, or give the machine more",
		    "worker_nodes: this machine has %ld processors, not %lld", processors, (long long)cores));
	/* The kernel keeps some of it for itself. */
	if (self->memory && memory && self->memory > memory / 9 * 10)
		GENOPS_TRY(genops_config_read_warn(reader, self->place, "correct the description, or give the machine more",
		    "worker_nodes: this machine has %lld MiB of memory, not %lld", (long long)(memory >> 20), (long long)(self->memory >> 20)));
	return GENOPS_OK;
}

static int become(struct genops_config_reader *reader, const struct node *self)
{
	struct genops_config *config = reader->config;
	if (!genops_arena_dup(reader->arena, self->name, &config->node))
		return genops_config_read_no_memory(reader);
	for (size_t i = 0; i < config->n_pipelines && !reader->is_trial; i++)
		config->pipelines[i]->is_enabled &= is_run(self, config->pipelines[i]->id);
	return check_machine(reader, self);
}

static int read_workers(struct genops_config_reader *reader, const struct genops_yaml_node *section, struct node *nodes)
{
	const struct node *self;
	size_t n;
	GENOPS_TRY(read_nodes(reader, section, "worker_nodes", genops_config_worker_rows, nodes, &n));
	for (size_t i = 0; i < n; i++)
		GENOPS_TRY(check_names(reader, &nodes[i]));
	GENOPS_TRY(check_unrun(reader, nodes, n));
	GENOPS_TRY(find_self(reader, nodes, n, &self));
	return self ? become(reader, self) : GENOPS_OK;
}

int genops_config_nodes_read(struct genops_config_reader *reader, const struct genops_yaml_node *workers, const struct genops_yaml_node *leaders)
{
	struct node *nodes = genops_arena_alloc(reader->arena, NODES_MAX * sizeof *nodes);
	size_t n;
	if (!nodes)
		return genops_config_read_no_memory(reader);
	if (workers)
		GENOPS_TRY(read_workers(reader, workers, nodes));
	if (!leaders)
		return GENOPS_OK;
	GENOPS_TRY(read_nodes(reader, leaders, "leader_nodes", genops_config_leader_rows, nodes, &n));
	return genops_config_read_warn(reader, leaders, "remove it; whichever process of a machine dies, another one takes its work over",
	    "leader_nodes has no effect: GenOps has no leader, every machine reads its configuration itself");
}
