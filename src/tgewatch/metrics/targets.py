"""What is good enough, and whether it was reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tgewatch.settings import TargetSettings


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on one measure."""

    measure: str
    """Key of the measure it judges."""
    title: str
    limit: float
    unit: str
    at_least: bool = False
    """The measure must reach the limit; otherwise it must stay under it."""

    @property
    def bound(self) -> str:
        """The limit as a person reads it: `<60s`, `≥30%`."""
        return f"{'≥' if self.at_least else '<'}{self.limit:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Check:
    """A target held against a measure."""

    target: Target
    measured: float | None
    """None when nothing was measured yet; that is neither passed nor failed."""

    @property
    def passed(self) -> bool | None:
        if self.measured is None:
            return None
        if self.target.at_least:
            return self.measured >= self.target.limit
        return self.measured < self.target.limit

    def line(self) -> str:
        """Return `Cycle Time: 45.23s (target: <60s) - ✓ PASS`."""
        name, unit = self.target.title, self.target.unit
        if self.measured is None:
            return f"{name}: not measured (target: {self.target.bound})"
        word = "✓ PASS" if self.passed else "✗ FAIL"
        precision = {"s": 2, "": 0}.get(unit, 1)
        return f"{name}: {self.measured:.{precision}f}{unit} (target: {self.target.bound}) - {word}"


SPECIFIED = (
    Target("cycle_seconds", "Cycle Time", 60.0, "s"),
    Target("call_reduction", "API Reduction", 30.0, "%", at_least=True),
    Target("cache_hit_rate", "Cache Hit Rate", 70.0, "%", at_least=True),
    Target("connection_reuse", "Connection Reuse", 80.0, "%", at_least=True),
    Target("rate_limit_violations", "Rate Limit Violations", 1.0, ""),
    Target("cache_megabytes", "Cache Memory", 100.0, "MB"),
)
"""The table "Performance Targets" of the original specification, in its order."""


def targets_of(settings: TargetSettings) -> tuple[Target, ...]:
    """Return the targets of the specification with the limits of the settings."""
    return tuple(replace(one, limit=getattr(settings, one.measure)) for one in SPECIFIED)


def check(measures: Mapping[str, float | None], targets: Sequence[Target]) -> tuple[Check, ...]:
    """Hold `measures` against `targets`, in their order."""
    return tuple(Check(target, measures.get(target.measure)) for target in targets)
