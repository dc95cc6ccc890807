# SPDX-License-Identifier: Apache-2.0
"""OTLP in: what is answered, and that what was acknowledged lies in the durable log.

Proves: CRB-003, CRB-024, CRB-028, CRB-035, CRB-040, OTL-046, OTL-047, OTL-048, CRB-014.
"""
import json

import pytest

import receivers
from receivers import JSON, PROTOBUF, post, traces


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    running = receivers.Bare(tmp_path_factory.mktemp("bare"))
    yield running
    running.stop()


GUIDE = [
    # cribl.md, "Test Connection"
    """{
    "resourceSpans": [{
      "resource": {
        "attributes": [
          {"key": "service.name", "value": {"stringValue": "test-service"}}
        ]
      },
      "scopeSpans": [{
        "spans": [{
          "name": "test-span",
          "attributes": [
            {"key": "genops.cost.total", "value": {"doubleValue": 0.05}}
          ]
        }]
      }]
    }]
  }""",
    # cribl.md, "GenOps Telemetry Not Arriving"
    '{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "test"}]}]}]}',
]


@pytest.mark.parametrize("body", GUIDE)
def test_curls_of_the_guide(bare, body):
    before = receivers.span_names(bare.state)
    reply = post(bare.http, body=body, headers={"Authorization": "Bearer YOUR_TOKEN", **JSON})
    assert (reply.status, reply.json()) == (200, {})
    assert reply.header("content-type") == "application/json"
    name = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"]
    assert receivers.span_names(bare.state) == before + [name]


def test_protobuf_is_kept_as_it_came(bare):
    body = traces("one", "two")
    reply = post(bare.http, body=body, headers={**PROTOBUF, "X-Scope-OrgID": "acme"})
    assert (reply.status, reply.body, reply.header("content-type")) == (200, b"", "application/x-protobuf")
    last = list(receivers.envelopes(bare.state))[-1]
    assert (last.signal, last.receiver, last.input, last.tenant) == ("traces", "otlp", "genops_otlp_source", "acme")
    assert last.request == receivers.REQUESTS["traces"].FromString(body)
