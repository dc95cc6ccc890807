# SPDX-License-Identifier: Apache-2.0
"""A fake AI provider: HTTP/1.1 on a loopback port, one thread a connection, inside the test's process.

It plays what a test gives it (an Answer, or a function from Request to Answer) and keeps what it received. It writes every
byte itself, so that a test can choose where an answer is cut into pieces, where it breaks off, and what stands in it.
"""
import base64
import json
import socket
import socketserver
import threading
from dataclasses import dataclass, field


@dataclass
class Request:
    method: str
    target: str
    headers: list  # (name as sent, value), in order
    body: bytes

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def json(self):
        return json.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    piece: int = 0             # bytes a chunk; 0: all at once
    is_chunked: bool = True    # else with a Content-Length
    cut_after: int = -1        # close the connection after so many bytes of the body, without an end
    pause_after: int = -1      # after so many bytes wait for `go_on` before the rest
    go_on: threading.Event = None
    parts: object = None       # an iterator of bytes, a chunk each, instead of the body: the next is taken when one is sent

    @classmethod
    def of(cls, recording, **more):
        headers = {k: v for k, v in recording["response"]["headers"].items()
                   if k.lower() not in ("content-length", "transfer-encoding")}
        return cls(status=recording["response"]["status"], headers=headers, body=body_of(recording["response"]), **more)


def body_of(side):
    text = side["body"] or ""
    return base64.b64decode(text) if side["body_encoding"] == "base64" else text.encode()


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    timeout = 60

    def handle(self):
        self.server.connections.append(self.connection)
        try:
            while self.one():
                pass
        except OSError:
            pass  # the gateway went away, as some tests want it to

    def one(self):
        provider = self.server.provider
        line = self.rfile.readline(65536)
        if not line.strip():
            return False
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = []
        while (line := self.rfile.readline(1 << 20)) not in (b"\r\n", b""):
            name, value = line.decode("latin-1").split(":", 1)
            headers.append((name, value.strip()))
        request = Request(method, target, headers, b"")
        request.body = self.body(request)
        with provider.changed:
            provider.received.append(request)
            provider.changed.notify_all()
        return self.answer(provider.answer(request) if callable(provider.answer) else provider.answer)

    def body(self, request):
        if (request.header("transfer-encoding") or "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(request.header("content-length") or 0))

    def answer(self, answer):
        head = [f"HTTP/1.1 {answer.status} Whatever"] + [f"{k}: {v}" for k, v in answer.headers.items()]
        head.append("transfer-encoding: chunked" if answer.is_chunked else f"content-length: {len(answer.body)}")
        self.wfile.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n")
        whole = answer.body if answer.cut_after < 0 else answer.body[:answer.cut_after]
        stops = sorted({stop for stop in (answer.pause_after,) if 0 <= stop < len(whole)})
        for part in answer.parts or ():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        at = 0
        for stop in stops + [len(whole)]:
            self.pieces(answer, whole[at:stop])
            at = stop
            if stop == answer.pause_after and answer.go_on:
                answer.go_on.wait(30)
        if answer.cut_after >= 0:
            return False
        if answer.is_chunked:
            self.wfile.write(b"0\r\n\r\n")
        return True

    def pieces(self, answer, data):
        size = answer.piece or len(data)
        for at in range(0, len(data), size or 1):
            piece = data[at:at + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.is_chunked else piece)
            self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


class Provider:
    def __init__(self, port=0, tls=None):
        self.answer = Answer(404, {"content-type": "application/json"}, b'{"error":{"message":"nothing to play"}}')
        self.received = []
        self.changed = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _Connection)
        self._server.provider, self._server.connections = self, []
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def play(self, answer):
        """Plays this from now on, and forgets what was received."""
        self.received.clear()
        self.answer = answer

    def wait_for(self, n, seconds=10):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= n, seconds), f"no {n} requests arrived"
        return self.received

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        for connection in self._server.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # has ended already
