"""One pool's share of the connections, and its counters."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self, TypeVar

from tgewatch.errors import TgewatchError, TransientError
from tgewatch.ports import PoolMetrics
from tgewatch.settings import FetchSettings, Pool

E = TypeVar("E", bound=TgewatchError)

NAMES = ("default", "rss", "twitter", "article")
HUSH = 0.05
"""Seconds without an answer after which a request leaves its place to another."""
TIMEOUTS = frozenset({"timeout", "connect_timeout", "stalled"})

ACCEPT: Mapping[str, str] = MappingProxyType(
    {
        "default": "*/*",
        "rss": "application/atom+xml, application/rss+xml, application/feed+json, "
        "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5",
        "twitter": "application/json",
        "article": "text/html, application/xhtml+xml, */*;q=0.5",
    }
)


class Meter:
    """Counts for one pool; plain numbers, read through `snapshot`."""

    def __init__(self) -> None:
        self.requests = 0
        self.reused = 0
        self.opened = 0
        self.retries = 0
        self.joined = 0
        self.throttled = 0
        self.downgrades = 0
        self.bytes_read = 0
        self.handshake = 0.0
        """Seconds."""
        self.active = 0
        self.statuses: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()

    def failed(self, error: E) -> E:
        """Count a call that ended with `error`, and return it."""
        cause = getattr(error, "cause", "error")
        self.errors[cause] += 1
        self.throttled += isinstance(error, TransientError) and cause == "throttled"
        return error

    def snapshot(self) -> PoolMetrics:
        return PoolMetrics(
            requests=self.requests,
            reused=self.reused,
            opened=self.opened,
            retries=self.retries,
            joined=self.joined,
            timeouts=sum(self.errors[cause] for cause in TIMEOUTS),
            throttled=self.throttled,
            downgrades=self.downgrades,
            bytes_read=self.bytes_read,
            handshake_ms=self.handshake * 1000.0,
            active=self.active,
            statuses=dict(self.statuses),
            errors=dict(self.errors),
        )


class Room:
    """Places for so many requests at once, and for some more outside, while nothing happens to them.

    Otherwise a few dozen hosts that accept and say nothing would keep everybody else waiting.
    """

    def __init__(self, places: int, *, outside: int) -> None:
        self._free = asyncio.Semaphore(places)
        self._outside = outside

    def locked(self) -> bool:
        """Return whether the next one would have to wait."""
        return self._free.locked()

    def place(self) -> "Place":
        """Return a place, which is taken as a context."""
        return Place(self._free, self)

    def leave(self) -> bool:
        """Go outside, if there is space."""
        if not self._outside:
            return False
        self._outside -= 1
        self._free.release()
        return True

    def returned(self) -> None:
        """Say that one who was outside is no longer there."""
        self._outside += 1


class Place:
    """One request's place in the room of its pool."""

    __slots__ = ("_free", "_inside", "_room", "_timer")

    def __init__(self, free: asyncio.Semaphore, room: Room) -> None:
        self._free = free
        self._room = room
        self._inside = True
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._free.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._quiet()
        if self._inside:
            self._free.release()
        else:
            self._room.returned()

    def asked(self) -> None:
        """Say that the request goes out: from now on it is the server's turn."""
        self._quiet()
        if self._inside:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(HUSH, self._step_out)

    async def answered(self) -> None:
        """Return once there is a place for reading the answer that has begun."""
        self._quiet()
        if not self._inside:
            await self._free.acquire()
            self._inside = True
            self._room.returned()

    def _step_out(self) -> None:
        self._inside = not self._room.leave()

    def _quiet(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class PoolState:
    """Settings, room and counters of one pool."""

    def __init__(self, name: str, settings: Pool) -> None:
        self.name = name
        self.settings = settings
        self.accept = ACCEPT[name]
        self.room = Room(settings.connections, outside=settings.waiting)
        self.meter = Meter()

    def __repr__(self) -> str:
        return f"<PoolState {self.name} {self.meter.active}/{self.settings.connections}>"


def pools(settings: FetchSettings) -> dict[str, PoolState]:
    """Return all pools, closed to nobody yet."""
    named = {
        "default": settings.default,
        "rss": settings.rss,
        "twitter": settings.twitter,
        "article": settings.article,
    }
    return {name: PoolState(name, named[name]) for name in NAMES}
