"""A server on 127.0.0.1 that speaks the wire format of OpenAI's chat completions, and misbehaves as it is told.

It is a real server, so what is tested is what happens: the package of the provider, its retries, the stream. Who says
what is a function from the body of a request to one of the answers below; those that come before it in ``first`` are
given first, each once.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

Body = dict[str, Any]


class Say(NamedTuple):
    """Say something, word by word."""

    text: str


class Call(NamedTuple):
    """Call a tool; arguments that are text go out as they are."""

    name: str
    arguments: Any


class Calls(NamedTuple):
    """Call several tools."""

    calls: tuple[Call, ...]


class Status(NamedTuple):
    """Refuse."""

    code: int
    message: str = "no"
    headers: tuple[tuple[str, str], ...] = ()


class Hang(NamedTuple):
    """Never answer."""


class Cut(NamedTuple):
    """Break off after so many words."""

    text: str
    n_words: int = 1


class End(NamedTuple):
    """Say something, and end the stream in good order but without the end of the answer, or with another end."""

    text: str
    finish: str | None = None


class Garbage(NamedTuple):
    """Stream what is no JSON."""


class Trouble(NamedTuple):
    """Break off with an error within the stream."""

    message: str


class Page(NamedTuple):
    """Refuse with a page, as what stands before a server does, or with other JSON than OpenAI's."""

    code: int
    body: str = "<html><body>Bad gateway</body></html>"


class Events(NamedTuple):
    """Stream these events, as servers of another wire format do."""

    events: tuple[tuple[str, Body], ...]


class Close(NamedTuple):
    """Close the connection without a word."""


Answer = Say | Call | Calls | Status | Hang | Cut | End | Garbage | Trouble | Page | Events | Close
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


class Server:
    """The server; `url` is its ``base_url``."""

    def __init__(self, answer: Callable[[Body], Answer], first: Iterable[Answer] = ()) -> None:
        self.answer = answer
        self.first = deque(first)
        self.bodies: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.completed: list[str] = []
        self.heard = asyncio.Event()
        self.gone = asyncio.Event()
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            while (body := await self._read(reader)) is not None:
                await self._answered(self.first.popleft() if self.first else self.answer(body), body, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Body | None:
        if not await reader.readline():
            return None
        headers = {}
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body: Body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"{}")
        self.headers.append(headers)
        self.bodies.append(body)
        self.heard.set()
        return body

    async def _answered(
        self, answer: Answer, body: Body, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match answer:
            case Status() | Page():
                _refused(answer, writer)
            case Hang():
                await reader.read()  # until the other side gives up
                self.gone.set()
                raise ConnectionError
            case Close():
                raise ConnectionError
            case Say() | Call() | Calls():
                self._streamed(answer, body, writer)
                self.completed.append(json.dumps(body, sort_keys=True))
            case _:
                _head(writer, 200, (("Content-Type", "text/event-stream"),))
                _broken(answer, body, writer)
                await writer.drain()
                if isinstance(answer, Cut):
                    raise ConnectionError
                _chunk(writer, b"")
        await writer.drain()

    def _streamed(self, answer: Answer, body: Body, writer: asyncio.StreamWriter) -> None:
        _head(writer, 200, (("Content-Type", "text/event-stream"),))
        match answer:
            case Say(text):
                for i, word in enumerate(text.split(" ")):
                    _event(writer, body, {"role": "assistant", "content": (" " if i else "") + word})
                _event(writer, body, {}, "stop")
            case Call() | Calls():
                calls = answer.calls if isinstance(answer, Calls) else (answer,)
                for i, call in enumerate(calls):
                    _event(writer, body, {"role": "assistant", "tool_calls": [self._wire(i, call)]})
                _event(writer, body, {}, "tool_calls")
            case _:
                raise AssertionError(answer)
        last = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"], "choices": []}
        _chunk(writer, b"data: " + json.dumps({**last, "usage": USAGE}).encode() + b"\n\ndata: [DONE]\n\n")
        _chunk(writer, b"")

    def _wire(self, index: int, call: Call) -> Body:
        text = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        made = {"name": call.name, "arguments": text}
        return {"index": index, "id": f"call_{len(self.bodies)}_{index}", "type": "function", "function": made}

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _refused(answer: Status | Page, writer: asyncio.StreamWriter) -> None:
    if isinstance(answer, Page):
        kind = "text/html" if answer.body.startswith("<") else "application/json"
        _head(writer, answer.code, (("Content-Type", kind),))
        _chunk(writer, answer.body.encode())
    else:
        _head(writer, answer.code, (*answer.headers, ("Content-Type", "application/json")))
        _chunk(writer, json.dumps({"error": {"message": answer.message, "type": "x", "code": "x"}}).encode())
    _chunk(writer, b"")


def _broken(answer: Answer, body: Body, writer: asyncio.StreamWriter) -> None:
    """Stream what is no whole answer of this wire format."""
    match answer:
        case Garbage():
            _chunk(writer, b"data: {this is no json\n\n")
        case Cut(text, n_words):
            for word in text.split()[:n_words]:
                _event(writer, body, {"role": "assistant", "content": word + " "})
        case End(text, finish):
            _event(writer, body, {"role": "assistant", "content": text}, finish)
        case Trouble(message):
            _event(writer, body, {"role": "assistant", "content": "a "})
            error = {"message": message, "type": "server_error", "code": 500}
            _chunk(writer, b"data: " + json.dumps({"error": error}).encode() + b"\n\n")
        case Events(events):
            for name, data in events:
                _chunk(writer, f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        case _:
            raise AssertionError(answer)


def _head(writer: asyncio.StreamWriter, code: int, headers: Iterable[tuple[str, str]]) -> None:
    lines = [f"HTTP/1.1 {code} -", "Transfer-Encoding: chunked", *(f"{name}: {value}" for name, value in headers)]
    writer.write("\r\n".join([*lines, "", ""]).encode())


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _event(writer: asyncio.StreamWriter, body: Body, delta: Body, finish: str | None = None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    _chunk(writer, b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n")


@asynccontextmanager
async def serving(
    answer: Callable[[Body], Answer] | None = None, first: Iterable[Answer] = ()
) -> AsyncIterator[Server]:
    """Serve on a free port for a while."""
    server = Server(answer or (lambda _body: Say("a word")), first)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=2**24)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listening.close()
        await server.stop()
