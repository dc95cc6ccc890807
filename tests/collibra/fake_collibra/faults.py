# SPDX-License-Identifier: Apache-2.0
"""Failures on demand: each fault waits for the nth call that it matches, plays `times` times, and is gone. FIELDS says what each kind
takes; `stored` is whether the call took effect at the far side (always where it has none)."""
import email.utils
import fnmatch
import json
import threading
import time
from dataclasses import dataclass, field

HTML = b"<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><h1>The upstream server is away</h1></body></html>"
FIELDS = {
    # kind: its options with their defaults
    "status": {"status": 500, "body": "json", "retry_after": None, "stored": False},  # body: json, html, empty
    "delay": {"seconds": 1.0, "stored": True},            # stored: answered late; not stored: handled late
    "reset": {"stored": False},                           # the connection is reset, no answer
    "truncate": {},                                       # half the body, then the end
    "html": {"stored": False},                            # 200 with a page of HTML
    "wrong_length": {},                                   # Content-Length short of the body
    "chunked": {},                                        # a good answer in chunks
    "huge": {"bytes": 64 << 20},                          # a good answer with a member that large
    "deep": {"depth": 100_000},                           # an answer nested that deep
    "redirect": {"stored": False, "location": "/signin"},  # 302
}


@dataclass
class Fault:
    kind: str
    method: str = "*"
    path: str = "*"       # a glob over the path below /rest/2.0, the whole path, or the operation's path
    nth: int = 1
    times: int = 1        # None: for ever
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.kind not in FIELDS:
            raise ValueError(f"there is no fault {self.kind}")
        unknown = set(self.options) - set(FIELDS[self.kind])
        if unknown:
            raise ValueError(f"the fault {self.kind} has no {', '.join(sorted(unknown))}")
        self.options = {**FIELDS[self.kind], **self.options}

    def matches(self, method, paths):
        return fnmatch.fnmatchcase(method, self.method) and any(fnmatch.fnmatchcase(path, self.path) for path in paths)


class Faults:
    def __init__(self):
        self._lock, self._faults = threading.Lock(), []

    def add(self, kind, method="*", path="*", nth=1, times=1, **options):
        fault = Fault(kind, method, path, nth, times, options)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self):
        with self._lock:
            self._faults.clear()

    def waiting(self):
        with self._lock:
            return list(self._faults)

    def take(self, method, paths):
        """The fault that this call gets, or None. Every fault that matches counts the call."""
        taken = None
        with self._lock:
            for fault in list(self._faults):
                if not fault.matches(method, paths):
                    continue
                if fault.nth > 1:
                    fault.nth -= 1
                elif taken is None:
                    taken = fault
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(fault)
        return taken


def retry_after(value):
    """Seconds as given; "date": an HTTP-date a second from now; ("date", n): n seconds from now; other texts as they are."""
    if value == "date" or isinstance(value, (tuple, list)):
        return email.utils.formatdate(time.time() + (1 if value == "date" else value[1]), usegmt=True)
    return str(value)


def status_answer(options):
    """(status, headers, body) of a status fault."""
    headers = {} if options["retry_after"] is None else {"Retry-After": retry_after(options["retry_after"])}
    if options["body"] == "html":
        return options["status"], {**headers, "Content-Type": "text/html"}, HTML
    if options["body"] == "empty":
        return options["status"], headers, b""
    body = {"statusCode": options["status"], "titleMessage": "Unexpected error", "helpMessage": "", "userMessage": "A fault was played.",
            "errorCode": "unexpectedError"}
    return options["status"], {**headers, "Content-Type": "application/json"}, json.dumps(body).encode()
