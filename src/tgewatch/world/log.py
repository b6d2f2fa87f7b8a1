"""What the servers saw: the judge of every client."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

IDLE = 10.0
"""Seconds after an answer in which its connection can be expected to carry the next request."""


@dataclass(slots=True, eq=False)
class Line:
    """One connection, as its server sees it."""

    host: str = ""
    """Of the last request."""
    requests: int = 0
    busy: bool = False
    idle_since: float = 0.0
    wanted: bool = False
    """Somebody opened another connection while this one was idle."""


@dataclass(slots=True)
class Log:
    """Counts since it was begun. Times are monotonic seconds of this machine."""

    begun: float = 0.0
    connections: int = 0
    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    """(feed, page or other; status) → requests."""
    received: int = 0
    """Requests, those that were never answered included."""
    conditional: int = 0
    bytes_out: int = 0
    violations: int = 0
    """Requests to a limited host after its 429 and before its Retry-After ran out."""
    served: set[tuple[int, int]] = field(default_factory=set)
    """(outlet, entry) shown in a feed body that was sent whole."""
    pages: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(outlet, entry) → times that its page was sent."""
    answered: dict[int, float] = field(default_factory=dict)
    """Outlet → time of its first 200 or 304."""
    told: list[float] = field(default_factory=list)
    """Times at which messages arrived at the world's letter box."""
    kept: int = 0
    """Requests on a connection that had carried another one."""
    missed: int = 0
    """Requests on a new connection although an idle one of less than `IDLE` seconds was there."""
    close: int = 0
    """Requests within `IDLE` seconds of an answer of their host, on whatever connection."""
    close_kept: int = 0
    """Of these, on a connection that had carried another one."""
    set_up: float = 0.0
    """Seconds that answers waited for what opening a connection takes."""
    at_once: int = 0
    """Requests under way now."""
    most_at_once: int = 0
    most_per_host: int = 0

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    @property
    def reuse(self) -> float:
        """Share of requests that came on a connection already open."""
        return 1.0 - self.connections / self.total if self.total else 0.0

    def summary(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "begun": self.begun,
            "connections": self.connections,
            "received": self.received,
            "requests": {
                f"{what} {status}": count for (what, status), count in self.requests.items()
            },
            "conditional": self.conditional,
            "bytes_out": self.bytes_out,
            "violations": self.violations,
            "set_up": self.set_up,
            "answered": {str(number): time for number, time in self.answered.items()},
            "served": len(self.served),
            "pages": sum(self.pages.values()),
            "pages_again": sum(count - 1 for count in self.pages.values()),
            "told": list(self.told),
            "kept": self.kept,
            "missed": self.missed,
            "close": self.close,
            "close_kept": self.close_kept,
            "most_at_once": self.most_at_once,
            "most_per_host": self.most_per_host,
        }


class Lines:
    """The connections that are open, and those that just were: who could have used which."""

    def __init__(self) -> None:
        self._idle: dict[str, set[Line]] = {}
        """Host → connections that last served it and are idle, closed ones included."""
        self._active: Counter[str] = Counter()
        self._last: dict[str, float] = {}
        """Host → time of its last answer."""

    def begin(self, log: Log, line: Line, host: str, now: float) -> None:
        """Count a request that has come."""
        log.received += 1
        log.at_once += 1
        self._active[host] += 1
        log.most_at_once = max(log.most_at_once, log.at_once)
        log.most_per_host = max(log.most_per_host, self._active[host])
        again = line.requests > 0
        log.kept += again
        if now - self._last.get(host, -IDLE) < IDLE:
            log.close += 1
            log.close_kept += again
        if again:
            self._idle.get(line.host, set()).discard(line)
            # Of two requests at one moment, that on the new connection may arrive first.
            log.missed -= line.wanted
            line.wanted = False
        else:
            log.missed += self._miss(host, now)
        line.host, line.busy = host, True
        line.requests += 1

    def _miss(self, host: str, now: float) -> bool:
        """Return whether a connection was idle that nobody else has been counted for."""
        idle = self._idle.get(host)
        if not idle:
            return False
        idle.difference_update([line for line in idle if now - line.idle_since >= IDLE])
        free = next((line for line in idle if not line.wanted), None)
        if free is None:
            return False
        free.wanted = True
        return True

    def end(self, log: Log, line: Line, now: float, *, answered: bool) -> None:
        """Count that a request is over, with an answer or without."""
        if not line.busy:
            return
        line.busy = False
        log.at_once = max(0, log.at_once - 1)
        self._active[line.host] -= 1
        if answered:
            line.idle_since = self._last[line.host] = now
            self._idle.setdefault(line.host, set()).add(line)

    def forget(self) -> None:
        """Begin anew: what was open for one client is of no use to the next."""
        self._idle.clear()
        self._last.clear()


def share(part: float, whole: float) -> float:
    """Return part of whole, 0 where there is no whole."""
    return part / whole if whole else 0.0


def quantile(values: Sequence[float], q: float) -> float:
    """Return the value below which the share `q` of `values` lies (nearest rank), 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0
