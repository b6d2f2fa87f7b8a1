"""The file of the cache: what is worth keeping across restarts, written in batches."""

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tgewatch.clock import Clock
from tgewatch.fetch.cache_file import (
    Row,
    corrupt,
    delete,
    newest,
    open_file,
    prune,
    set_aside,
    upsert,
)
from tgewatch.fetch.codec import Codec
from tgewatch.fetch.memory import Entry

log = logging.getLogger(__name__)

_PRUNE_EVERY = 60.0
_MOST_WIPES = 1_000


@dataclass(frozen=True, slots=True)
class PersistenceStats:
    """What the file has seen since it was opened."""

    loaded: int
    written: int
    batches: int
    unkept: int
    """Values that no codec can bring back, and changes for which the queue had no room."""
    errors: int
    pending: int
    set_aside: int
    """Corrupt files that were replaced."""


@dataclass(frozen=True, slots=True)
class _Change:
    entry: Entry | None
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Stored, fresh until, keep until; Unix time."""


class Persistence:
    """A SQLite file behind a queue of bounded size and one writing thread.

    A change waits at most about `flush` seconds; a killed process loses those changes and nothing
    else. A corrupt file is set aside with a warning and begun anew. Changes that find no room are
    forgotten, and so is what the file knew of their keys: it never brings back what was replaced.
    The thread starts with `open` and ends with `close`.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        codec: Codec,
        flush: float = 0.5,
        max_bytes: int = 200_000_000,
        max_pending: int = 10_000,
        max_pending_bytes: int = 64_000_000,
    ) -> None:
        self._path = path
        self._clock = clock
        self._codec = codec
        self._flush_every = flush
        self._max_bytes = max_bytes
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self._ready = threading.Condition()
        self._changes: dict[tuple[str, str], _Change] = {}
        self._wipes: list[tuple[str, str]] = []
        self._bytes = 0
        self._enqueued = 0
        self._done = 0
        self._hurry = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._file: sqlite3.Connection | None = None
        self._counts = dict.fromkeys(("loaded", "written", "batches", "unkept", "errors"), 0)
        self._set_aside = 0
        self._pruned = clock.monotonic()

    def __repr__(self) -> str:
        return f"<Persistence {self._path.name}: {len(self._changes)} pending>"

    def open(self) -> None:
        """Start the writer. Without it changes wait, up to the bound."""
        if self._thread is None:
            self._closing = False
            self._thread = threading.Thread(target=self._run, name="cache-file", daemon=True)
            self._thread.start()

    def close(self, *, deadline: float = 5.0) -> bool:
        """Write what waits and end the writer; False when that took longer than `deadline`."""
        if self._thread is None:
            return True
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        self._thread.join(deadline)
        ended = not self._thread.is_alive()
        if ended:
            self._thread = None
        return ended

    def put(self, tier: str, key: str, entry: Entry) -> None:
        """Note that an entry came or was replaced. Never waits for the disk."""
        shift = self._clock.now() - self._clock.monotonic()
        at = (entry.stored + shift, entry.fresh_until + shift, entry.keep_until + shift)
        self._enqueue(tier, key, _Change(entry, at))

    def drop(self, tier: str, key: str) -> None:
        """Note that an entry is void."""
        self._enqueue(tier, key, _Change(None))

    def wipe(self, tier: str, prefix: str) -> None:
        """Note that all entries with this prefix are void, whether in memory or not."""
        with self._ready:
            for tier_key in [k for k in self._changes if k[0] == tier and k[1].startswith(prefix)]:
                self._forget(tier_key)
            self._wipe(tier, prefix)

    def _wipe(self, tier: str, prefix: str) -> None:
        if len(self._wipes) >= _MOST_WIPES:
            self._wipes = [(each, "") for each in sorted({t for t, _ in self._wipes})]
        self._wipes.append((tier, prefix))
        self._enqueued += 1
        self._ready.notify_all()

    def _enqueue(self, tier: str, key: str, change: _Change) -> None:
        with self._ready:
            self._forget((tier, key))
            cost = change.entry.cost if change.entry else 0
            full = len(self._changes) >= self._max_pending
            if change.entry and (full or self._bytes + cost > self._max_pending_bytes):
                self._counts["unkept"] += 1
                change, cost = _Change(None), 0
            if len(self._changes) >= 4 * self._max_pending:
                for tier_key in [k for k in self._changes if k[0] == tier]:
                    self._forget(tier_key)
                self._wipe(tier, "")
                return
            self._changes[tier, key] = change
            self._bytes += cost
            self._enqueued += 1
            if len(self._changes) == 1:
                self._ready.notify_all()

    def _forget(self, tier_key: tuple[str, str]) -> None:
        old = self._changes.pop(tier_key, None)
        if old is not None and old.entry is not None:
            self._bytes -= old.entry.cost

    def flush(self, *, deadline: float = 5.0) -> bool:
        """Return once all that was noted before is in the file; False when time ran out."""
        with self._ready:
            target = self._enqueued
            self._hurry = True
            self._ready.notify_all()
            return self._ready.wait_for(lambda: self._done >= target, deadline)

    def load(self, budgets: Mapping[str, int]) -> Iterator[tuple[str, str, object, Row]]:
        """Yield tier, key, value and times of what is still worth keeping, newest first per tier.

        Stops at each tier's budget in stored bytes. Rows that make no sense are skipped and counted.
        """
        rows: list[tuple[str, Row]] = []
        try:
            with closing(open_file(self._path, check=True)) as file:
                for tier, budget in budgets.items():
                    rows += [(tier, row) for row in newest(file, tier, self._clock.now(), budget)]
        except (sqlite3.Error, OSError) as error:
            self._counts["errors"] += 1
            if isinstance(error, sqlite3.Error) and corrupt(error):
                self._begin_anew(error)
            else:
                log.warning("cache_file_unreadable", extra={"why": str(error)})
            return
        for tier, row in rows:
            try:
                key = row.key.decode("utf-8", "surrogatepass")
                value = self._codec.decode(row.kind, row.value)
            except (ValueError, RecursionError):
                self._counts["errors"] += 1
                continue
            self._counts["loaded"] += 1
            yield tier, key, value, row

    def stats(self) -> PersistenceStats:
        with self._ready:
            pending = len(self._changes) + len(self._wipes)
            return PersistenceStats(**self._counts, pending=pending, set_aside=self._set_aside)

    def _run(self) -> None:
        failures = 0
        try:
            while True:
                with self._ready:
                    self._ready.wait_for(lambda: self._closing or self._changes or self._wipes)
                    self._ready.wait_for(
                        lambda: self._closing or self._hurry,
                        min(self._flush_every * 2**failures, 30.0),
                    )
                    self._hurry = False
                    changes, self._changes = self._changes, {}
                    wipes, self._wipes = self._wipes, []
                    self._bytes, target, closing_now = 0, self._enqueued, self._closing
                failures = 0 if self._write(changes, wipes) else failures + 1
                if failures and not closing_now:
                    self._take_back(changes, wipes)
                    continue
                with self._ready:
                    self._done = self._done if failures else target
                    self._ready.notify_all()
                    if closing_now and not self._changes and not self._wipes:
                        return
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _take_back(
        self, changes: dict[tuple[str, str], _Change], wipes: list[tuple[str, str]]
    ) -> None:
        with self._ready:
            for (tier, key), change in changes.items():
                later = any(t == tier and key.startswith(p) for t, p in self._wipes)
                if (tier, key) not in self._changes and not later:
                    self._changes[tier, key] = change
                    self._bytes += change.entry.cost if change.entry else 0
            self._wipes = wipes + self._wipes

    def _write(self, changes: dict[tuple[str, str], _Change], wipes: list[tuple[str, str]]) -> bool:
        for _ in range(2):
            try:
                if self._file is None:
                    self._file = open_file(self._path)
                self._write_batch(self._file, changes, wipes)
            except (sqlite3.Error, OSError) as error:
                self._counts["errors"] += 1
                if self._file is not None:
                    self._file.close()
                    self._file = None
                if not (isinstance(error, sqlite3.Error) and corrupt(error)):
                    log.warning("cache_file_unwritable", extra={"why": str(error)})
                    return False
                self._begin_anew(error)
            else:
                return True
        return False

    def _write_batch(
        self,
        file: sqlite3.Connection,
        changes: dict[tuple[str, str], _Change],
        wipes: list[tuple[str, str]],
    ) -> None:
        rows = []
        void = []
        for (tier, key), change in changes.items():
            coded = self._coded(change.entry) if change.entry else None
            if coded is not None:
                rows.append((tier, Row(_as_bytes(key), *coded, *change.at)))
            else:
                void.append((tier, _as_bytes(key)))
                self._counts["unkept"] += change.entry is not None
        with file:
            file.execute("BEGIN IMMEDIATE")
            delete(file, void, prefixes=[(tier, _as_bytes(prefix)) for tier, prefix in wipes])
            upsert(file, rows)
        self._counts["written"] += len(rows)
        self._counts["batches"] += 1
        if (now := self._clock.monotonic()) - self._pruned >= _PRUNE_EVERY:
            self._pruned = now
            prune(file, now=self._clock.now(), max_bytes=self._max_bytes)

    def _coded(self, entry: Entry) -> tuple[str, bytes] | None:
        try:
            return self._codec.encode(entry.value)
        except Exception as error:  # one strange value must not end the writer of all others
            self._counts["errors"] += 1
            log.warning("cache_value_unkept", exc_info=error)
            return None

    def _begin_anew(self, error: Exception) -> None:
        kept_as = set_aside(self._path)
        self._set_aside += 1
        log.warning(
            "cache_file_corrupt",
            extra={"path": str(self._path), "kept_as": str(kept_as), "why": str(error)},
        )


class TierJournal:
    """Tells the file what happens in one tier."""

    def __init__(self, tier: str, persistence: Persistence) -> None:
        self._tier = tier
        self._persistence = persistence

    def put(self, key: str, entry: Entry) -> None:
        self._persistence.put(self._tier, key, entry)

    def drop(self, key: str) -> None:
        self._persistence.drop(self._tier, key)

    def wipe(self, prefix: str) -> None:
        self._persistence.wipe(self._tier, prefix)


def _as_bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
