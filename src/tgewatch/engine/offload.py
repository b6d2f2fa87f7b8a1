"""Heavy, pure work away from the event loop: in threads, or in a process that can be killed."""

import asyncio
import functools
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from tgewatch.engine.heavy import LENGTH
from tgewatch.errors import MalformedError, TransientError

T = TypeVar("T")

_START = 30.0
"""Seconds in which the process has to be up."""
_MAX_RESULT = 200_000_000


class Offload:
    """Runs pure functions without blocking the loop, each with a deadline.

    Work on less than `heavy_bytes` runs in one of `threads` threads: cheap to start, but a thread
    that overruns cannot be stopped, so it keeps its place until it ends. Larger work runs in a
    process of its own, which is started when first needed, may use `memory` megabytes, is killed
    at the deadline, is replaced after `jobs` jobs or one that took half of `memory`, and is let go
    after `idle` seconds without a job.
    At most `queue` callers wait, each at most `patience` seconds.

    docs/parsing.md has the measurements behind the bounds.
    """

    def __init__(
        self,
        *,
        threads: int = 2,
        heavy_bytes: int = 1_000_000,
        memory: int = 180,
        jobs: int = 100,
        idle: float = 30.0,
        queue: int = 1_000,
        patience: float = 60.0,
    ) -> None:
        self.heavy_bytes = heavy_bytes
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="offload")
        self._places = asyncio.Semaphore(threads)
        self._worker = _Worker(memory=memory, jobs=jobs, idle=idle)
        self._turn = asyncio.Lock()
        self._queue = queue
        self._patience = patience
        self._waiting = 0

    def __repr__(self) -> str:
        return f"<Offload {self._waiting} waiting, {self._worker!r}>"

    @property
    def has_process(self) -> bool:
        """Tell whether the process for large work is up."""
        return self._worker.alive

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
        await self._worker.stop()

    async def run(self, function: Callable[..., T], *args: object, deadline: float = 10.0) -> T:
        """Return what `function` returns, or raise what it raises.

        `function` and `args` can be pickled. `deadline` is in seconds from the start of the work.
        Raises MalformedError (parse_timeout, parse_memory, parse_crash) when the work had to be
        given up, TransientError (busy) when there was no place in time.
        """
        if _weight(function, args) < self.heavy_bytes:
            await self._wait_for(self._places)
            return await self._in_thread(function, args, deadline)
        await self._wait_for(self._turn)
        try:
            result: T = await self._worker.run(function, args, deadline)
        finally:
            self._turn.release()
        return result

    async def _wait_for(self, place: asyncio.Semaphore | asyncio.Lock) -> None:
        if self._waiting >= self._queue:
            raise TransientError("too much is waiting to be parsed", cause="busy")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await place.acquire()
        except TimeoutError as error:
            raise TransientError("waited too long to be parsed", cause="busy") from error
        finally:
            self._waiting -= 1

    async def _in_thread(
        self, function: Callable[..., T], args: tuple[object, ...], deadline: float
    ) -> T:
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._executor, functools.partial(function, *args))
        work.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(deadline):
                return await asyncio.shield(work)
        except TimeoutError as error:
            raise MalformedError(
                f"not understood within {deadline:g} s", cause="parse_timeout"
            ) from error

    def _leave(self, work: "asyncio.Future[Any]") -> None:
        self._places.release()
        if not work.cancelled():
            work.exception()  # seen: its caller may have gone


class _Worker:
    """At most one process, and one job in it."""

    def __init__(self, *, memory: int, jobs: int, idle: float) -> None:
        self._memory = memory
        self._jobs = jobs
        self._idle = idle
        self._process: Process | None = None
        self._gone: Process | None = None
        self._done = 0
        self._leaving: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return "no process" if self._process is None else f"process {self._process.pid}"

    async def run(
        self, function: Callable[..., Any], args: tuple[object, ...], deadline: float
    ) -> Any:
        if self._leaving is not None:
            self._leaving.cancel()
        job = pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL)
        process = await self._ready()
        reusable = False
        try:
            async with asyncio.timeout(deadline):
                good, result, peak = await _exchange(process, job)
            reusable = peak < self._memory / 2
        except TimeoutError as error:
            raise MalformedError(
                f"not understood within {deadline:g} s", cause="parse_timeout"
            ) from error
        except (OSError, EOFError) as error:
            raise MalformedError("the parser died of it", cause="parse_crash") from error
        finally:
            self._done += 1
            if not reusable or self._done >= self._jobs:
                await self.stop()
            else:
                self._leaving = asyncio.get_running_loop().call_later(self._idle, self._let_go)
        if not good:
            raise result
        return result

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _ready(self) -> Process:
        """Return the process, up and waiting for a job."""
        if self._process is not None and self.alive:
            return self._process
        self._done = 0
        up = False
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tgewatch.engine.heavy", str(self._memory)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent, which stops it in order
        )
        try:
            async with asyncio.timeout(_START):
                await _received(self._process)
            up = True
        except (TimeoutError, EOFError) as error:
            raise TransientError("the parser did not start", cause="busy") from error
        finally:
            if not up:
                await self.stop()
        return self._process

    def _let_go(self) -> None:
        """End an idle process without waiting for it; `stop` does that."""
        self._gone, self._process = self._process, None
        if self._gone is not None and self._gone.returncode is None:
            self._gone.kill()

    async def stop(self) -> None:
        """End the process, and return once it has gone."""
        if self._leaving is not None:
            self._leaving.cancel()
        processes = (self._gone, self._process)
        self._gone = self._process = None
        for process in processes:
            if process is not None:
                await _ended(process)


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.communicate()


async def _exchange(process: Process, job: bytes) -> tuple[bool, Any, float]:
    assert process.stdin is not None  # noqa: S101 - opened as a pipe
    process.stdin.write(LENGTH.pack(len(job)))
    process.stdin.write(job)
    await process.stdin.drain()
    good, result, peak = pickle.loads(await _received(process))  # noqa: S301 - from our own child
    return bool(good), result, float(peak)


async def _received(process: Process) -> bytes:
    assert process.stdout is not None  # noqa: S101 - opened as a pipe
    length = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
    if length > _MAX_RESULT:
        raise EOFError
    return await process.stdout.readexactly(length)


def _weight(function: Callable[..., Any], args: tuple[object, ...]) -> int:
    """Return the bytes of input: what decides how long the work can take."""
    if isinstance(function, functools.partial):
        args = (*args, *function.args, *function.keywords.values())
    return sum(len(arg) for arg in args if isinstance(arg, bytes | str))
