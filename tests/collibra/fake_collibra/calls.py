# SPDX-License-Identifier: Apache-2.0
"""What came in: every call with its body, how many in each second, how many at once. Tests assert call counts, pacing, and that no
secret and no prompt text was ever sent."""
import collections
import threading
import time
from dataclasses import dataclass


@dataclass
class Call:
    number: int
    method: str
    path: str
    query: str
    operation: str       # "POST /assets/bulk"; the method and path as they came where the contract has no such operation
    headers: dict
    body: bytes
    began: float         # monotonic seconds
    ended: float = None
    status: int = None   # None: still running, or ended without an answer
    answer_bytes: int = 0
    fault: str = None    # the kind of the fault that was played


class Calls:
    def __init__(self):
        self._lock, self._changed = threading.Lock(), threading.Condition()
        self.clear()

    def clear(self):
        with self._lock:
            self._calls, self._running, self.most_at_once = [], 0, 0

    def begin(self, method, path, query, operation, headers, body):
        with self._lock:
            call = Call(len(self._calls) + 1, method, path, query, operation, headers, body, time.monotonic())
            self._calls.append(call)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        return call

    def end(self, call, status, answer_bytes, fault):
        with self._lock:
            call.ended, call.status, call.answer_bytes, call.fault = time.monotonic(), status, answer_bytes, fault
            self._running = max(0, self._running - 1)
        with self._changed:
            self._changed.notify_all()

    def all(self, operation=None):
        """Calls in the order they came; of one operation ("POST /assets/bulk"), or all."""
        with self._lock:
            return [call for call in self._calls if operation in (None, call.operation)]

    def count(self, operation=None):
        return len(self.all(operation))

    def by_operation(self):
        return dict(collections.Counter(call.operation for call in self.all()))

    def wait(self, condition, timeout=10):
        """Until condition(self) holds; whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout)

    def in_each_second(self):
        """Calls in the first second since the first call, in the second one, and so on."""
        calls = self.all()
        if not calls:
            return []
        seconds = [0] * (int(calls[-1].began - calls[0].began) + 1)
        for call in calls:
            seconds[int(call.began - calls[0].began)] += 1
        return seconds

    def most_in_a_second(self):
        """The most calls in any second, wherever it begins."""
        times, most, first = [call.began for call in self.all()], 0, 0
        for last, moment in enumerate(times):
            while times[first] <= moment - 1:
                first += 1
            most = max(most, last - first + 1)
        return most

    def bytes_received(self):
        return sum(len(call.body) for call in self.all())

    def bytes_sent(self):
        return sum(call.answer_bytes for call in self.all())

    def mentions(self, text):
        """Calls whose address or body has that text."""
        wanted = text.encode()
        return [call for call in self.all() if wanted in call.body or text in call.path or text in call.query]
