# SPDX-License-Identifier: Apache-2.0
"""PagerDuty's Events API v2, from PagerDuty/api-schema reference/events-v2/openapiv3.json: what it takes, what it refuses, and what becomes of
incidents. What it leaves out: change events, images and links are only looked at as lists."""
import datetime

from fakes.alert_endpoint import AlertEndpoint

KEY = "R0UT1NGKEY0123456789abcdefghijkl"
TOP = {"routing_key", "event_action", "dedup_key", "payload", "links", "images", "client", "client_url"}
PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}


class FakePagerDuty(AlertEndpoint):
    def __init__(self, port=0):
        self.incidents, self.n_triggers = {}, {}  # dedup_key: state; how often it was triggered
        self.gone_keys = set()  # of integrations that were deleted
        super().__init__(port)
        self.url += "/v2/enqueue"

    def answer(self, request):
        if request.path != "/v2/enqueue" or request.method != "POST":
            return 404, {}, b""
        if len(request.body) > 512 * 1024:
            return 413, {}, {"status": "invalid event", "message": "Event object is too large", "errors": ["payload is over 512 KB"]}
        errors = self.errors(request)
        if errors:
            return 400, {}, {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
        event = request.json()
        if event["routing_key"] in self.gone_keys:
            return 400, {}, {"status": "invalid event", "message": "Event object is invalid", "errors": ["Invalid routing key"]}
        key, action = event["dedup_key"], event["event_action"]
        if action == "trigger":
            self.incidents[key] = "triggered"
            self.n_triggers[key] = self.n_triggers.get(key, 0) + 1
        elif key in self.incidents:
            self.incidents[key] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        return 202, {}, {"status": "success", "message": "Event processed", "dedup_key": key}

    @staticmethod
    def errors(request):
        found = []
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return ["content-type is not application/json"]
        try:
            event = request.json()
        except (ValueError, AssertionError) as fault:
            return [f"not JSON: {fault}"]
        if not isinstance(event, dict):
            return ["not an object"]
        found += [f"'{key}' is not known" for key in set(event) - TOP]
        if len(str(event.get("routing_key", ""))) != 32:
            found.append("'routing_key' is missing or is not valid")
        if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            found.append("'event_action' is missing or is not valid")
        if not isinstance(event.get("dedup_key"), str) or not 0 < len(event["dedup_key"]) <= 255:
            found.append("'dedup_key' is not valid")
        if event.get("event_action") == "trigger":
            found += FakePagerDuty.payload_errors(event.get("payload"))
        return found

    @staticmethod
    def payload_errors(payload):
        if not isinstance(payload, dict):
            return ["'payload' is missing or blank"]
        found = [f"'payload.{key}' is not known" for key in set(payload) - PAYLOAD]
        found += [f"'payload.{key}' is missing or blank" for key in ("summary", "source", "severity") if not payload.get(key)]
        if len(payload.get("summary") or "") > 1024:
            found.append("'payload.summary' is over 1024 characters")
        if payload.get("severity") not in ("critical", "error", "warning", "info"):
            found.append("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
        if "timestamp" in payload:
            datetime.datetime.fromisoformat(payload["timestamp"].replace("Z", "+00:00"))
        if not isinstance(payload.get("custom_details", {}), dict):
            found.append("'payload.custom_details' is not an object")
        return found

    def events(self):
        return [request.json() for request in self.taken()]
