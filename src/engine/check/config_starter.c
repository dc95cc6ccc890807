/* SPDX-License-Identifier: Apache-2.0
 * engine/check/config_starter.c - the file that `genops init` writes. It loads as it is, without a variable set and without a
 * warning; what is commented out loads too once its values are there. */
#include <genops/config.h>

static const char starter[] =
    "# GenOps configuration. Every key is optional; genops validate explains what is wrong or missing.\n"
    "# ${VAR} and ${VAR:-default} expand. Reference: genops validate --reference\n"
    "\n"
    "governance:\n"
    "  mode: enforced              # enforced blocks, advisory only warns, audit_only only records\n"
    "  attributes:                 # who pays, unless a call says otherwise\n"
    "    team: my-team\n"
    "    project: my-project\n"
    "    environment: development\n"
    "\n"
    "  budgets:                    # in USD; a call that does not fit is refused before it is made\n"
    "    - name: everything\n"
    "      daily_budget: 10.0\n"
    "      monthly_budget: 200.0\n"
    "      # timezone: Europe/Berlin\n"
    "      # match: {team: my-team}\n"
    "\n"
    "  policies:\n"
    "    - name: per-call-cap\n"
    "      type: cost_limit\n"
    "      max_cost: 1.0           # USD, by the estimate before the call\n"
    "    - name: pace\n"
    "      type: rate_limit\n"
    "      max_requests_per_minute: 120\n"
    "    # - name: secrets\n"
    "    #   type: content_filter\n"
    "    #   enforcement_level: block     # or warn, rate_limit, allow\n"
    "    #   blocked_patterns: \"confidential,/sk-[A-Za-z0-9]{20}/\"\n"
    "    # - name: models\n"
    "    #   type: model_governance\n"
    "    #   allowed_models: \"gpt-4o-mini,claude-3-5-haiku\"\n"
    "\n"
    "  # keys:                     # virtual keys: what clients send instead of a provider's key\n"
    "  #   - name: ci\n"
    "  #     key: ${GENOPS_CI_KEY}\n"
    "  #     attributes: {team: ci}\n"
    "\n"
    "# gateway:                    # clients bring their own keys, or the gateway has some:\n"
    "#   providers:\n"
    "#     openai: {api_key: \"${OPENAI_API_KEY}\"}\n"
    "\n"
    "# exporters:                  # the OpenTelemetry Collector's format; without any, operations stay in the ledger\n"
    "#   otlphttp: {endpoint: \"http://collector:4318\"}\n";

const char *genops_config_starter(void)
{
	return starter;
}
