"""Leases, reservations and states of an instance that is alone."""

import secrets

from tgewatch.clock import Clock
from tgewatch.ports import Tenure
from tgewatch.swarm.shelf import STAMP, Page

MICROSECONDS = 1_000_000
REMEMBERED = 10_000
"""Names that are kept before those that ran out are swept."""


class LocalLeases:
    """Leases among the tasks of one process."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, tuple[int, float]] = {}
        """Name → token, and when it runs out on the monotonic clock."""
        self._token = 0

    def __repr__(self) -> str:
        now = self._clock.monotonic()
        return f"<LocalLeases {sum(until > now for _, until in self._held.values())} held>"

    async def take(self, name: str, *, seconds: float) -> Tenure | None:
        now = self._clock.monotonic()
        _, until = self._held.get(name, (0, now))
        if now < until:
            return None
        # Begins at the time of day, so that tokens grow across restarts as well.
        self._token = max(self._token + 1, int(self._clock.now() * MICROSECONDS))
        self._held[name] = (self._token, now + seconds)
        return Tenure(name, self._token)

    async def keep(self, tenure: Tenure, *, seconds: float) -> bool:
        now = self._clock.monotonic()
        token, until = self._held.get(tenure.name, (0, now))
        if token != tenure.token or until <= now:
            return False
        self._held[tenure.name] = (token, now + seconds)
        return True

    async def give(self, tenure: Tenure) -> None:
        token, _ = self._held.get(tenure.name, (0, 0.0))
        if token == tenure.token:
            del self._held[tenure.name]


class LocalReservations:
    """Reservations among the tasks of one process."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}
        """Name → when it runs out on the monotonic clock."""
        self._sweep_at = REMEMBERED

    def __repr__(self) -> str:
        now = self._clock.monotonic()
        return f"<LocalReservations {sum(until > now for until in self._until.values())} held>"

    async def reserve(self, name: str, *, seconds: float) -> bool:
        return self.take(name, seconds=seconds)

    async def release(self, name: str) -> None:
        self.free(name)

    def take(self, name: str, *, seconds: float) -> bool:
        """Do what `reserve` does, without waiting for anything."""
        now = self._clock.monotonic()
        if len(self._until) >= self._sweep_at:
            self._until = {n: until for n, until in self._until.items() if until > now}
            self._sweep_at = max(REMEMBERED, 2 * len(self._until))
        if self._until.get(name, now) > now:
            return False
        self._until[name] = now + seconds
        return True

    def free(self, name: str) -> None:
        """Do what `release` does, without waiting for anything."""
        self._until.pop(name, None)


class LocalShelf:
    """States in one process."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"<LocalShelf {len(self._states)} states>"

    def time(self) -> float:
        return self._clock.now()

    async def read(self, name: str) -> Page:
        return self._page(name)

    async def swap(self, page: Page, name: str, data: bytes) -> tuple[bool, Page]:
        if self._states.get(name, b"")[:STAMP] != page.stamp:
            return False, self._page(name)
        self._states[name] = secrets.token_bytes(STAMP) + data
        return True, self._page(name)

    def _page(self, name: str) -> Page:
        stands = self._states.get(name, b"")
        return Page(stands[STAMP:], stands[:STAMP], self._clock.now())
