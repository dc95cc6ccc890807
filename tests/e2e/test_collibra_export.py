# SPDX-License-Identifier: Apache-2.0
"""Operations through the gateway become assets in (a fake) Collibra, once each, whatever goes wrong on the way."""
import json
import os
import sys
import time

import pytest

from gateway import SOURCE, until

sys.path.insert(0, os.path.join(SOURCE, "tests", "collibra"))
from fake_collibra import FakeCollibra  # noqa: E402

COST, EVALUATION, BUDGET = "AI Operation Cost", "AI Policy Evaluation", "AI Budget Tracking"
GOVERNANCE = """
governance:
  attributes: {team: ml, project: bot, environment: production}
"""


@pytest.fixture
def collibra():
    with FakeCollibra() as fake:
        yield fake


def section(fake, **more):
    return "collibra: " + json.dumps({"url": fake.url, "username": fake.username, "password": fake.password, "domain_id": fake.domain_id, **more}) + "\n"


@pytest.fixture
def exporting(gateway, collibra):
    """exporting(yaml, batch_size=..., ...) -> a gateway that exports to the fake."""
    def start(text=GOVERNANCE, **more):
        return gateway(text + section(collibra, **more))
    return start


def test_a_batch_of_calls_is_there_as_assets(exporting, collibra):
    """COL-001 COL-003 COL-009 COL-038 COL-040 COL-123 COL-124 COL-126 COL-128 COL-129 COL-130"""
    running = exporting(batch_size=3, batch_interval_seconds=60)
    for _ in range(2):
        assert running.chat().status == 200
    time.sleep(1)
    assert not collibra.assets(COST)
    assert running.chat().status == 200
    assets = until(lambda: len(collibra.assets(COST)) == 3 and collibra.assets(COST), what="three cost assets")
    first = assets[0]["attributes"]
    assert first["team"] == ["ml"] and first["project"] == ["bot"] and first["environment"] == ["production"]
    assert first["ai_provider"] == ["openai"] and first["cost_amount"][0] > 0 and first["model_name"][0].startswith("gpt-4o-mini")
