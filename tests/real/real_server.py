# SPDX-License-Identifier: Apache-2.0
"""A server that is not ours: where its program is, its process and its log. And spans that are sent to GenOps until it is killed."""
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import threading
import urllib.request

import pytest

import gateway as gateways
from receivers import post, traces

VARIABLES = {"otelcol": "GENOPS_OTELCOL", "jaeger": "GENOPS_JAEGER", "minio": "GENOPS_MINIO", "opensearch": "GENOPS_OPENSEARCH"}


def program(name):
    """What the server's variable says; a test without it fails, for `make real` has them all."""
    variable = VARIABLES[name]
    path = os.environ.get(variable, "")
    if not os.path.exists(path):
        pytest.fail(f"{variable} ({path or 'not set'}) is not there: `tools/real_servers.sh FOLDER {name}` builds it, then "
                    f"{variable}=FOLDER/{name}/{'libs' if name == 'opensearch' else name}", pytrace=False)
    return os.path.realpath(path)


class RealServer:
    """`port` is listened on when it is up."""

    def __init__(self, folder, name, command, port, env=None, seconds=60):
        self.folder, self.name, self.command, self.port, self.seconds = folder, name, [str(part) for part in command], port, seconds
        self.env = {**gateways.environment(folder), **(env or {})}
        self.log, self.process = folder / f"{name}.log", None
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            gateways.until(self.is_up, self.seconds, f"{self.name} ({self.log})")
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process = None


def ask(port, path, body=None, method=None):
    """JSON in, JSON out; refusals raise."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers={"content-type": "application/json"},
                                     data=None if body is None else json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def send_until_killed(running, name, seconds, each=2):
    """Requests of `each` spans, one after the other, some thousands a second; SIGKILL comes after `seconds`, whatever is under way. Names that were acknowledged, and
    names of requests without an answer, which may be there or not."""
    acknowledged, unsure = [], []
    death = threading.Timer(seconds, running.process.send_signal, [signal.SIGKILL])
    death.start()
    for i in itertools.takewhile(lambda _: running.process.poll() is None, itertools.count()):
        names = [f"{name}-{i}-{k}" for k in range(each)]
        try:
            taken = post(running.http, body=traces(*names, attributes=[("genops.cost", "1"), ("genops.cost.total", "2")]), timeout=5).status == 200
        except (OSError, http.client.HTTPException):
            taken = False
        (acknowledged if taken else unsure).extend(names)
    death.join()
    running.stop(signal.SIGKILL)
    return acknowledged, unsure
