# SPDX-License-Identifier: Apache-2.0
"""Receivers of OTLP under test: `genops serve` on free ports; nginx alone without a drain, whose segments stay; and what lies in segments."""
import http.client
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

import gateway as gateways
from gateway import Reply, until
from chaos_stage import free_port
from otlp_messages import REQUESTS, read_varint

NGINX = os.environ.get("GENOPS_NGINX", "/usr/sbin/nginx")
MODULE = os.environ.get("GENOPS_NGINX_MODULE", f"{gateways.BUILD}/nginx/ngx_http_genops_module.so")
SIGNALS = tuple(REQUESTS)
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


def post(port, path="/v1/traces", body=b"", headers=PROTOBUF, method="POST", host="127.0.0.1", timeout=30):
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return Reply(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


def traces(*names, attributes=(), pad=0):
    """A request of one span a name, as protobuf's reference classes write it."""
    request = REQUESTS["traces"]()
    spans = request.resource_spans.add().scope_spans.add().spans
    for name in names:
        span = spans.add(name=name, trace_id=os.urandom(16), span_id=os.urandom(8), kind=3,
                         start_time_unix_nano=time.time_ns() - 10**9, end_time_unix_nano=time.time_ns())
        for key, value in attributes:
            span.attributes.add(key=key).value.string_value = value
        if pad:
            span.attributes.add(key="pad").value.string_value = "x" * pad
    return request.SerializeToString()


# --- what lies in the log: docs/queue-format.md ---

class Envelope:
    def __init__(self, payload):
        assert payload[0] == 1
        fields = dict(read_fields(payload[1:]))
        self.signal = SIGNALS[fields.get(1, 0)]
        self.receiver, self.input, self.tenant = (fields.get(number, b"").decode() for number in (4, 5, 6))
        self.request = REQUESTS[self.signal].FromString(fields.get(7, b""))


def read_fields(data):
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        yield tag >> 3, value


def envelopes(state):
    """What was received and is in the segments, in the order of files."""
    for path in sorted(pathlib.Path(state, "segments").glob("*.seg"), key=lambda path: [int(part) for part in path.stem.split("-")]):
        data = path.read_bytes()
        at = 64
        while at + 24 <= len(data):
            length, kind = struct.unpack_from("<II", data, at)
            if not length:
                break
            if kind == 2:
                yield Envelope(data[at + 24:at + length])
            at += (length + 7) & ~7


def span_names(state):
    return [span.name for envelope in envelopes(state) if envelope.signal == "traces"
            for group in envelope.request.resource_spans for scope in group.scope_spans for span in scope.spans]


# --- who receives ---

class Serve(gateways.Gateway):
    """genops serve; `receivers` is YAML or a mapping without ports that are fixed."""

    def __init__(self, folder, text="receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}, grpc: {endpoint: '127.0.0.1:0'}}}}", providers=None, **more):
        super().__init__(folder, gateways.config_text(providers or {}, text), **more)
        until(lambda: any("genops run --" in line for line in self.log), what="the end of the addresses")
        found = re.findall(r"OTLP over (HTTP|gRPC) at https?://\S+:(\d+)", "".join(self.log))
        self.http = next((int(port) for kind, port in found if kind == "HTTP"), None)
        self.grpc = next((int(port) for kind, port in found if kind == "gRPC"), None)

    def metrics(self, name):
        """Sum of a metric's series by their labels."""
        text = self.call("GET", "/metrics").body.decode()
        return {labels: float(value) for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.M)}


CONF = """load_module {module};
daemon off; pid {folder}/nginx.pid; lock_file {folder}/nginx.lock; worker_processes {workers}; {user}
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
{temporary}
    access_log off; default_type application/json;
    genops_config {folder}/genops.yaml; genops_state {folder}/state; genops_drain off;
    client_body_buffer_size 1m; client_max_body_size 64m; keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{http}; location / {{ genops_receive otlp http; }} location = /ready {{ genops_control ready; }} }}
    server {{ listen 127.0.0.1:{grpc} http2; location / {{ genops_receive otlp grpc; }} }}
}}
"""


class Bare:
    """nginx with the module and nobody who drains: everything that was acknowledged lies in the segments."""

    def __init__(self, folder, workers=1, receivers="{otlp: }", state=None):
        self.folder, self.http, self.grpc = folder, free_port(), free_port()
        self.state = folder / "state"
        (folder / "genops.yaml").write_text(f"receivers: {receivers}\n")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        (folder / "nginx.conf").write_text(CONF.format(
            module=MODULE, folder=folder, workers=workers, user="user root root;" if os.geteuid() == 0 else "",
            temporary="".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds), http=self.http, grpc=self.grpc))
        self.start()

    def start(self, **more):
        self.process = subprocess.Popen([NGINX, "-p", self.folder, "-c", self.folder / "nginx.conf"], stderr=subprocess.PIPE,
                                        env=gateways.environment(self.folder), **more)
        until(self.answers, what="nginx's first answer")

    def answers(self):
        assert self.process.poll() is None, self.process.stderr.read()
        try:
            return post(self.http, "/ready", method="GET").status == 200
        except OSError:
            return False

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate(timeout=30)
