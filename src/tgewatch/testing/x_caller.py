"""Calls to an X that is a Python object: no socket, and whatever clock there is."""

import gzip
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.model.post import Post

STEP = 0.25
"""Seconds between two looks at a stream."""


class Told(Protocol):
    """What such an X answers: `tgewatch.world.x.fake.Answer`."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def delay(self) -> float: ...
    @property
    def lost(self) -> bool: ...
    @property
    def connection(self) -> Any: ...


class Answering(Protocol):
    """Such an X."""

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Told:
        """Answer one request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HeldReply(Reply):
    """What goes on."""

    connection: Any = None
    clock: Clock | None = None
    silence: float = 0.0

    async def chunks(self) -> AsyncIterator[bytes]:
        if self.clock is None:
            return
        heard = self.clock.monotonic()
        while True:
            data = self.connection.pull()
            now = self.clock.monotonic()
            if data:
                heard = now
                yield data
            if self.connection.ended:
                raise TransientError("the connection was closed", cause="incomplete")
            if now - heard > self.silence:
                raise TransientError("not a byte came", cause="stalled")
            await self.clock.sleep(STEP)


@dataclass(slots=True)
class InProcessCaller:
    """A Caller that asks such an X."""

    x: Answering
    clock: Clock
    cut: bool = False
    """No answer comes for as long as this is set."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and target of each call."""

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
        seconds: float,
    ) -> Reply:
        told = self._ask(method, url, headers, body)
        await self.clock.sleep(min(told.delay, seconds))
        if told.lost or told.delay > seconds:
            raise TransientError("the answer was lost", cause="reset")
        return _reply(told)

    @asynccontextmanager
    async def hold(
        self, url: str, *, headers: Sequence[tuple[str, str]], seconds: float, silence: float
    ) -> AsyncIterator[HeldReply]:
        told = self._ask("GET", url, headers, None)
        await self.clock.sleep(min(told.delay, seconds))
        reply = _reply(told)
        try:
            yield HeldReply(
                reply.status, reply.headers, reply.body, told.connection, self.clock, silence
            )
        finally:
            if told.connection is not None:
                told.connection.close()

    def _ask(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes | None
    ) -> Told:
        if self.cut:
            raise TransientError("no network", cause="unreachable")
        parts = urlsplit(url)
        self.asked.append((method, f"{parts.path}?{parts.query}" if parts.query else parts.path))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        lowered = {name.lower(): value for name, value in headers}
        return self.x.answer(method, parts.path, query, lowered, body or b"")


def _reply(told: Told) -> Reply:
    body = told.body
    if told.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return Reply(told.status, told.headers, body)


class MemoryNotes:
    """Notes that are kept while the object is."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def note(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def write_note(self, name: str, value: bytes | None, *, at: float) -> None:
        del at
        if value is None:
            self.kept.pop(name, None)
        else:
            self.kept[name] = value


class Ears:
    """A Listener that remembers what it hears of a stream, and when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.posts: list[int] = []
        self.connections: list[float] = []
        self.drops: list[tuple[str, float]] = []

    def connected(self) -> None:
        self.connections.append(self._clock.monotonic())

    def heard(self, post: Post) -> None:
        self.posts.append(post.id)

    def dropped(self, why: str, seconds: float) -> None:
        self.drops.append((why, seconds))
