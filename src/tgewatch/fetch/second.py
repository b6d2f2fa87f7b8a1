"""The cache's second tier: what other instances have fetched, and one fetch among all of them."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Protocol

import msgspec

from tgewatch.clock import Clock
from tgewatch.fetch.codec import Codec
from tgewatch.fetch.inquiry import Fetch, Fetched
from tgewatch.ports import Reservations, Response

FLIGHT = 30.0
"""Seconds after which a fetch of another instance is no longer believed to be under way."""
PATIENCE = 3.0
"""Seconds that anybody waits for the fetch of another instance."""


class Found(Protocol):
    """A value as bytes, with its age."""

    @property
    def kind(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def ttl(self) -> float: ...
    @property
    def age(self) -> float: ...


class Answers(Protocol):
    """Where instances keep values together: `swarm.answers.SharedAnswers`."""

    async def get(self, tier: str, key: str) -> Found | None: ...

    def put(
        self,
        tier: str,
        key: str,
        *,
        kind: str,
        data: bytes,
        same: bytes,
        ttl: float,
        age: float = 0.0,
    ) -> None: ...

    async def put_now(
        self,
        tier: str,
        key: str,
        *,
        kind: str,
        data: bytes,
        same: bytes,
        ttl: float,
        age: float = 0.0,
    ) -> None: ...

    def drop(self, tier: str, key: str, *, prefix: bool = False) -> None: ...

    def expect(self, tier: str, key: str) -> asyncio.Event: ...

    def expect_no_more(self, tier: str, key: str) -> None: ...


class SecondTier:
    """Stands between the cache in memory and a fetch. Its own failures mean a fetch, never an error.

    Callers on other event loops than its own, and without any, go past it; what they store or forget
    is told all the same. Refusals are not shared, nor are values without a byte form.
    """

    def __init__(
        self,
        answers: Answers,
        *,
        tiers: Collection[str],
        reservations: Reservations,
        clock: Clock,
        codec: Codec | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """Belongs to the running loop. `tiers` are those that are shared; `patience` is in seconds."""
        self._answers = answers
        self._tiers = frozenset(tiers)
        self._reservations = reservations
        self._clock = clock
        self._codec = codec or Codec()
        self._patience = patience
        self._loop = asyncio.get_running_loop()

    def __repr__(self) -> str:
        return f"<SecondTier {', '.join(sorted(self._tiers))} in {self._answers!r}>"

    def through(self, tier: str, key: str, fetch: Fetch, *, ttl: float) -> Fetch:
        """Return a fetch that looks at the second tier first, and puts there what it brings."""
        if tier not in self._tiers or _running_loop() is not self._loop:
            return fetch

        async def run() -> Any:
            found = await self._look(tier, key)
            if found is None:
                return await self._alone(tier, key, fetch, ttl=ttl)
            return found

        return run

    def put(self, tier: str, key: str, value: object, *, ttl: float, age: float = 0.0) -> None:
        """Keep what was stored here for the others as well; from any thread."""
        if tier not in self._tiers:
            return
        packed = self._codec.encode(value)
        if packed is None:
            self.drop(tier, key)
            return
        kind, data = packed
        same = _same(value, data)
        self._on_loop(
            lambda: self._answers.put(tier, key, kind=kind, data=data, same=same, ttl=ttl, age=age)
        )

    def drop(self, tier: str, key: str, *, prefix: bool = False) -> None:
        """Forget a key, or keys with that beginning, everywhere; from any thread."""
        if tier in self._tiers:
            self._on_loop(lambda: self._answers.drop(tier, key, prefix=prefix))

    def _on_loop(self, call: Callable[[], None]) -> None:
        if _running_loop() is self._loop:
            call()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    async def _look(self, tier: str, key: str) -> Fetched | None:
        found = await self._answers.get(tier, key)
        if found is None:
            return None
        try:
            value = self._codec.decode(found.kind, found.data)
        except ValueError:  # of another version of the program
            return None
        return Fetched(value, ttl=found.ttl, age=found.age)

    async def _alone(self, tier: str, key: str, fetch: Fetch, *, ttl: float) -> Any:
        """Fetch, unless another instance is at it: then wait for what it brings, but not for long."""
        name = f"{tier} {key}"
        expected = self._answers.expect(tier, key)
        try:
            if not await self._reservations.reserve(name, seconds=FLIGHT):
                found = await self._look(tier, key)
                if found is None:
                    await self._wait(expected)
                    found = await self._look(tier, key)
                return found if found is not None else await fetch()
        finally:
            self._answers.expect_no_more(tier, key)
        try:
            brought = await fetch()
            await self._share(tier, key, brought, ttl=ttl)
        finally:
            await self._reservations.release(name)
        return brought

    async def _wait(self, expected: asyncio.Event) -> None:
        async def alarm() -> None:
            await self._clock.sleep(self._patience)
            expected.set()

        async with asyncio.TaskGroup() as tasks:
            timer = tasks.create_task(alarm())
            await expected.wait()
            timer.cancel()

    async def _share(self, tier: str, key: str, brought: Any, *, ttl: float) -> None:
        fetched = brought if isinstance(brought, Fetched) else Fetched(brought)
        packed = self._codec.encode(fetched.value) if fetched.store else None
        if packed is None:
            return
        kind, data = packed
        await self._answers.put_now(
            tier,
            key,
            kind=kind,
            data=data,
            same=_same(fetched.value, data),
            ttl=ttl if fetched.ttl is None else fetched.ttl,
            age=fetched.age,
        )


def _same(value: object, data: bytes) -> bytes:
    """Return what two values have in common when one is as good as the other to who reads them.

    A 304 changes when an answer came and what it took, and nothing that anybody reads.
    """
    if isinstance(value, Response):
        told = (value.url, value.status, value.validators, value.body)
        return msgspec.msgpack.encode(told)
    return data


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
