# SPDX-License-Identifier: Apache-2.0
"""Receivers as `genops serve` stands them up: who is let in, TLS, limits, ports, and nginx's own refusals in OTLP's words.

Proves: CRB-003, CRB-021 to CRB-030, OTL-046, OTL-047, OTL-058,
OTL-060; DESIGN 5 "anything else needs authentication configured".
"""
import http.client
import hashlib
import json
import socket
import ssl
import time
import urllib.error
import urllib.request

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import status_pb2

import gateway as gateways
import receivers
from gateway import genops, until
from receivers import JSON, PROTOBUF, post, traces
from otlp_grpc import TRACE_METHOD, call, details_of
from authority import Authority


def otlp(host="127.0.0.1", name="otlp", http={}, grpc={}, **keys):
    """A receiver on free ports; JSON is YAML."""
    protocols = {kind: {"endpoint": f"{host}:0", **(more or {})} for kind, more in (("http", http), ("grpc", grpc)) if more is not None}
    return f"{name}: {json.dumps({'protocols': protocols, **keys})}"



@pytest.fixture
def serve(tmp_path_factory):
    started = []

    def serve(receivers_text, more="", **arguments):
        started.append(receivers.Serve(tmp_path_factory.mktemp("serve"), f"receivers:\n  {receivers_text}\n{more}", **arguments))
        return started[-1]
    yield serve
    for one in started:
        one.stop()


def export(port, body=b"", metadata=(), credentials=None, host="127.0.0.1", **more):
    """b"" or the error."""
    options = [("grpc.max_send_message_length", 64 << 20)]
    target = f"{host}:{port}"
    with grpc.secure_channel(target, credentials, options) if credentials else grpc.insecure_channel(target, options) as channel:
        try:
            return call(channel, body or traces("a"), TRACE_METHOD, metadata=metadata, **more)
        except grpc.RpcError as error:
            return error


def other_address():
    """An address of this machine that is not loopback: who comes from it to 127.0.0.1 is somebody else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


OTHER = other_address()
from_elsewhere = pytest.mark.skipif(not OTHER, reason="this machine has only its loopback address")


def post_from(source, port, body, headers=PROTOBUF, host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, port, timeout=20, source_address=(source, 0))
    try:
        connection.request("POST", "/v1/traces", body=body, headers=headers)
        response = connection.getresponse()
        return receivers.Reply(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


# --- who is let in ---

TOKEN, OTHER_TOKEN = "token-0123456789abcdef", "token-abcdef0123456789"


AUTHS = {
    "own": {"bearer_tokens": [TOKEN, {"token": OTHER_TOKEN, "tenant": "acme"}]},
    "hash_and_file": {"bearer_tokens": [{"sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}, {"file": "tokens"}]},
    "collector": {"authenticator": "bearertokenauth/in"},
}


@pytest.mark.parametrize("kind", AUTHS)
def test_tokens(tmp_path_factory, kind):
    folder = tmp_path_factory.mktemp("serve")
    (folder / "tokens").write_text(f"{OTHER_TOKEN}\n\n")
    (folder / "tokens").chmod(0o600)
    running = receivers.Serve(folder, f"receivers:\n  {otlp(auth=AUTHS[kind])}\n" + (
        f"extensions:\n  bearertokenauth/in: {{token: {TOKEN}, filename: tokens}}\nservice: {{extensions: [bearertokenauth/in]}}\n"
        if kind == "collector" else ""))
    try:
        body = traces("a")
        for token in (TOKEN, OTHER_TOKEN):
            for written in (f"Bearer {token}", f"bearer  {token}", f"BEARER {token} "):
                assert post(running.http, body=body, headers={**PROTOBUF, "Authorization": written}).status == 200, written
            assert post(running.http, body=body, headers={**PROTOBUF, "X-Api-Key": token}).status == 200
            assert export(running.grpc, body, [("authorization", f"Bearer {token}")]) == b""
        for wrong in ({}, {"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"},
                      {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN.upper()}"}, {"Authorization": "Bearer"},
                      {"Authorization": "Bearer "}):
            reply = post(running.http, body=body, headers={**JSON, **wrong})
            assert reply.status == 401, wrong
            assert reply.header("www-authenticate").startswith("Bearer") and reply.json()["code"] == 16
        error = export(running.grpc, body, [("authorization", "Bearer wrong")])
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED and details_of(error) == {}
        assert not any(TOKEN in line for line in running.log)
        assert post(running.http, "/health", method="GET").json() == {"status": "ok"}
        assert post(running.http, "/ready", method="GET").json() == {"status": "ready"}
        assert running.metrics("genops_self_refused_requests_total")['receiver="otlp",transport="http",reason="unauthenticated"'] == 8
    finally:
        running.stop()


def test_keys_of_governance_are_let_in_where_others_can_reach_it(serve):
    key = "vk-0123456789abcdef0123456789"
    running = serve(otlp("0.0.0.0"), f"governance:\n  keys: [{{name: a, key: {key}}}]\n")
    assert post(running.http, body=traces("a")).status == 401
    assert post(running.http, body=traces("a"), headers={**PROTOBUF, "Authorization": f"Bearer {key}"}).status == 200


GUIDE = """
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:%d
      http:
        endpoint: 0.0.0.0:%d
"""


def test_the_guides_addresses_run_and_let_only_this_machine_in(tmp_path, tmp_path_factory):
    text = GUIDE % (receivers.free_port(), receivers.free_port())
    running = receivers.Serve(tmp_path_factory.mktemp("serve"), text)
    try:
        assert post(running.http, body=traces("a")).status == 200
        assert export(running.grpc) == b""
        if OTHER:
            assert post(running.http, body=traces("a"), host=OTHER).status == 200, "its own address is this machine, too"
            reply = post_from(OTHER, running.http, b"{}", JSON)
            assert reply.status == 401 and "auth: none" in reply.json()["message"] and "bearer_tokens" in reply.json()["message"]
    finally:
        running.stop()
    (tmp_path / "c.yaml").write_text(text)
    done = genops("validate", config=tmp_path / "c.yaml", state=tmp_path / "state", home=tmp_path)
    assert "only this machine is let in" in done.stdout and "auth: none" in done.stdout


@from_elsewhere
def test_everybody_is_let_in_when_it_is_said(serve):
    running = serve(otlp("0.0.0.0", auth="none"))
    assert post_from(OTHER, running.http, traces("a")).status == 200


@from_elsewhere
def test_addresses_that_may_and_may_not(serve):
    running = serve(otlp(allow=["127.0.0.0/8"]) + "\n  " + otlp(name="otlp/denied", grpc=None, deny=[OTHER]))
    ports = [int(line.rsplit(":", 1)[1].split()[0]) for line in running.log if "OTLP over HTTP" in line]
    for port in ports:
        assert post(port, body=traces("a")).status == 200
        reply = post_from(OTHER, port, b"{}", JSON)
        assert (reply.status, reply.json()["code"]) == (403, 7), reply.body


@from_elsewhere
def test_who_is_denied_is_not_let_in_by_a_wider_network(serve):
    running = serve(otlp(allow=["0.0.0.0/0"], deny=[OTHER]))
    assert post(running.http, body=traces("a")).status == 200
    assert post_from(OTHER, running.http, b"{}", JSON).status == 403


@from_elsewhere
def test_nobody_else_is_let_in_while_an_address_becomes_loopback(tmp_path_factory):
    """nginx cannot take the narrower address while it has the wider one: what is said of 127.0.0.1 is no word about 0.0.0.0."""
    port = receivers.free_port()
    text = f"receivers:\n  otlp: {{protocols: {{http: {{endpoint: '%s:{port}'}}}}}}\n"
    running = receivers.Serve(tmp_path_factory.mktemp("serve"), text % "0.0.0.0")
    try:
        assert post_from(OTHER, port, b"{}", JSON).status == 401
        running.config.write_text(gateways.config_text({}, text % "127.0.0.1"))
        until(lambda: any("bind()" in line for line in running.log), what="nginx's try")
        time.sleep(1.5)  # a worker's look at the configuration
        assert post_from(OTHER, port, b"{}", JSON).status == 401
        assert post(port, body=traces("a")).status == 200
    finally:
        running.stop()


# --- limits ---

def test_a_client_that_asks_too_often_is_told_when_to_come_again(serve):
    running = serve(otlp(rate_limit="5/second/ip"))
    replies = [post(running.http, body=b"{}", headers=JSON) for _ in range(20)]
    refused = [reply for reply in replies if reply.status != 200]
    assert 10 <= len(refused) <= 15 and {reply.status for reply in refused} == {429}
    assert all(int(reply.header("retry-after")) >= 1 for reply in refused)
    assert json_format.Parse(refused[0].body, status_pb2.Status(), ignore_unknown_fields=True).code == 8
    errors = [error for error in (export(running.grpc) for _ in range(20)) if error != b""]
    assert errors and all(error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED for error in errors)
    assert all(details_of(error)["retry"] >= 1 for error in errors)
    time.sleep(1.1)
    assert post(running.http, body=b"{}", headers=JSON).status == 200


@pytest.mark.parametrize("is_chunked", [False, True])
def test_nginx_refuses_what_is_too_large_in_otlps_words(serve, is_chunked):
    running = serve(otlp(http={"max_request_body_size": "10 MB"}, grpc={"max_recv_msg_size_mib": 1}))
    body = bytes(10_000_001)
    reply = post(running.http, body=iter([body]) if is_chunked else body, headers=PROTOBUF)
    assert reply.status == 413 and status_pb2.Status.FromString(reply.body).code == 8
    reply = post(running.http, body=iter([body]) if is_chunked else body, headers=JSON)
    assert reply.status == 413 and reply.json()["code"] == 8
    assert post(running.http, body=traces("a")).status == 200
    error = export(running.grpc, bytes((1 << 20) + 1))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and details_of(error) == {}
    assert export(running.grpc, traces("a", "b", "c", "d", pad=(1 << 18) - 200)) == b""


def to_the_streams_end(client):
    """Frames of HTTP/2, as they came, to the first DATA or HEADERS with END_STREAM."""
    data, at = b"", 0
    while True:
        data += client.recv(65536)
        while len(data) >= at + 9 and len(data) >= at + 9 + int.from_bytes(data[at:at + 3]):
            if data[at + 3] < 2 and data[at + 4] & 1:
                return data
            at += 9 + int.from_bytes(data[at:at + 3])


def test_whatever_nginx_refuses_is_said_in_otlps_words(serve):
    running = serve(otlp(http={"max_request_body_size": "1MiB"}, grpc={"max_recv_msg_size_mib": 1}))
    reply = post(running.http, "/genops-error", body=b"{}", headers=JSON)
    assert (reply.status, reply.json()["code"]) == (404, 12), reply.body
    reply = post(running.http, body=b"{}", headers={**JSON, "x": "y" * 100_000})
    assert (reply.status, reply.json()["code"]) == (431, 3), reply.body
    # A client that tells the length of what is too large: grpc-python does not, so frames by hand, with 20 MB to come.
    path = TRACE_METHOD.encode()
    block = b"\x83\x86\x04" + bytes([len(path)]) + path + b"\x01\x01x" + b"".join(
        b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
        for name, value in ((b"content-type", b"application/grpc"), (b"content-length", b"20000000")))
    with socket.create_connection(("127.0.0.1", running.grpc), timeout=20) as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
                       + len(block).to_bytes(3, "big") + bytes([1, 4, 0, 0, 0, 1]) + block)
        assert b"html" not in to_the_streams_end(client)


def test_slow_clients_are_cut_off_and_keep_nobody_waiting(serve):
    running = serve(otlp(http={"read_timeout": "1s", "read_header_timeout": "1s"}))
    head = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", running.http), timeout=20) for _ in range(20)]
    for i, connection in enumerate(slow):
        connection.sendall(head[:-4] if i % 2 else head + b"x" * 10)
    began = time.monotonic()
    assert post(running.http, body=traces("quick")).status == 200
    assert time.monotonic() - began < 1
    for connection in slow:
        connection.recv(4096)  # an answer or nothing, and the end
        connection.close()
    assert time.monotonic() - began < 10


def test_one_request_a_connection_where_it_is_said(serve):
    running = serve(otlp(http={"keep_alives_enabled": False}))
    assert post(running.http, body=traces("a")).header("connection") == "close"


def test_browsers_of_other_origins(serve):
    running = serve(otlp(http={"cors": {"allowed_origins": ["https://*.example.com"], "allowed_headers": ["x-tenant"], "max_age": 600}}))
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    reply = post(running.http, method="OPTIONS", headers=asked, body=None)
    assert (reply.status, reply.header("access-control-allow-origin"), reply.header("access-control-max-age")) == (
        204, "https://app.example.com", "600")
    assert "content-type" in reply.header("access-control-allow-headers") and "x-tenant" in reply.header("access-control-allow-headers")
    reply = post(running.http, body=b"{}", headers={**JSON, "Origin": "https://app.example.com"})
    assert (reply.status, reply.header("access-control-allow-origin"), reply.header("vary")) == (200, "https://app.example.com", "Origin")
    reply = post(running.http, body=b"{", headers={**JSON, "Origin": "https://app.example.com"})
    assert (reply.status, reply.header("access-control-allow-origin")) == (400, "https://app.example.com")
    assert post(running.http, method="OPTIONS", headers={**asked, "Origin": "https://example.org"}, body=None).status == 405
    assert post(running.http, body=b"{}", headers={**JSON, "Origin": "https://example.org"}).header("access-control-allow-origin") is None


# --- TLS ---

@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


def https(port, context, body=b"{}"):
    request = urllib.request.Request(f"https://127.0.0.1:{port}/v1/traces", data=body, headers=JSON)
    with urllib.request.urlopen(request, context=context, timeout=20) as reply:
        return reply.status


@pytest.mark.parametrize("asks", [False, True])
def test_tls_and_clients_with_certificates(serve, authority, asks):
    certificate, key = authority.sign(f"server{asks}", "IP:127.0.0.1,DNS:localhost")
    own, own_key = authority.sign(f"client{asks}", "DNS:client")
    tls = {"cert_file": str(certificate), "key_file": str(key), **({"client_ca_file": str(authority.certificate)} if asks else {})}
    running = serve(otlp(http={"tls": tls}, grpc={"tls": tls}))
    bare, shown = (ssl.create_default_context(cafile=authority.certificate) for _ in range(2))
    shown.load_cert_chain(own, own_key)
    assert https(running.http, shown) == 200
    credentials = grpc.ssl_channel_credentials(authority.certificate.read_bytes(), own_key.read_bytes(), own.read_bytes())
    assert export(running.grpc, credentials=credentials) == b""
    if asks:
        with pytest.raises(urllib.error.HTTPError) as refused:
            https(running.http, bare)
        answer = json.loads(refused.value.read())
        assert refused.value.code == 400 and answer["code"] == 13 and "certificate" in answer["message"]
        assert export(running.grpc, credentials=grpc.ssl_channel_credentials(authority.certificate.read_bytes())) != b""
    else:
        assert https(running.http, bare) == 200
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, urllib.error.URLError, ConnectionError)):
        https(running.http, old)


# --- ports ---

def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = tmp_path / "genops.yaml"
        config.write_text(f"gateway: {{listen: '127.0.0.1:0', listen_h2c: off}}\nreceivers: {{otlp/x: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}}}\n")
        done = genops("serve", config=config, state=tmp_path / "state", home=tmp_path)
    assert done.returncode == 1 and str(port) in done.stderr
    assert "Address already in use" in done.stderr and "receivers: otlp/x: protocols: http: endpoint" in done.stderr


def test_usual_ports_that_are_taken_keep_nobody_from_starting(tmp_path):
    taken = []
    for port in (4317, 4318):
        try:
            taken.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            pass  # somebody else has it: as well
    try:
        running = receivers.Serve(tmp_path, "governance: {}")
        try:
            assert running.http is running.grpc is None
            until(lambda: sum("is taken, so no telemetry" in line for line in running.log) == 2, what="a word about both ports")
        finally:
            running.stop()
    finally:
        for one in taken:
            one.close()


def test_no_receivers_at_all(tmp_path):
    running = receivers.Serve(tmp_path, "receivers: {}")
    try:
        assert running.http is running.grpc is None and not any("is taken" in line for line in running.log)
    finally:
        running.stop()


# --- the Cribl guide's document ---

SOURCE = """Source Configuration:
  Name: genops-otlp
  Input ID: genops_otlp_source
  Port: 4318
  Path: /v1/traces
  Protocol: HTTP

Authentication:
  Type: Bearer Token
  Token: <generate-secure-token>

Advanced Settings:
  Max Request Size: 10 MB
  Request Timeout: 30s
  Keep-Alive: enabled

Buffer Settings:
  Max Buffer Size: 100 MB
  Flush Interval: 10s
"""
PARSING = """
Data Parsing:
  Format: OTLP (auto-detected)
  Parse OTLP Attributes: Yes
  Preserve Resource Attributes: Yes
  Flatten Nested Attributes: No (preserve genops.* hierarchy)
"""


@pytest.mark.parametrize("is_inline", [False, True])
def test_the_guides_source(tmp_path_factory, is_inline):
    """CRB-021 to CRB-038, as it stands but for the port."""
    folder = tmp_path_factory.mktemp("serve")
    document = SOURCE.replace("4318", str(receivers.free_port())) + PARSING
    (folder / "source.yaml").write_text(document)
    indented = "".join(f"    {line}\n" if line else "\n" for line in document.splitlines())
    running = receivers.Serve(folder, f"sources:\n  -\n{indented}" if is_inline else "sources: source.yaml\n")
    try:
        assert any("(genops-otlp)" in line for line in running.log) and running.grpc is None
        token = {"Authorization": "Bearer <generate-secure-token>"}
        assert post(running.http, body=traces("a")).status == 401
        assert post(running.http, body=traces("a"), headers={**PROTOBUF, **token}).status == 200
        assert post(running.http, "/v1/metrics", b"", {**PROTOBUF, **token}).status == 404
        assert post(running.http, body=bytes(10_000_001), headers={**PROTOBUF, **token}).status == 413
        assert running.metrics("genops_self_received_items_total")['receiver="genops-otlp",transport="http",signal="traces"'] == 1
    finally:
        running.stop()


def test_the_guides_source_is_told_what_is_unsafe_and_what_is_not_done(tmp_path):
    def validate(text):
        (tmp_path / "source.yaml").write_text(text)
        (tmp_path / "genops.yaml").write_text("sources: [source.yaml]\n")
        return genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state", home=tmp_path)
    done = validate(SOURCE + PARSING)
    assert "this token is a placeholder" in done.stdout and done.returncode == 0, done.stdout
    for old, new, hint in [("Keep-Alive", "Keep-Alives", "Keep-Alive"), ("Bearer Token", "Basic", "Bearer Token"), ("10 MB", "10 cows", "Max Request Size"),
                           ("Format: OTLP (auto-detected)", "Format: JSON", "OTLP"), ("Flatten Nested Attributes: No", "Flatten Nested Attributes: Yes", "Flatten")]:
        done = validate((SOURCE + PARSING).replace(old, new))
        assert done.returncode != 0 and "source.yaml:" in done.stdout and hint in done.stdout, done.stdout
