# SPDX-License-Identifier: Apache-2.0
"""OTLP requests as others write them: the curls of the Cribl guide, and what real SDKs have sent (tests/captures)."""
import base64
import dataclasses
import gzip
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "captures"

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


@dataclasses.dataclass(frozen=True)
class Capture:
    name: str
    path: str
    headers: dict
    sent: bytes

    @property
    def signal(self):
        return self.path.removeprefix("/v1/")

    @property
    def content_type(self):
        return self.headers["content-type"]

    @property
    def body(self):
        """Without its compression."""
        return gzip.decompress(self.sent) if self.headers.get("content-encoding") == "gzip" else self.sent


def capture(name):
    request = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["request"]
    return Capture(name, request["path"], request["headers"], base64.b64decode(request["body"]))


CAPTURES = [capture(path.stem) for path in sorted(FOLDER.glob("*.json"))]
assert CAPTURES
