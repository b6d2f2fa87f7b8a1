"""A live trial of one polling policy against another, on halves of the sources that swap places."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from tgewatch.errors import MalformedError
from tgewatch.rules.rhythm import DAY
from tgewatch.rules.trial import BUCKETS, Arm, Finding, TrialRules, arm_of, halves, interval, judge

NOTE = "polling_trial"
"""Name under which a trial is kept in the store."""
SWAP = DAY
"""Seconds until the halves change places."""


class _Saved(msgspec.Struct):
    started: float
    policies: tuple[str, str]
    sides: dict[str, int]
    arms: tuple[Arm, Arm]
    at: float
    decided: tuple[str, str] | None = None
    """Decision and reason, once it is over."""


class Trial:
    """Assigns policies to sources and counts what follows. One owner, one thread."""

    def __init__(self, saved: _Saved, *, rules: TrialRules | None = None) -> None:
        self._saved = saved
        self._rules = rules or TrialRules()
        self.changed = False
        """Whether there is something to store."""

    def __repr__(self) -> str:
        old, new = self._saved.policies
        return f"<Trial of {new} against {old} on {len(self._saved.sides)} sources>"

    @classmethod
    def begin(
        cls,
        rates: Mapping[str, float],
        *,
        now: float,
        chance: Callable[[], float],
        policies: tuple[str, str] = ("fixed", "index"),
        rules: TrialRules | None = None,
    ) -> "Trial":
        """Start a trial of the second policy against the first.

        `rates` are the learned items per second of the sources that take part.
        """
        sides = halves(rates, chance=chance)
        trial = cls(_Saved(now, policies, sides, (Arm(), Arm()), now), rules=rules)
        trial.changed = True
        return trial

    @classmethod
    def load(cls, note: bytes, *, rules: TrialRules | None = None) -> "Trial":
        """Go on with a trial that `dump` wrote. Raises MalformedError."""
        try:
            saved = msgspec.json.decode(note, type=_Saved)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise MalformedError(f"the stored trial cannot be read: {error}") from error
        if any(len(arm.histogram) != BUCKETS for arm in saved.arms):
            raise MalformedError("the stored trial was written by another version")
        return cls(saved, rules=rules)

    def dump(self) -> bytes:
        """Return what `load` reads."""
        return msgspec.json.encode(self._saved)

    @property
    def started(self) -> float:
        return self._saved.started

    @property
    def policies(self) -> tuple[str, str]:
        """The old and the new one."""
        return self._saved.policies

    @property
    def arms(self) -> tuple[Arm, Arm]:
        """What the old and the new policy have brought."""
        return self._saved.arms

    def epoch(self, now: float) -> int:
        """Return how often the halves have changed places."""
        return int(max(0.0, now - self._saved.started) // SWAP)

    def policy(self, url: str, now: float) -> str | None:
        """Return the policy of a source; None when it takes no part, or the trial is over."""
        arm = self._arm(url, now)
        return None if arm is None or self._saved.decided else self._saved.policies[arm]

    def _arm(self, url: str, now: float) -> int | None:
        side = self._saved.sides.get(url)
        if side is None:
            return None
        return arm_of(side, max(0.0, now - self._saved.started), SWAP)

    def record(
        self,
        url: str,
        *,
        at: float,
        delays: Sequence[float],
        failed: bool = False,
        overrun: bool = False,
    ) -> None:
        """Count a poll. Ignores sources that take no part, and everything once it is over."""
        arm = self._arm(url, at)
        if arm is None or self._saved.decided:
            return
        self._pass(at)
        arms = list(self._saved.arms)
        arms[arm] = arms[arm].polled(delays, failed=failed, overrun=overrun)
        self._saved.arms = (arms[0], arms[1])
        self.changed = True

    def _pass(self, now: float) -> None:
        """Count the time that sources have spent in each arm."""
        passed = now - self._saved.at
        if passed <= 0:
            return
        self._saved.at = now
        ones = sum(self._saved.sides.values())
        # Time across a swap is counted as if all of it came after: minutes among days.
        swapped = self.epoch(now) & 1
        counts = [len(self._saved.sides) - ones, ones]
        if swapped:
            counts.reverse()
        old, new = self._saved.arms
        self._saved.arms = (
            replace(old, source_seconds=old.source_seconds + passed * counts[0]),
            replace(new, source_seconds=new.source_seconds + passed * counts[1]),
        )

    def finding(self, now: float) -> Finding:
        """Say where it stands. A decision, once made, stands: later looks return it again."""
        old, new = self._saved.arms
        if self._saved.decided is not None:
            return Finding(*self._saved.decided, *interval(old, new, self._rules))
        found = judge(old, new, elapsed=now - self._saved.started, rules=self._rules)
        if found.over:
            self._saved.decided = found.decision, found.reason
            self.changed = True
        return found
