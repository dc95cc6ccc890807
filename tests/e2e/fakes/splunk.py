# SPDX-License-Identifier: Apache-2.0
"""Splunk's HTTP Event Collector, from its documentation (help.splunk.com, "Format events for HTTP Event Collector", "HTTP Event Collector REST
API endpoints", "About HTTP Event Collector Indexer Acknowledgment", "Troubleshoot HTTP Event Collector"): codes 0 to 23, envelopes
behind one another, what is before a wrong one is taken, channels, acknowledgements that are told once.

Not covered: what Splunk does with an event behind its collector; limits of acknowledgements a channel."""
import gzip
import json
import re
import urllib.parse

from fakes.alert_endpoint import AlertEndpoint

TOKEN = "B5A79AAD-D822-46CC-80D1-819F80D7BFB0"
METADATA = {"time", "host", "source", "sourcetype", "index", "event", "fields"}
TEXTS = {0: "Success", 1: "Token disabled", 2: "Token is required", 3: "Invalid authorization", 4: "Invalid token", 5: "No data", 6: "Invalid data format",
         7: "Incorrect index", 8: "Internal server error", 9: "Server is busy", 10: "Data channel is missing", 11: "Invalid data channel",
         12: "Event field is required", 13: "Event field cannot be blank", 14: "ACK is disabled", 15: "Error in handling indexed fields",
         16: "Query string authorization is not enabled", 17: "HEC is healthy", 23: "Server is shutting down"}
STATUSES = {0: 200, 1: 403, 2: 401, 3: 401, 4: 403, 8: 500, 9: 503, 17: 200, 23: 503}


def code(number, **more):
    return STATUSES.get(number, 400), {"content-type": "application/json"}, {"text": TEXTS[number], "code": number, **more}


class Refused(Exception):
    pass


class FakeSplunk(AlertEndpoint):
    def __init__(self, port=0, token=TOKEN, indexes=("main", "security"), has_ack=False, content_max=1_000_000, is_enabled=True):
        self.token, self.indexes, self.has_ack, self.content_max, self.is_enabled = token, indexes, has_ack, content_max, is_enabled
        self.events, self.raw = [], []
        self.channels, self.polls, self.acks_after, self.n_acks = {}, 0, 1, 0  # an acknowledgement is there at that question
        super().__init__(port)

    def answer(self, request):
        url = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path.startswith("/services/collector/health"):
            return code(17) if request.method == "GET" else code(6)
        if "token" in query:
            return code(16)
        authorization = request.headers.get("authorization")
        if not authorization:
            return code(2)
        if not authorization.startswith("Splunk "):
            return code(3)
        if authorization != f"Splunk {self.token}":
            return code(4)
        if not self.is_enabled:
            return code(1)
        if request.method != "POST":
            return 405, {}, ""
        channel = request.headers.get("x-splunk-request-channel") or query.get("channel")
        if channel and not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", channel):
            return code(11)
        if url.path == "/services/collector/ack":
            return self.acknowledge(request, channel)
        is_raw = url.path.startswith("/services/collector/raw")
        if not is_raw and not re.fullmatch(r"/services/collector(/event)?(/1\.0)?", url.path):
            return 404, {"content-type": "application/json"}, {"text": "The requested URL was not found on this server.", "code": 404}
        if (self.has_ack or is_raw) and not channel:
            return code(10)
        return self.take_body(request, is_raw, query, channel)

    def take_body(self, request, is_raw, query, channel):
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        elif request.headers.get("content-encoding"):
            return 415, {}, ""
        if len(body) > self.content_max:
            return 413, {}, ""
        if not body.strip():
            return code(5)
        request.body = body
        try:
            if is_raw:
                self.raw += [(line, query) for line in body.decode().splitlines()]
            else:
                self.read(request, body.decode())
        except Refused as refused:
            number, at = refused.args
            return code(number, **{"invalid-event-number": at})
        if not self.has_ack:
            return code(0)
        ack, self.n_acks = self.n_acks, self.n_acks + 1
        self.channels.setdefault(channel, {})[ack] = 0
        return code(0, ackId=ack)

    def read(self, request, text):
        """Envelopes behind one another; those before a wrong one are taken."""
        decoder, at, n = json.JSONDecoder(), 0, 0
        request.events = []
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            try:
                event, at = decoder.raw_decode(text, at)
            except ValueError:
                raise Refused(6, n) from None
            self.check(event, n)
            request.events.append(event)
            self.events.append(event)
            n += 1

    def check(self, event, n):
        if not isinstance(event, dict) or set(event) - METADATA:
            raise Refused(6, n)
        if event.get("event") is None:
            raise Refused(12, n)
        if event["event"] == "" or (isinstance(event["event"], str) and not event["event"].strip()):
            raise Refused(13, n)
        if "time" in event and not re.fullmatch(r"\d+(\.\d+)?", str(event["time"])):
            raise Refused(6, n)
        for key in ("host", "source", "sourcetype", "index"):
            if not isinstance(event.get(key, ""), str):
                raise Refused(6, n)
        if any(isinstance(value, dict) for value in event.get("fields", {}).values()):
            raise Refused(15, n)
        if event.get("index", "main") not in self.indexes:
            raise Refused(7, n + 1)  # Splunk counts what it has read, and looks at the index behind it

    def acknowledge(self, request, channel):
        if not self.has_ack:
            return code(14)
        if not channel:
            return code(10)
        asked = json.loads(request.body)["acks"]
        self.polls += 1
        known, answer = self.channels.get(channel, {}), {}
        for ack in asked:
            if ack in known:
                known[ack] += 1
            answer[str(ack)] = known.get(ack, -1) >= self.acks_after
            if answer[str(ack)]:
                del known[ack]  # told once
        return 200, {"content-type": "application/json"}, {"acks": answer}
