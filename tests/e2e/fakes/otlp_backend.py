# SPDX-License-Identifier: Apache-2.0
"""What Tempo, Honeycomb, New Relic and Cribl's OpenTelemetry source have in common: OTLP that is refused as they refuse it.

HTTP: POST to the signal's path only; protobuf (or JSON) only; a body that is not a request is 400; each wants its own headers: without them, or with
wrong ones, 401 (New Relic: 403), as google.rpc.Status. gRPC: the same as UNAUTHENTICATED. Not covered: rate limits by volume, retention, what their
user interfaces make of it."""
import concurrent.futures
import gzip
import threading

import grpc
from google.rpc import status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from provider import Answer, Provider

REQUEST = trace_service_pb2.ExportTraceServiceRequest


class Backend:
    """`wanted`: header to value; a value None means any that is not empty. `refusal`: the status of who is not let in."""

    def __init__(self, wanted, path="/v1/traces", refusal=401, code=grpc.StatusCode.UNAUTHENTICATED):
        self.wanted, self.path, self.refusal, self.code = {key.lower(): value for key, value in wanted.items()}, path, refusal, code
        self.spans, self.seen, self.refused = [], [], []
        self.lock = threading.Lock()

    def lets_in(self, header):
        for key, value in self.wanted.items():
            given = header(key)
            if not given or (value is not None and given != value):
                return False
        return True

    def take(self, message, headers):
        with self.lock:
            self.seen.append(headers)
            self.spans += [span.name for group in message.resource_spans for scope in group.scope_spans for span in scope.spans]


class HttpBackend(Backend):
    def __init__(self, wanted, **more):
        super().__init__(wanted, **more)
        self.provider = Provider(0)
        self.provider.play(self.answer)
        self.url = f"http://127.0.0.1:{self.provider.port}"

    def fail(self, status, text):
        self.refused.append(status)
        return Answer(status, {"content-type": "application/x-protobuf"}, status_pb2.Status(message=text).SerializeToString(), is_chunked=False)

    def answer(self, request):
        if request.method != "POST" or request.target != self.path:
            return self.fail(404, "no such path")
        if not self.lets_in(request.header):
            return self.fail(self.refusal, "invalid credentials")
        if request.header("content-type") != "application/x-protobuf":
            return self.fail(415, "protobuf only")
        encoding = request.header("content-encoding") or "identity"
        if encoding not in ("gzip", "identity"):
            return self.fail(415, "gzip only")
        try:
            message = REQUEST.FromString(gzip.decompress(request.body) if encoding == "gzip" else request.body)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a bad request
            return self.fail(400, str(error))
        self.take(message, dict(request.headers))
        return Answer(200, {"content-type": "application/x-protobuf"}, b"", is_chunked=False)

    def close(self):
        self.provider.close()


class GrpcBackend(Backend, trace_service_pb2_grpc.TraceServiceServicer):
    """With `credentials` over TLS only, as the vendors have it."""

    def __init__(self, wanted, credentials=None, **more):
        super().__init__(wanted, **more)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        self.port = self.server.add_secure_port("127.0.0.1:0", credentials) if credentials else self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def Export(self, request, context):
        metadata = dict(context.invocation_metadata())
        if not self.lets_in(metadata.get):
            self.refused.append(self.code)
            context.abort(self.code, "missing or unknown credentials")
        self.take(request, metadata)
        return trace_service_pb2.ExportTraceServiceResponse()

    def close(self):
        self.server.stop(0).wait()
