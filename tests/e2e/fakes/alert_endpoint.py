# SPDX-License-Identifier: Apache-2.0
"""An HTTP endpoint that alerts go to: logs every request, and does what the test scripts for the next ones before it does its own work.

Subclasses write down a vendor's contract in `answer`: what it refuses, and with which words. They refuse what the vendor refuses."""
import http.server
import json
import threading
import time


def strict(text):
    """JSON as a strict reader has it: no equal names, no NaN, no lone halves of surrogate pairs."""
    def pairs(items):
        assert len({key for key, _ in items}) == len(items), "equal names"
        return dict(items)

    def constant(name):
        raise ValueError(name)
    value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    json.dumps(value, ensure_ascii=False).encode()
    return value


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body, self.time = method, path, headers, body, time.monotonic()
        self.status = None

    def json(self):
        return strict(self.body.decode())


class AlertEndpoint:
    """`script`: what the next requests get instead of an answer of the vendor's: (status, headers, body), "hang", "cut" (the answer is lost
    after the work is done), or None (as usual). `is_down`: connections are closed without an answer."""

    def __init__(self, port=0):
        self.requests, self.script, self.is_down, self.lock = [], [], False, threading.Lock()
        self.end = threading.Event()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one packet: else Nagle waits 40 ms for an acknowledgement

            def do(self):
                fake.take(self)

            do_POST = do_PUT = do_PATCH = do_GET = do_DELETE = do

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def take(self, handler):
        request = Request(handler.command, handler.path, handler.headers, handler.rfile.read(int(handler.headers.get("content-length", 0))))
        with self.lock:
            self.requests.append(request)
            planned = self.script.pop(0) if self.script else None
        if planned == "hang":
            self.end.wait(30)
        if self.is_down or planned == "hang":
            handler.close_connection = True
            return
        with self.lock:
            status, headers, body = planned if isinstance(planned, tuple) else self.answer(request)
            request.status = status
        if planned == "cut":
            handler.close_connection = True
            return
        data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def answer(self, request):
        return 200, {}, b""

    def taken(self):
        """Those that it took, in their order."""
        with self.lock:
            return [request for request in self.requests if request.status is not None and request.status < 300]

    def close(self):
        self.is_down = True  # also for connections that are open
        self.end.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
