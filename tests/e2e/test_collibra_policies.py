# SPDX-License-Identifier: Apache-2.0
"""Policies that are written in Collibra govern calls at the gateway: imported by hand and in the background, changed, switched off,
deleted, damaged; and what GenOps says when Collibra cannot be used."""
import json

import pytest

import gateway as gateways


def section(collibra, **more):
    """The section as one line of YAML."""
    settings = {"url": collibra.url, "username": collibra.username, "password": collibra.password, "export_mode": "off",
                "max_retries": 0, **more}
    return f"collibra: {json.dumps(settings)}\n"


def chat(running, content="say hello", team="search", **more):
    return running.chat(content, headers={"x-genops-team": team}, max_tokens=10, **more)


def sync(running):
    """What `genops collibra sync --json` says."""
    ran = gateways.genops("collibra", "sync", "--json", state=running.state, config=running.config)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def decision(running, **more):
    return chat(running, **more).header("x-genops-decision")


def comes(running, wanted, **more):
    """Every process takes a changed set within about a second."""
    gateways.until(lambda: decision(running, **more) == wanted, 10, f"the decision {wanted}")


def test_policy_of_collibra_blocks_a_call(collibra, gateway):
    """COL-001 COL-006 COL-056 COL-057 COL-137 COL-138: created, imported by hand, enforced without a restart."""
    running = gateway(section(collibra))
    assert decision(running, content="this is CONFIDENTIAL") == "allowed"
    collibra.create_policy("Content Filter", "No secrets", blocked_patterns="confidential, secret ,private", enforcement_level="block")
    assert sync(running) == {"imported": 1, "updated": 0, "removed": 0, "failed": 0, "errors": []}
    comes(running, "blocked", content="this is CONFIDENTIAL")
    assert decision(running, content="public") == "allowed"
    assert sync(running)["imported"] == 0
