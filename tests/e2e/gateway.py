# SPDX-License-Identifier: Apache-2.0
"""The command `genops`, and a gateway of it on free ports with a state directory of its own."""
import http.client
import json
import os
import queue
import re
import select
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.environ.get("GENOPS_BUILD", os.path.join(SOURCE, "build")))
GENOPS = os.path.join(BUILD, "genops")

# Nothing of the caller's may have a say: keys, proxies, configuration.
KEPT = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "NODE_PATH", "GENOPS_NGINX", "GENOPS_NGINX_MODULE")

PROVIDERS = ("openai", "anthropic", "azure", "groq", "together", "deepseek", "mistral", "openrouter", "xai", "fireworks",
             "perplexity")


def environment(home, **more):
    env = {key: os.environ[key] for key in KEPT if key in os.environ}
    return {**env, "HOME": str(home), **{key: str(value) for key, value in more.items()}}


def until(condition, seconds=15, what="the condition"):
    """Waits until condition() is true and returns what it returned."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds} s")
        select.select([], [], [], 0.01)
    return value


def genops(*arguments, state=None, config=None, home="/nonexistent", env=None, timeout=60, **more):
    command = [GENOPS, *map(str, arguments)]
    if "--" in command:
        at = 2  # options stand before what is run
    else:
        at = len(command)
    options = (["--state", str(state)] if state else []) + (["--config", str(config)] if config else [])
    command[at:at] = options
    return subprocess.run(command, capture_output=True, text=True, env=environment(home, **(env or {})), timeout=timeout,
                          stdin=subprocess.DEVNULL, **more)


def config_text(providers, text=""):
    """YAML for a gateway on free ports whose providers are at the given URL; `text` adds sections (JSON is YAML)."""
    rows = "".join(f"    {name}: {{base_url: '{url}', api_key: 'sk-real-{name}'}}\n" for name, url in providers.items())
    lines = text.strip("\n")
    workers = "" if re.search(r"^  workers:", lines, re.M) else "  workers: 2\n"
    gateway = f"  listen: 127.0.0.1:0\n  listen_h2c: 127.0.0.1:0\n{workers}  providers:\n" + rows
    if re.search(r"^gateway:\n", lines, re.M):
        return re.sub(r"^gateway:\n", "gateway:\n" + gateway, lines, flags=re.M) + "\n"
    return lines + "\ngateway:\n" + gateway


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)


class Gateway:
    def __init__(self, folder, config, env=None, arguments=()):
        self.folder, self.state = folder, folder / "state"
        self.config = folder / "genops.yaml"
        self.config.write_text(config)
        self.log = []
        self.process = subprocess.Popen(
            [GENOPS, "serve", "--config", self.config, "--state", self.state, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
            env=environment(folder, **(env or {})))
        self._lines = queue.Queue()
        self._threads = [threading.Thread(target=self._read, args=pipe, daemon=True)
                         for pipe in ((self.process.stdout, True), (self.process.stderr, False))]
        for thread in self._threads:
            thread.start()
        self.url = self._address(r"GenOps gateway at (http\S+)")
        self.port = int(self.url.rsplit(":", 1)[1])
        self.h2c_url = self._address(r"HTTP/2 without TLS at (http\S+)")

    def _read(self, pipe, is_output):
        for line in pipe:
            self.log.append(line)
            if is_output:
                self._lines.put(line)
        if is_output:
            self._lines.put(None)

    def _address(self, pattern):
        while (line := self._lines.get(timeout=30)) is not None:
            if match := re.search(pattern, line):
                return match[1]
        raise AssertionError("the gateway did not start:\n" + "".join(self.log))

    # --- calls ---

    def call(self, method, target, body=None, headers=None, timeout=30):
        """One request over a connection of its own; nothing is added to what the caller gives but Host and the length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            if isinstance(body, (dict, list)):
                body, headers = json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})}
            connection.request(method, target, body=body, headers={"Accept-Encoding": "identity", **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def chat(self, text="Hello", provider="openai", model="gpt-4o-mini", headers=None, prefix="", **more):
        body = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}], **more}
        path = "/v1/messages" if provider == "anthropic" else "/v1/chat/completions"
        return self.call("POST", f"{prefix}/{provider}{path}", body, {"authorization": "Bearer client", **(headers or {})})

    def raw(self, data, seconds=10):
        """Sends bytes as they are and returns everything that comes back until the gateway closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            parts = []
            try:
                while part := connection.recv(65536):
                    parts.append(part)
                    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
                    length = re.search(rb"(?i)content-length: (\d+)", head)
                    if length and len(body) >= int(length[1]):
                        break
            except TimeoutError:
                pass
            return b"".join(parts)

    # --- what was recorded ---

    def operations(self, n=None, key=None, **where):
        """The operations (newest first) with these attributes; with n, waits until there are that many."""
        query = urllib.parse.urlencode([("limit", 1000)] + [("where", f"{k}={v}") for k, v in where.items()])
        headers = {"authorization": f"Bearer {key}"} if key else {}

        def read():
            reply = self.call("GET", f"/api/v1/operations?{query}", headers=headers)
            assert reply.status == 200, reply.body
            found = reply.json()["operations"]
            return (found,) if n is None or len(found) >= n else None
        return until(read, what=f"{n} operations with {where}")[0]

    def operation(self, **where):
        return self.operations(1, **where)[0]

    def cost(self, *arguments):
        return self.command("cost", "--json", *arguments)

    def budget(self, name):
        """The first window of a budget."""
        return next(b for b in self.command("budget", "--json")["budgets"] if b["name"] == name)["windows"][0]

    def command(self, *arguments):
        done = genops(*arguments, state=self.state, config=self.config, home=self.folder)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
                raise
        for thread in self._threads:
            thread.join(10)
        return self.process.returncode
