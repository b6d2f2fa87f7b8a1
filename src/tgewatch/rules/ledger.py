"""How many calls of an API's window are left, on the server's word.

The server keeps a fixed window that begins with the first call after the last one ended, and states
limit, calls remaining and end with each answer. The ledger counts what it has lent out besides, and
so never asks for more than there is, whoever else uses the same token. Nothing here waits: values
in, values out. Times are ours, in Unix seconds, unless they say that they are the server's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from tgewatch.errors import RefusedError, TgewatchError, TransientError
from tgewatch.rules.rate_headers import TOO_MANY, Answer, Quota
from tgewatch.rules.server_clock import ServerClock

SAME_WINDOW = 5.0
"""Seconds by which two stated ends of one window may differ."""
LONGEST = 25 * 3600.0
"""Seconds; an end further away is not believed."""


class Urgency(StrEnum):
    """Who goes first when calls are short."""

    HIGH = "high"
    NORMAL = "normal"
    BACKGROUND = "background"
    """Leaves a share to the others and spreads its calls over the window."""

    @property
    def rank(self) -> int:
        """Return its place in a queue, 0 first."""
        return list(Urgency).index(self)


@dataclass(frozen=True, slots=True)
class LedgerPolicy:
    """How careful to be."""

    margin: int = 2
    """Calls that nobody uses, against other users of the token; fewer where the limit is small."""
    held: float = 0.1
    """Share of the limit that background work leaves to the rest."""
    guard: float = 0.25
    """Seconds past the stated end of a window before its successor is tried."""
    window: float = 900.0
    """Seconds to stay away after a 429 that does not say until when."""
    probe: float = 30.0
    """Seconds that the one call into an unknown window may take before another one may try."""
    lease: float = 120.0
    """Seconds after which a call without an answer counts as lost."""
    cap_pause: float = 86_400.0
    """Seconds between two tries once the month's volume is used up."""

    def reserve(self, limit: int, urgency: Urgency) -> int:
        """Return the calls that must be left over."""
        margin = min(self.margin, limit // 25)
        if urgency is Urgency.BACKGROUND:
            return max(margin, math.ceil(limit * self.held))
        return margin


@dataclass(frozen=True, slots=True)
class Window:
    """What the server last said of one family of headers."""

    family: str
    limit: int
    remaining: int
    reset: float
    """Server's time at which it is certainly over: one second past the floored header."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Permission for one call."""

    number: int
    taken: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission for one call to one endpoint. Settle or release it, once."""

    endpoint: str
    lease: Lease


@dataclass(frozen=True, slots=True)
class Wait:
    """How long until a call is allowed, and why not now."""

    seconds: float
    reason: str
    """go, probe, probing, spent, paced, blocked or capped."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A call that the server may or may not have counted."""

    since: float
    answered: bool
    """Some answer came, so it is not still on its way."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The calls of one token to one endpoint."""

    policy: LedgerPolicy = LedgerPolicy()
    clock: ServerClock = field(default_factory=ServerClock)
    windows: tuple[Window, ...] = ()
    leases: Mapping[int, float] = field(default_factory=dict)
    """Number → when it was taken, of calls without an answer so far."""
    doubts: tuple[Doubt, ...] = ()
    probe: int = -1
    """Number of the lease that explores an unknown window."""
    sure: bool = True
    """False after a restart, until an answer came."""
    blocked_until: float = 0.0
    """Server's time."""
    capped_until: float = 0.0
    paced_until: float = 0.0
    number: int = 0

    @property
    def outstanding(self) -> int:
        """Return the calls that may not be in the server's count yet."""
        return len(self.leases) + len(self.doubts)

    def wait(self, now: float, urgency: Urgency = Urgency.NORMAL) -> Wait:
        """Return how long until a call is allowed, known before it is made.

        Others who use the token, or answers still to come, can only change it for the next look.
        """
        server = self.clock.earliest(now)
        if now < self.capped_until:
            return Wait(self.capped_until - now, "capped")
        if server < self.blocked_until:
            return Wait(self.blocked_until - server, "blocked")
        live = self.live(server)
        if spent := [w for w in live if self.left(w, urgency) <= 0]:
            return Wait(max(w.reset for w in spent) + self.policy.guard - server, "spent")
        if not live or len(live) < len(self.windows) or not self.sure:
            return self._exploring(now)
        if urgency is Urgency.BACKGROUND and now < self.paced_until:
            return Wait(self.paced_until - now, "paced")
        return Wait(0.0, "go")

    def _exploring(self, now: float) -> Wait:
        """Let exactly one call into an unknown window."""
        taken = self.leases.get(self.probe)
        if taken is None or now >= taken + self.policy.probe:
            return Wait(0.0, "probe")
        return Wait(taken + self.policy.probe - now, "probing")

    def live(self, server: float) -> tuple[Window, ...]:
        """Return the windows that are not over at that time of the server's."""
        return tuple(w for w in self.windows if server < w.reset + self.policy.guard)

    def left(self, window: Window, urgency: Urgency) -> int:
        """Return the calls that a window has left for that urgency; may be negative."""
        return window.remaining - self.outstanding - self.policy.reserve(window.limit, urgency)

    def lease(self, now: float, urgency: Urgency = Urgency.NORMAL) -> tuple[Self, Lease]:
        """Return the ledger with one more call out, and the permission for it.

        Only when `wait` says that no time has to pass.
        """
        lease = Lease(self.number, now)
        ledger = self._swept(now)
        probing = self.wait(now, urgency).reason == "probe"
        if probing:
            live = self.live(self.clock.earliest(now))
            known = live and len(live) == len(self.windows)
            ledger = replace(
                ledger,
                probe=lease.number,
                windows=live,
                doubts=ledger.doubts if known else (),
            )
        ledger = replace(
            ledger, leases={**ledger.leases, lease.number: now}, number=self.number + 1
        )
        if urgency is Urgency.BACKGROUND and not probing:
            ledger = replace(ledger, paced_until=now + _pace(ledger, now, urgency))
        return ledger, lease

    def _swept(self, now: float) -> Self:
        """Count calls that were never heard of again as lost."""
        lost = {n: at for n, at in self.leases.items() if now - at > self.policy.lease}
        if not lost:
            return self
        return replace(
            self,
            leases={n: at for n, at in self.leases.items() if n not in lost},
            doubts=self.doubts + (Doubt(now, answered=False),) * len(lost),
        )

    def release(self, lease: Lease) -> Self:
        """Return the ledger after a call that was never sent."""
        return replace(self, leases={n: at for n, at in self.leases.items() if n != lease.number})

    def settle(self, lease: Lease, answer: Answer | None, *, now: float) -> "Ledger":
        """Return the ledger after a call, with its answer or None when none came.

        Answers may come in any order. A call without rate headers stays counted until a later
        call's headers must include it (it was answered), or until the window turns (it was not).
        """
        if lease.number not in self.leases:
            return self
        ledger: Ledger = self.release(lease)
        if answer is None:
            return replace(ledger, doubts=(*ledger.doubts, Doubt(now, answered=False)))
        if answer.date is not None:
            ledger = replace(
                ledger, clock=ledger.clock.seen(answer.date, sent=lease.taken, received=now)
            )
        quotas = tuple(q for q in answer.quotas if q.reset < ledger.clock.latest(now) + LONGEST)
        if quotas:
            ledger = _told(ledger, quotas, lease)
        else:
            ledger = replace(ledger, doubts=(*ledger.doubts, Doubt(now, answered=True)))
        if answer.capped:
            return replace(ledger, capped_until=now + self.policy.cap_pause)
        if answer.status == TOO_MANY:
            return _throttled(ledger, answer, quotas, now)
        return ledger

    def resumed(self) -> Self:
        """Return the ledger as another process may go on with it: its first call explores."""
        return replace(
            self,
            leases={},
            doubts=(),
            probe=-1,
            sure=False,
            paced_until=0.0,
            clock=self.clock.doubted(SAME_WINDOW),
        )

    def uncapped(self) -> Self:
        """Return the ledger after somebody has raised or paid the month's volume."""
        return replace(self, capped_until=0.0)

    def described(self, name: str, now: float) -> str:
        """Return one line for a person."""
        server = self.clock.earliest(now)
        live = self.live(server)
        if now < self.capped_until:
            return f"<Ledger {name} usage capped, tried again in {self.capped_until - now:.0f}s>"
        if server < self.blocked_until:
            return f"<Ledger {name} blocked for {self.blocked_until - server:.0f}s>"
        if not live:
            return f"<Ledger {name} window unknown>"
        least = min(live, key=lambda w: w.remaining)
        left = max(0, least.remaining - self.outstanding)
        return f"<Ledger {name} {left}/{least.limit} resets in {least.reset - server:.0f}s>"


def refusal(endpoint: str, wait: Wait, left: float) -> TgewatchError | None:
    """Return why somebody with `left` seconds waits in vain; None while there is hope."""
    if wait.reason == "capped":
        return RefusedError(f"the volume for {endpoint} is used up", cause="usage_capped")
    certain = wait.reason not in {"probing", "in line"}
    if left > 0 and not (certain and wait.seconds > left):
        return None
    return TransientError(
        f"no call to {endpoint} is free for {wait.seconds:.0f}s",
        retry_after=wait.seconds,
        cause="rate_limited",
    )


def _pace(ledger: Ledger, now: float, urgency: Urgency) -> float:
    server = ledger.clock.earliest(now)
    return max(
        (
            (w.reset + ledger.policy.guard - server) / max(1, ledger.left(w, urgency) + 1)
            for w in ledger.live(server)
        ),
        default=0.0,
    )


def _told(ledger: Ledger, quotas: tuple[Quota, ...], lease: Lease) -> Ledger:
    windows = {w.family: w for w in ledger.windows}
    turned = False
    for quota in quotas:
        told = Window(quota.family, quota.limit, quota.remaining, quota.reset + 1)
        known = windows.get(quota.family)
        if known is None or told.reset > known.reset + SAME_WINDOW:
            windows[quota.family] = told
            turned = turned or known is not None
        elif told.reset >= known.reset - SAME_WINDOW:
            windows[quota.family] = replace(
                told,
                remaining=min(known.remaining, told.remaining),
                reset=max(known.reset, told.reset),
            )
    doubts = tuple(d for d in ledger.doubts if d.since > lease.taken or not (d.answered or turned))
    return replace(ledger, windows=tuple(windows.values()), doubts=doubts, sure=True)


def _throttled(ledger: Ledger, answer: Answer, quotas: tuple[Quota, ...], now: float) -> Ledger:
    """Stay away until the stated end of what is used up, or as long as is asked otherwise."""
    ends = [q.reset + 1 for q in quotas if not q.remaining] or [
        min((q.reset + 1 for q in quotas), default=-math.inf)
    ]
    until = max(ends) + ledger.policy.guard
    if answer.retry_after is not None:
        until = max(until, ledger.clock.latest(now) + answer.retry_after)
    if until == -math.inf:
        until = ledger.clock.latest(now) + ledger.policy.window
    return replace(ledger, blocked_until=max(ledger.blocked_until, until))
