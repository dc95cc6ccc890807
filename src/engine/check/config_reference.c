/* SPDX-License-Identifier: Apache-2.0
 * engine/check/config_reference.c - the reference page of the configuration, made from the parser's own rows, so it cannot differ from it. */
#include "engine/check/reference_rows.h"
#include "engine/config/config_read.h"

#include <genops/config.h>

#include <stdio.h>

#define PAGE_MAX ((size_t)1 << 20)

struct page {
	const char *section, *text;
	const struct genops_option *rows;
};

static const struct page pages[] = {
    {"Top level", "Every section and key is optional.", genops_config_rows},
    {"state", "A path, or a mapping:", genops_config_state_rows},
    {"governance", "", genops_config_governance_rows},
    {"governance.pricing", "", genops_config_pricing_rows},
    {"governance.policies[]", "Every policy has these, and those of its type:", genops_config_policy_rows},
    {"governance.budgets[]", "A budget has these, and those of policy type budget_limit (`per` is empty unless set):",
	genops_config_budget_rows},
    {"governance.approvals", "", genops_config_approval_rows},
    {"governance.keys[]", "", genops_config_key_rows},
    {"gateway", "", genops_config_gateway_rows},
    {"gateway.tls", "", genops_config_gateway_tls_rows},
    {"gateway.providers.NAME", "", genops_config_provider_rows},
    {"receivers.otlp", "Also with a name: `otlp/edge`. `receivers: {}` receives nothing.", genops_config_receiver_rows},
    {"receivers.otlp.auth", "", genops_config_receiver_auth_rows},
    {"receivers.otlp.auth.bearer_tokens[]", "", genops_config_receiver_token_rows},
    {"receivers.otlp.protocols.http", "", genops_config_receiver_protocol_rows[0]},
    {"receivers.otlp.protocols.http", "And:", genops_config_receiver_http_rows},
    {"receivers.otlp.protocols.http.cors", "", genops_config_receiver_cors_rows},
    {"receivers.otlp.protocols.grpc", "", genops_config_receiver_protocol_rows[1]},
    {"receivers.otlp.protocols.grpc", "And:", genops_config_receiver_grpc_rows},
    {"receivers.otlp.protocols.grpc.keepalive.server_parameters", "", genops_config_receiver_age_rows},
    {"receivers.otlp.protocols.*.tls", "", genops_config_receiver_tls_rows},
    {"sources[]", "The Cribl guide's document, inline or a file's.", genops_config_source_rows},
    {"sources[]: Source Configuration", "", genops_config_source_place_rows},
    {"sources[]: Authentication", "", genops_config_source_auth_rows},
    {"sources[]: Advanced Settings", "", genops_config_source_advanced_rows},
    {"sources[]: Buffer Settings", "", genops_config_source_buffer_rows},
    {"extensions.bearertokenauth", "Also with a name. What `authenticator` of a receiver names.", genops_config_receiver_bearer_rows},
    {"telemetry", "", genops_config_telemetry_rows},
    {"telemetry.queue", "", genops_config_queue_rows},
    {"observability", "", genops_config_observability_rows},
    {"exporters.otlp, exporters.otlphttp", "Also with a name: `otlp/tempo`. `debug` and `console` have no keys.",
	genops_config_exporter_rows},
    {"exporters.otlphttp", "Beside these:", genops_config_exporter_http_rows},
    {"exporters.*", "Beside these; destinations have them too:", genops_config_delivery_rows},
    {"exporters.*.tls", "", genops_config_exporter_tls_rows},
    {"exporters.*.sending_queue", "Also `queue`.", genops_config_sending_queue_rows},
    {"exporters.*.health_check", "", genops_config_health_rows},
    {"exporters.*.retry_on_failure", "", genops_config_exporter_retry_rows},
    {"service", "", genops_config_service_rows},
    {"service.pipelines.traces", "", genops_config_pipeline_rows},
    {"lookups[]", "Documents, inline or in files named by paths or patterns with `*`, one or more documents a file.", genops_config_lookup_rows},
    {"destinations[]", "Documents like those of lookups. Beside these keys they have those of the exporter of that type.",
	genops_config_destination_rows},
    {"destinations[]", "Of types that are not in the Collector's format also these, which may stand under `retry`:", genops_config_retry_rows},
    {"destinations[]", "And these, which may stand under `destination_config`:", genops_config_batching_rows},
    {"alerts", "See ../alerts.md.", genops_config_alert_rows},
    {"alerts.to[]", "An id alone is a destination that is told of everything.", genops_config_alert_target_rows},
    {"alerts.rules[]", "Or the Cribl guide's `Alert Rules:` and `monitoring:`, inline or paths of files.", genops_config_alert_rule_rows},
    {"wandb", "", genops_config_wandb_rows},
    {"collibra", "", genops_config_collibra_rows},
    {"performance_settings", "The Cribl guide's section. What other sections say themselves is stronger.", genops_config_performance_rows},
    {"performance_settings.pipeline", "", genops_config_performance_pipeline_rows},
    {"performance_settings.buffer", "", genops_config_performance_buffer_rows},
    {"performance_settings.network", "", genops_config_performance_network_rows},
    {"worker_nodes[].NAME", "The Cribl guide's section: one file for all machines, of which each finds itself by `GENOPS_NODE` or its host's name.", genops_config_worker_rows},
    {"leader_nodes[].NAME", "", genops_config_leader_rows},
    {"load_balancer", "The Cribl guide's section.", genops_config_balancer_rows},
    {"load_balancer.health_check", "", genops_config_balancer_health_rows},
    {"security", "The Cribl guide's section: for receivers that say nothing else.", genops_config_security_rows},
    {"security.source_auth", "", genops_config_security_source_rows},
    {"security.destination_auth", "", genops_config_security_destination_rows},
    {"security.tls", "", genops_config_security_tls_rows},
    {"security.network", "", genops_config_security_network_rows},
    {"backup_strategy", "The Cribl guide's section. See ../operations.md.", genops_config_backup_strategy_rows},
    {"backup_strategy.config_backup, backup_strategy.state_backup", "", genops_config_backup_rows},
    {"backup_strategy.replication", "", genops_config_replication_rows},
    {"data_protection", "The Cribl guide's section.", genops_config_protection_rows},
    {"data_protection.masking", "", genops_config_protection_masking_rows},
    {"data_protection.encryption_at_rest", "", genops_config_protection_rest_rows},
    {"data_protection.encryption_in_transit", "", genops_config_protection_transit_rows},
    {"data_protection.retention", "", genops_config_protection_retention_rows},
};

static void add_page(struct genops_buffer *out, int depth, const char *section, const char *text,
    const struct genops_option *rows)
{
	genops_buffer_printf(out, "\n%s `%s`\n\n", depth == 2 ? "##" : "###", section);
	if (*text)
		genops_buffer_printf(out, "%s\n\n", text);
	genops_reference_rows(out, rows);
}

static void add_policy_types(struct genops_buffer *out)
{
	size_t n;
	char section[96], text[256];
	const struct genops_policy_type *const *types = genops_policy_types(&n);
	for (size_t i = 0; i < n; i++) {
		snprintf(section, sizeof section, "type: %s", types[i]->name);
		snprintf(text, sizeof text, "It %s.", types[i]->summary);
		add_page(out, 3, section, text, types[i]->options);
	}
}

static void add_processors(struct genops_buffer *out)
{
	char section[128];
	for (const struct genops_processor_type *const *type = genops_processor_types(); *type; type++) {
		snprintf(section, sizeof section, "processors.%s", (*type)->name);
		add_page(out, 2, section, (*type)->summary, (*type)->rows);
		for (const struct genops_processor_part *part = (*type)->parts; part && part->name; part++) {
			snprintf(section, sizeof section, "processors.%s.%s", (*type)->name, part->name);
			add_page(out, 3, section, part->text, part->rows);
		}
	}
}

static void add_variables(struct genops_buffer *out)
{
	size_t n;
	const struct genops_config_variable *variables = genops_config_environment_variables(&n);
	genops_buffer_add_text(out, "\n## Environment variables\n\nThey beat the file; an empty one counts as not set.\n\n"
				    "| variable | meaning |\n| --- | --- |\n");
	for (size_t i = 0; i < n; i++) {
		genops_buffer_printf(out, "| `%s` | ", variables[i].name);
		genops_reference_rows_cell(out, variables[i].text);
		genops_buffer_add_text(out, " |\n");
	}
}

int genops_config_reference(char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_buffer out;
	genops_buffer_init(&out, PAGE_MAX);
	genops_buffer_add_text(&out,
	    "# Configuration reference\n\n"
	    "Made from the rows that the parser uses. `--config FILE`, else `$GENOPS_CONFIG`, `./genops.yaml`,\n"
	    "`~/.genops/config.yaml`. In values `${VAR}` and `${VAR:-default}` expand, `$${` is a plain `${`;\n"
	    "`${file:PATH}` is what a file holds, which is read again when it changes (secrets that are rotated).\n"
	    "Parameters beat environment variables beat the file beats defaults. Relative paths start at the\n"
	    "file's folder.\n");
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		add_page(&out, 2, pages[i].section, pages[i].text, pages[i].rows);
		if (pages[i].rows == genops_config_policy_rows)
			add_policy_types(&out);
		if (pages[i].rows == genops_config_exporter_retry_rows)
			add_processors(&out);
	}
	add_variables(&out);
	return genops_reference_rows_take(&out, ret_text, ret_len, err);
}
