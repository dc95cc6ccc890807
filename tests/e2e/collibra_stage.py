# SPDX-License-Identifier: Apache-2.0
"""A gateway that exports to a fake Collibra, and what must be there in the end: each asset once, with exactly the right attributes."""
import concurrent.futures
import json
import os
import sys

import gateway as gateways
from gateway import SOURCE, until

sys.path.insert(0, os.path.join(SOURCE, "tests", "collibra"))
from fake_collibra import FakeCollibra  # noqa: E402,F401

COST, EVALUATION, BUDGET = "AI Operation Cost", "AI Policy Evaluation", "AI Budget Tracking"
ATTRIBUTES = "  attributes: {team: ml, project: bot, environment: production}\n"
ALLOWED = "  policies:\n    - {name: cap, type: cost_limit, max_cost: 5}\n"
GOVERNANCE = "governance:\n" + ATTRIBUTES + ALLOWED


def section(fake, **more):
    return "collibra: " + json.dumps({"url": fake.url, "username": fake.username, "password": fake.password, "domain_id": fake.domain_id, **more}) + "\n"


class Stage:
    """A gateway in a folder of its own that can be killed and started again."""

    def __init__(self, folder, provider, fake, governance=GOVERNANCE, **settings):
        self.folder, self.fake = folder, fake
        providers = {name: provider.url for name in gateways.PROVIDERS}
        self.config = gateways.config_text(providers, governance + section(fake, **{"timeout": 2, "rate_limit_per_second": 100, **settings}))
        self.gateway = None

    def start(self):
        self.gateway = gateways.Gateway(self.folder, self.config)
        return self.gateway

    def stop(self, number=15):
        if self.gateway:
            self.gateway.stop(number)
        self.gateway = None

    def call(self, n, threads=8, **more):
        """n chats; the answers' statuses."""
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            return [reply.status for reply in pool.map(lambda _: self.gateway.chat(**more), range(n))]

    def names(self, n):
        """{operation id: the operation} of all n that the gateway recorded."""
        operations = self.gateway.operations(n)
        assert len(operations) == n
        return {operation["operation_id"]: operation for operation in operations}

    def arrived(self, n, kind=COST, seconds=30):
        return until(lambda: (found := self.fake.assets(kind)) and len(found) >= n and found, seconds, f"{n} assets of {kind}")

    def check(self, n, seconds=30, evaluations=1):
        """n operations: a cost asset each and so many evaluations, every attribute with one value, and the right one. Returns all of them."""
        self.arrived(n, COST, seconds)
        self.arrived(n * evaluations, EVALUATION, seconds)
        costs = self.fake.assets(COST)
        assert len(costs) == n and len({asset["name"] for asset in costs}) == n
        found = self.fake.assets(EVALUATION)
        assert len(found) == n * evaluations and len({asset["name"] for asset in found}) == n * evaluations
        until(lambda: all(asset["attributes"] for asset in self.fake.assets(COST) + self.fake.assets(EVALUATION)), seconds, "the attributes")
        operations = self.names(n)
        for asset in self.fake.assets(COST):
            check_attributes(asset, operations[only(asset, "operation_id")])
            assert only(asset, "outcome") == "ok" and only(asset, "input_tokens") > 0 and only(asset, "output_tokens") > 0
        for asset in self.fake.assets(EVALUATION):
            check_attributes(asset, operations[only(asset, "operation_id")])
            assert only(asset, "policy_name") == "cap" and only(asset, "policy_result") == "allowed"
        return self.fake.assets(COST) + self.fake.assets(EVALUATION)


def only(asset, name):
    values = asset["attributes"][name]
    assert len(values) == 1, f"{asset['name']} has {len(values)} values of {name}: {values}"
    return values[0]


def check_attributes(asset, operation):
    for name in asset["attributes"]:
        only(asset, name)
    assert asset["name"].split(":")[3] == operation["operation_id"]
    assert only(asset, "team") == "ml" and only(asset, "project") == "bot" and only(asset, "environment") == "production"
    assert only(asset, "ai_provider") == "openai" and only(asset, "currency") == "USD"
    assert only(asset, "trace_id") == operation["operation_id"][:32]
    assert abs(only(asset, "cost_amount") - operation["cost_nano_usd"] / 1e9) < 1e-9
