"""The part of a shared limit that one instance takes while it cannot count with the others."""

from dataclasses import dataclass, replace
from typing import Self

from tgewatch.rules.ledger import SAME_WINDOW, Lease, Ledger, Urgency, Wait
from tgewatch.rules.rate_headers import Answer


@dataclass(frozen=True, slots=True)
class Apart:
    """A ledger of which only one of `parts` equal parts is ours. Decides; does not wait.

    It starts with one call that asks the server how it stands, as others may have called since
    anybody could count. What is left then is divided, after the calls that are still on their way
    and one such first call of each of the others; so all parts together are never more than what is
    left, whoever asks first. Each new window is asked and divided in the same way.
    """

    ledger: Ledger
    parts: int
    others: int = 0
    """Calls of other instances that were on their way when we were last together."""
    left: int | None = None
    """Calls of ours in this window; None until the server has said how it stands."""
    reset: float = 0.0
    """End of the window that was divided, on the server's clock."""

    @classmethod
    def from_shared(cls, ledger: Ledger, *, ours: dict[int, float], parts: int) -> Self:
        """Return the part that begins with what all last knew; `ours` are our calls on their way."""
        resumed = replace(ledger.resumed(), leases=dict(ours))
        return cls(resumed, max(1, parts), others=max(0, ledger.outstanding - len(ours)))

    def wait(self, now: float, urgency: Urgency = Urgency.NORMAL) -> Wait:
        """Return how long until a call of ours is allowed."""
        wait = self.ledger.wait(now, urgency)
        if wait.reason not in {"go", "paced"} or self.left is None:
            return wait
        if self.left - self._held(urgency) > 0:
            return wait
        end = self.reset + self.ledger.policy.guard - self.ledger.clock.earliest(now)
        return Wait(max(end, 0.001), "apart")

    def _held(self, urgency: Urgency) -> int:
        """Return what of our part background work leaves to the rest."""
        live = self.ledger.windows
        least = min((w.limit for w in live), default=0)
        policy = self.ledger.policy
        held = policy.reserve(least, urgency) - policy.reserve(least, Urgency.NORMAL)
        return held // self.parts

    def lease(self, now: float, urgency: Urgency = Urgency.NORMAL) -> tuple[Self, Lease]:
        """Return what is left after one more call, and the permission for it."""
        asking = self.wait(now, urgency).reason == "probe"
        ledger, lease = self.ledger.lease(now, urgency)
        left = self.left if asking or self.left is None else self.left - 1
        return replace(self, ledger=ledger, left=left), lease

    def settle(self, lease: Lease, answer: Answer | None, *, now: float) -> Self:
        """Return how it stands after a call; the first answer of a window divides it."""
        told = replace(self, ledger=self.ledger.settle(lease, answer, now=now))
        windows = told.ledger.live(told.ledger.clock.earliest(now))
        if answer is None or not answer.quotas or not windows or not told.ledger.sure:
            return told
        reset = max(w.reset for w in windows)
        if self.left is not None and abs(reset - self.reset) <= SAME_WINDOW:
            return told
        others = self.others if self.left is None else 0
        policy = told.ledger.policy
        spare = min(w.remaining - policy.reserve(w.limit, Urgency.NORMAL) for w in windows)
        spare -= told.ledger.outstanding + others + self.parts - 1
        return replace(told, left=max(0, spare // self.parts), reset=reset)

    def release(self, lease: Lease) -> Self:
        """Return how it stands after a call that was never sent."""
        known = lease.number in self.ledger.leases and lease.number != self.ledger.probe
        left = self.left + 1 if known and self.left is not None else self.left
        return replace(self, ledger=self.ledger.release(lease), left=left)


def together(shared: Ledger, ours: Ledger) -> Ledger:
    """Return the shared ledger with what we were told by the server meanwhile.

    Its first call asks how it stands, as others may have been apart too.
    """
    windows = {w.family: w for w in shared.windows}
    for told in ours.windows:
        known = windows.get(told.family)
        if known is None or told.reset > known.reset + SAME_WINDOW:
            windows[told.family] = told
        elif told.reset >= known.reset - SAME_WINDOW:
            windows[told.family] = replace(
                known,
                remaining=min(known.remaining, told.remaining),
                reset=max(known.reset, told.reset),
            )
    return replace(
        shared,
        windows=tuple(windows.values()),
        blocked_until=max(shared.blocked_until, ours.blocked_until),
        capped_until=max(shared.capped_until, ours.capped_until),
        sure=False,
    )
