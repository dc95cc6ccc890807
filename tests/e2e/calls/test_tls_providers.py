# SPDX-License-Identifier: Apache-2.0
"""Providers over TLS: each by its own name and Host, verified, by the provider's path and by /t/<team>/p/<project>/."""
import ssl
import subprocess

import pytest

import gateway as gateways
import recordings
from provider import Answer, Provider


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


@pytest.fixture
def tls_provider(certificate):
    started = []

    def make():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        provider = Provider(tls=context)
        provider.play(Answer.of(recordings.find("openai/chat-gpt-4o-mini")))
        started.append(provider)
        return provider
    yield make
    for provider in started:
        provider.close()


def test_providers_over_tls_are_called_by_their_names_and_verified(start, certificate, tls_provider):
    right, other, unnamed = tls_provider(), tls_provider(), tls_provider()
    config = gateways.config_text({
        "openai": f"https://localhost:{right.port}", "groq": f"https://localhost:{other.port}",
        "together": f"https://127.0.0.1:{unnamed.port}"})  # the certificate does not name this address
    gateway = start(config, env={"SSL_CERT_FILE": certificate[0]})
    for provider, server in (("openai", right), ("groq", other)):
        for prefix in ("", "/t/search", "/t/search/p/nightly"):
            assert gateway.chat(provider=provider, prefix=prefix).status == 200
            assert server.received[-1].header("host") == f"localhost:{server.port}"
            assert server.received[-1].target == "/v1/chat/completions"
        assert len(server.received) == 3
    reply = gateway.chat(provider="together")
    assert reply.status == 502
    assert "error" in reply.json()
    assert not unnamed.received
    assert gateway.chat(provider="nobody").status == 404
    gateway.operations(4, team="search")
