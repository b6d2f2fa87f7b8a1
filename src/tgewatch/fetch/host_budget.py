"""A budget of calls for every host that states no limit of its own."""

import threading
from collections import OrderedDict
from typing import Protocol

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.rules.budget import Budget

MOST_HOSTS = 10_000


class HostBudget(Protocol):
    """A budget per host, of this process or of many."""

    async def acquire(self, host: str, *, deadline: float) -> float:
        """Return once a call is allowed, with the seconds waited.

        Raises TransientError (`rate_limited`) at once when that takes longer than `deadline`.
        """


class HostBudgets:
    """At most `limit` calls to one host in any `window` seconds; callers wait their turn.

    A call's time is booked when its wait begins, so that any number of tasks and threads may ask at
    once. Hosts beyond MOST_HOSTS are forgotten, those asked longest ago first.
    """

    def __init__(self, *, limit: int, window: float, clock: Clock) -> None:
        self._fresh = Budget(limit, window)
        self._clock = clock
        self._lock = threading.Lock()
        self._budgets: OrderedDict[str, Budget] = OrderedDict()

    def __repr__(self) -> str:
        return (
            f"<HostBudgets {self._fresh.limit} per {self._fresh.window:g}s, "
            f"{len(self._budgets)} hosts>"
        )

    def wait(self, host: str) -> float:
        """Return the seconds that a call would have to wait now."""
        with self._lock:
            return self._budgets.get(host, self._fresh).delay(self._clock.monotonic())

    def used(self, host: str) -> int:
        """Return the calls of the last `window` seconds, those booked ahead included."""
        with self._lock:
            return self._budgets.get(host, self._fresh).used(self._clock.monotonic())

    async def acquire(self, host: str, *, deadline: float = 60.0) -> float:
        """Return once a call is allowed, with the seconds waited.

        Raises TransientError at once, and books nothing, when that takes longer than `deadline`.
        """
        with self._lock:
            now = self._clock.monotonic()
            budget = self._budgets.get(host, self._fresh)
            wait = budget.delay(now)
            if wait > deadline:
                raise TransientError(
                    f"{host} has had its calls", retry_after=wait, cause="rate_limited"
                )
            start = now + wait
            self._budgets[host] = budget.spend(start)
            self._budgets.move_to_end(host)
            if len(self._budgets) > MOST_HOSTS:
                self._budgets.popitem(last=False)
        while (left := start - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        return wait
