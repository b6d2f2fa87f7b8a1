"""Many threads and tasks on one cache, with a referee."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from tgewatch.errors import RefusedError, TransientError

_STUCK = 10.0
"""Seconds without a step after which a worker counts as locked up."""


class Hammered(Protocol):
    """What is hammered: a cache."""

    def get(self, key: str, *, tier: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: object, *, tier: str, ttl: float | None = None) -> bool: ...

    def invalidate(self, key: str, *, tier: str) -> bool: ...

    async def get_or_fetch(self, key: str, fetch: Any, *, tier: str) -> Any: ...

    def get_or_fetch_blocking(self, key: str, fetch: Any, *, tier: str) -> Any: ...


@dataclass(slots=True)
class Verdict:
    """What the referee saw."""

    operations: int = 0
    fetches: int = 0
    cancelled: int = 0
    lost_updates: int = 0
    """Answers older than one that had been set, or declared void, before the question."""
    over_budget: int = 0
    """Looks at the bytes held that found too many."""
    most_bytes: int = 0
    looks: int = 0
    locked_up: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not (self.lost_updates or self.over_budget or self.locked_up or self.errors)


class Hammer:
    """Each key has a version that only grows; whoever asks must never get one older than known."""

    def __init__(
        self,
        cache: Hammered,
        *,
        tier: str,
        used: Callable[[], int],
        budget: int,
        keys: int = 300,
        seed: int = 1,
    ) -> None:
        self._cache = cache
        self._tier = tier
        self._used = used
        self._budget = budget
        self._keys = [f"key {n}" for n in range(keys)]
        self._seed = seed
        self._truth = dict.fromkeys(self._keys, 0)
        self._committed = dict.fromkeys(self._keys, 0)
        self._writing = {key: threading.Lock() for key in self._keys}
        self._lock = threading.Lock()
        self._verdict = Verdict()
        self._steps: dict[str, float] = {}
        self._until = 0.0

    def run(self, *, threads: int, tasks: int, seconds: float) -> Verdict:
        """Hammer for `seconds`; return what was seen."""
        self._until = time.monotonic() + seconds
        workers = [
            threading.Thread(target=self._worker, args=(n,), name=f"hammer-{n}", daemon=True)
            for n in range(threads)
        ]
        loop = threading.Thread(target=self._loop, args=(tasks,), name="hammer-loop", daemon=True)
        for each in (*workers, loop):
            each.start()
        while time.monotonic() < self._until:
            self._look()
            threading.Event().wait(0.001)
            self._count_stuck()
        for each in (*workers, loop):
            each.join(_STUCK)
            self._verdict.locked_up += each.is_alive()
        self._look()
        return self._verdict

    def _count_stuck(self) -> None:
        now = time.monotonic()
        for name, at in list(self._steps.items()):
            if now - at > _STUCK:
                self._verdict.locked_up += 1
                self._steps[name] = now

    def _look(self) -> None:
        used = self._used()
        with self._lock:
            self._verdict.looks += 1
            self._verdict.most_bytes = max(self._verdict.most_bytes, used)
            self._verdict.over_budget += used > self._budget

    def _worker(self, number: int) -> None:
        random = Random(self._seed * 1_000 + number)  # noqa: S311 - a test
        name = threading.current_thread().name
        done = 0
        try:
            while time.monotonic() < self._until:
                self._steps[name] = time.monotonic()
                self._operate(random)
                done += 1
                if done % 16 == 0:
                    self._look()
        except Exception as error:  # noqa: BLE001 - the referee reports whatever went wrong
            self._verdict.errors.append(repr(error))
        finally:
            self._steps.pop(name, None)
            with self._lock:
                self._verdict.operations += done

    def _operate(self, random: Random) -> None:
        key = random.choice(self._keys)
        chance = random.random()
        if chance < 0.15:  # noqa: PLR2004 - shares of operations
            self._write(key, random)
        elif chance < 0.2:  # noqa: PLR2004 - shares of operations
            self._void(key)
        elif chance < 0.7:  # noqa: PLR2004 - shares of operations
            known = self._committed[key]
            self._judge(self._cache.get(key, tier=self._tier), known)
        else:
            self._fetch_blocking(key, random)

    def _write(self, key: str, random: Random) -> None:
        with self._writing[key]:
            self._truth[key] += 1
            version = self._truth[key]
            self._cache.set(key, (version, b"x" * random.randrange(50, 4_000)), tier=self._tier)
            self._committed[key] = version

    def _void(self, key: str) -> None:
        with self._writing[key]:
            self._truth[key] += 1
            self._cache.invalidate(key, tier=self._tier)
            self._committed[key] = self._truth[key]

    def _judge(self, value: Any, known: int) -> None:
        if value is not None and value[0] < known:
            with self._lock:
                self._verdict.lost_updates += 1

    def _bring(self, key: str, random: Random) -> tuple[int, bytes]:
        with self._lock:
            self._verdict.fetches += 1
        chance = random.random()
        if chance < 0.02:  # noqa: PLR2004 - shares of outcomes
            raise TransientError("hammered")
        if chance < 0.04:  # noqa: PLR2004 - shares of outcomes
            raise RefusedError("hammered")
        return self._truth[key], b"x" * random.randrange(50, 4_000)

    def _fetch_blocking(self, key: str, random: Random) -> None:
        known = self._committed[key]
        try:
            value = self._cache.get_or_fetch_blocking(
                key, lambda: self._bring(key, random), tier=self._tier
            )
        except (TransientError, RefusedError):
            return
        self._judge(value, known)

    def _loop(self, tasks: int) -> None:
        try:
            asyncio.run(self._tasks(tasks))
        except Exception as error:  # noqa: BLE001 - the referee reports whatever went wrong
            self._verdict.errors.append(repr(error))

    async def _tasks(self, count: int) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(self._task(Random(self._seed * 7_000 + number)))  # noqa: S311 - a test

    async def _task(self, random: Random) -> None:
        name = f"task-{id(random)}"
        while time.monotonic() < self._until:
            self._steps[name] = time.monotonic()
            key = random.choice(self._keys)
            known = self._committed[key]

            async def fetch(key: str = key) -> tuple[int, bytes]:
                value = self._bring(key, random)
                await self._pause(random.random() * 0.01)
                return value

            try:
                async with asyncio.timeout(0.002 if random.random() < 0.1 else 30.0):  # noqa: PLR2004 - shares of outcomes
                    value = await self._cache.get_or_fetch(key, fetch, tier=self._tier)
                self._judge(value, known)
            except TimeoutError:
                self._verdict.cancelled += 1
            except (TransientError, RefusedError):
                pass
            with self._lock:
                self._verdict.operations += 1
            await self._pause(random.random() * 0.05)
        self._steps.pop(name, None)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - real threads run on real time
