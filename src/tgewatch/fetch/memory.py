"""One tier of the cache in memory: entries with an age, never more bytes than allowed."""

import heapq
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tgewatch.fetch.eviction import Eviction
from tgewatch.fetch.sizes import bytes_of

ENTRY_BYTES = 480
"""Bookkeeping per entry: the entry, its places in dict, order, expiry heap and sketch.

390 measured by `python benchmarks/cache.py memory`, and a place in the heap that is out of date.
"""


@dataclass(slots=True, eq=False)
class Entry:
    """A value, or a refusal, with its times on the monotonic clock. Never changed once kept."""

    value: object
    stored: float
    fresh_until: float
    keep_until: float
    cost: int
    refusal: bool = False
    """`value` tells why there is none."""


@dataclass(frozen=True, slots=True)
class TierStats:
    """What a tier has done since it was made, and what it holds."""

    tier: str
    hits: int
    misses: int
    negative_hits: int
    """Look-ups answered by a remembered refusal."""
    stale_served: int
    """Expired entries given because the other side failed, or while they were fetched again."""
    evictions: int
    """Entries that left, or never got in, for want of bytes."""
    expirations: int
    fetches: int
    shared: int
    """Callers that waited for somebody else's fetch."""
    errors: int
    """Failures of the cache itself; each meant a direct fetch or nothing kept."""
    entries: int
    bytes: int
    budget: int
    age_oldest: float
    """Seconds."""
    age_median: float
    """Seconds."""

    @property
    def hit_rate(self) -> float:
        """Return hits of all kinds per look-up; 0.0 before the first."""
        found = self.hits + self.negative_hits
        return found / (found + self.misses) if found + self.misses else 0.0


class Journal(Protocol):
    """Hears of every change, in order. Called under the tier's lock: must not wait."""

    def put(self, key: str, entry: Entry) -> None: ...

    def drop(self, key: str) -> None: ...

    def wipe(self, prefix: str) -> None: ...


@dataclass(slots=True)
class _Counts:
    hits: int = 0
    misses: int = 0
    negative_hits: int = 0
    stale_served: int = 0
    evictions: int = 0
    expirations: int = 0
    fetches: int = 0
    shared: int = 0
    errors: int = 0


class Memory:
    """A bounded map from keys to entries. Safe under threads; every method holds one lock briefly.

    The sum of the entries' costs is within `budget` at every moment: room is made before an entry
    comes in.
    """

    def __init__(
        self,
        name: str,
        *,
        budget: int,
        eviction: Eviction,
        monotonic: Callable[[], float],
        journal: Journal | None = None,
    ) -> None:
        self.name = name
        self.budget = budget
        self._eviction = eviction
        self._monotonic = monotonic
        self._journal = journal
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._expiries: list[tuple[float, str]] = []
        self._used = 0
        self._counts = _Counts()

    def __repr__(self) -> str:
        return f"<Memory {self.name}: {len(self._entries)} entries, {self._used}/{self.budget} B>"

    @property
    def used(self) -> int:
        return self._used

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, default: object = None) -> object:
        """Return the fresh value, or `default`. A remembered refusal counts as found, without one."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.fresh_until <= self._monotonic():
                self._counts.misses += 1
                return default
            self._eviction.touch(key)
            if entry.refusal:
                self._counts.negative_hits += 1
                return default
            self._counts.hits += 1
            return entry.value

    def look(self, key: str) -> tuple[Entry | None, bool]:
        """Return the entry, stale ones included, and whether it is fresh; count it as a look-up."""
        with self._lock:
            entry = self._entries.get(key)
            now = self._monotonic()
            if entry is None or entry.keep_until <= now:
                self._counts.misses += 1
                return None, False
            self._eviction.touch(key)
            if entry.fresh_until <= now:
                self._counts.misses += 1
                return entry, False
            if entry.refusal:
                self._counts.negative_hits += 1
            else:
                self._counts.hits += 1
            return entry, True

    def peek(self, key: str, *, stale: bool = False) -> Entry | None:
        """Return the entry if it is fresh, or at least kept, without counting or touching it."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            until = entry.keep_until if stale else entry.fresh_until
            return entry if until > self._monotonic() else None

    def make(
        self,
        key: str,
        value: object,
        *,
        ttl: float,
        grace: float,
        age: float = 0.0,
        refusal: bool = False,
    ) -> Entry:
        """Return an entry as of now, weighed. Raises whatever weighing a strange value raises."""
        stored = self._monotonic() - age
        cost = bytes_of(key) + bytes_of(value) + ENTRY_BYTES
        return Entry(value, stored, stored + ttl, stored + ttl + grace, cost, refusal)

    def put(self, key: str, entry: Entry, *, journaled: bool = True) -> bool:
        """Keep the entry in place of any other; False when it is not worth its bytes."""
        with self._lock:
            self._remove(key)
            now = self._monotonic()
            if self.budget - self._used < entry.cost:
                self._expire(now)
            kept = entry.keep_until > now and self._admit(key, entry)
            if journaled and self._journal is not None:
                if entry.refusal or entry.keep_until <= now:
                    self._journal.drop(key)
                else:
                    self._journal.put(key, entry)
            return kept

    def _admit(self, key: str, entry: Entry) -> bool:
        leaving: Sequence[str] | None = None
        if entry.cost <= self.budget:
            leaving = self._eviction.make_room(key, entry.cost, self.budget - self._used)
        if leaving is None:
            self._counts.evictions += 1
            return False
        for old in leaving:
            self._used -= self._entries.pop(old).cost
        self._counts.evictions += len(leaving)
        self._entries[key] = entry
        self._used += entry.cost
        self._eviction.add(key, entry.cost)
        heapq.heappush(self._expiries, (entry.keep_until, key))
        if len(self._expiries) > 2 * len(self._entries) + 64:
            self._expiries = [(e.keep_until, k) for k, e in self._entries.items()]
            heapq.heapify(self._expiries)
        return True

    def _remove(self, key: str) -> bool:
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._used -= entry.cost
        self._eviction.remove(key)
        return True

    def _expire(self, now: float) -> int:
        gone = 0
        while self._expiries and self._expiries[0][0] <= now:
            _, key = heapq.heappop(self._expiries)
            entry = self._entries.get(key)
            if entry is not None and entry.keep_until <= now:
                self._remove(key)
                gone += 1
        self._counts.expirations += gone
        return gone

    def remove(self, key: str) -> bool:
        """Forget a key, here and in the journal; False when it was not here."""
        with self._lock:
            if self._journal is not None:
                self._journal.drop(key)
            return self._remove(key)

    def wipe(self, prefix: str = "") -> int:
        """Forget all keys that start with `prefix`; return how many were here."""
        with self._lock:
            gone = [key for key in self._entries if key.startswith(prefix)]
            for key in gone:
                self._remove(key)
            if self._journal is not None:
                self._journal.wipe(prefix)
            return len(gone)

    def expire(self) -> int:
        """Drop what is past keeping; return how many entries."""
        with self._lock:
            return self._expire(self._monotonic())

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, stale ones included."""
        with self._lock:
            return [key for key in self._entries if key.startswith(prefix)]

    def items(self) -> list[tuple[str, Entry]]:
        """Return all entries, least recently stored first."""
        with self._lock:
            return sorted(self._entries.items(), key=lambda item: item[1].stored)

    def count(
        self, *, fetches: int = 0, shared: int = 0, stale_served: int = 0, errors: int = 0
    ) -> None:
        """Add to the counters that the tier cannot see itself."""
        with self._lock:
            self._counts.fetches += fetches
            self._counts.shared += shared
            self._counts.stale_served += stale_served
            self._counts.errors += errors

    def stats(self) -> TierStats:
        """Return counters and contents of one moment."""
        with self._lock:
            now = self._monotonic()
            births = [entry.stored for entry in self._entries.values()]
            counts = {name: getattr(self._counts, name) for name in _Counts.__slots__}
            used, entries = self._used, len(self._entries)
        births.sort()
        return TierStats(
            tier=self.name,
            entries=entries,
            bytes=used,
            budget=self.budget,
            age_oldest=now - births[0] if births else 0.0,
            age_median=now - births[len(births) // 2] if births else 0.0,
            **counts,
        )
