# SPDX-License-Identifier: Apache-2.0
"""OTLP in from OpenTelemetry's Go SDK, over HTTP and gRPC, through `genops serve` and out at its file exporter.

Its gRPC is grpc-go's, another HTTP/2 than Python's and Node's. The versions are those of sdk_go/go.mod, never others.

Proves: OTL-046, OTL-047, OTL-048; issue "Telemetry in": real SDKs.
"""
import json
import os
import re
import shutil
import subprocess

import pytest

import gateway as gateways
import receivers

PROGRAM = os.path.join(gateways.SOURCE, "tests", "e2e", "sdk_go")
SPANS = 1500
SCOPES = {"scopeSpans": "spans", "scopeMetrics": "metrics", "scopeLogs": "logRecords"}
OFFLINE = r"dial tcp|lookup |i/o timeout|connection re|unreachable|proxyconnect|: (403|407|50\d) "
CONFIG = """
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}, grpc: {endpoint: '127.0.0.1:0'}}}}
exporters: {file: {path: %s}}
processors: {batch: {timeout: 100ms}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [file]}
    metrics: {receivers: [otlp], processors: [batch], exporters: [file]}
    logs: {receivers: [otlp], processors: [batch], exporters: [file]}
"""


def go(*arguments):
    # The caller's environment: where Go keeps its modules and what it has built, and who serves modules. Not its workspace nor its flags.
    return subprocess.run(["go", *arguments], cwd=PROGRAM, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
                          env={**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"})


def version(text):
    return tuple(map(int, re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text).groups("0")))


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with open(os.path.join(PROGRAM, "go.mod"), encoding="ascii") as file:
        wanted = re.search(r"^go (\S+)$", file.read(), re.M)[1]
    if not shutil.which("go") or version(go("env", "GOVERSION").stdout) < version(wanted):
        pytest.skip(f"there is no Go {wanted} or later")
    fetched = go("mod", "download")
    if fetched.returncode:
        # Only a network that is not there is a reason; modules other than go.sum's are a failure.
        assert re.search(OFFLINE, fetched.stderr), fetched.stderr
        pytest.skip("Go modules cannot be downloaded: " + fetched.stderr.strip().splitlines()[-1])
    path = tmp_path_factory.mktemp("sdk_go") / "app"
    built = go("build", "-trimpath", "-buildvcs=false", "-o", str(path), ".")
    assert built.returncode == 0, built.stderr
    return path


@pytest.fixture(scope="module")
def serve(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    running = receivers.Serve(folder, CONFIG % (folder / "out.jsonl"))
    yield running
    running.stop()


def delivered(serve, begin):
    """Spans, metrics and log records in the whole lines of the file from `begin` on."""
    path = serve.folder / "out.jsonl"
    lines = path.read_bytes()[begin:].rpartition(b"\n")[0] if path.exists() else b""
    return [thing for line in lines.splitlines() for resources in json.loads(line).values() for resource in resources
            for scopes, within in SCOPES.items() for scope in resource.get(scopes, ()) for thing in scope[within]]


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_go_sdk(program, serve, tmp_path, kind, compression):
    path = serve.folder / "out.jsonl"
    begin = path.stat().st_size if path.exists() else 0
    done = subprocess.run([program, kind, f"127.0.0.1:{getattr(serve, kind)}", str(SPANS), compression], capture_output=True, text=True,
                          timeout=120, env=gateways.environment(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    came = gateways.until(lambda: len(all_of := delivered(serve, begin)) >= SPANS + 2 and all_of, 30, "all that was sent")
    assert len(came) == SPANS + 2, "nothing came twice"
    spans = {thing["name"]: thing for thing in came if "endTimeUnixNano" in thing}
    assert set(spans) == {f"go-{kind}-{i}" for i in range(SPANS)}
    last = spans[f"go-{kind}-{SPANS - 1}"]
    attributes = {one["key"]: one["value"] for one in last["attributes"]}
    assert attributes["text"] == {"stringValue": "é"} and attributes["n"] == {"intValue": str(SPANS - 1)}
    assert attributes["half"] == {"doubleValue": 0.5} and attributes["flag"] == {"boolValue": True}
    assert attributes["list"] == {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}}
    assert [event["name"] for event in last["events"]] == ["event"]
    counter, = (thing for thing in came if thing.get("name") == "go.counter")
    assert counter["sum"]["dataPoints"][0]["asInt"] == "3"
    assert [thing["body"] for thing in came if "body" in thing] == [{"stringValue": "go record"}]
