"""From callers without an event loop to coroutines: one loop, on a thread of its own."""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Generic, TypeVar

from tgewatch.errors import TransientError

log = logging.getLogger(__name__)

T = TypeVar("T")

START_SECONDS = 30.0
CLOSE_SECONDS = 15.0
"""For everything that is open to close; what takes longer is left to the process's end."""


class Bridge:
    """Runs coroutines for any thread, also for one whose own loop is running.

    The thread starts with the first call. After `close` nothing is taken any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._held: list[Held[Any]] = []
        self.closed = False

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open" if self._loop else "not started"
        return f"<Bridge {state}, {len(self._held)} held>"

    def run(self, work: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Return what the coroutine returns, or raise what it raises.

        Raises TimeoutError after `timeout` seconds, TransientError (`closed`) after `close`, and
        RuntimeError from the loop's own thread, which would wait for itself. Whoever stops waiting
        also cancels the coroutine.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("the drop-ins' own event loop cannot wait for itself")
        try:
            loop = self._started()
        except BaseException:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(self._tracked(work), loop)
        try:
            return future.result(timeout)
        except concurrent.futures.CancelledError:
            raise TransientError("the drop-ins were closed meanwhile", cause="closed") from None
        except BaseException:
            future.cancel()
            raise

    def hold(
        self, opening: Callable[[], AbstractAsyncContextManager[T]], *, timeout: float | None = None
    ) -> "Held[T]":
        """Enter a context, and keep it open until `Held.release` or `close`."""
        held: Held[T] = Held(self, opening)
        self.run(self._begin(held), timeout=timeout)
        return held

    def close(self, *, seconds: float = CLOSE_SECONDS) -> None:
        """Cancel what runs, leave the contexts that are held, in reverse, and end the thread."""
        with self._lock:
            self.closed = True
            thread, loop, closing = self._thread, self._loop, self._closing
        if thread is None or loop is None or closing is None or not thread.is_alive():
            return
        loop.call_soon_threadsafe(closing.set)
        if thread is not threading.current_thread():
            thread.join(seconds)
            if thread.is_alive():
                log.warning("drop_ins_not_closed", extra={"seconds": seconds})

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self.closed:
                raise TransientError("the drop-ins are closed", cause="closed")
            if self._loop is None:
                ready: concurrent.futures.Future[asyncio.AbstractEventLoop]
                ready = concurrent.futures.Future()
                self._thread = threading.Thread(
                    target=self._live, args=(ready,), name="tgewatch-drop-ins", daemon=True
                )
                self._thread.start()
                self._loop = ready.result(START_SECONDS)
            return self._loop

    def _live(self, ready: "concurrent.futures.Future[asyncio.AbstractEventLoop]") -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve(ready))
        except BaseException as error:  # to whoever waits for the loop
            if ready.done():
                raise
            ready.set_exception(error)

    async def _serve(self, ready: "concurrent.futures.Future[asyncio.AbstractEventLoop]") -> None:
        self._closing = asyncio.Event()
        ready.set_result(asyncio.get_running_loop())
        await self._closing.wait()
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=CLOSE_SECONDS / 3)
        while self._held:
            await self._held[-1].end()

    async def _tracked(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        if task is None:  # cannot be: this is a coroutine of a task
            return await work
        self._running.add(task)
        try:
            return await work
        finally:
            self._running.discard(task)

    async def _begin(self, held: "Held[T]") -> None:
        self._held.append(held)
        try:
            await held.begin()
        except BaseException:
            self.forget(held)
            raise

    def forget(self, held: "Held[Any]") -> None:
        """No longer answer for a context that has been left."""
        if held in self._held:
            self._held.remove(held)


class Held(Generic[T]):
    """A context that stays open, in a task of its own, which enters and leaves it."""

    value: T

    def __init__(
        self, bridge: Bridge, opening: Callable[[], AbstractAsyncContextManager[T]]
    ) -> None:
        self.bridge = bridge
        self._opening = opening
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Enter. Raises what entering raises."""
        loop = asyncio.get_running_loop()
        entered: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._live(entered))
        try:
            await entered
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    async def end(self) -> None:
        """Leave. What that raises is logged: whoever opened it is gone."""
        self.bridge.forget(self)
        self._over.set()
        if self._task is not None:
            await asyncio.wait([self._task])
            if not self._task.cancelled() and (error := self._task.exception()):
                log.warning("drop_in_not_closed_well", exc_info=error)

    def release(self) -> None:
        """Leave, from any thread. Does nothing when it was left before."""
        with suppress(TransientError):  # closed, and so is this
            self.bridge.run(self.end())

    async def _live(self, entered: "asyncio.Future[None]") -> None:
        try:
            async with self._opening() as self.value:
                entered.set_result(None)
                await self._over.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
