"""Small states that all instances change, one change after the other, at one time of day."""

import secrets
from dataclasses import dataclass
from typing import Protocol

from tgewatch.swarm.link import Link, Script

STAMP = 8
"""Bytes in front of a state by which it is told from every other."""
KEPT = 3 * 86_400_000
"""Milliseconds that a state outlives its last change; longer than anything in it holds."""

READ = Script("""
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]) or '', time[1], time[2]}
""")

SWAP = Script("""
local time = redis.call('TIME')
local stands = redis.call('GET', KEYS[1]) or ''
if string.sub(stands, 1, #ARGV[1]) ~= ARGV[1] or (ARGV[1] == '' and stands ~= '') then
  return {stands, time[1], time[2]}
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {ARGV[2], time[1], time[2]}
""")


@dataclass(frozen=True, slots=True)
class Page:
    """A state as it was read."""

    data: bytes
    """Empty for none."""
    stamp: bytes
    at: float
    """The shelf's Unix time, the same for all who read."""


class Shelf(Protocol):
    """Where states are kept."""

    def time(self) -> float:
        """Return the shelf's Unix time, as well as it is known without asking."""

    async def read(self, name: str) -> Page:
        """Return a state. Raises TransientError."""

    async def swap(self, page: Page, name: str, data: bytes) -> tuple[bool, Page]:
        """Put `data` in the place of what was read, unless that has changed; say how it stands.

        Raises TransientError, and then nobody knows whether it was done.
        """


class SharedShelf:
    """States on the server that instances share."""

    def __init__(self, link: Link, kind: str) -> None:
        self._link = link
        self._kind = kind

    def __repr__(self) -> str:
        return f"<SharedShelf {self._kind} {self._link!r}>"

    def time(self) -> float:
        return self._seen(self._link.time())

    async def read(self, name: str) -> Page:
        stands, second, micro = await self._link.run(READ, (self._link.key(self._kind, name),))
        return self._page(stands, second, micro)

    async def swap(self, page: Page, name: str, data: bytes) -> tuple[bool, Page]:
        stamp = secrets.token_bytes(STAMP)
        stands, second, micro = await self._link.run(
            SWAP, (self._link.key(self._kind, name),), page.stamp, stamp + data, KEPT
        )
        return stands[:STAMP] == stamp, self._page(stands, second, micro)

    def _page(self, stands: bytes, second: bytes, micro: bytes) -> Page:
        at = int(second) + int(micro) / 1e6
        self._link.saw_time(at)
        return Page(stands[STAMP:], stands[:STAMP], self._seen(at))

    def _seen(self, seconds: float) -> float:
        """Return the server's time as it is to be understood: as it is."""
        return seconds
