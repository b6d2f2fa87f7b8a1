"""The rate ledgers of all instances: one state per endpoint, which the pure rule changes.

Each instance has one pen per endpoint. It gathers what its callers ask and report, reads the state,
applies `rules.ledger` to it in order of urgency, and puts the result in its place if nobody was
faster; else it does the same with what stands there now. So instances compete, not calls, and the
rule exists once.
"""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.rules.ledger import LedgerPolicy, Ticket, Urgency, Wait
from tgewatch.rules.rate_headers import read_answer
from tgewatch.swarm.alongside import alongside
from tgewatch.swarm.pen import Pen, Report, Waiter
from tgewatch.swarm.shelf import Shelf

DEADLINE = 1_800.0
"""Seconds that anybody waits in line."""
MOST_ENDPOINTS = 1_000
CLOSING = 2.0
"""Seconds to write down what was reported last."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint stands, for pages and metrics, as this instance last saw it."""

    endpoint: str
    line: str
    wait: Wait
    """For a call of normal urgency, now."""
    outstanding: int
    """Of all instances."""
    waiting: int
    """In this instance, as all below."""
    granted: int
    throttled: int
    lost: int
    waited: float
    apart: bool
    """Counted without the others at the moment."""
    contested: int
    """Changes that another instance was faster with, and that were made again."""


class SharedLedgers:
    """Hands out permission for calls, per endpoint, among all instances, on the server's word.

    Callers wait in line, more urgent ones first; between instances there is no order. All times are
    the shelf's. While the shelf is gone each instance goes on with its part of what is left. For
    one event loop; opened with `open_ledgers`.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        policy: LedgerPolicy | None = None,
        parts: Callable[[], int] = lambda: 1,
        most_waiting: int = 10_000,
    ) -> None:
        """`parts` says how many instances divide what is left while they cannot count together."""
        self._shelf = shelf
        self._clock = clock
        self._tasks = tasks
        self._policy = policy or LedgerPolicy()
        self._parts = parts
        self._most_waiting = most_waiting
        self._pens: dict[str, Pen] = {}
        self._writing: set[asyncio.Task[None]] = set()
        # Numbers of leases that no two instances have in common, in 63 bits.
        self._numbers = itertools.count(secrets.randbits(39) << 24)
        self._order = itertools.count()

    def __repr__(self) -> str:
        return " ".join(each.line for each in self.standings()) or "<SharedLedgers none>"

    def _pen(self, endpoint: str) -> Pen:
        pen = self._pens.get(endpoint)
        if pen is None:
            if len(self._pens) >= MOST_ENDPOINTS:
                raise TransientError("too many endpoints are counted", cause="rate_limited")
            pen = self._pens[endpoint] = Pen(
                endpoint,
                shelf=self._shelf,
                clock=self._clock,
                policy=self._policy,
                parts=self._parts,
                numbers=self._numbers,
            )
            self._writing.add(self._tasks.create_task(pen.write()))
        return pen

    async def acquire(
        self, endpoint: str, *, urgency: Urgency = Urgency.NORMAL, deadline: float = DEADLINE
    ) -> Ticket:
        """Return permission for one call, after waiting for it in line.

        Raises TransientError (`rate_limited`) once the wait is known to be longer than `deadline`
        seconds, with the wait as `retry_after`; RefusedError (`usage_capped`) when the month's
        volume is used up.
        """
        pen = self._pen(endpoint)
        if len(pen.line) >= self._most_waiting:
            raise TransientError(f"too many wait for {endpoint}", cause="rate_limited")
        waiter = Waiter(urgency, next(self._order), until=self._clock.monotonic() + deadline)
        return Ticket(endpoint, await pen.stand(waiter))

    def settle(
        self,
        ticket: Ticket,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Tell what came of the call: its answer (lower-case header names), or nothing for none.

        `body` is looked at for a 429 or 403 only. A ticket that is settled twice counts once.
        """
        answer = None
        if status is not None:
            answer = read_answer(status, headers or {}, now=self._shelf.time(), body=body)
        self._pen(ticket.endpoint).report(Report(ticket.lease, answer))

    def release(self, ticket: Ticket) -> None:
        """Give a ticket back whose call was never sent."""
        self._pen(ticket.endpoint).report(Report(ticket.lease, None, sent=False))

    def uncap(self, endpoint: str) -> None:
        """Try again although the month's volume was used up: somebody has raised it."""
        self._pen(endpoint).uncap()

    @asynccontextmanager
    async def call(
        self, endpoint: str, *, urgency: Urgency = Urgency.NORMAL, deadline: float = DEADLINE
    ) -> AsyncIterator[Ticket]:
        """Hold a ticket for the body, which settles it; left unsettled, no answer came."""
        ticket = await self.acquire(endpoint, urgency=urgency, deadline=deadline)
        try:
            yield ticket
        finally:
            if ticket.lease.number in self._pen(endpoint).ours:
                self.settle(ticket)

    def standings(self) -> list[Standing]:
        """Return how each endpoint stands, as it was last seen."""
        now = self._shelf.time()
        return [
            Standing(
                endpoint=name,
                line=pen.ledger.described(name, now),
                wait=pen.wait(now, Urgency.NORMAL),
                outstanding=pen.ledger.outstanding,
                waiting=len(pen.line),
                granted=pen.granted,
                throttled=pen.throttled,
                lost=pen.lost,
                waited=pen.waited,
                apart=pen.apart is not None,
                contested=pen.contested,
            )
            for name, pen in self._pens.items()
        ]

    async def close(self) -> None:
        """Write down what was reported last, if that can be done soon, and stop."""
        for pen in self._pens.values():
            pen.closing()
        if self._writing:
            await asyncio.wait(self._writing, timeout=CLOSING)
        for task in self._writing:
            task.cancel()


@asynccontextmanager
async def open_ledgers(
    shelf: Shelf,
    *,
    clock: Clock,
    policy: LedgerPolicy | None = None,
    parts: Callable[[], int] = lambda: 1,
    most_waiting: int = 10_000,
) -> AsyncIterator[SharedLedgers]:
    """Open the ledgers, and close them; their pens live in between."""
    async with alongside() as tasks:
        ledgers = SharedLedgers(
            shelf,
            clock=clock,
            tasks=tasks,
            policy=policy,
            parts=parts,
            most_waiting=most_waiting,
        )
        try:
            yield ledgers
        finally:
            await ledgers.close()
