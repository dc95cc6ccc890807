# SPDX-License-Identifier: Apache-2.0
"""Concurrent clients on raw asyncio: what each call was told, and what it must have cost.

A call is `complete` when the client has the whole answer: all of content-length, or the last chunk. Anything else (refused
connection, half an answer) leaves the client in doubt, and the ledger may say either.
"""
import asyncio
import json
import time

from chaos_provider import MAX_TOKENS, usage_of
from chaos_stage import NANO_IN, NANO_OUT

PAUSE = 0.05  # before a client knocks again at a gateway that is not there


def cost_of(n):
    prompt, completion = usage_of(n)
    return prompt * NANO_IN + completion * NANO_OUT


def request_of(n, port, team, kind, marker=""):
    body = {"model": "gpt-4o-mini", "user": str(n), "max_tokens": MAX_TOKENS,
            "messages": [{"role": "user", "content": f"{marker}say some words"}]}
    if kind:
        body["stream"] = True
    if kind == "asked":
        body["stream_options"] = {"include_usage": True}
    data = json.dumps(body).encode()
    return (f"POST /openai/v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer sk-test\r\nx-genops-team: {team}\r\ncontent-length: {len(data)}\r\n\r\n").encode() + data


async def _read_answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = b""
        while True:
            size = int((await reader.readline()).strip() or b"0", 16)
            body += await reader.readexactly(size)
            await reader.readexactly(2)
            if not size:
                break
    return int(head[0].split()[1]), headers, body


class Load:
    """Runs calls first, first + 1, ... over `n_clients` connections. Afterwards: told[n] = (status, operation id).
    is_patient: a request on a kept connection that was closed before any answer is sent again, as HTTP clients do."""

    def __init__(self, port, n_calls, n_clients=64, n_teams=5, first=0, seconds=60, is_patient=False):
        self.port, self.n_calls, self.n_clients, self.n_teams = port, n_calls, n_clients, n_teams
        self.first, self.next, self.end = first, first, first + n_calls
        self.deadline = time.monotonic() + seconds
        self.told, self.n_doubtful, self.bodies = {}, 0, {}
        self.is_patient, self.again = is_patient, []

    def team(self, n):
        return f"t{n % self.n_teams}"

    async def _connect(self, reader, writer):
        """A connection to send on; looks first, as every HTTP client does, whether the kept one was closed meanwhile."""
        if writer and not reader.at_eof():
            return reader, writer, True
        if writer:
            writer.close()
        return *await asyncio.open_connection("127.0.0.1", self.port), False

    async def _call(self, n, reader, writer):
        """Whether the connection may be used again."""
        writer.write(request_of(n, self.port, self.team(n), ("", "plain", "asked")[n % 3]))
        status, headers, body = await asyncio.wait_for(_read_answer(reader), 30)
        self.told[n] = (status, headers.get("x-genops-operation-id", ""))
        if status not in (200, 402, 429):
            self.bodies[n] = body
        return headers.get("connection") != "close"

    def _next(self):
        if self.again:
            return self.again.pop()
        self.next += 1
        return self.next - 1

    async def _client(self):
        reader = writer = None
        while (self.next < self.end or self.again) and time.monotonic() < self.deadline:
            try:
                reader, writer, is_kept = await self._connect(reader, writer)
            except OSError:
                reader = writer = None
                await asyncio.sleep(PAUSE)
                continue
            if self.next >= self.end and not self.again:
                break  # others made the rest while this one connected
            n = self._next()
            try:
                may_keep = await self._call(n, reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError, IndexError) as fault:
                may_keep = False
                if is_kept and self.is_patient and not getattr(fault, "partial", b""):
                    self.again.append(n)  # closed between two requests: the server says so only now
                else:
                    self.n_doubtful += 1
            if not may_keep:
                writer.close()
                reader = writer = None
        if writer:
            writer.close()

    async def _all(self):
        await asyncio.gather(*(self._client() for _ in range(self.n_clients)))

    def run(self):
        asyncio.run(self._all())

    def complete(self):
        """Operation id -> exact cost, of each call whose whole 2xx answer arrived."""
        return {operation: cost_of(n) for n, (status, operation) in self.told.items() if 200 <= status < 300}

    def refused(self):
        return {operation for status, operation in self.told.values() if status in (402, 403, 429) and operation}
