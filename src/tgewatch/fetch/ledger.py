"""The ledgers of one process: who may call an API now, and who waits for how long."""

import asyncio
import heapq
import itertools
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.fetch.blob import Blob, FileBlob
from tgewatch.fetch.ledger_state import dump, load
from tgewatch.rules.ledger import Ledger, LedgerPolicy, Ticket, Urgency, Wait, refusal
from tgewatch.rules.rate_headers import TOO_MANY, read_answer
from tgewatch.settings.limiting import LimitSettings

DEADLINE = 1_800.0
"""Seconds that anybody waits in line."""
_SAVE_EVERY = 1.0
_NEARLY_SPENT = 0.05


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint stands, for pages and metrics."""

    endpoint: str
    line: str
    """`<Ledger search 448/450 resets in 312s>`."""
    wait: Wait
    """For a call of normal urgency, now."""
    outstanding: int
    waiting: int
    granted: int
    throttled: int
    """429s; nobody should ever see one."""
    lost: int
    """Calls without an answer."""
    waited: float
    """Seconds, all callers together."""


class _Waiter:
    """Somebody in line."""

    __slots__ = ("bell", "gone", "loop", "rank", "urgency")

    def __init__(self, urgency: Urgency, number: int) -> None:
        self.urgency = urgency
        self.rank = (urgency.rank, number)
        self.loop = asyncio.get_running_loop()
        self.bell = asyncio.Event()
        self.gone = False

    def __lt__(self, other: "_Waiter") -> bool:
        return self.rank < other.rank

    def ring(self) -> None:
        """Wake it, from any thread."""
        with suppress(RuntimeError):  # its loop has been closed
            self.loop.call_soon_threadsafe(self.bell.set)


class _Account:
    """One endpoint's ledger and the line in front of it. Used under the owner's lock only."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.line: list[_Waiter] = []
        self.granted = 0
        self.throttled = 0
        self.lost = 0
        self.waited = 0.0

    def head(self) -> _Waiter | None:
        while self.line and (self.line[0].gone or self.line[0].loop.is_closed()):
            heapq.heappop(self.line)
        return self.line[0] if self.line else None


class Ledgers:
    """Hands out permission for calls, per endpoint, on the server's word.

    Callers wait in line, more urgent ones first, in any task of any loop on any thread. A name
    stands for one token and one endpoint together: what the server counts together.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        policy: LedgerPolicy | None = None,
        blob: Blob | None = None,
        most_waiting: int = 10_000,
    ) -> None:
        self._clock = clock
        self._shift = clock.now() - clock.monotonic()
        self._policy = policy or LedgerPolicy()
        self._blob = blob
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._saved_at = -_SAVE_EVERY
        kept = load(blob.read(), policy=self._policy) if blob is not None else {}
        self._accounts = {name: _Account(ledger) for name, ledger in kept.items()}

    def __repr__(self) -> str:
        return " ".join(each.line for each in self.standings()) or "<Ledgers none>"

    def _now(self) -> float:
        """Return Unix time that no setting of the machine's clock moves under us."""
        return self._shift + self._clock.monotonic()

    def _account(self, endpoint: str) -> _Account:
        account = self._accounts.get(endpoint)
        if account is None:
            account = self._accounts[endpoint] = _Account(Ledger(policy=self._policy))
        return account

    def wait(self, endpoint: str, *, urgency: Urgency = Urgency.NORMAL) -> Wait:
        """Return how long a call would have to wait now, and why; those in line not counted."""
        with self._lock:
            return self._account(endpoint).ledger.wait(self._now(), urgency)

    def standings(self) -> list[Standing]:
        """Return how each endpoint stands."""
        with self._lock:
            now = self._now()
            return [
                Standing(
                    endpoint=name,
                    line=account.ledger.described(name, now),
                    wait=account.ledger.wait(now),
                    outstanding=account.ledger.outstanding,
                    waiting=sum(not waiter.gone for waiter in account.line),
                    granted=account.granted,
                    throttled=account.throttled,
                    lost=account.lost,
                    waited=account.waited,
                )
                for name, account in self._accounts.items()
            ]

    def try_acquire(self, endpoint: str, *, urgency: Urgency = Urgency.NORMAL) -> Ticket | Wait:
        """Return a ticket if a call is allowed now and nobody is in line before it, else the wait."""
        with self._lock:
            account = self._account(endpoint)
            head = account.head()
            if head is not None and head.urgency.rank <= urgency.rank:
                wait = account.ledger.wait(self._now(), head.urgency)
                return Wait(wait.seconds, "in line")
            return self._try(endpoint, account, urgency)

    def _try(self, endpoint: str, account: _Account, urgency: Urgency) -> Ticket | Wait:
        now = self._now()
        wait = account.ledger.wait(now, urgency)
        if wait.seconds > 0:
            return wait
        account.ledger, lease = account.ledger.lease(now, urgency)
        account.granted += 1
        return Ticket(endpoint, lease)

    async def acquire(
        self, endpoint: str, *, urgency: Urgency = Urgency.NORMAL, deadline: float = DEADLINE
    ) -> Ticket:
        """Return permission for one call, after waiting for it in line.

        Raises TransientError at once when the wait is known to be longer than `deadline` seconds,
        or when it turns out to be, with the wait as `retry_after`; RefusedError when the month's
        volume is used up.
        """
        got = self.try_acquire(endpoint, urgency=urgency)
        if isinstance(got, Ticket):
            return got
        _refuse(endpoint, got, deadline)
        started = self._clock.monotonic()
        waiter = _Waiter(urgency, next(self._numbers))
        account = self._queue(endpoint, waiter)
        try:
            while True:
                left = deadline - (self._clock.monotonic() - started)
                waiter.bell.clear()
                with self._lock:
                    pause = left
                    if account.head() is waiter:
                        got = self._try(endpoint, account, urgency)
                        if isinstance(got, Ticket):
                            return got
                        _refuse(endpoint, got, left)
                        pause = min(left, got.seconds)
                if left <= 0:
                    _refuse(endpoint, got, left)
                await self._ring_in(waiter, pause)
        finally:
            with self._lock:
                waiter.gone = True
                account.waited += self._clock.monotonic() - started
                self._ring_head(account)

    def _queue(self, endpoint: str, waiter: _Waiter) -> _Account:
        with self._lock:
            account = self._account(endpoint)
            if len(account.line) >= self._most_waiting:
                raise TransientError(f"too many wait for {endpoint}", cause="rate_limited")
            heapq.heappush(account.line, waiter)
            return account

    async def _ring_in(self, waiter: _Waiter, seconds: float) -> None:
        """Return when the bell rings, after `seconds` at the latest."""

        async def alarm() -> None:
            await self._clock.sleep(seconds)
            waiter.bell.set()

        async with asyncio.TaskGroup() as tasks:
            timer = tasks.create_task(alarm())
            await waiter.bell.wait()
            timer.cancel()

    def _ring_head(self, account: _Account) -> None:
        head = account.head()
        if head is not None:
            head.ring()

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
            answer = read_answer(status, headers or {}, now=self._clock.now(), body=body)
        with self._lock:
            account = self._account(ticket.endpoint)
            account.ledger = account.ledger.settle(ticket.lease, answer, now=self._now())
            account.throttled += status == TOO_MANY
            account.lost += status is None
            self._ring_head(account)
            state = self._due_state(account)
        self._save(state)

    def release(self, ticket: Ticket) -> None:
        """Give a ticket back whose call was never sent."""
        with self._lock:
            account = self._account(ticket.endpoint)
            account.ledger = account.ledger.release(ticket.lease)
            self._ring_head(account)

    def uncap(self, endpoint: str) -> None:
        """Try again although the month's volume was used up: somebody has raised it."""
        with self._lock:
            account = self._account(endpoint)
            account.ledger = account.ledger.uncapped()
            self._ring_head(account)

    @asynccontextmanager
    async def call(
        self, endpoint: str, *, urgency: Urgency = Urgency.NORMAL, deadline: float = DEADLINE
    ) -> AsyncIterator[Ticket]:
        """Hold a ticket for the body, which settles it; left unsettled, no answer came."""
        ticket = await self.acquire(endpoint, urgency=urgency, deadline=deadline)
        try:
            yield ticket
        finally:
            with self._lock:
                pending = ticket.lease.number in self._account(endpoint).ledger.leases
            if pending:
                self.settle(ticket)

    def _due_state(self, account: _Account) -> bytes | None:
        """Return what to save, when it is time: once a second, and always near the end of a window."""
        if self._blob is None:
            return None
        now = self._clock.monotonic()
        ledger = account.ledger
        short = any(
            w.remaining - ledger.outstanding <= _NEARLY_SPENT * w.limit for w in ledger.windows
        )
        if not short and now - self._saved_at < _SAVE_EVERY:
            return None
        self._saved_at = now
        return self._state()

    def _state(self) -> bytes:
        return dump({name: account.ledger for name, account in self._accounts.items()})

    def _save(self, state: bytes | None) -> None:
        if state is not None and self._blob is not None:
            self._blob.write(state)

    def close(self) -> None:
        """Save how things stand."""
        with self._lock:
            state = self._state()
        self._save(state)


def ledgers_from(settings: LimitSettings, *, root: Path, clock: Clock) -> Ledgers:
    """Return the ledgers that the settings describe; a relative path starts at `root`."""
    blob = FileBlob(root / settings.path) if settings.path is not None else None
    return Ledgers(clock=clock, policy=policy_from(settings), blob=blob)


def policy_from(settings: LimitSettings) -> LedgerPolicy:
    """Return how careful the settings say to be."""
    return LedgerPolicy(
        margin=settings.margin,
        held=settings.held,
        guard=settings.guard,
        window=settings.window,
    )


def _refuse(endpoint: str, got: Ticket | Wait, left: float) -> None:
    """Raise when waiting is known to be in vain."""
    if isinstance(got, Wait) and (error := refusal(endpoint, got, left)):
        raise error
