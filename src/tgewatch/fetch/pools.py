"""One pool's share of the connections, and its counters."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from tgewatch.errors import TgewatchError, TransientError
from tgewatch.ports import PoolMetrics
from tgewatch.settings import FetchSettings, Pool

NAMES = ("default", "rss", "twitter", "article")
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

    def failed(self, error: TgewatchError) -> None:
        """Count a call that ended with `error`."""
        cause = getattr(error, "cause", "error")
        self.errors[cause] += 1
        self.throttled += isinstance(error, TransientError) and cause == "throttled"

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


class PoolState:
    """Settings, room and counters of one pool."""

    def __init__(self, name: str, settings: Pool) -> None:
        self.name = name
        self.settings = settings
        self.accept = ACCEPT[name]
        self.room = asyncio.Semaphore(settings.connections)
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
