# SPDX-License-Identifier: Apache-2.0
"""OTLP in from OpenTelemetry's JavaScript SDK: JSON, protobuf and gRPC, as npm has them. (Python's is in test_otlp_in_grpc.py.)

Proves: OTL-046, OTL-047, OTL-048; issue "Telemetry in": real SDKs.
"""
import json
import os
import shutil
import subprocess

import pytest

import gateway as gateways
import receivers

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
pytestmark = pytest.mark.skipif(
    not shutil.which("node") or not os.path.isdir(os.path.join(HERE, "node_modules", "@opentelemetry")), reason="npm ci was not done in tests/e2e")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    running = receivers.Bare(tmp_path_factory.mktemp("bare"))
    yield running
    running.stop()


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("kind", ["json", "proto", "grpc"])
def test_javascript_sdk(bare, tmp_path, kind, compression):
    before = receivers.span_names(bare.state)
    port = bare.grpc if kind == "grpc" else bare.http
    done = subprocess.run(["node", os.path.join(HERE, "sdk", "telemetry.mjs"), kind, f"http://127.0.0.1:{port}", "1500", compression],
                          capture_output=True, text=True, timeout=120, env=gateways.environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"] == [0, 0, 0]
    assert sorted(receivers.span_names(bare.state)[len(before):]) == sorted(f"js-{kind}-{i}" for i in range(1500))
    if kind == "proto":
        other = [one for one in receivers.envelopes(bare.state) if one.signal != "traces"]
        names = [metric.name for one in other if one.signal == "metrics" for group in one.request.resource_metrics
                 for scope in group.scope_metrics for metric in scope.metrics]
        bodies = [record.body.string_value for one in other if one.signal == "logs" for group in one.request.resource_logs
                  for scope in group.scope_logs for record in scope.log_records]
        assert "js.counter" in names and "js record" in bodies
