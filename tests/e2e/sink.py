# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP server that keeps what comes, and what is in it."""
import http.server
import threading
import time

from receivers import REQUESTS


class Sink:
    """An OTLP/HTTP server: [(signal, request, when)]."""

    def __init__(self):
        self.got = []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                signal = self.path.rsplit("/", 1)[1]
                sink.got.append((signal, REQUESTS[signal].FromString(body), time.monotonic()))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def requests(self, signal):
        return [request for kind, request, _ in list(self.got) if kind == signal]

    def spans(self):
        """{name: attributes} of all that came, in order."""
        return {span.name: attributes_of(span) for request in self.requests("traces") for group in request.resource_spans
                for scope in group.scope_spans for span in scope.spans}

    def costs(self, name="genops/cost_aggregator"):
        """Of each export of that processor: {dimension values: cost}."""
        return [{tuple(sorted(attributes_of(point).items())): point.as_double for point in metric.sum.data_points}
                for request in self.requests("metrics") for group in request.resource_metrics for scope in group.scope_metrics
                for metric in scope.metrics if scope.scope.name == name and metric.name == "genops.cost.total"]


def attributes_of(thing):
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in thing.attributes}
