# SPDX-License-Identifier: Apache-2.0
"""A fast provider that is not one: OpenAI chat completions with usage that follows from the request, for tests.

    python3 chaos_provider.py PORT [SECONDS]    the longest time that an answer takes

The field `user` of a request is a number n; `usage_of(n)` is what the answer reports, so a client can tell what a call must have
cost. The field `metadata.fault` asks for misbehaviour: close, half, half_stream, hang, slow, error, pricier.
One process, one thread, raw asyncio: some thousand answers a second.
"""
import asyncio
import json
import sys

MODEL = "gpt-4o-mini"
MAX_TOKENS = 60
latency = 0.0  # the longest time that an answer takes


def usage_of(n):
    """(prompt tokens, completion tokens) of call n; always within what a gateway must reserve for it."""
    return 8 + n % 5, 1 + (n * 7919) % MAX_TOKENS


def _usage(n):
    prompt, completion = usage_of(n)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _head(status, kind, length):
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{size}\r\n\r\n".encode()


def _chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def _events(n, model, wants_usage):
    completion = usage_of(n)[1]
    for i in range(4):
        part = {"id": f"c{n}", "object": "chat.completion.chunk", "created": 1, "model": model,
                "choices": [{"index": 0, "delta": {"content": "word " * (completion // 4)},
                             "finish_reason": "stop" if i == 3 else None}]}
        if wants_usage:
            part["usage"] = None
        yield part
    if wants_usage:
        yield {"id": f"c{n}", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [], "usage": _usage(n)}


async def _stream(writer, n, model, request, fault):
    wants_usage = bool((request.get("stream_options") or {}).get("include_usage"))
    writer.write(_head("200 OK", "text/event-stream", None))
    for i, event in enumerate(_events(n, model, wants_usage)):
        writer.write(_chunk(b"data: " + json.dumps(event).encode() + b"\n\n"))
        await writer.drain()
        if fault == "half_stream" and i == 1:
            return False
        if fault == "slow":
            await asyncio.sleep(0.05)
        elif i % 2 == 0:
            await asyncio.sleep(latency / 10)
    writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    return True


async def _answer(writer, request):
    n = int(request.get("user") or 0)
    fault = (request.get("metadata") or {}).get("fault", "")
    model = "gpt-4o" if fault == "pricier" else request.get("model", MODEL)
    if fault == "close":
        return False
    if fault == "hang":
        await asyncio.sleep(3600)
    if fault == "error":
        body = b'{"error":{"message":"overloaded","type":"server_error","param":null,"code":null}}'
        writer.write(_head("500 Internal Server Error", "application/json", len(body)) + body)
        return True
    await asyncio.sleep(latency * (n * 31 % 100) / 100)
    if request.get("stream"):
        return await _stream(writer, n, model, request, fault)
    body = json.dumps({"id": f"c{n}", "object": "chat.completion", "created": 1, "model": model, "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "word " * usage_of(n)[1]}, "finish_reason": "stop"}],
        "usage": _usage(n)}).encode()
    if fault == "big":
        body = body[:-1] + b',"padding":"' + b"x" * 4000000 + b'"}'
    writer.write(_head("200 OK", "application/json", len(body)))
    writer.write(body[:len(body) // 2] if fault == "half" else body)
    return fault != "half"


async def _serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line[15:])
            body = await reader.readexactly(length)
            if not await _answer(writer, json.loads(body or b"{}")):
                break
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def _main(port):
    server = await asyncio.start_server(_serve, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    latency = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
