"""The cache: tiers in memory, one fetch however many ask, a file for what is worth keeping."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from tgewatch.clock import Clock
from tgewatch.fetch.cache_file import Row
from tgewatch.fetch.codec import Codec
from tgewatch.fetch.eviction import Eviction, LeastFrequent, LeastRecent
from tgewatch.fetch.export import export_entries
from tgewatch.fetch.flight import ABSENT, Flights
from tgewatch.fetch.inquiry import FAILURES, BlockingFetch, Fetch, Inquiry, Terms
from tgewatch.fetch.memory import Entry, Memory, TierStats
from tgewatch.fetch.persistence import Persistence, PersistenceStats, TierJournal
from tgewatch.fetch.refresher import Refresher
from tgewatch.fetch.second import SecondTier
from tgewatch.settings.caching import CacheSettings, Tier

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it stands in the cache, fresh or stale."""

    value: Any
    age: float
    """Seconds since it was stored, plus its age then."""
    fresh_for: float
    """Seconds; negative when stale."""


class Cache:
    """Keeps answers per tier, each with a time to live and a byte budget.

    Every method may be called from any thread and from any event loop. Keys are strings; what is
    asked under another is fetched, never kept. Values must not be changed once they are in. A failure of the cache itself is counted and means a
    direct fetch, never an error of the caller's. Enter it (`with` or `async with`) when it has a
    file: entering reads the file, leaving writes what waits.
    """

    def __init__(
        self,
        tiers: Mapping[str, Tier],
        *,
        clock: Clock,
        policy: str = "tinylfu",
        persistence: Persistence | None = None,
        memories: Mapping[str, Memory] | None = None,
        flight_deadline: float = 120.0,
    ) -> None:
        self.second: SecondTier | None = None
        """What other instances have; given to it once there is a loop."""
        self._tiers = dict(tiers)
        self._clock = clock
        self._persistence = persistence
        self._flights = {name: Flights(deadline=flight_deadline) for name in tiers}
        self._memories = {name: self._make_memory(name, policy) for name in tiers}
        self._memories.update(memories or {})
        self._refresher = Refresher()
        self._faults = dict.fromkeys(tiers, 0)
        self._faults_lock = threading.Lock()

    def _make_memory(self, name: str, policy: str) -> Memory:
        tier = self._tiers[name]
        keeps = self._persistence is not None and tier.persist
        return Memory(
            name,
            budget=tier.max_bytes,
            eviction=_eviction(policy, tier.max_bytes),
            monotonic=self._clock.monotonic,
            journal=TierJournal(name, self._persistence)
            if self._persistence is not None and keeps
            else None,
        )

    def __repr__(self) -> str:
        return f"<Cache {', '.join(f'{n} {m.used}/{m.budget}' for n, m in self._memories.items())}>"

    @property
    def tiers(self) -> Mapping[str, Tier]:
        """Return the rules of each tier."""
        return self._tiers

    def open(self) -> int:
        """Read the file and start its writer; return the number of entries read. Needs no file."""
        if self._persistence is None:
            return 0
        loaded = self._restore(self._persistence)
        self._persistence.open()
        return loaded

    def close(self, *, deadline: float = 5.0) -> None:
        """Write what waits and stop all threads."""
        self._refresher.close()
        if self._persistence is not None and not self._persistence.close(deadline=deadline):
            log.warning("cache_file_not_closed", extra={"deadline": deadline})

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.open)
        return self

    async def __aexit__(self, *_: object) -> None:
        for flights in self._flights.values():
            await flights.cancel()
        await asyncio.to_thread(self.close)

    def get(self, key: str, *, tier: str, default: Any = None) -> Any:
        """Return the fresh value, or `default`."""
        memory = self._memories[tier]
        try:
            return memory.get(key, default)
        except Exception as error:  # noqa: BLE001 - a cache may break in any way and must not break its caller
            self._fault(tier, error)
            return default

    def kept(self, key: str, *, tier: str) -> Kept | None:
        """Return what is kept, stale or not, without counting it as a look-up."""
        memory = self._memories[tier]
        entry = self._guarded(tier, lambda: memory.peek(key, stale=True), otherwise=None)
        if entry is None or entry.refusal:
            return None
        now = self._clock.monotonic()
        return Kept(entry.value, now - entry.stored, entry.fresh_until - now)

    def set(
        self, key: str, value: object, *, tier: str, ttl: float | None = None, age: float = 0.0
    ) -> bool:
        """Keep a value for `ttl` seconds (None: the tier's); False when it was not worth its bytes.

        A value set during a fetch of the same key wins over what that fetch brings.
        """
        if not self._takes(key, tier):
            return False
        self._flights[tier].overtake(key)
        terms, memory = self._terms(tier, ttl=ttl), self._memories[tier]
        try:
            entry = memory.make(key, value, ttl=terms.ttl, grace=terms.grace, age=age)
        except Exception as error:  # noqa: BLE001 - whatever a strange value does when it is weighed
            self._fault(tier, error)
            self.invalidate(key, tier=tier)
            return False
        if self.second is not None:
            self.second.put(tier, key, value, ttl=terms.ttl, age=age)
        return self._guarded(tier, lambda: memory.put(key, entry), otherwise=False)

    def invalidate(self, key: str, *, tier: str) -> bool:
        """Forget a key, and what a fetch under way brings for it; False when it was not there."""
        if not self._takes(key, tier):
            return False
        if self.second is not None:
            self.second.drop(tier, key)
        return self._forget(key, tier)

    def _forget(self, key: str, tier: str) -> bool:
        self._flights[tier].overtake(key)
        memory = self._memories[tier]
        return self._guarded(tier, lambda: memory.remove(key), otherwise=False)

    def invalidate_prefix(self, prefix: str, *, tier: str) -> int:
        """Forget all keys that start with `prefix`; return how many were in memory."""
        if self.second is not None:
            self.second.drop(tier, prefix, prefix=True)
        return self._forget_prefix(prefix, tier)

    def overtaken(self, key: str, *, tier: str, prefix: bool = False) -> bool:
        """Forget here what another instance has replaced; with `prefix`, all that begins so.

        No `tier` means all of them. Returns whether anything was there.
        """
        if prefix:
            names = (tier,) if tier else tuple(self._memories)
            known = (name for name in names if name in self._memories)
            return sum(self._forget_prefix(key, name) for name in known) > 0
        if tier not in self._memories or self.kept(key, tier=tier) is None:
            return False
        return self._forget(key, tier)

    def _forget_prefix(self, prefix: str, tier: str) -> int:
        self._flights[tier].overtake_prefix(prefix)
        return self._memories[tier].wipe(prefix)

    def clear(self, tier: str | None = None) -> int:
        """Forget everything in a tier, or everywhere; return how many entries."""
        names = tuple(self._memories) if tier is None else (tier,)
        return sum(self.invalidate_prefix("", tier=name) for name in names)

    def keys(self, *, tier: str, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, stale ones included."""
        return self._memories[tier].keys(prefix)

    def cleanup(self) -> int:
        """Drop what is past keeping; return how many entries. Nothing depends on its being called."""
        return sum(memory.expire() for memory in self._memories.values())

    def stats(self) -> dict[str, TierStats]:
        """Return the statistics of each tier."""
        found = {name: memory.stats() for name, memory in self._memories.items()}
        return {n: replace(s, errors=s.errors + self._faults[n]) for n, s in found.items()}

    def file_stats(self) -> PersistenceStats | None:
        """Return the statistics of the file, if there is one."""
        return self._persistence.stats() if self._persistence is not None else None

    def flush(self, *, deadline: float = 5.0) -> bool:
        """Return once all changes so far are in the file; False when time ran out."""
        return self._persistence is None or self._persistence.flush(deadline=deadline)

    def export_json(self, path: Path) -> int:
        """Write the persisted tiers to `path` as JSON, at once or not at all; return how many entries."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        tiers = {name: self._memories[name].items() for name, t in self._tiers.items() if t.persist}
        return export_entries(path, tiers, now=now, monotonic=monotonic)

    async def get_or_fetch(
        self,
        key: str,
        fetch: Fetch,
        *,
        tier: str,
        ttl: float | None = None,
        stale_if_error: float | None = None,
        stale_while_revalidate: float | None = None,
        negative_ttl: float | None = None,
        may_serve_stale: Callable[[Any], bool] = lambda _: True,
    ) -> Any:
        """Return the fresh value, or what `fetch` brings; one fetch runs however many ask.

        `fetch` returns a value, or Fetched to say how it is kept. What it raises reaches everybody
        who waits; a RefusedError is remembered for `negative_ttl`. Windows default to the tier's;
        `may_serve_stale` says of a value whether it may be given past its time at all.
        """
        terms = self._terms(tier, ttl, stale_if_error, stale_while_revalidate, negative_ttl)
        inquiry = self._inquiry(key, tier, terms, may_serve_stale)
        if not self._takes(key, tier):
            return inquiry.unwrap(await fetch())
        if (found := inquiry.find()) is not ABSENT:
            return found
        flights, counted = self._flights[tier], inquiry.counted(fetch)
        if self.second is not None:
            counted = self.second.through(tier, key, counted, ttl=terms.ttl)
        if (stale := inquiry.meanwhile()) is not ABSENT:
            flights.refresh(key, counted, land=inquiry.land)
            return stale
        try:
            answer, shared = await flights.join(key, counted, peek=inquiry.peek, land=inquiry.land)
        except FAILURES as error:
            return inquiry.in_place_of(error)
        self._memories[tier].count(shared=shared)
        return inquiry.unwrap(answer)

    def get_or_fetch_blocking(
        self,
        key: str,
        fetch: BlockingFetch,
        *,
        tier: str,
        ttl: float | None = None,
        stale_if_error: float | None = None,
        stale_while_revalidate: float | None = None,
        negative_ttl: float | None = None,
    ) -> Any:
        """Do what `get_or_fetch` does for callers without an event loop; they share its fetches."""
        terms = self._terms(tier, ttl, stale_if_error, stale_while_revalidate, negative_ttl)
        inquiry = self._inquiry(key, tier, terms)
        if not self._takes(key, tier):
            return inquiry.unwrap(fetch())
        if (found := inquiry.find()) is not ABSENT:
            return found
        flights, counted = self._flights[tier], inquiry.counted_blocking(fetch)
        if (stale := inquiry.meanwhile()) is not ABSENT:
            self._refresher.submit(
                lambda: flights.refresh_blocking(key, counted, land=inquiry.land)
            )
            return stale
        try:
            answer, shared = flights.join_blocking(
                key, counted, peek=inquiry.peek, land=inquiry.land
            )
        except FAILURES as error:
            return inquiry.in_place_of(error)
        self._memories[tier].count(shared=shared)
        return inquiry.unwrap(answer)

    def _inquiry(
        self,
        key: str,
        tier: str,
        terms: Terms,
        may_serve_stale: Callable[[Any], bool] = lambda _: True,
    ) -> Inquiry:
        return Inquiry(
            key,
            memory=self._memories[tier],
            terms=terms,
            monotonic=self._clock.monotonic,
            fault=lambda error: self._fault(tier, error),
            may_serve_stale=may_serve_stale,
        )

    def _terms(
        self,
        tier: str,
        ttl: float | None = None,
        stale_if_error: float | None = None,
        stale_while_revalidate: float | None = None,
        negative_ttl: float | None = None,
    ) -> Terms:
        rules = self._tiers[tier]
        return Terms(
            ttl=rules.ttl if ttl is None else ttl,
            stale_if_error=rules.stale_if_error if stale_if_error is None else stale_if_error,
            stale_while_revalidate=rules.stale_while_revalidate
            if stale_while_revalidate is None
            else stale_while_revalidate,
            negative_ttl=rules.negative_ttl if negative_ttl is None else negative_ttl,
        )

    def _takes(self, key: object, tier: str) -> bool:
        """Return whether it is a key; one that is no text is a fault of the caller's, counted."""
        if type(key) is str:
            return True
        self._fault(tier, TypeError(f"a key is a text, not {type(key).__name__}"))
        return False

    def _guarded(self, tier: str, do: Callable[[], T], *, otherwise: T) -> T:
        try:
            return do()
        except Exception as error:  # noqa: BLE001 - as in `get`
            self._fault(tier, error)
            return otherwise

    def _fault(self, tier: str, error: BaseException) -> None:
        with self._faults_lock:
            self._faults[tier] += 1
            first = self._faults[tier] == 1
        if first:
            log.warning("cache_fault", extra={"tier": tier}, exc_info=error)

    def _restore(self, persistence: Persistence) -> int:
        budgets = {name: t.max_bytes for name, t in self._tiers.items() if t.persist}
        fitting: list[tuple[str, str, Entry]] = []
        for name, key, value, row in persistence.load(budgets):
            entry = self._revived(name, key, value, row)
            budgets[name] -= entry.cost
            if budgets[name] >= 0:
                fitting.append((name, key, entry))
        for name, key, entry in reversed(fitting):
            self._memories[name].put(key, entry, journaled=False)
        return len(fitting)

    def _revived(self, tier: str, key: str, value: object, row: Row) -> Entry:
        now = self._clock.now()
        ttl = max(0.0, row.fresh_until - row.stored)
        grace = max(0.0, row.keep_until - row.fresh_until)
        if row.stored > now:  # the clock was set back: true once, but nobody knows when
            ttl, grace = 0.0, ttl + grace
        age = max(0.0, now - row.stored)
        return self._memories[tier].make(key, value, ttl=ttl, grace=grace, age=age)


def _eviction(policy: str, budget: int) -> Eviction:
    return LeastRecent() if policy == "lru" else LeastFrequent(budget)


def cache_from(settings: CacheSettings, *, root: Path, clock: Clock) -> Cache:
    """Return the cache that the settings describe; relative paths start at `root`."""
    persistence = (
        Persistence(
            root / settings.path,
            clock=clock,
            codec=Codec(),
            flush=settings.flush,
            max_bytes=settings.max_file_bytes,
        )
        if settings.path is not None
        else None
    )
    return Cache(settings.tiers, clock=clock, policy=settings.policy, persistence=persistence)
