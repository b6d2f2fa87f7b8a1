"""The one thread that writes. What waits for it at the same moment shares a transaction."""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import Poll, Stored
from tgewatch.store.database import ONE_AFTER_THE_OTHER, explaining
from tgewatch.store.polls import Rules, commit
from tgewatch.store.sources import follow

T = TypeVar("T")

Work = Callable[[sa.Connection], Any]


@dataclass(frozen=True, slots=True)
class _Alone:
    """Work that no transaction may be open for."""

    work: Callable[[], Any]


WAITING = 1_024
"""Pieces of work that may wait; whoever comes later waits for a place."""
LINGER = 0.01
"""Seconds that a poll waits for others to share its transaction; alone it costs eight times as much."""
LAST = 30.0
"""Seconds to wait for the last transaction when there is no time left."""
ITEMS = 5_000
"""Items from which a transaction takes in no further poll."""


@dataclass(slots=True, eq=False)
class _Job:
    """A poll or another piece of work, and who waits for it."""

    work: Poll | Work | _Alone
    future: asyncio.Future[Any]


class Writer:
    """Takes work from one event loop and does it in the order it came, in shared transactions.

    A piece of work is never split, and one that fails takes no other with it: when a shared
    transaction fails, each piece gets one of its own.

    Beside other writers (`shared`), polls that tell of no event are written side by side with
    theirs, and a poll that came too late is refused.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        rules: Rules,
        where: str,
        group: int,
        allowed: bool,
        shared: bool = False,
    ) -> None:
        self._engine = engine
        self._rules = rules
        self._where = where
        self._group = group
        self._allowed = allowed
        self._shared = shared
        self._gathered: list[_Job] = []
        """To be handed over together."""
        self._handing_over: asyncio.TimerHandle | None = None
        self._jobs: queue.SimpleQueue[Sequence[_Job | None]] = queue.SimpleQueue()
        self._places = asyncio.Semaphore(WAITING)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._serve, name="tgewatch-writer", daemon=True)
        self._closed = False
        self.transactions = 0
        """Committed since the start."""

    def __repr__(self) -> str:
        return f"<Writer {self._where}, {self.transactions} transactions>"

    def start(self) -> None:
        """Begin to serve the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Return when all work that was given is done; later work is refused."""
        self._closed = True
        self._hand_over()
        self._jobs.put([None])
        try:
            await asyncio.to_thread(self._thread.join)
        except asyncio.CancelledError:
            self._thread.join(LAST)  # nobody may let go of the lock while we write
            raise

    async def poll(self, poll: Poll) -> Stored:
        """Store one poll."""
        result: Stored = await self._submit(poll)
        return result

    async def do(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction."""
        result: T = await self._submit(work)
        return result

    async def alone(self, work: Callable[[], T]) -> T:
        """Run `work` between two transactions."""
        result: T = await self._submit(_Alone(work))
        return result

    async def _submit(self, work: Poll | Work | _Alone) -> Any:
        if not self._allowed:
            raise RefusedError(f"{self._where} is open for reading only", cause="read_only")
        await self._places.acquire()
        if self._closed or self._loop is None:
            self._places.release()
            raise TransientError(f"{self._where}: the store is closed", cause="closed")
        future = self._loop.create_future()
        self._gathered.append(_Job(work, future))
        if not isinstance(work, Poll) or len(self._gathered) >= self._group:
            self._hand_over()
        elif self._handing_over is None:
            self._handing_over = self._loop.call_later(LINGER, self._hand_over)
        # The work goes on when its caller is cancelled: it may be half-way in a shared commit.
        return await future

    def _hand_over(self) -> None:
        """Give the thread what has been gathered."""
        if self._handing_over is not None:
            self._handing_over.cancel()
            self._handing_over = None
        if self._gathered:
            self._jobs.put(self._gathered)
            self._gathered = []

    def _serve(self) -> None:
        ahead: deque[_Job | None] = deque()
        while True:
            if not ahead:
                ahead.extend(self._jobs.get())
            if (job := ahead.popleft()) is None:
                return
            self._report(self._together([job, *self._company(job, ahead)]))

    def _company(self, job: _Job, ahead: deque[_Job | None]) -> Iterator[_Job]:
        """Take what shares the transaction of `job` from what is there already."""
        jobs, items = 1, _items(job)
        while jobs < self._group and items < ITEMS and not isinstance(job.work, _Alone):
            if not ahead:
                try:
                    ahead.extend(self._jobs.get_nowait())
                except queue.Empty:
                    return
            following = ahead[0]
            if following is None or isinstance(following.work, _Alone):
                return
            ahead.popleft()
            jobs += 1
            items += _items(following)
            yield following

    def _together(self, jobs: Sequence[_Job]) -> list[tuple[_Job, Any, BaseException | None]]:
        try:
            with explaining(self._where):
                if len(jobs) == 1 and isinstance(jobs[0].work, _Alone):
                    return [(jobs[0], jobs[0].work.work(), None)]
                with self._engine.begin() as connection:
                    if self._shared and any(map(_touches_events, jobs)):
                        connection.exec_driver_sql(ONE_AFTER_THE_OTHER)
                    results = self._run(connection, jobs)
        except Exception as error:  # noqa: BLE001 - goes to whoever waits for the work
            self._rules.recent.forget()
            if len(jobs) == 1:
                return [(jobs[0], None, error)]
            return [one for job in jobs for one in self._together([job])]
        self._rules.recent.settle()
        self.transactions += 1
        return [(job, result, None) for job, result in zip(jobs, results, strict=True)]

    def _run(self, connection: sa.Connection, jobs: Sequence[_Job]) -> list[Any]:
        """Do all of it: neighbouring polls at once."""
        results: list[Any] = []
        polls: list[Poll] = []
        for job in jobs:
            if isinstance(job.work, Poll):
                polls.append(job.work)
                continue
            results += self._commit(connection, polls)
            polls = []
            if not isinstance(job.work, _Alone):
                results.append(job.work(connection))
        results += self._commit(connection, polls)
        return results

    def _commit(self, connection: sa.Connection, polls: Sequence[Poll]) -> list[Any]:
        """Return what came of each poll: for one that is refused, the error."""
        if not polls:
            return []
        if not self._shared:
            return commit(connection, polls, self._rules)
        follows = follow(connection, polls)
        timely = [poll for poll, follows_on in zip(polls, follows, strict=True) if follows_on]
        stored = iter(commit(connection, timely, self._rules) if timely else ())
        return [
            next(stored) if follows_on else _refusal(poll)
            for poll, follows_on in zip(polls, follows, strict=True)
        ]

    def _report(self, done: Sequence[tuple[_Job, Any, BaseException | None]]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, done)

    def _settle(self, done: Sequence[tuple[_Job, Any, BaseException | None]]) -> None:
        """Tell who waits, and let as many others in."""
        for job, result, error in done:
            self._places.release()
            if job.future.done():  # its caller has gone away
                continue
            refused = error or (result if isinstance(result, Exception) else None)
            if refused is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(refused)


def _touches_events(job: _Job) -> bool:
    """Return whether a job may write what those of other writers read: anything but plain polls."""
    if not isinstance(job.work, Poll):
        return True
    return bool(job.work.notices) or any(one.claim is not None for one in job.work.judged)


def _refusal(poll: Poll) -> RefusedError:
    return RefusedError(f"{poll.source.url} was polled by another meanwhile", cause="stale")


def _items(job: _Job) -> int:
    return len(job.work.judged) if isinstance(job.work, Poll) else 0
