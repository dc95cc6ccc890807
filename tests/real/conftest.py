# SPDX-License-Identifier: Apache-2.0
"""Destinations against the servers themselves, not our fakes: `make real`. Too heavy for `make test`, which does not run this folder.

Each server's program (of OpenSearch: the folder of its jars) is told by an environment variable, see real_server.py; tools/real_servers.sh
builds them. They run on free ports of the loopback, keep everything in the test's folder, and are ended by their own process id. GENOPS_BUILD
names the build of GenOps. What GenOps is asked by the tests comes of tests/e2e."""
import os

import pytest

import gateway as gateways
import receivers
from real_server import RealServer


def pytest_configure(config):
    if not os.access(gateways.GENOPS, os.X_OK):
        pytest.exit(f"{gateways.GENOPS} is not there: run `make build`, or set GENOPS_BUILD", 2)


@pytest.fixture
def run(tmp_path):
    """run(name, command, port, ...) -> RealServer; all that were started end with the test."""
    started = []

    def run(*arguments, **more):
        started.append(RealServer(tmp_path, *arguments, **more))
        return started[-1]
    yield run
    for server in reversed(started):
        server.stop()


@pytest.fixture
def serve(tmp_path):
    """serve(config, ...) -> receivers.Serve; the same state directory each time. All that were started end with the test."""
    started = []

    def serve(text, folder="genops", **more):
        (tmp_path / folder).mkdir(exist_ok=True)
        started.append(receivers.Serve(tmp_path / folder, text, **more))
        return started[-1]
    yield serve
    for running in started:
        running.stop()
