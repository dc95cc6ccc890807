# SPDX-License-Identifier: Apache-2.0
"""From a request's bytes to an answer's: who asks, whether the contract allows it, which function serves it. Knows no sockets."""
import json
import urllib.parse
from dataclasses import dataclass, field

from . import assets, assignment_calls, attributes, auth, domains, imports, jobs, types  # noqa: F401  each registers what it serves
from .contract import CONTRACT
from .refusal import Refusal, invalid
from .routes import SERVED, Request

BASE = "/rest/2.0"
OAUTH = "/rest/oauth/v2/token"
WITHOUT_LOGIN = ("GET /application/info", "POST /auth/sessions")


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict = field(default_factory=dict)


def json_answer(status, body, headers=None):
    if body is None:
        return Answer(status, b"", dict(headers or {}))
    return Answer(status, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), {"Content-Type": "application/json", **(headers or {})})


def refuse(refusal, fake=None):
    if refusal.status == 401 and refusal.code != "expiredToken" and fake is not None and fake.switches.bad_login == "redirect":
        return Answer(302, b"", {"Location": "/signin"})
    return json_answer(refusal.status, refusal.body())


def operation_name(method, path):
    """The name that calls are counted by."""
    if path.startswith(BASE):
        operation, _, _ = CONTRACT.find(method, path[len(BASE):])
        return operation.name if operation else f"{method} {path[len(BASE):]}"
    return f"{method} {path}"


def dispatch(fake, method, path, query, headers, body):
    """The answer to one request. The catalogue's lock is held by none."""
    try:
        if path == OAUTH:
            if method != "POST" or fake.switches.oauth == "404":
                raise Refusal(404, "There is no such resource.")
            with fake.catalogue.lock:
                status, answer = auth.token_answer(fake, headers, body)
            return json_answer(status, answer, {"Cache-Control": "no-store"})
        if path == "/signin":
            return Answer(200, b"<!DOCTYPE html><html><body>Sign in</body></html>", {"Content-Type": "text/html"})
        if not path.startswith(BASE + "/"):
            raise Refusal(404, "There is no such resource.")
        return _rest(fake, method, path[len(BASE):], query, headers, body)
    except Refusal as refusal:
        return refuse(refusal, fake)


def identify(fake, headers, method):
    with fake.catalogue.lock:
        user = fake.logins.identify(headers, method)
        if user is None:
            raise Refusal(401, "Not authenticated")
        return user


def _rest(fake, method, path, query, headers, body):
    operation, arguments, is_known = CONTRACT.find(method, path)
    name = operation.name if operation else ""
    if name in WITHOUT_LOGIN:
        user = None
    elif name == "GET /users/current" and "Authorization" not in headers and "Cookie" not in headers and fake.switches.anonymous_user == "guest":
        user = fake.logins.users["guest"]
    else:
        user = identify(fake, headers, method)
    if operation is None:
        raise Refusal(405 if is_known else 404, f"{method} {path} is not there.")
    if name not in SERVED:
        raise Refusal(501, f"The fake Collibra does not cover {name}.", "notCovered")
    request = Request(fake=fake, user=user, method=method, headers=headers)
    request.path = operation.arguments({key: [urllib.parse.unquote(value)] for key, value in arguments.items()}, "path")
    request.query = operation.arguments(urllib.parse.parse_qs(query, keep_blank_values=True), "query")
    request.body = read_body(fake, operation, headers, body)
    function, needs = SERVED[name]
    with fake.catalogue.lock:
        request.may(*needs)
        fake.run_due()
        status, answer = function(request)
    if fake.is_strict:
        operation.check_answer(status, answer)
    return json_answer(status, answer, request.answer_headers)


def read_body(fake, operation, headers, body):
    if not operation.content:
        return None
    kind = (headers.get("Content-Type") or "").split(";")[0].strip().lower()
    if kind not in operation.content:
        raise Refusal(415, f"The content type {kind or '(none)'} is not supported.")
    if kind != "application/json":
        return body
    if not body and operation.name.endswith("/canceled"):
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("The body is no JSON") from None
    operation.check_body(value)
    if fake.switches.unknown_members == "refuse":
        for name in operation.unknown_members(value):
            raise invalid(f"Unrecognized field {name!r}")
    return value
