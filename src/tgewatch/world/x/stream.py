"""Connections that stay open: frames as they fall due, heartbeats between, and every way to end.

Nothing here waits. A connection is asked what it has by now, so that a day passes as fast as it
can be computed; `server` asks it in real time.
"""

import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tgewatch.world.x.posts import Post, first_id
from tgewatch.world.x.problems import connection_refused, disconnected, encode
from tgewatch.world.x.service import Service

HEARTBEAT = 20.0
END = b"\r\n"
ENDS = ("reset", "operational", "stall")
"""Without a word; with one; open and silent for good."""

Frame = Callable[[Post, float], bytes | None]
"""Post, now → what the stream says of it, or None for nothing."""


@dataclass(slots=True, eq=False)
class Connection:
    """One client that listens. What was posted before it came is not for it."""

    id: str
    token: str
    since: float
    frame: Frame
    at: float = field(init=False)
    """Up to when its frames have been made."""
    ended: str = ""
    """Why nothing more comes: reset, operational, full, closed, killed; empty while open."""
    ended_at: float = 0.0
    stalled: bool = False
    """Open, and silent for good."""
    will_end: tuple[float, str] | None = None
    _last: float = field(init=False)
    _frames: deque[bytes] = field(default_factory=deque)
    _size: int = 0
    _stream: "Stream | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.at = self._last = self.since

    def pull(self) -> bytes:
        """Return what has arrived since the last call; empty for nothing."""
        if self._stream is not None:
            self._stream.advance()
        data = b"".join(self._frames)
        self._frames.clear()
        self._size = 0
        return data

    def wait(self) -> None:
        """Let frames pile up that the client does not take."""
        if self._stream is not None:
            self._stream.advance()

    async def chunks(
        self, sleep: Callable[[float], Awaitable[object]], *, step: float = 1.0
    ) -> AsyncIterator[bytes]:
        """Yield what arrives, looking every `step` seconds; end when the connection does."""
        while True:
            if data := self.pull():
                yield data
            if self.ended:
                return
            await sleep(step)

    def close(self) -> None:
        """Leave, as a client does. The service may take a while to notice."""
        if not self.ended and self._stream is not None:
            self._stream.advance()
            self.end("closed", self._stream.now())

    def end(self, reason: str, at: float) -> None:
        if not self.ended:
            self.ended, self.ended_at = reason, at

    def put(self, data: bytes, at: float, room: int) -> bool:
        """Send a frame of that time; False when there is no room for it, which ends it all."""
        if self._size + len(data) > room:
            self._frames.append(encode(disconnected("SlowReader")) + END)
            self.end("full", at)
            return False
        self._frames.append(data)
        self._size += len(data)
        self._last = at
        return True

    def beats(self, until: float) -> Iterator[float]:
        """Yield the times of the heartbeats that are due up to `until`."""
        while self._last + HEARTBEAT <= until:
            yield self._last + HEARTBEAT


class Stream:
    """All connections of one kind."""

    def __init__(
        self,
        service: Service,
        *,
        name: str,
        now: Callable[[], float],
        most: int,
        delays: tuple[float, float],
    ) -> None:
        """Allow `most` connections for a token; posts come after a delay between `delays`."""
        self.name = name
        self.now = now
        self._service = service
        self._most = most
        self._delays = delays
        self._chance = Random(service.faults.seed + 1)  # noqa: S311 - a simulation
        self._made = 0
        self.connections: list[Connection] = []
        """All there ever were."""

    def connect(self, token: str, frame: Frame) -> Connection:
        """Open a connection. Raises ProblemError (429, TooManyConnections)."""
        self.advance()
        now = self.now()
        if len(self.held(token)) >= self._most:
            raise connection_refused(
                429,
                "TooManyConnections",
                f"This stream is currently at the maximum allowed connection limit ({self._most}).",
            )
        self._made += 1
        made = Connection(f"{self.name}-{self._made}", token, now, frame)
        made._stream = self  # noqa: SLF001 - one class in two halves
        if self._service.faults.disconnect:
            wait = self._chance.expovariate(1.0 / self._service.faults.disconnect)
            made.will_end = (now + wait, self._chance.choice(ENDS))
        self.connections.append(made)
        return made

    def held(self, token: str) -> list[Connection]:
        """Return the connections that count against the rule: open ones, and stale ones."""
        now = self.now()
        stale = self._service.faults.stale
        return [
            one
            for one in self.connections
            if one.token == token
            and (not one.ended or (one.ended in {"reset", "closed"} and now < one.ended_at + stale))
        ]

    def kill(self, token: str) -> list[Connection]:
        """End all connections of a token, and forget the stale ones; return them."""
        held = self.held(token)
        for one in held:
            one.end("killed", self.now())
            one.ended = "killed"
        return held

    def drop(self, kind: str) -> None:
        """End all open connections now: reset, operational, or stall."""
        if kind not in ENDS:
            raise ValueError(f"no such end: {kind}")
        self.advance()
        for one in self.connections:
            if not one.ended:
                self._end(one, kind, self.now())

    def advance(self) -> None:
        """Make all frames that are due by now, by the rules as they stand."""
        now = self.now()
        for one in self.connections:
            if one.ended or now <= one.at:
                continue
            until = now if one.will_end is None else min(now, one.will_end[0])
            self._fill(one, until)
            if one.will_end is not None and one.will_end[0] <= now and not one.ended:
                self._end(one, one.will_end[1], one.will_end[0])
                one.will_end = None
            one.at = now

    def _end(self, one: Connection, kind: str, at: float) -> None:
        if kind == "stall":
            one.stalled = True
            return
        if kind == "operational":
            told = encode(disconnected("UpstreamOperationalDisconnect")) + END
            one.put(told, at, self._service.product.stream_buffer)
        one.end(kind, at)

    def _fill(self, one: Connection, until: float) -> None:
        if one.stalled:
            return
        room = self._service.product.stream_buffer
        for due, post in self._due(one.at, until):
            if post.at < one.since:
                continue
            if not all(one.put(END, beat, room) for beat in one.beats(due)):
                return
            frame = one.frame(post, due)
            if frame is not None and not one.put(frame, due, room):
                return
        for beat in one.beats(until):
            if not one.put(END, beat, room):
                return

    def _due(self, after: float, until: float) -> list[tuple[float, Post]]:
        """Return what reaches the stream in a period, in order of arrival."""
        archive = self._service.archive
        posts = archive.between(first_id(after - self._delays[1]) - 1, first_id(until) + (1 << 22))
        found = []
        for post in posts:
            due = post.at + self._delay(post.id)
            if after < due <= until and not archive.is_deleted(post.id, due):
                found.append((due, post))
        found.sort(key=lambda pair: (pair[0], pair[1].id))
        return found

    def _delay(self, post: int) -> float:
        low, high = self._delays
        return low + (high - low) * zlib.crc32(str(post).encode()) / 2**32


def describe(one: Connection, name: str, stamp: Callable[[float], str]) -> dict[str, Any]:
    """Return what the list of connections says of one."""
    data = {
        "id": one.id,
        "endpoint_name": name,
        "connected_at": stamp(one.since),
        "client_ip": "127.0.0.1",
    }
    if one.ended:
        data |= {"disconnected_at": stamp(one.ended_at), "disconnect_reason": one.ended}
    return data
