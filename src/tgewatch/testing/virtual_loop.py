"""An event loop in which a day passes at once: waiting turns the clock instead."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Hurrying(selectors.DefaultSelector):
    """Never waits: where it would, it tells how long."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        """Seconds that would have been waited."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits, and nobody for the clock")
        self.passed += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs tasks and timers in their order, without waiting. Not for sockets or other threads."""

    def __init__(self) -> None:
        self._hurrying = _Hurrying()
        super().__init__(self._hurrying)

    def time(self) -> float:
        return self._hurrying.passed


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in a VirtualLoop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class VirtualClock:
    """A clock that follows the running VirtualLoop, wrong by as much as is asked for."""

    def __init__(
        self, *, start: float = 1_700_000_000.0, skew: float = 0.0, drift: float = 0.0
    ) -> None:
        self._start = start
        self._skew = skew
        """Seconds ahead of the loop's time."""
        self._rate = 1.0 + drift

    def now(self) -> float:
        return self._start + self._skew + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() * self._rate

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)  # noqa: TID251 - a clock is where sleeping happens
