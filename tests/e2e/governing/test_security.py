# SPDX-License-Identifier: Apache-2.0
"""`security` as the Cribl guide writes it: every receiver has a certificate, asks for a token, and counts requests by address.

Proves: CRB-452, CRB-453, CRB-457, CRB-458, CRB-460, CRB-461, CRB-464, CRB-465, CRB-462 and CRB-463 with addresses instead of words.
"""
import pathlib
import ssl
import urllib.error
import urllib.request

import pytest

import receivers
from gateway import genops
from receivers import PROTOBUF, traces
from authority import Authority

GUIDE = (pathlib.Path(__file__).resolve().parents[2] / "guide" / "parts" / "security.yaml").read_text()
TOKEN = "a-token-that-is-long-enough"
RECEIVER = f"receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}, auth: {{bearer_tokens: [{TOKEN}]}}}}}}\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


def guide(authority, **instead):
    certificate, key = authority.sign("server", "IP:127.0.0.1")
    text = GUIDE.replace("/etc/cribl/certs/server.crt", str(certificate)).replace("/etc/cribl/certs/server.key", str(key))
    for old, new in instead.items():
        assert old.replace("_", " ") in text or old in text, old
        text = text.replace(old.replace("_", " "), new)
    return text


def send(server, authority, token=TOKEN, scheme="https", highest=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    if highest:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = highest
        context.set_ciphers("ALL:@SECLEVEL=0")
    request = urllib.request.Request(f"{scheme}://127.0.0.1:{server.http}/v1/traces", data=traces("x"),
                                     headers={**PROTOBUF, **({"Authorization": f"Bearer {token}"} if token else {})})
    try:
        with urllib.request.urlopen(request, context=context if scheme == "https" else None, timeout=20) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def test_receivers_have_what_the_section_says(tmp_path, authority):
    server = receivers.Serve(tmp_path, guide(authority) + RECEIVER)
    try:
        assert send(server, authority) == 200
        for token in (None, TOKEN[:-1], TOKEN.upper(), TOKEN + "x"):
            assert send(server, authority, token) == 401, token
        assert send(server, authority, scheme="http") == 400
        with pytest.raises((ssl.SSLError, urllib.error.URLError)):
            send(server, authority, highest=ssl.TLSVersion.TLSv1_1)
    finally:
        server.stop()


def test_requests_of_an_address_are_counted(tmp_path, authority):
    server = receivers.Serve(tmp_path, guide(authority, **{"10000/second/ip": "60/minute/ip"}) + RECEIVER)
    try:
        codes = [send(server, authority) for _ in range(8)]
        assert 200 in codes and 429 in codes, codes
    finally:
        server.stop()


@pytest.mark.parametrize("allowed, code", [("127.0.0.1", 200), ("10.0.0.0/8", 403)])
def test_walls_are_of_addresses(tmp_path, authority, allowed, code):
    server = receivers.Serve(tmp_path, guide(authority, GenOps_application_IPs=allowed) + RECEIVER)
    try:
        assert send(server, authority) == code
    finally:
        server.stop()


def test_what_has_no_effect_is_told(tmp_path, authority):
    (tmp_path / "genops.yaml").write_text(guide(authority) + RECEIVER)
    done = genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state")
    assert done.returncode == 0, done.stdout
    for said in ('"GenOps application IPs" names no address', "nobody is allowed by address", "token_rotation has no effect", "secrets_manager has no effect"):
        assert said in done.stdout, said


@pytest.mark.parametrize("text, said", [
    (RECEIVER.replace(f"{{bearer_tokens: [{TOKEN}]}}", "none"), "lets everybody in"),
    ("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n", "a receiver has none"),
])
def test_receivers_that_contradict_are_errors(tmp_path, authority, text, said):
    (tmp_path / "genops.yaml").write_text(guide(authority) + text)
    done = genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state")
    assert done.returncode == 2 and said in done.stdout, done.stdout
