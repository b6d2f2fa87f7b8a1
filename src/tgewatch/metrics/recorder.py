"""Counts and timings of a running program, in bounded space, from any thread."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from tgewatch.clock import Clock
from tgewatch.metrics.histogram import Histogram, Timing

HISTORY = 1_000
"""Cycles that are remembered."""
OPERATIONS = 500
"""Different operations that are timed; further ones are counted under `other`."""


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """One finished cycle."""

    number: int
    started: float
    seconds: float
    counts: Mapping[str, int]
    """What was counted while it ran: api_calls, cache_hits, cache_misses, items …"""

    @property
    def hit_rate(self) -> float | None:
        """Cache hits by look-ups, 0 to 1; None without look-ups."""
        return share(self.counts.get("cache_hits", 0), self.counts.get("cache_misses", 0))


@dataclass(frozen=True, slots=True)
class Baseline:
    """What later cycles are compared with."""

    cycles: int
    seconds: float
    """Mean of a cycle."""
    api_calls: float
    """Mean of a cycle."""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that was recorded, at one moment."""

    at: float
    counts: Mapping[str, int]
    operations: Mapping[tuple[str, str], Timing]
    """(component, operation) → timing."""
    errors: Mapping[tuple[str, str], int]
    cycles: tuple[CycleRecord, ...]
    finished: int
    """Cycles since the start, also those no longer remembered."""
    baseline: Baseline | None


@dataclass(slots=True)
class _Open:
    number: int
    started: float
    begun: float
    counts: Counter[str] = field(default_factory=Counter)


class Recorder:
    """Takes in what happens. Judges nothing (see `targets`) and writes nothing (see `export`)."""

    def __init__(self, *, clock: Clock, history: int = HISTORY) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._timings: dict[tuple[str, str], Histogram] = {}
        self._errors: Counter[tuple[str, str]] = Counter()
        self._cycles: deque[CycleRecord] = deque(maxlen=history)
        self._open: _Open | None = None
        self._finished = 0
        self._baseline: Baseline | None = None
        self.enabled = True
        """Whether anything is taken in; can be switched while running."""
        self.on_cycle: list[Callable[[CycleRecord], None]] = []
        """Called with every finished cycle."""

    def __repr__(self) -> str:
        return f"<Recorder {self._finished} cycles, {len(self._timings)} operations>"

    @property
    def history(self) -> int:
        """Cycles that are remembered at most; can be set while running."""
        return self._cycles.maxlen or 0

    @history.setter
    def history(self, amount: int) -> None:
        with self._lock:
            self._cycles = deque(self._cycles, maxlen=max(1, amount))

    @contextmanager
    def timer(self, operation: str, component: str = "program") -> Iterator[None]:
        """Time the body; a body that raises is counted as an error as well."""
        begun = self._clock.monotonic()
        failed = True
        try:
            yield
            failed = False
        finally:
            self.observe(operation, self._clock.monotonic() - begun, component, failed=failed)

    def observe(
        self, operation: str, seconds: float, component: str = "program", *, failed: bool = False
    ) -> None:
        """Take in one duration."""
        if not self.enabled:
            return
        with self._lock:
            name = (component, operation)
            if name not in self._timings and len(self._timings) >= OPERATIONS:
                name = ("other", "other")
            self._timings.setdefault(name, Histogram()).add(seconds)
            if failed:
                self._errors[name] += 1

    def count(self, what: str, amount: int = 1) -> None:
        """Add to a counter, and to the cycle under way."""
        if not self.enabled:
            return
        with self._lock:
            self._counts[what] += amount
            if self._open is not None:
                self._open.counts[what] += amount

    def start_cycle(self) -> int:
        """Begin a cycle and return its number; one that is still open ends here."""
        with self._lock:
            if self._open is not None:
                self.end_cycle()
            number = self._finished + 1
            self._open = _Open(number, self._clock.now(), self._clock.monotonic())
            return number

    def end_cycle(self) -> CycleRecord | None:
        """End the cycle under way and return it; None when there is none."""
        with self._lock:
            ending, self._open = self._open, None
            if ending is None:
                return None
            record = CycleRecord(
                ending.number,
                ending.started,
                self._clock.monotonic() - ending.begun,
                dict(ending.counts),
            )
            self._finished += 1
            self._cycles.append(record)
        for listener in self.on_cycle:
            listener(record)
        return record

    def capture_baseline(self, baseline: Baseline | None = None) -> Baseline | None:
        """Keep `baseline`, or the mean of the remembered cycles, to compare later ones with.

        Nothing but another call replaces it. Returns what is kept.
        """
        with self._lock:
            if baseline is None and self._cycles:
                many = len(self._cycles)
                baseline = Baseline(
                    many,
                    sum(cycle.seconds for cycle in self._cycles) / many,
                    sum(cycle.counts.get("api_calls", 0) for cycle in self._cycles) / many,
                )
            self._baseline = baseline or self._baseline
            return self._baseline

    def record(self) -> Record:
        """Return everything, consistent in itself."""
        with self._lock:
            return Record(
                at=self._clock.now(),
                counts=dict(self._counts),
                operations={name: h.timing() for name, h in self._timings.items()},
                errors=dict(self._errors),
                cycles=tuple(self._cycles),
                finished=self._finished,
                baseline=self._baseline,
            )

    def reset(self) -> None:
        """Forget everything but the baseline."""
        with self._lock:
            self._counts.clear()
            self._timings.clear()
            self._errors.clear()
            self._cycles.clear()
            self._open = None
            self._finished = 0


def share(part: float, rest: float) -> float | None:
    """Return `part` of the sum of both; None when both are zero."""
    return part / (part + rest) if part + rest else None


def measures(record: Record) -> dict[str, float | None]:
    """Return what the specification's targets judge, from the cycles that are remembered.

    Reduction is against the baseline; without one it is not measured.
    """
    cycles, base = record.cycles, record.baseline
    seconds = sum(c.seconds for c in cycles) / len(cycles) if cycles else None
    calls = sum(c.counts.get("api_calls", 0) for c in cycles) / len(cycles) if cycles else None
    reduction = None
    if base is not None and base.api_calls and calls is not None:
        reduction = 100.0 * (1.0 - calls / base.api_calls)
    counts = record.counts
    hits = share(counts.get("cache_hits", 0), counts.get("cache_misses", 0))
    reuse = share(counts.get("connections_reused", 0), counts.get("connections_opened", 0))
    return {
        "cycle_seconds": seconds,
        "call_reduction": reduction,
        "cache_hit_rate": None if hits is None else 100.0 * hits,
        "connection_reuse": None if reuse is None else 100.0 * reuse,
        "rate_limit_violations": float(counts.get("rate_limit_violations", 0)) if cycles else None,
    }


def plain(record: Record) -> dict[str, object]:
    """Return the record as values that JSON has words for."""
    return {
        "at": record.at,
        "counts": dict(record.counts),
        "operations": {
            f"{component}.{operation}": {
                **asdict(timing),
                "errors": record.errors.get((component, operation), 0),
            }
            for (component, operation), timing in record.operations.items()
        },
        "cycles": [{**asdict(cycle), "hit_rate": cycle.hit_rate} for cycle in record.cycles],
        "finished": record.finished,
        "baseline": asdict(record.baseline) if record.baseline else None,
    }
