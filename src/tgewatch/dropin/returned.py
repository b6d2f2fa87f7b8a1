"""Which articles a pipeline has been given already, kept in the store of its lists."""

from collections.abc import Iterable
from typing import Protocol

import msgspec
import xxhash

from tgewatch.rules import urls

NOTE = "drop-in: returned"
MOST = 200_000
"""Articles remembered; the oldest are forgotten first."""


class Notes(Protocol):
    """Where small things are noted."""

    async def note(self, name: str) -> bytes | None: ...

    async def write_note(self, name: str, value: bytes | None, *, at: float) -> None: ...


class _Kept(msgspec.Struct):
    done: float = 0.0
    urls: list[int] = []


class Returned:
    """Remembers URLs, however they are spelt, by a 64-bit hash."""

    def __init__(self, kept: _Kept | None = None) -> None:
        kept = kept or _Kept()
        self.done = kept.done
        """When the last round began whose articles were handed out."""
        self._known: dict[int, None] = dict.fromkeys(kept.urls)

    def __repr__(self) -> str:
        return f"<Returned {len(self._known)}>"

    def __contains__(self, url: object) -> bool:
        return isinstance(url, str) and _name(url) in self._known

    @classmethod
    async def load(cls, notes: Notes) -> "Returned":
        """Return what was noted; what cannot be read is nothing."""
        noted = await notes.note(NOTE)
        try:
            return cls(None if noted is None else msgspec.msgpack.decode(noted, type=_Kept))
        except (ValueError, RecursionError):
            return cls()

    async def add(self, notes: Notes, given: Iterable[str], *, began: float, now: float) -> None:
        """Note that these were handed out by a round that began at `began`."""
        before = len(self._known)
        self._known.update(dict.fromkeys(map(_name, given)))
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        if len(self._known) != before or not self.done:
            self.done = began
            kept = _Kept(began, list(self._known))
            await notes.write_note(NOTE, msgspec.msgpack.encode(kept), at=now)


def _name(url: str) -> int:
    return xxhash.xxh3_64_intdigest(urls.canonical(url).encode("utf-8", "surrogatepass"))
