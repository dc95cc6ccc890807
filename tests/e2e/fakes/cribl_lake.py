# SPDX-License-Identifier: Apache-2.0
"""Cribl Lake: Direct Access (HTTP) and the management API's datasets, as Cribl's documentation and SDKs have them.

Refuses: other tokens, datasets that are not selected for Direct Access, what is not JSON by lines, events whose _time is no number, retentions
beyond ten years, names that are not names. Not done: provisioning, ingest limits, search."""
import gzip
import json
import re

from .alert_endpoint import AlertEndpoint, strict

TOKEN, API_TOKEN = "dat-raw-token", "api.bearer.token"


class FakeLake(AlertEndpoint):
    def __init__(self, datasets=(), port=0):
        self.datasets = {name: {"id": name, "retentionPeriodInDays": 30, "format": "json", "httpDAUsed": True} for name in datasets}
        self.events = {}
        super().__init__(port)

    def answer(self, request):
        if request.path.startswith("/api/v1/"):
            return self.manage(request)
        match = re.fullmatch(r"/datasets/([A-Za-z][\w-]*)", request.path)
        if request.headers.get("authorization") != TOKEN:
            return 401, {}, "Unauthorized"
        if request.method != "POST" or not match or not self.datasets.get(match[1], {}).get("httpDAUsed"):
            return 404, {}, "Not Found"
        if request.headers.get("content-type") not in ("application/json", "application/x-ndjson"):
            return 415, {}, "Unsupported Media Type"
        body = gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
        if len(body) > 10 << 20:
            return 413, {}, "Payload Too Large"
        try:
            request.events = [strict(line) for line in body.decode().splitlines()]
        except (ValueError, AssertionError):
            return 400, {}, "invalid JSON"
        if not all(isinstance(event, dict) and isinstance(event.get("_time"), (int, float)) for event in request.events):
            return 400, {}, "_time has to be a number"
        self.events.setdefault(match[1], []).extend(request.events)
        return 200, {"content-type": "application/json"}, {"items": [], "count": 0}

    def manage(self, request):
        if request.headers.get("authorization") != f"Bearer {API_TOKEN}":
            return 401, {}, {"status": "error", "message": "Unauthorized"}
        match = re.fullmatch(r"/api/v1/products/lake/lakes/default/datasets(?:/([\w-]+))?", request.path)
        name = match and match[1]
        if not match or (name and name not in self.datasets):
            return 404, {}, {"status": "error", "message": "not found"}
        if request.method == "GET":
            return 200, {}, {"items": [self.datasets[name]], "count": 1}
        body = request.json()
        known = {"id": str, "description": str, "format": str, "retentionPeriodInDays": int, "acceleratedFields": list, "httpDAUsed": bool}
        if not all(key in known and isinstance(value, known[key]) for key, value in body.items()) or "id" not in body or \
           not 1 <= body.get("retentionPeriodInDays", 1) <= 3650 or body.get("format", "json") not in ("json", "parquet", "ddss") or \
           len(body.get("acceleratedFields", [])) > 5:
            return 400, {}, {"status": "error", "message": "invalid dataset"}
        if request.method == "POST" and not name:
            if body["id"] in self.datasets:
                return 409, {}, {"status": "error", "message": "exists"}
            self.datasets[body["id"]] = body
        elif request.method == "PATCH" and name == body["id"]:
            self.datasets[name].update(body)
        else:
            return 405, {}, {"status": "error", "message": "method"}
        return 200, {}, {"items": [self.datasets[body["id"]]], "count": 1}

    def posts(self):
        with self.lock:
            return [request for request in self.requests if request.path.startswith("/datasets/")]
