"""One instance's hand in the ledger of one endpoint."""

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.rules.apart import Apart, together
from tgewatch.rules.ledger import Lease, Ledger, LedgerPolicy, Urgency, Wait, refusal
from tgewatch.rules.rate_headers import TOO_MANY, Answer
from tgewatch.swarm.ledger_page import adopted, decode, encode
from tgewatch.swarm.shelf import Page, Shelf

log = logging.getLogger(__name__)

ATTEMPTS = 100
"""Changes that others may be faster with before this instance takes a rest."""
REST = 0.05
"""Seconds."""
LOOK = 0.1
"""Seconds between two looks at whether another instance's first call has been answered."""
LOOK_SELDOM = 15.0
"""Seconds between two looks at whether another instance has given calls back."""
MOST_REPORTS = 10_000

C = TypeVar("C", Ledger, Apart)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a call."""

    lease: Lease
    answer: Answer | None
    sent: bool = True


class Waiter:
    """Somebody in line."""

    __slots__ = ("rank", "since", "turn", "until", "urgency")

    def __init__(self, urgency: Urgency, number: int, *, until: float) -> None:
        self.urgency = urgency
        self.rank = (urgency.rank, number)
        self.until = until
        """On the monotonic clock."""
        self.since = 0.0
        self.turn: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()

    def __lt__(self, other: "Waiter") -> bool:
        return self.rank < other.rank


@dataclass(slots=True)
class _Batch:
    """What is to be done in one change."""

    reports: list[Report]
    uncap: bool
    granted: list[tuple[Waiter, Lease]] = field(default_factory=list)
    wait: Wait | None = None
    """For the first in line that was not served."""


class Pen:
    """Serves the line of one instance at one endpoint, and reports what came of its calls."""

    def __init__(
        self,
        endpoint: str,
        *,
        shelf: Shelf,
        clock: Clock,
        policy: LedgerPolicy,
        parts: Callable[[], int],
        numbers: Iterator[int],
    ) -> None:
        self.endpoint = endpoint
        self.line: list[Waiter] = []
        self.ours: dict[int, Lease] = {}
        """Calls of this instance that are on their way."""
        self.ledger = Ledger(policy=policy)
        """As it was last seen."""
        self.apart: Apart | None = None
        """Our part, while the shelf is gone."""
        self.granted = 0
        self.throttled = 0
        self.lost = 0
        self.waited = 0.0
        self.contested = 0
        self._shelf = shelf
        self._clock = clock
        self._policy = policy
        self._parts = parts
        self._numbers = numbers
        self._reports: list[Report] = []
        self._settled_apart: set[int] = set()
        self._seen = False
        self._uncap = False
        self._closing = False
        self._bell = asyncio.Event()

    def __repr__(self) -> str:
        return self.ledger.described(self.endpoint, self._shelf.time())

    async def stand(self, waiter: Waiter) -> Lease:
        """Return permission once it is this one's turn."""
        waiter.since = self._clock.monotonic()
        heapq.heappush(self.line, waiter)
        self._bell.set()
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled() and not waiter.turn.exception():
                self.report(Report(waiter.turn.result(), None, sent=False))
            raise
        finally:
            self.waited += self._clock.monotonic() - waiter.since

    def report(self, report: Report) -> None:
        """Note what came of a call of ours; a second report on one call is none."""
        if self.ours.pop(report.lease.number, None) is None:
            return
        if report.sent:
            self.lost += report.answer is None
            self.throttled += report.answer is not None and report.answer.status == TOO_MANY
        if len(self._reports) < MOST_REPORTS:  # beyond, the calls run out by themselves
            self._reports.append(report)
        self._bell.set()

    def uncap(self) -> None:
        self._uncap = True
        self._bell.set()

    def closing(self) -> None:
        """End after what was reported so far."""
        self._closing = True
        self._bell.set()

    def wait(self, now: float, urgency: Urgency) -> Wait:
        """Return how long a call would have to wait, as far as is known here."""
        counting = self.ledger if self.apart is None else self.apart
        return counting.wait(now, urgency)

    async def write(self) -> None:
        """Serve the line until the end."""
        while True:
            self._bell.clear()
            batch = _Batch(self._reports, self._uncap)
            self._reports, self._uncap = [], False
            pause = REST
            try:
                pause = await self._change(batch)
            finally:
                for waiter in self.line if self._closing else ():
                    waiter.turn.cancel()
            if self._closing and not self._reports:
                return
            await self._ring_in(pause)

    async def _change(self, batch: _Batch) -> float:
        """Make one change, here or apart; return the seconds until the next look."""
        try:
            done = await self._together(batch)
        except TransientError:
            self._on_our_own(batch)
            done = True
        if not done:
            self._reports = batch.reports + self._reports
            self._uncap |= batch.uncap
            return REST
        self._hand_out(batch)
        return self._turn_away(batch.wait)

    async def _together(self, batch: _Batch) -> bool:
        """Change the shared state; False when others were always faster. Raises TransientError."""
        page = await self._shelf.read(self.endpoint)
        for _ in range(ATTEMPTS):
            batch.granted.clear()
            before = self._found(page, batch)
            after = self._decide(before, batch, page.at)
            if after == before and page.data:
                self.ledger = after
                break
            swapped, page = await self._shelf.swap(page, self.endpoint, encode(after, at=page.at))
            if swapped:
                self.ledger = after
                break
            self.contested += 1
        else:
            batch.granted.clear()
            return False
        self.apart = None
        self._settled_apart.clear()
        return True

    def _found(self, page: Page, batch: _Batch) -> Ledger:
        """Return the ledger that is on the page, with what only we know of it."""
        ledger = decode(page.data, policy=self._policy, at=page.at) if page.data else None
        if ledger is None:
            if page.data:
                log.warning("ledger_page_unreadable", extra={"endpoint": self.endpoint})
            ledger = self.ledger.resumed() if self._seen else self.ledger
        self._seen = True
        ours = {report.lease.number: report.lease for report in batch.reports} | self.ours
        if self.apart is not None:
            ledger = together(ledger, self.apart.ledger)
        return adopted(ledger, ours, self._settled_apart, page.at)

    def _on_our_own(self, batch: _Batch) -> None:
        """Change our part, as the shelf is gone."""
        if self.apart is None:
            outstanding = {r.lease.number: r.lease.taken for r in batch.reports}
            outstanding |= {number: lease.taken for number, lease in self.ours.items()}
            self.apart = Apart.from_shared(self.ledger, ours=outstanding, parts=self._parts())
        self._settled_apart |= {report.lease.number for report in batch.reports}
        batch.granted.clear()
        self.apart = self._decide(self.apart, batch, self._shelf.time())

    def _decide(self, counting: C, batch: _Batch, now: float) -> C:
        """Return the ledger after the reports, and after as many of the line as it allows."""
        for report in batch.reports:
            if report.sent:
                counting = counting.settle(report.lease, report.answer, now=now)
            else:
                counting = counting.release(report.lease)
        if batch.uncap:
            counting = _uncapped(counting)
        batch.wait = None
        for waiter in sorted(each for each in self.line if not each.turn.done()):
            batch.wait = counting.wait(now, waiter.urgency)
            if batch.wait.seconds > 0:
                break
            counting, lease = _numbered(counting, next(self._numbers)).lease(now, waiter.urgency)
            batch.granted.append((waiter, lease))
            batch.wait = None
        return counting

    def _hand_out(self, batch: _Batch) -> None:
        for waiter, lease in batch.granted:
            self.ours[lease.number] = lease
            if waiter.turn.done():  # gave up meanwhile
                self.report(Report(lease, None, sent=False))
            else:
                self.granted += 1
                waiter.turn.set_result(lease)

    def _turn_away(self, wait: Wait | None) -> float:
        """Refuse those who wait in vain; return the seconds until the next look."""
        now, at = self._clock.monotonic(), self._shelf.time()
        for waiter in self.line:
            if not waiter.turn.done() and wait is not None:
                said = self.wait(at, waiter.urgency)
                if error := refusal(self.endpoint, said, waiter.until - now):
                    waiter.turn.set_exception(error)
        self.line = [waiter for waiter in self.line if not waiter.turn.done()]
        heapq.heapify(self.line)
        if not self.line or wait is None:
            return LOOK_SELDOM
        often = LOOK if wait.reason == "probing" else LOOK_SELDOM
        return max(0.001, min(wait.seconds, often, min(each.until for each in self.line) - now))

    async def _ring_in(self, seconds: float) -> None:
        """Return when the bell rings; after `seconds` at the latest, while somebody waits."""
        if not self.line and not self._reports:
            await self._bell.wait()
            return

        async def alarm() -> None:
            await self._clock.sleep(seconds)
            self._bell.set()

        async with asyncio.TaskGroup() as tasks:
            timer = tasks.create_task(alarm())
            await self._bell.wait()
            timer.cancel()


def _numbered(counting: C, number: int) -> C:
    if isinstance(counting, Apart):
        return replace(counting, ledger=replace(counting.ledger, number=number))
    return replace(counting, number=number)


def _uncapped(counting: C) -> C:
    if isinstance(counting, Apart):
        return replace(counting, ledger=counting.ledger.uncapped())
    return counting.uncapped()
