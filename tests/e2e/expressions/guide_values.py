# SPDX-License-Identifier: Apache-2.0
"""What the fields and attributes of the guide's events may hold."""
VALUES = {
    "cost_total": [None, 0, 0.05, 1, 1.5, 5.01, 10, 11, "7", "x"], "tokens_total": [0, 10, None], "customer_id": ["none", "acme", None],
    "budget_tier": ["enterprise", "growth", "free", None], "is_high_cost": [True, False, "true"], "policy_result": ["blocked", "warning", "allowed", "BLOCKED", None],
    "compliance_framework": ["none", "HIPAA", "GDPR", "SOC2", "FINRA", "", None], "is_violation": [True, False, None, "true", 1], "violation_severity": ["critical", "low"],
    "audit_required": [True, False], "budget_limit": [0, 100, 0.125, 1e6, "100"], "budget_used": [0, 82.25, 90, 100, 1 / 3], "budget_remaining": [0, -1, 17.75],
    "actual_utilization": [0, 79.9, 80, 82.25, 90, 100, 0.05], "budget_exhausted": [True, False], "budget_critical": [True, False], "budget_warning": [True, False],
    "budget_status": ["normal", "warning", "critical", "exhausted"], "should_alert": [True, False], "pagerduty_alert": [True, False, "true"], "slack_alert": [True, False],
    "budget_name": ["team-a", 'q"uo\nte', "ü 😀"], "alert_title": ["t"], "team": ["search", None], "project": ["p"], "environment": ["production", "staging", "development"],
    "retention_years": [3, 5, 7, "7"], "retention_class": ["long_term", "medium_term"], "audit_trail_required": [True, "true", None], "utilization_percent": [12.5],
    "timestamp": [1700000000.123], "policy_name": ["pii"], "policy_reason": ["r"], "requires_investigation": [True, False], "name": ["chat gpt-4"],
    "__inputId": ["genops_otlp_source", "other"],
}
ATTRIBUTES = {
    "genops.cost.total": [None, "", "0.05", 0.05, 0, "x", "1e-3", True], "genops.cost.provider": ["openai", "", None], "genops.tokens.input": ["12.9", 12, "x", None],
    "genops.tokens.total": ["0x1f", 1e21, None], "genops.team": ["search", 0, False], "genops.policy.name": ["pii", "", None], "genops.policy.result": ["blocked", None],
    "genops.policy.reason": ["Jane Doe", None], "genops.policy.metadata.compliance_framework": ["HIPAA", None], "genops.budget.name": ["b", None],
    "genops.budget.limit": ["100", 100, None], "genops.budget.allocated": ["", 0, 50], "genops.budget.used": ["82.25", None], "genops.budget.remaining": [None, "0", "12"],
    "genops.compliance.audit_trail_required": ["true", True, None], "genops.compliance.framework": ["GDPR", None],
}
