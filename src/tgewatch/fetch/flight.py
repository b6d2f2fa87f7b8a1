"""One fetch however many ask: callers on any thread or loop share what is already under way."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

from tgewatch.errors import TransientError

Land: TypeAlias = Callable[[Any], Callable[[], None]]
"""Takes what was fetched, returns what stores it; the latter runs only if nothing overtook it."""


class Absent:
    """Says that nothing is there, where None could be a value."""


ABSENT = Absent()
Peek: TypeAlias = Callable[[], Any]
"""Returns what has been stored meanwhile, or ABSENT."""


class _AbandonedError(Exception):
    """The fetch was cancelled with its last waiter, or with its loop."""


class Flight:
    """A fetch under way."""

    __slots__ = ("background", "ended", "error", "key", "loop", "task", "told", "value", "waiters")

    def __init__(self, key: str, *, background: bool = False) -> None:
        self.key = key
        self.background = background
        """Goes on without waiters."""
        self.ended = False
        self.value: Any = None
        self.error: Exception | None = None
        self.told: list[Callable[[], None]] = []
        """Called once it has ended, on its thread; must not wait or raise."""
        self.waiters = 0
        self.task: asyncio.Task[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None


_inside: contextvars.ContextVar[frozenset[Flight]] = contextvars.ContextVar(
    "tgewatch_inside_flights", default=frozenset()
)


class Flights:
    """The fetches of one cache that are under way, at most one per key.

    Exceptions are shared like values. Cancelling a waiter leaves the others alone; the last one
    to leave cancels the fetch. A fetch that asks for its own key is not made to wait for itself.
    """

    def __init__(self, *, deadline: float) -> None:
        self._deadline = deadline
        """Seconds that anybody waits for somebody else's fetch."""
        self._lock = threading.Lock()
        self._flying: dict[str, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._flying)

    def overtake(self, key: str) -> None:
        """Keep a fetch under way from storing: a newer value, or none, has been decided on."""
        if self._flying:
            with self._lock:
                self._flying.pop(key, None)

    def overtake_prefix(self, prefix: str) -> None:
        """Overtake every key that starts with `prefix`."""
        with self._lock:
            for key in [key for key in self._flying if key.startswith(prefix)]:
                del self._flying[key]

    def _board(self, key: str, peek: Peek) -> tuple[Flight | None, bool, Any]:
        """Return the flight to wait for, whether it is new, and what made one needless."""
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None:
                if flight in _inside.get():
                    return None, False, ABSENT
                flight.waiters += 1
                return flight, False, ABSENT
            if (found := peek()) is not ABSENT:
                return None, False, found
            flight = self._flying[key] = Flight(key)
            flight.waiters = 1
            return flight, True, ABSENT

    def _land(self, flight: Flight, value: Any, land: Land) -> None:
        store = land(value)
        with self._lock:
            if self._flying.get(flight.key) is flight:
                store()
                del self._flying[flight.key]
            flight.value = value
            flight.ended = True
        _tell(flight)

    def _crash(self, flight: Flight, error: BaseException) -> None:
        with self._lock:
            if self._flying.get(flight.key) is flight:
                del self._flying[flight.key]
            flight.error = error if isinstance(error, Exception) else _AbandonedError()
            flight.ended = True
        _tell(flight)

    def _when_ended(self, flight: Flight, tell: Callable[[], None]) -> None:
        with self._lock:
            if not flight.ended:
                flight.told.append(tell)
                return
        tell()

    def _detach(self, flight: Flight) -> None:
        with self._lock:
            if self._flying.get(flight.key) is flight:
                del self._flying[flight.key]

    async def join(
        self, key: str, fetch: Callable[[], Awaitable[Any]], *, peek: Peek, land: Land
    ) -> tuple[Any, bool]:
        """Return what `fetch`, or the one under way, brings, and whether it was another's."""
        while True:
            flight, new, found = self._board(key, peek)
            if flight is None:
                return (found, True) if found is not ABSENT else (await fetch(), False)
            if new:
                self._take_off(flight, fetch, land)
            try:
                await self._arrive(flight)
                if not flight.ended:
                    raise self._given_up(flight)
                if flight.error is None:
                    return flight.value, not new
                if not isinstance(flight.error, _AbandonedError):
                    raise flight.error
                if new:
                    raise asyncio.CancelledError  # the fetch cancelled itself
            finally:
                await self._leave(flight)

    async def _arrive(self, flight: Flight) -> None:
        """Return once the flight has ended, or the deadline has passed."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        late = loop.call_later(self._deadline, _wake, turn)
        if flight.loop is loop:
            self._when_ended(flight, lambda: _wake(turn))
        else:
            self._when_ended(flight, lambda: _call_elsewhere(loop, _wake, turn))
        try:
            await turn
        finally:
            late.cancel()

    def _given_up(self, flight: Flight) -> TransientError:
        self._detach(flight)
        return TransientError(f"no answer for {flight.key}", cause="flight_timeout")

    def _take_off(self, flight: Flight, fetch: Callable[[], Awaitable[Any]], land: Land) -> None:
        flight.loop = asyncio.get_running_loop()
        # Not in the caller's TaskGroup: the fetch belongs to all who wait, and the last one ends it.
        flight.task = flight.loop.create_task(self._fly(flight, fetch, land))
        self._tasks.add(flight.task)
        flight.task.add_done_callback(lambda task: self._touch_down(flight, task))

    def _touch_down(self, flight: Flight, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        flight.task = None  # its context knows the flight
        if not flight.ended:  # cancelled before its first step
            self._crash(flight, asyncio.CancelledError())

    async def _fly(self, flight: Flight, fetch: Callable[[], Awaitable[Any]], land: Land) -> None:
        _inside.set(_inside.get() | {flight})
        try:
            self._land(flight, await fetch(), land)
        except BaseException as error:  # handed to every waiter
            self._crash(flight, error)
            if not isinstance(error, Exception):
                raise

    async def _leave(self, flight: Flight) -> None:
        with self._lock:
            flight.waiters -= 1
            if flight.waiters:
                return
            if flight.ended:
                flight.error = None  # its traceback refers to who waited, and so to the flight
                return
            if flight.background:
                return
            if self._flying.get(flight.key) is flight:
                del self._flying[flight.key]
        if (task := flight.task) is None or flight.loop is None:
            return
        if flight.loop is asyncio.get_running_loop():
            task.cancel()
            await asyncio.wait({task})
        else:
            _call_elsewhere(flight.loop, task.cancel)

    def join_blocking(
        self, key: str, fetch: Callable[[], Any], *, peek: Peek, land: Land
    ) -> tuple[Any, bool]:
        """Do what `join` does for a plain thread; the first caller fetches on its own thread."""
        while True:
            flight, new, found = self._board(key, peek)
            if flight is None:
                return (found, True) if found is not ABSENT else (fetch(), False)
            if new:
                return self._fly_here(flight, fetch, land), False
            try:
                if flight.loop is not None and flight.loop is _running_loop():
                    return fetch(), False  # waiting would stop the loop that has to bring it
                ended = threading.Event()
                self._when_ended(flight, ended.set)
                if not ended.wait(self._deadline):
                    raise self._given_up(flight)
                if flight.error is None:
                    return flight.value, True
                if not isinstance(flight.error, _AbandonedError):
                    raise flight.error
            finally:
                self._leave_blocking(flight)

    def _fly_here(self, flight: Flight, fetch: Callable[[], Any], land: Land) -> Any:
        token = _inside.set(_inside.get() | {flight})
        try:
            value = fetch()
            self._land(flight, value, land)
        except BaseException as error:
            self._crash(flight, error)
            raise
        finally:
            _inside.reset(token)
        return value

    def _leave_blocking(self, flight: Flight) -> None:
        with self._lock:
            flight.waiters -= 1
            if flight.waiters or flight.background or flight.ended:
                return
            if self._flying.get(flight.key) is flight:
                del self._flying[flight.key]
        if flight.loop is not None and flight.task is not None:
            _call_elsewhere(flight.loop, flight.task.cancel)

    def refresh(self, key: str, fetch: Callable[[], Awaitable[Any]], *, land: Land) -> bool:
        """Start a fetch that nobody waits for, unless one is under way; needs a running loop."""
        with self._lock:
            if key in self._flying:
                return False
            flight = self._flying[key] = Flight(key, background=True)
        self._take_off(flight, fetch, land)
        return True

    def refresh_blocking(self, key: str, fetch: Callable[[], Any], *, land: Land) -> bool:
        """Fetch here and now for nobody in particular, unless a fetch is under way."""
        with self._lock:
            if key in self._flying:
                return False
            flight = self._flying[key] = Flight(key, background=True)
        self._fly_here(flight, fetch, land)
        return True

    async def cancel(self) -> None:
        """Cancel the fetches of the running loop and wait until they have ended."""
        loop = asyncio.get_running_loop()
        tasks = {task for task in tuple(self._tasks) if task.get_loop() is loop}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _tell(flight: Flight) -> None:
    for tell in flight.told:
        tell()
    flight.told.clear()


def _wake(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_result(None)


def _call_elsewhere(
    loop: asyncio.AbstractEventLoop, call: Callable[..., object], *arguments: object
) -> None:
    with suppress(RuntimeError):  # the loop has been closed, and its tasks with it
        loop.call_soon_threadsafe(call, *arguments)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
