# SPDX-License-Identifier: Apache-2.0
"""OTLP/gRPC over TLS to a real gRPC server whose certificate is of a private authority; also one that asks for ours.

Proves: issue "OTLP/gRPC with and without TLS"; CORE-018, and that what is not trusted gets nothing and loses nothing.
"""

import grpc
import pytest

from authority import Authority
from gateway import until
from test_otlp import GrpcReceiver, export_to, wait_for_spans


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authorities")
    return Authority(folder, "ours"), Authority(folder, "another")


@pytest.fixture
def receiver(authorities):
    """receiver(name in the certificate, whether clients must show one of the same authority)."""
    ours, _ = authorities
    started = []

    def make(alternative="IP:127.0.0.1,DNS:localhost", asks=False):
        certificate, key = ours.sign(f"server{len(started)}", alternative)
        started.append(GrpcReceiver(0, grpc.ssl_server_credentials(
            [(key.read_bytes(), certificate.read_bytes())], ours.certificate.read_bytes() if asks else None, asks)))
        return started[-1]
    yield make
    for one in started:
        one.close()


def exporter(receiver, **tls):
    rows = ", ".join(f"{key}: {value}" for key, value in tls.items())
    return export_to(f"otlp: {{endpoint: 'https://127.0.0.1:{receiver.port}', tls: {{{rows}}}, "
                     "retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}")


def assert_untrusted(running, receiver, *reasons):
    """Nothing is delivered, and serve's log says which destination and why, in one line, without a secret."""
    assert running.chat().status == 200
    line = until(lambda: next((line for line in running.log if "destination otlp: " in line), None), what="a line in the log")
    assert all(reason in line for reason in reasons) and "sk-" not in line
    assert not receiver.spans and not receiver.requests


def test_a_private_authority_is_trusted_and_spans_arrive(gateway, receiver, authorities):
    server = receiver()
    running = gateway(exporter(server, ca_file=authorities[0].certificate))
    for _ in range(3):
        assert running.chat().status == 200
    spans = wait_for_spans(server, 3)
    assert {span.attributes["genops.team"] for span in spans} == {"ml"}
    operations = {operation["operation_id"].split("-")[0] for operation in running.operations(3)}
    assert {span.span.trace_id.hex() for span in spans} == operations


@pytest.mark.parametrize("trusted", ["another", "the system's"])
def test_another_authority_is_refused_until_the_right_one_is_configured(gateway, receiver, authorities, trusted):
    server = receiver()
    wrong = {"ca_file": authorities[1].certificate} if trusted == "another" else {}
    running = gateway(exporter(server, **wrong))
    assert_untrusted(running, server, "unable to get local issuer certificate", "tls.ca_file")
    # What waited is delivered as soon as the configuration is mended: the file is read anew while serve runs.
    text = running.config.read_text()
    before = f"ca_file: {wrong['ca_file']}" if wrong else "tls: {}"
    assert before in text
    after = f"ca_file: {authorities[0].certificate}"
    running.config.write_text(text.replace(before, after if wrong else f"tls: {{{after}}}"))
    wait_for_spans(server, 1)


def test_a_certificate_for_another_name_is_refused(gateway, receiver, authorities):
    server = receiver("DNS:otel.example")
    assert_untrusted(gateway(exporter(server, ca_file=authorities[0].certificate)), server, "no alternative certificate subject name", "tls.")


def test_a_server_that_wants_our_certificate_gets_it(gateway, receiver, authorities):
    ours = authorities[0]
    server = receiver(asks=True)
    certificate, key = ours.sign("client", "DNS:client")
    running = gateway(exporter(server, ca_file=ours.certificate, cert_file=certificate, key_file=key))
    assert running.chat().status == 200
    wait_for_spans(server, 1)


def test_a_server_that_wants_our_certificate_refuses_without(gateway, receiver, authorities):
    server = receiver(asks=True)
    assert_untrusted(gateway(exporter(server, ca_file=authorities[0].certificate)), server, "no answer")  # TLS 1.3: how it is told varies
