"""Time and sleep as one object, so that a test can turn the hands."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where all time in the program comes from."""

    def now(self) -> float:
        """Return Unix time in seconds."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean anything."""

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed on this clock."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()  # noqa: TID251 - the one place

    def monotonic(self) -> float:
        return time.perf_counter()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - the one place


class ShiftedClock(SystemClock):
    """The machine's clock set to another time of day; it runs on at the machine's pace."""

    def __init__(self, start: float) -> None:
        self._offset = start - super().now()

    def now(self) -> float:
        return super().now() + self._offset
