# SPDX-License-Identifier: Apache-2.0
"""docs/examples/nginx.conf: the module in an nginx that somebody runs himself, with other paths, a free port and a fake provider."""
import os
import pathlib
import re
import subprocess

import pytest

import gateway as gateways
from chaos_stage import free_port

EXAMPLE = pathlib.Path(gateways.SOURCE) / "docs" / "examples" / "nginx.conf"
NGINX = os.environ.get("GENOPS_NGINX", "/usr/sbin/nginx")


def replaced(text, old, new):
    assert old in text, f"docs/examples/nginx.conf has no {old}"
    return text.replace(old, new)


def configured(folder, port, provider):
    address = provider.url.removeprefix("http://")
    text = EXAMPLE.read_text()
    for old, new in [
            ("/usr/local/lib/x86_64-linux-gnu/nginx/modules/ngx_http_genops_module.so",
             os.environ.get("GENOPS_NGINX_MODULE", f"{gateways.BUILD}/nginx/ngx_http_genops_module.so")),
            ("/run/nginx.pid", f"{folder}/nginx.pid"),
            ("worker_processes auto;", "worker_processes 2; daemon off;" + (" user root root;" if os.geteuid() == 0 else "")),
            ("/etc/genops/genops.yaml", f"{folder}/genops.yaml"),
            ("/var/lib/genops", f"{folder}/state"),
            ("genops_resolve api.openai.com:443", f"genops_resolve {address}"),
            ("listen 127.0.0.1:8080", f"listen 127.0.0.1:{port}"),
            ("proxy_pass https://genops_openai", "proxy_pass http://genops_openai"),
            ("access_log off;", "access_log off;" + "".join(
                f" {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")))]:
        text = replaced(text, old, new)
    (folder / "genops.yaml").write_text(
        "governance:\n  attributes: {team: own}\n  policies:\n"
        "    - {name: secrets, type: content_filter, blocked_patterns: confidential}\n"
        f"gateway:\n  providers:\n    openai: {{base_url: '{provider.url}', api_key: 'sk-real'}}\n")
    (folder / "nginx.conf").write_text(text)


class OwnNginx(gateways.Gateway):
    def __init__(self, folder, provider):  # without `genops serve`
        self.folder, self.state, self.port = folder, folder / "state", free_port()
        configured(folder, self.port, provider)
        self.process = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.PIPE, text=True,
                                        env=gateways.environment(folder))
        gateways.until(self.answers, what="nginx's first answer")

    def answers(self):
        assert self.process.poll() is None, self.process.stderr.read()
        try:
            return self.call("GET", "/ready").status == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=20)


@pytest.fixture
def own(tmp_path, provider):
    running = OwnNginx(tmp_path, provider)
    yield running
    running.stop()


def test_the_example_governs_settles_and_refuses(own, provider):
    allowed = own.chat()
    assert allowed.status == 200 and allowed.header("x-genops-decision") == "allowed", allowed.body
    refused = own.chat("this is confidential")
    assert refused.status == 403 and refused.header("x-genops-reason-code") == "POLICY_DENY_CONTENT"
    gateways.until(lambda: own.call("GET", "/api/v1/cost").json()["total"]["operations"] == 2, what="both calls in the ledger")
    total = own.call("GET", "/api/v1/cost").json()["total"]
    assert total["refused"] == 1 and total["cost_nano_usd"] > 0
    gateways.until(lambda: re.search(rb'genops_operations_total\{genops_team="own"', own.call("GET", "/metrics").body),
                   what="the operations in /metrics")


def test_unknown_paths_are_refused_by_nginx_or_in_the_providers_words(own):
    assert own.call("GET", "/nobody/v1").status == 404
    unknown = own.call("POST", "/openai/v1/nothing", {})
    assert unknown.status == 404 and unknown.json()["error"]["code"] == "unknown_url"
