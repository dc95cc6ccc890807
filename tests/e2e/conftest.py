# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: real `genops serve` and nginx, a fake provider, loopback only. GENOPS_BUILD names the build
directory (build/ unless set)."""
import os
import re

import pytest

import gateway as gateways
import recordings
from fake_collibra import FakeCollibra
from provider import Answer, Provider


def pytest_configure(config):
    if not os.access(gateways.GENOPS, os.X_OK):
        pytest.exit(f"{gateways.GENOPS} is not there: run `make build`, or set GENOPS_BUILD", 2)


SANITIZER_LOGS = os.environ.get("GENOPS_SANITIZER_LOGS")  # a folder (tools/test.sh)
_read = {}  # bytes of each file there that were looked at


@pytest.fixture(autouse=True)
def sanitizer():
    """A report of a sanitizer fails the test in which it came. Torn down last, so a test's own gateways have ended by then."""
    yield
    for name in sorted(os.listdir(SANITIZER_LOGS)) if SANITIZER_LOGS else ():
        with open(os.path.join(SANITIZER_LOGS, name), "rb") as file:
            file.seek(_read.get(name, 0))
            text = file.read()
            _read[name] = file.tell()
        if found := re.search(rb".*(Sanitizer|runtime error:)", text):
            pytest.fail(f"{name}:\n{text[found.start():][:20000].decode(errors='replace')}")


@pytest.fixture
def provider():
    provider = Provider()
    provider.play(Answer.of(recordings.find("openai/chat-gpt-4o-mini")))
    yield provider
    provider.close()


@pytest.fixture
def collibra():
    """A Collibra with the domain "AI Governance" and the nine asset types of GenOps; its switches and faults are the test's to set."""
    with FakeCollibra() as collibra:
        yield collibra


@pytest.fixture
def start(tmp_path_factory):
    """start(config_text, ...) -> Gateway; all that were started end with the test."""
    started = []

    def start(config, **more):
        running = gateways.Gateway(tmp_path_factory.mktemp("gateway"), config, **more)
        started.append(running)
        return running
    yield start
    for running in started:
        running.stop()


@pytest.fixture
def gateway(start, provider):
    """gateway(yaml) -> Gateway whose providers are all the fake one."""
    def with_provider(text="", **more):
        return start(gateways.config_text({name: provider.url for name in gateways.PROVIDERS}, text), **more)
    return with_provider
