# SPDX-License-Identifier: Apache-2.0
"""Elasticsearch's _bulk as its reference and OpenSearch 2.19's own answers have it: each document is taken or refused by itself.

Refused, whole: another method, path or media type, a body without a line's end behind it, too large a one, wrong credentials. Refused, one document: an
id that is there (409), an index's name that none can have, anything but `create` into a data stream, no @timestamp there, equal names, an object where a
value was or the other way round. Not covered: analysis, types of values beyond that, templates, shards."""
import base64
import gzip
import json
import re
import urllib.parse

from fakes.alert_endpoint import AlertEndpoint, strict

BAD_NAME = re.compile(r'[\\/*?"<>| ,#:A-Z]|^[-_+]|^\.{0,2}$')
DATA_STREAM = re.compile(r"(logs|traces|metrics)-[^-]+-.+")
BODY_MAX = 100 << 20


def error(status, kind, reason):
    return status, {"error": {"type": kind, "reason": reason}, "status": status}


def paths(value, at=""):
    """Every field with whether it is an object, dots made objects as dynamic mapping does."""
    for key, inner in value.items():
        parts = [part for part in f"{at}.{key}".strip(".").split(".")]
        for i in range(1, len(parts)):
            yield ".".join(parts[:i]), True
        path = ".".join(parts)
        values = inner if isinstance(inner, list) else [inner]
        for each in values:
            if isinstance(each, dict):
                yield path, True
                yield from paths(each, path)
            elif each is not None:
                yield path, False


class FakeElasticsearch(AlertEndpoint):
    def __init__(self, port=0, api_key=None, user=None):
        super().__init__(port)
        self.indices, self.fields, self.n_created, self.n_repeated = {}, {}, 0, 0
        self.api_key, self.user = api_key, user      # the encoded key; "name:password"
        self.refuse = lambda index, document: None   # (status, type, reason), or None

    def answer(self, request):
        status, body = self.answered(request)
        return status, {"content-type": "application/json"}, body

    def answered(self, request):
        url = urllib.parse.urlsplit(request.path)
        wanted = [f"ApiKey {self.api_key}"] if self.api_key else ["Basic " + base64.b64encode(self.user.encode()).decode()] if self.user else [None]
        if request.headers["authorization"] not in wanted:
            return error(401, "security_exception", "unable to authenticate")
        if url.path == "/" and request.method == "GET":
            return 200, {"version": {"number": "9.2.0"}, "tagline": "You Know, for Search"}
        if url.path != "/_bulk" or request.method != "POST":
            return error(405, "illegal_argument_exception", "no handler found")
        if request.headers["content-type"] not in ("application/x-ndjson", "application/json"):
            return 406, {"error": f"Content-Type header [{request.headers['content-type']}] is not supported", "status": 406}
        body = gzip.decompress(request.body) if request.headers["content-encoding"] == "gzip" else request.body
        if len(body) > BODY_MAX:
            return error(413, "too_large", "")
        if not body.endswith(b"\n"):
            return error(400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
        lines = body[:-1].split(b"\n")
        if len(lines) % 2:
            return error(400, "illegal_argument_exception", "Malformed content, must be terminated by a newline")
        items = [self.take_one(lines[i], lines[i + 1]) for i in range(0, len(lines), 2)]
        return 200, {"took": 3, "errors": any("error" in item["create"] for item in items), "items": items}

    def take_one(self, action, document):
        (operation, meta), = json.loads(action).items()
        assert operation == "create" and set(meta) <= {"_index", "_id"}, action
        refused = self.store(meta["_index"], meta["_id"], document)
        if not refused:
            return {"create": {"_index": meta["_index"], "_id": meta["_id"], "status": 201}}
        status, kind, reason = refused
        return {"create": {"_index": meta["_index"], "_id": meta["_id"], "status": status, "error": {"type": kind, "reason": reason}}}

    def store(self, index, key, text):
        if BAD_NAME.search(index) or len(index.encode()) > 255:
            return 400, "invalid_index_name_exception", f"Invalid index name [{index}]"
        try:
            document = strict(text.decode())
        except (ValueError, AssertionError, UnicodeDecodeError) as fault:
            return 400, "document_parsing_exception", f"failed to parse: {fault}"
        if not isinstance(document, dict):
            return 400, "document_parsing_exception", "failed to parse, document is empty"
        if refused := self.refuse(index, document):
            return refused
        if DATA_STREAM.fullmatch(index) and "@timestamp" not in document:
            return 400, "document_parsing_exception", "data stream timestamp field [@timestamp] is missing"
        fields = self.fields.setdefault(index, {})
        for path, is_object in paths(document):
            if fields.setdefault(path, is_object) != is_object:
                return 400, "mapper_parsing_exception", f"object mapping for [{path}] tried to parse field as object, but found a concrete value"
        documents = self.indices.setdefault(index, {})
        if key in documents:
            self.n_repeated += 1
            return 409, "version_conflict_engine_exception", f"[{key}]: version conflict, document already exists (current version [1])"
        documents[key] = document
        self.n_created += 1
        return None

    def documents(self, index):
        with self.lock:
            return list(self.indices.get(index, {}).values())
