# SPDX-License-Identifier: Apache-2.0
"""OTLP to the backends that the guides name, each with its own headers and refusals: Grafana Tempo behind a token and with tenants, Honeycomb over gRPC
with TLS, New Relic, Cribl's OpenTelemetry source. Expired credentials lose nothing: with new ones in the configuration all of it arrives, once.

Proves: CORE-072, CORE-076, OTL-069, OTL-071, CRB-011, CRB-014, TRL-003.
"""
import grpc
import pytest
import yaml

import gateway as gateways
from fakes.otlp_backend import GrpcBackend, HttpBackend
from receivers import Serve, post, traces
from authority import Authority

RECEIVERS = {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}}
SECRET = "s3cret-of-the-vendor"


class Vendor:
    def __init__(self, name, exporter, headers, make):
        self.name, self.exporter, self.headers, self.make = name, exporter, headers, make


def honeycomb(wanted, folder):
    authority = Authority(folder, "ours")
    certificate, key = authority.sign("server", "IP:127.0.0.1")
    backend = GrpcBackend(wanted, grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())]))
    # As the guide has it: host and port, no scheme, so TLS.
    return backend, {"endpoint": f"127.0.0.1:{backend.port}", "tls": {"ca_file": str(authority.certificate)}}


def over_http(**more):
    def make(wanted, _):
        backend = HttpBackend(wanted, **more)
        return backend, {"endpoint": backend.url}
    return make


VENDORS = [
    Vendor("tempo", "otlphttp/tempo", {"Authorization": f"Bearer {SECRET}", "X-Scope-OrgID": "team-a"}, over_http()),
    Vendor("honeycomb", "otlp/honeycomb", {"x-honeycomb-team": SECRET}, honeycomb),
    Vendor("new relic", "otlphttp/newrelic", {"api-key": SECRET}, over_http(refusal=403)),
    Vendor("cribl", "otlphttp/cribl", {"Authorization": f"Bearer {SECRET}", "X-Scope-OrgID": "my-organization", "X-GenOps-Version": "1", "X-Environment": "production"}, over_http()),
]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_a_backend_gets_its_headers_and_what_waited_for_new_credentials(tmp_path, vendor):
    backend, settings = vendor.make(vendor.headers, tmp_path)
    expired = {key: value.replace(SECRET, "expired-0123456789") for key, value in vendor.headers.items()}
    config = {"receivers": RECEIVERS, "processors": {"batch": {"timeout": "50ms"}}, "exporters": {vendor.exporter: {**settings, "headers": expired, "compression": "gzip"}},
              "service": {"pipelines": {"traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": [vendor.exporter]}}}}
    serving = Serve(tmp_path, yaml.safe_dump(config))
    try:
        assert post(serving.http, body=traces("first", "second")).status == 200
        line = gateways.until(lambda: next((line for line in serving.log if "check the credentials" in line), None), what="a word about credentials")
        assert vendor.exporter in line and "expired-0123" not in line and not backend.spans and len(backend.refused) == 1
        text = serving.config.read_text()
        serving.config.write_text(text.replace("expired-0123456789", SECRET))
        gateways.until(lambda: len(backend.spans) >= 2, what="the spans")
        assert post(serving.http, body=traces("third")).status == 200
        gateways.until(lambda: len(backend.spans) >= 3, what="another span")
        assert not (serving.state / "dead-letter.jsonl").exists()
    finally:
        serving.stop()
        backend.close()
    assert sorted(backend.spans) == ["first", "second", "third"] and not any(SECRET in line for line in serving.log)
