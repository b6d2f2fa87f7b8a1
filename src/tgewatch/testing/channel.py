"""A channel that does what the test says."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import Notice


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that arrived."""

    key: str
    notice: Notice


class FakeChannel:
    """Takes every message, unless told otherwise; what it is told holds for one message each.

    `channel.refuses().times_out_after_taking()` refuses the first, takes the second and lets the
    sender wait in vain, and takes all others.
    """

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.taken: list[Taken] = []
        """What arrived, in order; a repeated message is here twice."""
        self.attempts = 0
        self._script: deque[Callable[[Notice, str], Awaitable[None]]] = deque()

    def __repr__(self) -> str:
        return f"<FakeChannel {self.name} {len(self.taken)} taken of {self.attempts}>"

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.taken]

    def takes(self) -> "FakeChannel":
        """Take the next message."""
        return self._then(self._take)

    def refuses(self, cause: str = "http_404") -> "FakeChannel":
        """Say no, for good."""

        async def refuse(notice: Notice, key: str) -> None:  # noqa: ARG001 - it looks at nothing
            raise RefusedError("the channel refuses", cause=cause)

        return self._then(refuse)

    def fails(self, times: int = 1, *, retry_after: float | None = None) -> "FakeChannel":
        """Be unwell, or over its limit: 429 with `retry_after`."""

        async def fail(notice: Notice, key: str) -> None:  # noqa: ARG001 - it looks at nothing
            cause = "http_503" if retry_after is None else "http_429"
            raise TransientError("the channel is unwell", retry_after=retry_after, cause=cause)

        for _ in range(times):
            self._then(fail)
        return self

    def breaks(self) -> "FakeChannel":
        """Raise what no channel may raise."""

        async def burst(notice: Notice, key: str) -> None:  # noqa: ARG001 - it looks at nothing
            raise KeyError("a bug")

        return self._then(burst)

    def hangs(self) -> "FakeChannel":
        """Take nothing and never answer."""

        async def hang(notice: Notice, key: str) -> None:  # noqa: ARG001 - it looks at nothing
            await asyncio.Event().wait()

        return self._then(hang)

    def times_out_after_taking(self) -> "FakeChannel":
        """Take the message and never say so."""

        async def swallow(notice: Notice, key: str) -> None:
            await self._take(notice, key)
            await asyncio.Event().wait()

        return self._then(swallow)

    def waits_for(self, gate: asyncio.Event) -> "FakeChannel":
        """Take the message once `gate` is open."""

        async def wait(notice: Notice, key: str) -> None:
            await gate.wait()
            await self._take(notice, key)

        return self._then(wait)

    def rings(self, bell: asyncio.Event) -> "FakeChannel":
        """Take the message and ring the bell that another waits for."""

        async def ring(notice: Notice, key: str) -> None:
            await self._take(notice, key)
            bell.set()

        return self._then(ring)

    async def send(self, notice: Notice, *, key: str) -> None:
        self.attempts += 1
        act = self._script.popleft() if self._script else self._take
        await act(notice, key)

    async def _take(self, notice: Notice, key: str) -> None:
        self.taken.append(Taken(key, notice))

    def _then(self, act: Callable[[Notice, str], Awaitable[None]]) -> "FakeChannel":
        self._script.append(act)
        return self
