# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on a loopback port, TLS if asked for, one thread a connection. Writes every byte itself where a fault wants bytes that no
HTTP library would write."""
import gzip
import http.server
import json
import os
import socket
import struct
import sys
import threading
import time
import traceback
import urllib.parse

from . import control, faults, graph
from .dispatch import BASE, Answer, dispatch, operation_name, refuse
from .refusal import Refusal


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, block_on_close, request_queue_size = True, False, 256

    def __init__(self, fake, tls=None):
        super().__init__(("127.0.0.1", fake.port), Handler)
        self.fake, self.tls = fake, tls
        self.connections, self._lock = set(), threading.Lock()

    def finish_request(self, connection, address):
        """In the connection's own thread: a slow handshake holds nobody up."""
        if self.tls:
            connection.settimeout(10)
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:  # the client does not trust us, or went away
                return
            connection.settimeout(None)
        with self._lock:
            self.connections.add(connection)
        try:
            super().finish_request(connection, address)
        finally:
            with self._lock:
                self.connections.discard(connection)
            if self.tls:
                connection.close()

    def handle_error(self, connection, address):
        """A client that went away is no defect of the fake."""
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            self.fake.defects.append(traceback.format_exc())

    def serve(self):
        """Until close(); its own loop, since serve_forever() looks only now and then whether it should end."""
        while True:
            try:
                connection, address = self.socket.accept()
            except OSError:
                return
            self.process_request(connection, address)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # accept() returns
        self.server_close()
        with self._lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 300

    def log_message(self, *_):
        pass

    def handle_one(self):
        fake, address = self.server.fake, urllib.parse.urlsplit(self.path)
        path = address.path
        body = self._body()
        self.call = self.fault = None
        if path.startswith("/control/"):
            self._write(control.answer(fake, self.command, path, body))
            return
        name = operation_name(self.command, path)
        self.call = fake.calls.begin(self.command, path, address.query, name, dict(self.headers.items()), body or b"")
        self.fault = fake.faults.take(self.command, (path, path.removeprefix(BASE), name.partition(" ")[2]))
        try:
            self._play(self.fault, address, path, body)
        finally:
            self._end(None, 0)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_one

    def _end(self, status, size):
        """The call is over. Before its answer is written: who has the answer finds the call in the counters as it was."""
        if self.call and self.call.ended is None:
            self.server.fake.calls.end(self.call, status, size, self.fault and self.fault.kind)

    def _body(self):
        """The body; None where it is larger than allowed (it is read and dropped, the connection ends)."""
        maximum, parts, size = self.server.fake.switches.body_maximum, [], 0
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            while (length := int(self.rfile.readline(100).split(b";")[0], 16)):
                parts.append(self.rfile.read(length))
                self.rfile.readline(10)
            while self.rfile.readline(65536).strip():
                pass
            size = sum(map(len, parts))
        else:
            size = int(self.headers.get("Content-Length") or 0)
            parts.append(self.rfile.read(size))
            if len(parts[0]) < size:
                raise ConnectionAbortedError("the client went away in the middle of its request")
        if size > maximum and not self.path.startswith("/control/"):
            return None
        return b"".join(parts)

    def _answer(self, address, path, body):
        fake = self.server.fake
        if body is None:
            self.close_connection = True
            return refuse(Refusal(413, "The body is too large."))
        try:
            if path == graph.PATH:
                return graph.answer(fake, self.command, self.headers, body)
            return dispatch(fake, self.command, path, address.query, self.headers, body)
        except Exception:  # a defect of the fake: kept for the test, told to the client
            fake.defects.append(traceback.format_exc())
            return refuse(Refusal(500, "The fake Collibra has a defect; see its defects."))

    def _play(self, fault, address, path, body):
        if fault is None:
            self._write(self._answer(address, path, body))
            return
        options = fault.options
        if fault.kind == "delay" and not options["stored"]:
            time.sleep(options["seconds"])
        answer = self._answer(address, path, body) if options.get("stored", True) or fault.kind == "delay" else None
        if fault.kind == "delay":
            if options["stored"]:
                time.sleep(options["seconds"])
            self._write(answer)
        else:
            getattr(self, f"_play_{fault.kind}")(options, answer)

    def _play_status(self, options, _):
        status, headers, body = faults.status_answer(options)
        self._write(Answer(status, body, headers))

    def _play_html(self, *_):
        self._write(Answer(200, faults.HTML, {"Content-Type": "text/html;charset=UTF-8"}))

    def _play_redirect(self, options, _):
        self._write(Answer(302, b"", {"Location": options["location"]}))

    def _play_reset(self, *_):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._end(None, 0)
        os.close(self.connection.detach())  # close() would leave it open for the file objects

    def _play_truncate(self, _, answer):
        self._head(answer, len(answer.body))
        self.wfile.write(answer.body[:len(answer.body) // 2])
        self.close_connection = True

    def _play_wrong_length(self, _, answer):
        self._head(answer, max(0, len(answer.body) - 7))
        self.wfile.write(answer.body)
        self.close_connection = True

    def _play_chunked(self, _, answer):
        self._head(answer, None)
        for start in range(0, len(answer.body), 100):
            piece = answer.body[start:start + 100]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _play_huge(self, options, answer):
        body = json.loads(answer.body or b"{}")
        large = "x" * options["bytes"]
        body = {**body, "somethingLarge": large} if isinstance(body, dict) else [*body, large]
        self._write(Answer(answer.status, json.dumps(body).encode(), answer.headers))

    def _play_deep(self, options, answer):
        body = b'{"results":' + b"[" * options["depth"] + b"]" * options["depth"] + b"}"
        self._write(Answer(answer.status, body, {"Content-Type": "application/json"}))

    def _head(self, answer, length):
        self._end(answer.status, len(answer.body))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 204:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _write(self, answer):
        wants = "gzip" in (self.headers.get("Accept-Encoding") or "")
        if wants and answer.body and len(answer.body) > 200 and self.server.fake.switches.gzip == "asked":
            answer = Answer(answer.status, gzip.compress(answer.body, 1), {**answer.headers, "Content-Encoding": "gzip"})
        self._head(answer, len(answer.body))
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()
